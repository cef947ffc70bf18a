"""Sample -> Sample: what is changed before a question is asked. The controls live here.

To add a control, write a function and name it in CONTROLS; the name becomes part of the run's identity. One that needs the other samples
that are asked stands in BETWEEN too, with what it does to all of them; in CONTROLS then stands what it does to an example in context."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from lamm_bench.measure.stats import seed_of
from lamm_bench.media import blank, shuffle
from lamm_bench.types import Sample


def blind(sample: Sample) -> Sample:
    """The same question with all media replaced by blanks of the same shape."""
    return replace(sample, media=tuple(blank(media) for media in sample.media))


def shuffled(sample: Sample) -> Sample:
    """The same question with the content of all media out of order: an image's tiles, a cloud's coordinates."""
    return replace(sample, media=tuple(shuffle(media) for media in sample.media))


def as_it_is(sample: Sample) -> Sample:
    return sample


def swapped(samples: Sequence[Sample], seed: int, unusable: Collection[str] = ()) -> list[Sample]:
    """Each question about the media of another image or room that is asked about, the same ones for all questions about one.

    Images stand in a circle whose order the seed and their names decide, and each gets those of the next that has media of the same kinds,
    so that every one is shown as often as there are questions about the one before it. Those that no other can stand in for keep none."""
    shown: dict[tuple[str, ...], dict[str, Sample]] = {}
    for sample in samples:
        if sample.id not in unusable:
            shown.setdefault(kinds_of(sample), {}).setdefault(sample.group, sample)
    following: dict[tuple[tuple[str, ...], str], Sample] = {}
    for kinds, groups in shown.items():
        circle = sorted(groups, key=lambda group: (seed_of(str(seed), name_of(group)), group))
        for place, group in enumerate(circle):
            following[kinds, group] = groups[circle[(place + 1) % len(circle)]]
    found = []
    for sample in samples:
        other = following.get((kinds_of(sample), sample.group))
        if other is None or other.group == sample.group:
            found.append(sample if sample.id in unusable else blind(sample))
        else:
            found.append(replace(sample, media=other.media))
    return found


def kinds_of(sample: Sample) -> tuple[str, ...]:
    return tuple(media.kind for media in sample.media)


def name_of(group: str) -> str:
    """An image's or room's name, wherever the data lie."""
    return group.replace("\\", "/").rsplit("/", 1)[-1]


CONTROLS: Mapping[str, Callable[[Sample], Sample]] = {"blind": blind, "shuffled": shuffled, "swapped": as_it_is}
BETWEEN: Mapping[str, Callable[[Sequence[Sample], int, Collection[str]], list[Sample]]] = {"swapped": swapped}
