"""Samples and their examples as an adapter takes them: what it cannot be shown costs its own sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lamm_bench import media
from lamm_bench.errors import MediaError
from lamm_bench.types import Adapter, Sample

from .shots import Shots


def fitted(samples: Sequence[Sample], adapter: Adapter) -> tuple[list[Sample], dict[str, str]]:
    """The samples with their media as this adapter takes them (a video as its frames), and why some cannot be shown to it."""
    taken, found, unfit = frozenset(adapter.modalities), [], {}
    for sample in samples:
        try:
            if all(one.kind in taken for one in sample.media):
                found.append(sample)
            else:
                shown = tuple(media.seal(new) for one in sample.media for new in media.instead(one, taken))
                found.append(replace(sample, media=shown))
        except MediaError as error:
            unfit[sample.id] = str(error)
    return found, unfit


def exampled(
    samples: Sequence[Sample], choose: Shots | None, adapter: Adapter, unfit: dict[str, str]
) -> tuple[list[Sample], dict[str, list[Sample]]]:
    """The samples that have their examples, and those, with their media as this adapter takes them; why others have none is put into
    `unfit`."""
    if choose is None:
        return list(samples), {}
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        try:
            shown, faults = fitted(choose(sample), adapter)
            if faults:
                raise MediaError(next(iter(faults.values())))
            found[sample.id] = shown
        except MediaError as error:
            unfit[sample.id] = str(error)
    return [sample for sample in samples if sample.id in found], found
