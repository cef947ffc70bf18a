"""From a reference to what a model is shown, whatever the modality: decoded once, hidden or put out of order on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.types import Media

from .cache import cache
from .files import blank, content, file_key, is_blank, is_shuffled, shuffle
from .modality import Modality, modalities, modality
from .renderings import Rendering


def open_media(media: Media) -> Any:
    """The value that models are shown; the cache shares it, so nobody may change it. Raises `MediaError`.

    Whatever else a modality's own functions raise about a file is such an error too: one file costs one sample."""
    own = modality(media.kind)
    if is_blank(media):
        return guarded(own, media, "hidden", own.hidden, media.path)
    key = (media.kind, *file_key(media.path)) if own.digest is None else None
    found = cache.get(key) if key is not None else None
    if found is None:
        found = guarded(own, media, "decode", own.decode, media.path)
        if key is not None:
            cache.put(key, found, int(guarded(own, media, "weigh", own.weigh, found)))
    if not is_shuffled(media):
        return found
    if own.shuffled is None:
        raise MediaError(f"{own.many} cannot be shuffled: the modality {own.name} does not say how")
    stream = np.random.default_rng(int(media.sha256.rpartition(" ")[2][:16], 16))
    return guarded(own, media, "shuffled", own.shuffled, found, stream)


def guarded(own: Modality, media: Media, name: str, work: Callable[..., Any], *given: Any) -> Any:
    """A modality's function about one file. Raises `MediaError` that names the file, the function and what it raised."""
    try:
        return work(*given)
    except (BenchError, MemoryError):
        raise
    except Exception as error:  # of a stranger's function, or of the library that it calls
        said = " ".join(str(error).split())[:200]
        raise MediaError(f"{media.path}: `{name}` of the modality {own.name} raised {type(error).__name__}: {said}") from error


def check(media: Media) -> None:
    """Opens the file once; raises `MediaError` when a run could not use it."""
    open_media(replace(media, sha256=""))


def expect(media: Media, kind: str) -> None:
    if media.kind != kind:
        raise ValueError(f"{media.path} is referred to as {media.kind}, and was opened as {kind}")


def decoder_versions() -> dict[str, str]:
    """What turned files into numbers; part of every manifest."""
    found: dict[str, str] = {}
    for one in modalities().values():
        found |= one.versions()
    return found


def instead(media: Media, taken: frozenset[str]) -> tuple[Media, ...]:
    """The media as a model takes it that takes these modalities: itself, or what it becomes (a video its frames).

    The control goes with it. Raises `MediaError` where nothing that it becomes is taken."""
    if media.kind in taken:
        return (media,)
    own = modality(media.kind)
    for kind, become in own.becomes.items():
        if kind in taken:
            hide = blank if is_blank(media) else shuffle if is_shuffled(media) else None
            return tuple(hide(one) if hide else one for one in guarded(own, media, f"becomes[{kind}]", become, media))
    raise MediaError(f"a model that takes {', '.join(sorted(taken))} cannot be shown {own.many}")


def able(own: Modality, taken: frozenset[str]) -> bool:
    """Whether a model that takes these modalities can be shown this one, as it is or as what it becomes."""
    return own.name in taken or any(kind in taken for kind in own.becomes)


def rendered(media: Media, rendering: Rendering, folder: Path) -> tuple[Media, ...]:
    """The media as pictures, written into `folder` once each, for models that only have eyes. Raises `MediaError`."""
    own = modality(media.kind)
    key = hashlib.sha256(f"{content(media)} {rendering.key(own)}".encode()).hexdigest()[:24]
    found = sorted(folder.glob(f"{key}-*.png"))
    if not found:
        pictures = guarded(own, media, "views", rendering.of, own, media)
        for number, picture in enumerate(pictures):
            picture.save(folder / f"{key}-{number:02d}.png.part", "PNG")
        for number in range(len(pictures)):
            (folder / f"{key}-{number:02d}.png.part").rename(folder / f"{key}-{number:02d}.png")
        found = sorted(folder.glob(f"{key}-*.png"))
    (flat,) = [one.name for one in modalities().values() if one.flat][:1]
    return tuple(Media(flat, str(path)) for path in found)
