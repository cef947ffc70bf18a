"""Changes of the input that leave every answer as it is: each encoder knows its own (`change`), and one without is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from lamm_bench.training.config.preset import Augment


def change(encoder: Any, inputs: Tensor, mirror: Sequence[bool], how: Augment, stream: np.random.Generator) -> Tensor:
    """A batch of an encoder's inputs, changed at random from a stream of its own."""
    own = getattr(encoder, "change", None)
    return inputs if own is None else own(inputs, mirror, how, stream)
