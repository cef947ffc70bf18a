"""Sample -> Sample: what is changed before a question is asked. The controls live here.

To add a control, write a function and name it in CONTROLS; the name becomes part of the run's identity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lamm_bench.media import blank, shuffle
from lamm_bench.types import Sample


def blind(sample: Sample) -> Sample:
    """The same question with all media replaced by blanks of the same shape."""
    return replace(sample, media=tuple(blank(media) for media in sample.media))


def shuffled(sample: Sample) -> Sample:
    """The same question with the content of all media out of order: an image's tiles, a cloud's coordinates."""
    return replace(sample, media=tuple(shuffle(media) for media in sample.media))


CONTROLS: dict[str, Callable[[Sample], Sample]] = {"blind": blind, "shuffled": shuffled}
