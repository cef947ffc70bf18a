"""From texts and images to padded tensors, however a model's processor wants to be asked.

Generation pads on the left, so that all rows go on at the same column; scoring pads on the right, so that positions need no correction in
any kind of model. The tokens are the same. Where a processor pads on the side that it likes itself, its rows are moved."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from .load import Loaded

Inputs = dict[str, Any]
"""Tensors by their names in the model's `forward`; some models want lists of tensors."""
SEEN = re.compile(r"pixel|image|patches")  # in names of what images become
TRAINING = {"labels"}  # what a processor makes for training only


class Refused(Exception):
    """A request that the model or its processor cannot take; the message says why."""


def prepare(loaded: Loaded, texts: Sequence[str], images: Sequence[Sequence[Image.Image]], side: str) -> Inputs:
    """Tensors of a batch: `input_ids` and `attention_mask` of shape [rows, longest], and what the images became.

    All rows must have the same number of images. Raises `Refused`."""
    loaded.tokenizer.padding_side = side
    try:
        made = processed(loaded, texts, images, side) if loaded.vision else tokenized(loaded, texts, side)
    except (torch.OutOfMemoryError, MemoryError, Refused):
        raise
    except Exception as error:  # processors refuse what they do not like in many ways
        what = "this request" if any(images) or not loaded.vision else "a question without an image"
        raise Refused(f"the processor of {loaded.name} refuses {what}: {' '.join(str(error).split())[:300]}") from error
    inputs = aligned(taken(loaded, made), side)
    if loaded.vision and not any(images) and needs_images(loaded):
        raise Refused(f"models of type {loaded.model.config.model_type} answer no question without an image")
    longest = int(inputs["attention_mask"].sum(1).max())
    if loaded.window and longest >= loaded.window:
        raise Refused(f"the prompt has {longest} tokens, and the model's window is {loaded.window}")
    if not longest:
        raise Refused("the prompt has no tokens")
    return {key: fitting(value, loaded) for key, value in inputs.items()}


def tokenized(loaded: Loaded, texts: Sequence[str], side: str) -> Mapping[str, Any]:
    """A batch of texts for a model that sees nothing."""
    return dict(loaded.tokenizer(list(texts), padding=True, padding_side=side, return_tensors="pt", add_special_tokens=False))


def processed(loaded: Loaded, texts: Sequence[str], images: Sequence[Sequence[Image.Image]], side: str) -> Mapping[str, Any]:
    """What the model's processor makes of texts and their images."""
    bos = loaded.tokenizer.bos_token
    words: dict[str, Any] = {"add_special_tokens": False} if bos and texts[0].startswith(bos) else {}
    if takes(loaded.processor, "padding_side"):
        words["padding_side"] = side
    words |= {"padding": True, "return_tensors": "pt"}
    if not any(images):
        if loaded.own.images == "mixed":
            return dict(loaded.processor(text=[[text] for text in texts], **words))
        return dict(loaded.processor(text=list(texts), images=None, **words))
    if loaded.own.images == "mixed":
        rows = [mixed(loaded, text, row) for text, row in zip(texts, images)]
        return dict(loaded.processor(text=rows, **words))
    if loaded.own.images == "flat":
        if any(len(row) != 1 for row in images):
            raise Refused(
                f"models of type {loaded.model.config.model_type} take one image a question, and this one has {len(images[0])}"
            )
        return dict(loaded.processor(text=list(texts), images=[row[0] for row in images], **words))
    return dict(loaded.processor(text=list(texts), images=[list(row) for row in images], **words))


def mixed(loaded: Loaded, text: str, images: Sequence[Image.Image]) -> list[Any]:
    """One list of texts and pictures, each picture in the place of its word."""
    first, *rest = text.split(str(loaded.own.turns["image"]))
    found: list[Any] = [first]
    for picture, behind in zip(images, rest, strict=True):
        found += [picture, behind]
    return [part for part in found if part != ""]


def takes(call: Any, name: str) -> bool:
    """Whether a callable has a parameter of this name, or any."""
    known = inspect.signature(call).parameters
    return name in known or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values())


def taken(loaded: Loaded, made: Mapping[str, Any]) -> Inputs:
    """What the model's `forward` takes of it. One that names nothing of what images became, but takes any word, is given all."""
    known = inspect.signature(loaded.model.forward).parameters
    anything = takes(loaded.model.forward, "input_ids") and "input_ids" not in known
    anything |= loaded.vision and takes(loaded.model.forward, "anything") and not any(SEEN.search(name) for name in known)
    always = {"input_ids", "attention_mask"} if takes(loaded.model.forward, "attention_mask") else set()
    inputs = {key: value for key, value in made.items() if (anything or key in known or key in always) and key not in TRAINING}
    if "attention_mask" not in inputs:
        if "input_ids" not in inputs:
            raise Refused(f"the processor of {loaded.name} gives neither tokens nor a mask, but {', '.join(sorted(made))}")
        ids = inputs["input_ids"]
        inputs["attention_mask"] = torch.ones_like(ids) if len(ids) == 1 else (ids != loaded.tokenizer.pad_token_id).long()
    return inputs


def needs_images(loaded: Loaded) -> bool:
    """Whether the model's `forward` cannot be called without pixels."""
    known = inspect.signature(loaded.model.forward).parameters
    return any(name.startswith("pixel_values") and one.default is inspect.Parameter.empty for name, one in known.items())


def aligned(inputs: Inputs, side: str) -> Inputs:
    """The same rows with their padding on this side, whichever the processor has chosen."""
    mask = inputs["attention_mask"]
    if "input_ids" not in inputs or inputs["input_ids"].shape != mask.shape or bool(mask.all()):
        return inputs
    length = mask.shape[1]
    places = torch.arange(length)
    real = mask.bool().cpu()
    first = torch.where(real, places, length).amin(1)
    last = torch.where(real, places, -1).amax(1)
    shift = first if side == "right" else last + 1 - length  # how many columns each row moves to the left
    if not bool(shift.any()):
        return inputs
    index = (places[None, :] + shift[:, None]) % length
    return {key: moved(value, index.to(value.device)) if rowed(value, mask.shape) else value for key, value in inputs.items()}


def rowed(value: Any, shape: torch.Size) -> bool:
    """Whether a tensor says something of each token of each row."""
    return isinstance(value, Tensor) and value.shape[:2] == shape


def moved(value: Tensor, index: Tensor) -> Tensor:
    """Columns of each row in another order: [rows, columns, ...] by [rows, columns]."""
    return value[torch.arange(len(value), device=value.device)[:, None], index]


def fitting(value: Any, loaded: Loaded) -> Any:
    """On the model's device; pixels in its precision."""
    if isinstance(value, list | tuple):
        return [fitting(one, loaded) for one in value]
    if not isinstance(value, Tensor):
        return value
    value = value.to(loaded.model.device)
    return value.to(loaded.model.dtype) if value.is_floating_point() else value


def adds_images(loaded: Loaded) -> bool:
    """Whether the processor puts a picture into its place by itself: the family is known to, or a trial has more tokens with one."""
    if loaded.own.adds_images:
        return True
    picture = Image.new("RGB", (64, 48), (90, 120, 150))
    try:
        seen, plain = (prepare(loaded, ["What?"], [row], "right")["input_ids"].shape[1] for row in ([picture], []))
    except Refused:
        return False
    return bool(seen > plain)
