"""Answers spliced onto prompts, and how likely they are.

A decoder reads the answer behind its prompt; of an encoder-decoder the encoder reads the prompt and the decoder the answer."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .load import Loaded
from .prepare import Inputs, Refused, rowed

IGNORE = -100
"""The label of tokens that are not scored; PyTorch's `cross_entropy` leaves it out by default."""


@dataclass(frozen=True)
class Spoken:
    """The tokens of an answer behind a prompt, and which of them are scored."""

    ids: tuple[int, ...]
    start: int = 0
    end: int | None = None  # None: to the last

    @property
    def labels(self) -> list[int]:
        """The tokens that are scored, IGNORE for the others."""
        end = len(self.ids) if self.end is None else self.end
        return [token if self.start <= place < end else IGNORE for place, token in enumerate(self.ids)]

    @property
    def scored(self) -> int:
        return sum(label != IGNORE for label in self.labels)

    def __len__(self) -> int:
        return len(self.ids)


def splice(inputs: Inputs, answers: Sequence[Spoken], loaded: Loaded) -> tuple[Inputs, Tensor]:
    """Right-padded prompts with their answers behind them, and labels [rows, longest] that hold what is scored of the answers only."""
    if loaded.encodes:
        return answered(inputs, answers, loaded)
    pad = loaded.tokenizer.pad_token_id
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    lengths = mask.sum(1).tolist()
    total = max(length + len(answer) for length, answer in zip(lengths, answers))
    if loaded.window and total > loaded.window:
        raise Refused(f"prompt and option have {total} tokens, and the model's window is {loaded.window}")
    labels = ids.new_full((len(ids), total), IGNORE)
    for row, (length, answer) in enumerate(zip(lengths, answers)):
        labels[row, length : length + len(answer)] = torch.tensor(answer.labels)
    out: Inputs = {}
    for key, value in inputs.items():
        if not rowed(value, ids.shape):
            out[key] = value
            continue
        longer = value.new_full((len(ids), total, *value.shape[2:]), pad if key == "input_ids" else 0)
        for row, (length, answer) in enumerate(zip(lengths, answers)):
            longer[row, :length] = value[row, :length]
            # token types and the like go on as at the prompt's end
            added = torch.tensor(answer.ids) if key == "input_ids" else value[row, length - 1]
            longer[row, length : length + len(answer)] = added
        out[key] = longer
    return out, labels


def answered(inputs: Inputs, answers: Sequence[Spoken], loaded: Loaded) -> tuple[Inputs, Tensor]:
    """The same of an encoder-decoder: the prompts as they are, and labels for the decoder."""
    total = max(map(len, answers))
    device = inputs["attention_mask"].device
    labels = torch.full((len(answers), total), IGNORE, device=device)
    spoken = torch.full_like(labels, loaded.tokenizer.pad_token_id)
    for row, answer in enumerate(answers):
        labels[row, : len(answer)] = torch.tensor(answer.labels)
        spoken[row, : len(answer)] = torch.tensor(answer.ids)
    first = torch.full((len(answers), 1), int(loaded.starts or 0), device=device)
    return {**inputs, "decoder_input_ids": torch.cat([first, spoken[:, :-1]], dim=1)}, labels


@torch.inference_mode()
def likelihoods(loaded: Loaded, inputs: dict[str, Any], labels: Tensor) -> list[float]:
    """Natural log-likelihood of each row's labels, summed over its tokens. Logits are made only where a label is near."""
    if loaded.encodes:
        logits, targets = loaded.model(**inputs, use_cache=False).logits, labels
    else:
        columns = (labels[:, 1:] != IGNORE).any(0).nonzero().flatten()
        behind = columns - labels.shape[1]  # counted from the end, since some models put the image before the text by themselves
        if "logits_to_keep" in inspect.signature(loaded.model.forward).parameters:
            logits = loaded.model(**inputs, logits_to_keep=behind, use_cache=False).logits
        else:
            logits = loaded.model(**inputs, use_cache=False).logits[:, behind]
        targets = labels[:, 1:][:, columns]
    each = torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1), targets.to(logits.device).flatten(), ignore_index=IGNORE, reduction="none"
    )
    return (-each.view(len(labels), -1).double().sum(1)).tolist()
