"""Upstream's `.pth` of EPCL -> our tensors, every key accounted for.

The names are those of the code that upstream grew from: VoteNet's and 3DETR's set abstraction (`pre_encoder.mlp_module.
layer0.conv.weight`), OpenAI's transformer (`...resblocks.0.ln_1.weight`), numbered layers of the position network
(`pos_embed.0.weight`). What stands before these endings does not matter; where a file is different, the config's `rename`
says what to read instead. A detector's other parts are known and dropped; any other key is an error that names it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lamm_bench.errors import BenchError

from . import weights
from .clip_keys import openai_layout
from .encoder_configs import Epcl

SHARED = re.compile(r"(?P<where>.*?)\.?mlp_module\.layer(?P<layer>\d+)\.(conv|bn\.bn)\.(?P<what>\w+)")
BLOCK = re.compile(r"(?P<where>.*?)resblocks\.(?P<rest>\d+\..*)")
PLACE = re.compile(r"(?:.*\.)?\w*pos\w*\.(?P<layer>[02])\.(?P<what>weight|bias)")
NORM = re.compile(r"(?:.*\.)?ln_pre\.(?P<what>weight|bias)")
TASK = re.compile(r"(?:.*\.)?\w*(te|task|prompt)\w*(\.embedding)?(\.weight)?")
NETWORK = re.compile(r"(?:.*\.)?\w*(te|task|prompt)\w*\.trans\.(?P<layer>[02])\.(?P<what>weight|bias)")
DROPPED = re.compile(
    r"(decoder|mlp_heads|query_projection|pos_embedding|encoder_to_decoder_projection)\..*"  # 3DETR's other parts
    r"|(.*\.)?(ln_post|ln_final|token_embedding)\..*|(.*\.)?visual\.conv1\..*"  # the rest of a whole CLIP
    r"|(.*\.)?(visual\.)?(class_embedding|positional_embedding|proj|text_projection|logit_scale)|(.*\.)?conv1\.weight"
)


def read_epcl(config: Epcl, own: Mapping[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """The name of the file, and its tensors under our names; CLIP's blocks from `config.clip` where the file has none."""
    path = weights.locate(config.weights, config.revision)
    file = weights.weight_files(path)[0]
    if file.suffix == ".safetensors":
        found = weights.tensors(path)
    else:
        held = weights.from_torch(file)
        check_arguments(held, config, file)
        found = dict(weights.state_of(held, file))
    out = dict(found) if set(found) <= set(own) else mapped(renamed(found, config.rename), config, file)
    if not any(name.startswith("blocks.") for name in out) and config.layers:
        out.update(clip_blocks(config, file))
    return str(file), out


def renamed(found: Mapping[str, Tensor], rename: Mapping[str, str]) -> dict[str, Tensor]:
    """The longest beginning that is listed is replaced."""
    out: dict[str, Tensor] = {}
    for name, tensor in found.items():
        begin = max((begin for begin in rename if name.startswith(begin)), key=len, default="")
        out[rename.get(begin, "") + name[len(begin) :] if begin else name] = tensor
    return out


def mapped(found: Mapping[str, Tensor], config: Epcl, file: Path) -> dict[str, Tensor]:
    """Our names for upstream's tensors."""
    levels = levels_of(found, config)
    whole = any("visual." in name and BLOCK.fullmatch(name) for name in found)
    out: dict[str, Tensor] = {}
    source: dict[str, str] = {}
    for name, tensor in found.items():
        place = our_name(name, tensor, levels, whole, config)
        if place == "":
            continue
        if place is None:
            raise BenchError(
                f"{file} holds the tensor '{name}', which is no part of EPCL that we know; see `rename` of the config"
            )
        if place in out:
            raise BenchError(f"{file}: the tensors '{source[place]}' and '{name}' both look like EPCL's {place}")
        source[place] = name
        if place.startswith("levels.") and tensor.ndim > 2:
            tensor = tensor.flatten(1)  # a convolution over one point is a linear layer
        out[place] = tensor.reshape(tensor.shape[-2:]) if place == "task.embedding" else tensor
    return out


def our_name(name: str, tensor: Tensor, levels: Mapping[str, int], whole: bool, config: Epcl) -> str | None:
    """Empty for a known tensor that is dropped, None for an unknown one."""
    if match := SHARED.fullmatch(name):
        part = "linear" if match[3] == "conv" else "norm"
        return f"levels.{levels[match['where']]}.layers.{match['layer']}.{part}.{match['what']}"
    if match := BLOCK.fullmatch(name):
        return "" if whole and "visual." not in match["where"] else f"blocks.{match['rest']}"
    if match := NORM.fullmatch(name):
        return f"ln_pre.{match['what']}"
    if match := PLACE.fullmatch(name):
        return f"place.{match['layer']}.{match['what']}"
    if match := NETWORK.fullmatch(name):
        return f"task.network.{match['layer']}.{match['what']}"
    if TASK.fullmatch(name) and tuple(tensor.squeeze().shape) == (config.task_tokens, config.width):
        return "task.embedding"
    return "" if DROPPED.fullmatch(name) else None


def levels_of(found: Mapping[str, Tensor], config: Epcl) -> dict[str, int]:
    """Which module is which level of set abstraction: the first takes points, a later one what the one before gives."""
    inputs = {
        match["where"]: tensor.shape[1]
        for name, tensor in found.items()
        if (match := SHARED.fullmatch(name)) and match["layer"] == "0" and match[3] == "conv"
    }
    order = sorted(inputs, key=lambda where: (inputs[where] != 3 + config.channels, where))
    return {where: level for level, where in enumerate(order)} | {
        match["where"]: len(order) for name in found if (match := SHARED.fullmatch(name)) and match["where"] not in inputs
    }


def clip_blocks(config: Epcl, file: Path) -> dict[str, Tensor]:
    """`ln_pre` and the transformer of a CLIP image tower, under our names."""
    if not config.clip:
        raise BenchError(f"{file} holds no transformer blocks of CLIP; `clip` of the config must say where those are")
    path = weights.locate(config.clip)
    tower = openai_layout(weights.tensors(path), path)
    begin = "transformer.resblocks."
    blocks = {f"blocks.{name[len(begin) :]}": tensor for name, tensor in tower.items() if name.startswith(begin)}
    return blocks | {name: tensor for name, tensor in tower.items() if name.startswith("ln_pre.")}


def check_arguments(held: Any, config: Epcl, file: Path) -> None:
    """The options that the encoder was trained with, which the file keeps, must be the config's."""
    held = held.get("args") if isinstance(held, Mapping) else None
    kept = vars(held) if isinstance(held, argparse.Namespace) else held if isinstance(held, Mapping) else {}
    ours = {
        "use_color": ("color", config.color),
        "use_height": ("height", config.height),
        "enc_dim": ("the last of widths", config.width),
        "preenc_npoints": ("the last of centres", config.centres[-1]),
    }
    for name, (key, value) in ours.items():
        if name in kept and kept[name] != value:
            raise BenchError(f"{file} was trained with {name}={kept[name]}, and the config says {key} {value}")
