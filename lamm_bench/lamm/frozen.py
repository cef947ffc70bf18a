"""What the encoders from elsewhere have in common: pictures in, frozen weights, evaluation mode for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from lamm_bench.errors import BenchError

M = TypeVar("M", bound=nn.Module)


def freeze(module: nn.Module) -> None:
    """No gradients, evaluation mode."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    module.eval()


class Frozen(nn.Module):
    """A module that no trainer can put into training mode: dropout stays off and batch statistics do not drift."""

    def train(self: M, mode: bool = True) -> M:
        """Stays in evaluation mode."""
        return nn.Module.train(self, False)


def normalised(batch: Tensor, mean: Sequence[float], std: Sequence[float], dtype: torch.dtype) -> Tensor:
    """Pixels of 0 to 255 with each channel's mean and deviation, which are given for 0 to 1."""
    shape = (1, 3, 1, 1)
    middle, spread = (255 * torch.tensor(values, device=batch.device).view(shape) for values in (mean, std))
    return ((batch.float() - middle) / spread).to(dtype)


def unset(weights: str) -> AbstractContextManager[Any]:
    """Where weights will be read, transformers builds modules without drawing others first (seconds for a ViT-L)."""
    return undrawn() if weights else nullcontext()


def undrawn() -> AbstractContextManager[Any]:
    """Modules that are built inside draw no random weights, of PyTorch's own layers neither: whoever builds them fills them."""
    try:
        from transformers.initialization import no_init_weights
    except ImportError:  # an older or newer transformers: the same result, more slowly
        return nullcontext()
    return no_init_weights()


@contextmanager
def without_reports() -> Iterator[None]:
    """transformers without its progress bars and lists of keys, which are accounted for here."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def built(make: Callable[[], M], weights: str) -> M:
    """The same for modules that are not transformers'. Every tensor of them must be in their state, which is then filled."""
    if not weights:
        return make()
    with torch.device("meta"):
        module = make()
    return module.to_empty(device="cpu")


def import_open_clip() -> object:
    """The package open_clip, or one sentence about how to get it."""
    try:
        import open_clip
    except ImportError as error:
        raise BenchError(
            f"library: open_clip needs the extra `clip` (pip install -c constraints.txt 'lamm-bench[clip]'): {error}"
        ) from None
    except RuntimeError as error:
        raise BenchError(f"open_clip cannot be imported; does its torchvision fit the installed torch? {error}") from None
    return open_clip
