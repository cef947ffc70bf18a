"""Chat models of transformers small enough for a test: random weights, tokenizers and processors made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

END = "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLM = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
    "bos_token_id": None,
    "eos_token_id": None,
}


def bytes_tokenizer(special: Sequence[str] = (), template: str | None = None) -> PreTrainedTokenizerFast:
    """One token a byte, so that every text in the world has tokens, and the special tokens."""
    letters = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    inner = Tokenizer(models.BPE(vocab=letters, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=END, pad_token="<pad>", additional_special_tokens=["<|im_start|>", *special]
    )
    tokenizer.chat_template = template
    return tokenizer


def seeded(make: Any, config: Any, scale: float = 0.25) -> Any:
    """A model with random weights that are large enough to make its answers differ."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make(config)
        for parameter in model.parameters():
            parameter.data.normal_(std=scale if parameter.ndim > 1 else 0.1)
            if parameter.ndim == 1:
                parameter.data += 0.5
    return model.eval()


def tiny_text(folder: Path, template: str | None = TEMPLATE, special: Sequence[str] = (), **changes: Any) -> Path:
    """A Llama that reads bytes."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = bytes_tokenizer(special, template)
    seeded(LlamaForCausalLM, LlamaConfig(vocab_size=len(tokenizer), **{**LLM, **changes})).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_llava(folder: Path, template: str | None = TEMPLATE) -> Path:
    """LLaVA: CLIP with 4 patches of 14 pixels, a projection, a Llama."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokenizer = bytes_tokenizer(["<image>"])
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=LlamaConfig(vocab_size=len(tokenizer), **LLM),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=4,
    )
    seeded(LlavaForConditionalGeneration, config).save_pretrained(folder)
    image = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    LlavaProcessor(
        image,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template and template.replace("IMAGE", "<image>"),
    ).save_pretrained(folder)
    return folder


def tiny_qwen2_vl(folder: Path) -> Path:
    """Qwen2-VL: patches in the picture's own size, rotary positions in three dimensions."""
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer = bytes_tokenizer(["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    number = tokenizer.convert_tokens_to_ids
    config = Qwen2VLConfig(
        text_config={
            **LLM,
            "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        },
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "patch_size": 4, "mlp_ratio": 2},
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )
    seeded(Qwen2VLForConditionalGeneration, config).save_pretrained(folder)
    # without torchvision the class cannot be built with its video processor
    parts = classmethod(lambda _: ["image_processor", "tokenizer"])
    made = type("Qwen2VLProcessor", (Qwen2VLProcessor,), {"get_attributes": parts})
    image = Qwen2VLImageProcessorPil(patch_size=4, merge_size=2, min_pixels=64, max_pixels=64 * 12)
    template = TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    made(image, tokenizer, None, chat_template=template).save_pretrained(folder)
    return folder


def tiny_idefics(folder: Path) -> Path:
    """Idefics3, of which SmolVLM is a sibling: pictures cut into tiles, connector with pixel shuffle."""
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3Processor,
        Idefics3VisionConfig,
        LlamaConfig,
    )
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    rows = [f"<row_{r}_col_{c}>" for r in range(1, 5) for c in range(1, 5)]
    special = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *rows]
    tokenizer = bytes_tokenizer(special)
    vision = Idefics3VisionConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=16, patch_size=4
    )
    config = Idefics3Config(
        vision_config=vision,
        text_config=LlamaConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **LLM),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
    )
    seeded(Idefics3ForConditionalGeneration, config).save_pretrained(folder)
    image = Idefics3ImageProcessorPil(size={"longest_edge": 32}, max_image_size={"longest_edge": 16})
    Idefics3Processor(image, tokenizer, image_seq_len=4, chat_template=TEMPLATE.replace("IMAGE", "<image>")).save_pretrained(
        folder
    )
    return folder


TINY = {"llava": tiny_llava, "qwen2-vl": tiny_qwen2_vl, "idefics3": tiny_idefics, "text": tiny_text}
