"""The two spellings of a CLIP image tower's tensors: OpenAI's and open_clip's, and transformers'.

One layout is worked with in between: OpenAI's, without its leading `visual.`. It differs from transformers' in names, in one
joint matrix for query, key and value, and in the global projection, which is transposed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from lamm_bench.errors import BenchError

SPELLINGS = (  # OpenAI's, transformers'; `pre_layrnorm` is spelt so there
    ("conv1.weight", "embeddings.patch_embedding.weight"),
    ("class_embedding", "embeddings.class_embedding"),
    ("positional_embedding", "embeddings.position_embedding.weight"),
    ("ln_pre.", "pre_layrnorm."),
    ("ln_post.", "post_layernorm."),
    ("transformer.resblocks.", "encoder.layers."),
)
INSIDE = ((".ln_1.", ".layer_norm1."), (".ln_2.", ".layer_norm2."), (".mlp.c_fc.", ".mlp.fc1."), (".mlp.c_proj.", ".mlp.fc2."),
          (".attn.out_proj.", ".self_attn.out_proj."))  # fmt: skip
OTHERS = re.compile(
    r"(text|text_model|text_projection|transformer|token_embedding|ln_final)\b.*|logit_scale|logit_bias|positional_embedding"
    r"|attn_mask|input_resolution|context_length|vocab_size|(.*\.)?position_ids"
)  # a whole CLIP's text tower and scalars: known, and of no use to the image tower


def is_image_tower(name: str) -> bool:
    """Whether a tensor of a whole CLIP, in either spelling, belongs to its image tower.

    >>> [is_image_tower(name) for name in ("visual.conv1.weight", "vision_model.encoder.x", "transformer.resblocks.0.x")]
    [True, True, False]
    """
    return name.startswith(("visual.", "vision_model.", "visual_projection.")) and not name.endswith("position_ids")


def openai_layout(found: Mapping[str, Tensor], where: Path) -> dict[str, Tensor]:
    """The image tower of a CLIP in either spelling, whole or alone, under OpenAI's names."""
    if any(is_image_tower(name) for name in found):
        for name in found:
            if not is_image_tower(name) and not OTHERS.fullmatch(name):
                raise BenchError(f"{where} holds the tensor '{name}' that no CLIP has")
        found = {name: tensor for name, tensor in found.items() if is_image_tower(name)}
    plain = {name.removeprefix("visual.").removeprefix("vision_model."): tensor for name, tensor in found.items()}
    if "conv1.weight" in plain:
        return plain
    if "embeddings.patch_embedding.weight" in plain:
        return joined({openai_name(name): tensor for name, tensor in plain.items() if not name.endswith("position_ids")}, where)
    raise BenchError(f"{where} holds no CLIP image tower: neither OpenAI's names (visual.conv1.weight) nor transformers'")


def openai_name(name: str) -> str:
    """OpenAI's name of a tensor that transformers names so."""
    for theirs, ours in ((hf, openai) for openai, hf in SPELLINGS):
        if name.startswith(theirs):
            name = ours + name[len(theirs) :]
            break
    for openai, hf in INSIDE:
        name = name.replace(hf, openai)
    return name


def transformers_name(name: str) -> str:
    """transformers' name of a tensor that OpenAI names so."""
    for openai, hf in SPELLINGS:
        if name.startswith(openai):
            name = hf + name[len(openai) :]
            break
    for openai, hf in INSIDE:
        name = name.replace(openai, hf)
    return name


def joined(tensors: dict[str, Tensor], where: Path) -> dict[str, Tensor]:
    """Query, key and value of each block in one; the projection turned."""
    out = {name: tensor for name, tensor in tensors.items() if ".self_attn." not in name}
    if "visual_projection.weight" in out:
        out["proj"] = out.pop("visual_projection.weight").T
    for name in tensors:
        if not (match := re.fullmatch(r"(.*)\.self_attn\.([qkv])_proj\.(weight|bias)", name)):
            continue
        parts = [f"{match[1]}.self_attn.{part}_proj.{match[3]}" for part in "qkv"]
        missing = [part for part in parts if part not in tensors]
        if missing:
            raise BenchError(f"{where} lacks the tensor '{transformers_name(missing[0])}'")
        out[f"{match[1]}.attn.in_proj_{match[3]}"] = torch.cat([tensors[part] for part in parts])
    return out


def transformers_layout(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From OpenAI's names to transformers', without a leading `vision_model.`."""
    out: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name == "proj":
            out["visual_projection.weight"] = tensor.T
        elif match := re.fullmatch(r"(.*)\.attn\.in_proj_(weight|bias)", name):
            for part, piece in zip("qkv", tensor.chunk(3)):
                out[f"{transformers_name(match[1] + '.')}self_attn.{part}_proj.{match[2]}"] = piece
        else:
            out[transformers_name(name)] = tensor
    return out
