"""From texts and images to padded tensors, and answers spliced onto prompts.

Generation pads on the left, so that all rows go on at the same column; scoring pads on the right, so that positions need no
correction in any kind of model. The tokens are the same."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from .load import Loaded

IGNORE = -100
"""The label of tokens that are not scored; PyTorch's `cross_entropy` leaves it out by default."""

Inputs = dict[str, Tensor]


class Refused(Exception):
    """A request that the model's processor cannot take; the message says why."""


def prepare(loaded: Loaded, texts: Sequence[str], images: Sequence[Sequence[Image.Image]], side: str) -> Inputs:
    """Tensors of a batch: `input_ids` and `attention_mask` of shape [rows, longest], and what the images became.

    All rows must have the same number of images. Raises `Refused`."""
    tokenizer = loaded.tokenizer
    tokenizer.padding_side = side
    try:
        if loaded.processor is None:
            made = tokenizer(list(texts), padding=True, return_tensors="pt", add_special_tokens=False)
        else:
            bos = tokenizer.bos_token
            words = {"add_special_tokens": False} if bos and texts[0].startswith(bos) else {}
            pictures = [list(row) for row in images] if any(images) else None
            made = loaded.processor(text=list(texts), images=pictures, padding=True, return_tensors="pt", **words)
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # processors refuse what they do not like in many ways
        raise Refused(f"the processor of {loaded.name} refuses this request: {' '.join(str(error).split())[:300]}") from error
    taken = inspect.signature(loaded.model.forward).parameters
    inputs = {key: value for key, value in made.items() if key in taken or "input_ids" not in taken}
    longest = int(inputs["attention_mask"].sum(1).max())
    if loaded.window and longest >= loaded.window:
        raise Refused(f"the prompt has {longest} tokens, and the model's window is {loaded.window}")
    if not longest:
        raise Refused("the prompt has no tokens")
    return {key: fitting(value, loaded) for key, value in inputs.items()}


def fitting(value: Tensor, loaded: Loaded) -> Tensor:
    """On the model's device; pixels in its precision."""
    value = value.to(loaded.model.device)
    return value.to(loaded.model.dtype) if value.is_floating_point() else value


def splice(inputs: Inputs, answers: Sequence[Sequence[int]], loaded: Loaded) -> tuple[Inputs, Tensor]:
    """Right-padded prompts with their answers behind them, and labels [rows, longest] that hold the answers only."""
    pad = loaded.tokenizer.pad_token_id
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    lengths = mask.sum(1).tolist()
    total = max(length + len(answer) for length, answer in zip(lengths, answers))
    if loaded.window and total > loaded.window:
        raise Refused(f"prompt and option have {total} tokens, and the model's window is {loaded.window}")
    labels = ids.new_full((len(ids), total), IGNORE)
    for row, (length, answer) in enumerate(zip(lengths, answers)):
        labels[row, length : length + len(answer)] = torch.tensor(answer)
    out: Inputs = {}
    for key, value in inputs.items():
        if value.shape[:2] != ids.shape:
            out[key] = value
            continue
        longer = value.new_full((len(ids), total, *value.shape[2:]), pad if key == "input_ids" else 0)
        for row, (length, answer) in enumerate(zip(lengths, answers)):
            longer[row, :length] = value[row, :length]
            # token types and the like go on as at the prompt's end
            added = labels[row, length : length + len(answer)] if key == "input_ids" else value[row, length - 1]
            longer[row, length : length + len(answer)] = added
        out[key] = longer
    return out, labels


@torch.inference_mode()
def likelihoods(loaded: Loaded, inputs: dict[str, Any], labels: Tensor) -> list[float]:
    """Natural log-likelihood of each row's labels, summed over its tokens. Logits are made only where a label is near."""
    columns = (labels[:, 1:] != IGNORE).any(0).nonzero().flatten()
    if "logits_to_keep" in inspect.signature(loaded.model.forward).parameters:
        logits = loaded.model(**inputs, logits_to_keep=columns, use_cache=False).logits
    else:
        logits = loaded.model(**inputs, use_cache=False).logits[:, columns]
    targets = labels[:, 1:][:, columns]
    each = torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1), targets.to(logits.device).flatten(), ignore_index=IGNORE, reduction="none"
    )
    return (-each.view(len(labels), -1).double().sum(1)).tolist()
