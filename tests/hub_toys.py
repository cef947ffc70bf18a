"""Causal language models of several architectures, small and random, as folders of transformers; and a LAMM around one."""

from __future__ import annotations

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


def toy_hub_checkpoint(folder: Path, llm: Path, lora: Lora | None = Lora(r=4, alpha=4), seed: int = 0, **changes: Any) -> Path:
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
