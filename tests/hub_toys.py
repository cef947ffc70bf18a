"""Causal language models of several architectures, small and random, as folders of transformers; and a LAMM around one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lamm_bench.lamm import checkpoint
from lamm_bench.lamm.config import HubLlm, LammConfig, Lora
from lamm_bench.lamm.llm import measured
from lamm_bench.lamm.model import Lamm

from .toys import CONFIG, TEXTS

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
LORA = Lora(r=4, alpha=4)
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


def toy_tokenizer(folder: Path, template: str | None = TEMPLATE, bos: bool = True) -> int:
    """A byte-level BPE tokenizer with special tokens and a chat template; gives its length."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    core.train_from_iterator(
        TEXTS * 3,
        trainers.BpeTrainer(
            vocab_size=300, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        ),
    )
    names = {"eos_token": "</s>", "pad_token": "<pad>", **({"bos_token": "<s>"} if bos else {})}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, **names)
    if template:
        tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def toy_llm(folder: Path, kind: str = "llama", template: str | None = TEMPLATE, seed: int = 0, **settings: Any) -> Path:
    """A model folder as transformers writes it, with random weights of some size."""
    from transformers import AutoConfig, AutoModelForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = toy_tokenizer(folder, template, bos=settings.pop("bos", True))
    config = AutoConfig.for_model(
        kind, vocab_size=vocabulary, bos_token_id=1, eos_token_id=2, pad_token_id=0, **{**SMALL, **settings}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.data.normal_(std=0.2)
    model.generation_config.eos_token_id = [2, 3]
    model.save_pretrained(folder)
    return folder


def toy_hub_checkpoint(folder: Path, llm: Path, lora: Lora | None = LORA, seed: int = 0, **changes: Any) -> Path:
    """A checkpoint of the toy encoders around a language model that lies elsewhere; every trained tensor random."""
    config = replace(CONFIG, llm=measured(HubLlm(str(llm))), lora=lora, **changes)
    model = random_lamm(config, seed)
    checkpoint.save(model, config, None, folder, torch.float32)
    return folder


def random_lamm(config: LammConfig, seed: int) -> Lamm:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Lamm(config)
        if config.lora is not None:
            model.add_lora(config.lora)
        for name, parameter in model.named_parameters():
            if "lora_" in name or not name.startswith("llama_model."):
                parameter.data.normal_(std=0.3)
    return model


def upstream_tensors(llm: Path, width: int, seed: int = 0, rank: int = 32) -> dict[str, torch.Tensor]:
    """What upstream's `pytorch_model.pt` holds for a LLaMA: its key names word by word (reference 3.8), random numbers."""
    config = json.loads((llm / "config.json").read_text())
    hidden, heads, pairs = config["hidden_size"], config["num_attention_heads"], config["num_key_value_heads"]
    narrow = hidden * pairs // heads
    outputs = {"q_proj": hidden, "k_proj": narrow, "v_proj": narrow, "o_proj": hidden}
    stream = torch.Generator().manual_seed(seed)
    out: dict[str, torch.Tensor] = {}

    def put(name: str, *shape: int) -> None:
        out[name] = (torch.randn(shape, generator=stream) * 0.1).half()

    for layer in range(config["num_hidden_layers"]):
        for target, wide in outputs.items():
            prefix = f"llama_model.base_model.model.model.layers.{layer}.self_attn.{target}"
            put(f"{prefix}.lora_A.default.weight", rank, hidden)
            put(f"{prefix}.lora_B.default.weight", wide, rank)
    put("llama_proj.weight", hidden, width)
    put("llama_proj.bias", hidden)
    return out


def toy_gguf(llm: Path, file: Path) -> Path:
    """The same toy LLaMA as a GGUF file in float32, under llama.cpp's names and its order of the rotary halves."""
    import gguf
    import numpy as np
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(llm)
    config = model.config
    core = json.loads((llm / "tokenizer.json").read_text())["model"]
    tokens = sorted(core["vocab"], key=core["vocab"].get)
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<") and len(token) > 2 else 1 for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in core["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    whole = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    inner = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    turned = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        array, own = tensor.float().numpy(), name.removesuffix(".weight")
        if own not in whole:
            layer, rest = own.removeprefix("model.layers.").split(".", 1)
            own = f"blk.{layer}.{inner[rest]}"
            heads = turned.get(inner[rest])
            if heads:
                array = array.reshape(heads, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(f"{whole.get(own, own)}.weight", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
