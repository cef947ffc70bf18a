"""Whether requests of unequal length can be asked together without moving each other's answers.

A row that is padded must count its positions from its own beginning; most models of transformers do, some (GIT, Kosmos-2) do not. So the
first batch with padding in it is tried beside its most padded row alone. Where the two differ, each request is asked alone from then on, and
a note says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig

from .load import Loaded
from .prepare import Refused

STEPS = 3  # tokens of an answer that are compared: the first ones are where prompt and answer meet
CLOSE = {True: 2e-4, False: 5e-2}  # how far two ways may be apart, in shares of the greatest value: float32, half precision
PARTED = {
    "answers": "each request is answered alone: in a batch with longer ones it was answered otherwise",
    "options": "each option is weighed alone: in a batch with longer ones it was weighed otherwise",
}


def near(one: Tensor, other: Tensor, exact: bool) -> bool:
    """Whether two ways to the same values differ by rounding only."""
    limit = CLOSE[exact] * max(1.0, float(one.abs().max()))
    return one.shape == other.shape and bool(float((one - other).abs().max()) <= limit)


@dataclass
class Company:
    """What trials said of one model."""

    loaded: Loaded
    parted: set[str] = field(default_factory=set, init=False)  # of PARTED
    _tried: set[str] = field(default_factory=set, init=False, repr=False)

    @property
    def notes(self) -> list[str]:
        return [PARTED[kind] for kind in sorted(self.parted)]

    def answers(self, inputs: dict[str, Any], alone: Callable[[int], dict[str, Any]]) -> bool:
        """Whether this batch can be answered as one; `alone` prepares one of its rows by itself."""
        row = self.to_try("answers", inputs)
        if row is not None:
            together, single = begins(self.loaded, inputs, row), begins(self.loaded, alone(row), 0)
            shared = next((n for n, (a, b) in enumerate(zip(together, single)) if a.argmax() != b.argmax()), STEPS) + 1
            if not all(near(a, b, self.loaded.exact) for a, b in zip(together[:shared], single)):
                self.parted.add("answers")
        return "answers" not in self.parted

    def options(self, inputs: dict[str, Any], values: Sequence[float], alone: Callable[[int], float]) -> bool:
        """Whether these likelihoods of a batch's rows hold; `alone` computes one of them by itself."""
        row = self.to_try("options", inputs)
        if row is not None and not near(torch.tensor(alone(row)), torch.tensor(values[row]), self.loaded.exact):
            self.parted.add("options")
        return "options" not in self.parted

    def to_try(self, kind: str, inputs: dict[str, Any]) -> int | None:
        """The most padded row of a batch, once; None when there is nothing to try."""
        lengths = inputs["attention_mask"].sum(1)
        if kind in self._tried or "input_ids" not in inputs or bool(inputs["attention_mask"].all()):
            return None
        self._tried.add(kind)
        return int(lengths.argmin())


@torch.inference_mode()
def begins(loaded: Loaded, inputs: dict[str, Any], row: int) -> list[Tensor]:
    """What one row of a batch says next, and next, and next: logits of the vocabulary."""
    config = GenerationConfig(
        max_new_tokens=STEPS,
        min_new_tokens=STEPS,
        do_sample=False,
        eos_token_id=list(loaded.ends),
        pad_token_id=loaded.tokenizer.pad_token_id,
        decoder_start_token_id=loaded.starts,
        return_dict_in_generate=True,
        output_logits=True,
    )
    said = loaded.model.generate(**inputs, generation_config=config)
    if not getattr(said, "logits", None):
        raise Refused("the model's own `generate` tells no logits")
    return [one[row].float() for one in said.logits]
