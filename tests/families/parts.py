"""From a row of data to a checkpoint: random weights in the files that a real repository of the family has.

To add a family, put a `Family` into one of the lists beside this file. In its `config`, `"@<image>"` stands for the number of a token and
`"#"` for how many tokens there are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import ImageFont
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedTokenizerFast

END = "<|im_end|>"
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """One architecture as its checkpoints are laid out."""

    name: str
    config: Mapping[str, Any]  # of config.json, `model_type` first
    processor: str  # its class
    pictures: Mapping[str, Any]  # preprocessor_config.json
    tokens: tuple[str, ...] = ()  # special tokens
    named: Mapping[str, str] = field(default_factory=dict)  # attributes of the tokenizer that hold some of them
    image: str | None = None  # what the chat template writes for a picture; without it the checkpoint has no template
    template: str = CHAT
    told: Mapping[str, Any] = field(default_factory=dict)  # processor_config.json
    video: Mapping[str, Any] = field(default_factory=dict)  # video_preprocessor_config.json
    bos: bool = False  # whether the tokenizer begins each text with <s>
    extra: str = ""  # of lamm-bench, which brings what its processor needs
    needs_image: bool = False  # whether it answers no question without one
    words: tuple[str, ...] = ()  # plain words that are one token; with an underscore each text begins with one
    font: bool = False  # whether its processor writes with one
    seed: int = 0  # of the weights: one whose answers are not all empty
    scale: float = 0.25  # of the weights: large enough to make answers differ, and small enough to let seeds do so
    causal: bool = False  # whether transformers lists it as a causal language model only


def tokenizer_of(family: Family) -> PreTrainedTokenizerFast:
    """One token a byte, so that every text in the world has tokens, and the special tokens."""
    letters = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = []
    for word in family.words:
        (spelled, _), *_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(word)
        for end in range(1, len(spelled)):
            if (pair := (spelled[:end], spelled[end])) not in merges:
                merges.append(pair)
                letters.setdefault(spelled[: end + 1], len(letters))
    inner = Tokenizer(models.BPE(vocab=letters, merges=merges))
    if "\u2581" in family.words:
        inner.normalizer = normalizers.Prepend("\u2581")
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not family.words)
    inner.decoder = decoders.ByteLevel()
    words: dict[str, Any] = {"eos_token": END, "pad_token": "<pad>", "unk_token": "<unk>"}
    if family.bos:
        words["bos_token"] = "<s>"
    special = [token for token in ("<|im_start|>", *family.tokens) if token not in family.named.values()]
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        extra_special_tokens=dict(family.named),
        model_max_length=2048,
        **words,
    )
    made.add_tokens([AddedToken(token, special=True, normalized=False) for token in special], special_tokens=True)
    if family.bos:
        made.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", made.bos_token_id)]
        )
    return made


def resolved(value: Any, tokenizer: PreTrainedTokenizerFast) -> Any:
    """The same data with numbers of tokens in place of their names."""
    if isinstance(value, str) and value == "#":
        return len(tokenizer)
    if isinstance(value, str) and value.startswith("@"):
        return tokenizer.convert_tokens_to_ids(value[1:])
    if isinstance(value, Mapping):
        return {key: resolved(one, tokenizer) for key, one in value.items()}
    return [resolved(one, tokenizer) for one in value] if isinstance(value, list) else value


def shaken(model: Any, scale: float) -> Any:
    """The model with random weights."""
    for parameter in model.parameters():
        parameter.data.normal_(std=scale if parameter.ndim > 1 else 0.1)
        if parameter.ndim == 1:
            parameter.data += 0.5
    return model.eval()


def build(family: Family, folder: Path) -> Path:
    """Writes the checkpoint."""
    tokenizer = tokenizer_of(family)
    config = resolved(family.config, tokenizer)
    with torch.random.fork_rng():
        torch.manual_seed(family.seed)
        make = AutoModelForCausalLM if family.causal else AutoModelForImageTextToText
        model = shaken(make.from_config(AutoConfig.for_model(**config)), family.scale)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write(folder / "tokenizer_config.json", {**read(folder / "tokenizer_config.json"), "processor_class": family.processor})
    write(folder / "preprocessor_config.json", {"processor_class": family.processor, **family.pictures})
    if family.told:
        write(folder / "processor_config.json", {"processor_class": family.processor, **resolved(family.told, tokenizer)})
    if family.video:
        write(folder / "video_preprocessor_config.json", {"processor_class": family.processor, **family.video})
    if family.font:
        (folder / "Arial.TTF").write_bytes(ImageFont.load_default(10).font_bytes)
    if family.image is not None:
        (folder / "chat_template.jinja").write_text(family.template.replace("IMAGE", family.image), encoding="utf-8")
    return folder


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def write(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")


# small pieces that many families are made of

SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
LLM = {
    **SIZES,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "vocab_size": "#",
    "tie_word_embeddings": False,
    "bos_token_id": None,
    "eos_token_id": "@<|im_end|>",
    "pad_token_id": "@<pad>",
}
LLAMA = {"model_type": "llama", **LLM, "head_dim": 8}
QWEN2 = {"model_type": "qwen2", **LLM}
MISTRAL = {"model_type": "mistral", **LLM, "head_dim": 8, "sliding_window": None}
COHERE2 = {
    "model_type": "cohere2",
    **LLM,
    "head_dim": 8,
    "sliding_window": 16,
    "layer_types": ["sliding_attention", "full_attention"],
}
EYES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
CLIP = {"model_type": "clip_vision_model", **EYES, "projection_dim": 32}
SIGLIP = {"model_type": "siglip_vision_model", **EYES, "vision_use_head": False}
SQUARE = {"height": 28, "width": 28}
ROPE = {"rope_type": "default", "rope_theta": 10000.0}
