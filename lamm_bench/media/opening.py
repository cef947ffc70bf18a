"""From a reference to what a model is shown, whatever the modality: decoded once, hidden, put out of order or corrupted on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.types import Media

from .cache import CacheKey, cache
from .files import (
    SHUFFLED,
    Corrupted,
    blank,
    content,
    corrupt,
    corruption_of,
    file_key,
    is_blank,
    is_corrupted,
    is_shuffled,
    shuffle,
)
from .modality import Modality, modalities, modality
from .renderings import Rendering


def open_media(media: Media) -> Any:
    """The value that models are shown; the cache shares it, so nobody may change it. Raises `MediaError`.

    Whatever else a modality's own functions raise about a file is such an error too: one file costs one sample."""
    own = modality(media.kind)
    if is_blank(media):
        return guarded(own, media, "hidden", own.hidden, media.path)
    if is_shuffled(media):
        return mixed(own, media)
    if is_corrupted(media):
        return corrupted(own, media)
    key = (media.kind, *file_key(media.path)) if own.digest is None else None
    return kept(own, media, key, lambda: guarded(own, media, "decode", own.decode, media.path))


def kept(own: Modality, media: Media, key: CacheKey | None, make: Callable[[], Any]) -> Any:
    """The value from the cache, or made now and put there; without a key it is made each time."""
    found = cache.get(key) if key is not None else None
    if found is None:
        found = make()
        if key is not None:
            cache.put(key, found, int(guarded(own, media, "weigh", own.weigh, found)))
    return found


def mixed(own: Modality, media: Media) -> Any:
    """The content out of order."""
    found = open_media(replace(media, sha256=media.sha256.removeprefix(SHUFFLED)))
    if own.shuffled is None:
        raise MediaError(f"{own.many} cannot be shuffled: the modality {own.name} does not say how")
    stream = np.random.default_rng(int(media.sha256.rpartition(" ")[2][:16], 16))
    return guarded(own, media, "shuffled", own.shuffled, found, stream)


def corrupted(own: Modality, media: Media) -> Any:
    """The content made worse, step by step; of media that hold others, those are."""
    said = corruption_of(media)
    if own.parted is not None and not own.corruptions:
        return guarded(own, media, "parted", own.parted, open_media(said.clean), lambda part: corrupt_part(part, said))

    def make() -> Any:
        found = open_media(said.clean)
        for place, (name, severity) in enumerate(said.steps):
            one = own.corruptions.get(name)
            if one is None:
                raise MediaError(
                    f"{media.path}: {own.many} cannot be corrupted by {name}: the modality {own.name} does not know it"
                )
            seed = hashlib.sha256(f"{said.seed}/{place}/{name}/{said.clean.sha256}".encode()).digest()
            stream = np.random.default_rng(int.from_bytes(seed[:16], "big"))
            found = guarded(own, media, f"corruptions[{name}]", one.change, found, severity, stream)
        return found

    path, size, changed, touched = file_key(media.path) if own.digest is None else ("", 0, 0, 0)
    return kept(own, media, (media.kind, f"{path} {media.sha256}", size, changed, touched) if path else None, make)


def corrupt_part(part: Media, said: Corrupted) -> Media:
    """A medium that belongs to a corrupted one: worse in the same way, by what its own kind knows."""
    known = modality(part.kind).corruptions
    return corrupt(part, [step for step in said.steps if step[0] in known], said.seed)


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

    Control and corruption go with it. Raises `MediaError` where nothing that it becomes is taken."""
    if media.kind in taken:
        return (media,)
    own = modality(media.kind)
    for kind, become in own.becomes.items():
        if kind in taken:
            made = guarded(own, media, f"becomes[{kind}]", become, media)
            return tuple(changed_as(media, one) for one in made)
    raise MediaError(f"a model that takes {', '.join(sorted(taken))} cannot be shown {own.many}")


def changed_as(media: Media, part: Media) -> Media:
    """What a medium became, hidden, out of order or corrupted as that was."""
    if is_blank(media):
        return blank(part)
    if is_corrupted(replace(media, sha256=media.sha256.removeprefix(SHUFFLED))):
        part = corrupt_part(part, corruption_of(replace(media, sha256=media.sha256.removeprefix(SHUFFLED))))
    return shuffle(part) if is_shuffled(media) else part


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
