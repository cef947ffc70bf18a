"""Files of media: what tells one from another, and references whose content is hidden or out of order.

Nothing here decodes anything."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BufferedReader
from typing import TypeAlias

from lamm_bench.errors import MediaError
from lamm_bench.types import Media

from . import zipped
from .modality import modalities

BLANK = "blank"  # stands in `Media.sha256` for media whose content is hidden
SHUFFLED = "shuffled "  # stands before the hash in `Media.sha256` of media whose content is out of order
CORRUPTED = "corrupted "  # stands in `Media.sha256` before version, what is done (`fog:3,jpeg:1`), seed and hash
VERSION = 1  # of the corruptions: raise it when a pixel or point of any changes, so that no cache holds an older one

FileKey: TypeAlias = tuple[str, int, int, int]  # path, bytes, nanoseconds of the last change, and of that of anything about it
AT_ONCE = 8  # files that are hashed side by side
FEW = 64  # files for which no thread is worth it

_hashes: dict[FileKey, str] = {}
_trusted: dict[str, tuple[str, int]] = {}  # path -> hash and bytes, of files that we have written ourselves


def sha256(path: str | os.PathLike[str]) -> str:
    """Hexadecimal SHA-256 of the file's bytes, computed again only when its size or a time of change differs."""
    key = file_key(path)
    if key not in _hashes and _trusted.get(key[0], ("", -1))[1] == key[1]:
        _hashes[key] = _trusted[key[0]][0]
    if key not in _hashes:
        digest = hashlib.sha256()
        with open_file(path) as file:
            try:
                while block := file.read(1 << 20):
                    digest.update(block)
            except OSError as error:
                raise MediaError(f"{os.fspath(path)} cannot be read: {error.strerror or error}") from None
        _hashes[key] = digest.hexdigest()
    return _hashes[key]


def trust(path: str, sha: str, size: int) -> None:
    """Takes the hash of a file's bytes as known that was computed when they were written, as long as the file has that size."""
    _trusted[path] = (sha, size)


def known() -> Mapping[FileKey, str]:
    """Every hash that was computed or made known here."""
    return _hashes


def know(hashes: Mapping[FileKey, str]) -> None:
    """Hashes that somebody has kept. A file that is another by its key is hashed all the same."""
    _hashes.update(hashes)


def hash_ahead(many: Iterable[Media], enough: Callable[[], bool] = lambda: False) -> None:
    """Hashes the files of many media side by side, in their order, so that `seal` finds them; what cannot be read is told there.

    It ends soon when `enough` says so."""
    whole = {name for name, one in modalities().items() if one.digest is None}
    met = {key[0] for key in list(_hashes)}  # should one of them have changed since, `seal` hashes it
    new = [path for path in dict.fromkeys(one.path for one in many if one.kind in whole) if path not in met]
    if len(new) <= FEW:
        return

    def hashed(paths: Sequence[str]) -> None:
        for path in paths:
            if enough():
                return
            with contextlib.suppress(MediaError):
                sha256(path)

    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        list(pool.map(hashed, [new[start : start + FEW] for start in range(0, len(new), FEW)]))


def digest(media: Media) -> str:
    """SHA-256 of what the reference leads to: of the file's bytes, or as the modality says (of a folder of frames, say)."""
    own = modalities()[media.kind].digest if media.kind in modalities() else None
    if own is None:
        return sha256(media.path)
    try:
        return own(media.path)
    except MediaError:
        raise
    except Exception as error:  # of a stranger's function
        raise MediaError(f"{media.path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def seal(media: Media) -> Media:
    """The same reference with the hash of its content; one that is hidden, out of order or corrupted stays so."""
    return media if is_changed(media) else replace(media, sha256=digest(media))


def is_blank(media: Media) -> bool:
    return media.sha256 == BLANK


def is_shuffled(media: Media) -> bool:
    return media.sha256.startswith(SHUFFLED)


def is_corrupted(media: Media) -> bool:
    return media.sha256.startswith(CORRUPTED)


def is_changed(media: Media) -> bool:
    """Whether something else is shown than what the file holds."""
    return is_blank(media) or is_shuffled(media) or is_corrupted(media)


def corrupt(media: Media, steps: Sequence[tuple[str, int]], seed: int) -> Media:
    """The same reference with its content made worse, by these corruptions (name, severity) one after another.

    What is drawn depends on the content, the seed, and each corruption's name and place: on no order, and not on the severity."""
    if is_changed(media) or not steps:
        return media
    chain = ",".join(f"{name}:{severity}" for name, severity in steps)
    return replace(media, sha256=f"{CORRUPTED}{VERSION} {chain} {seed} {media.sha256 or digest(media)}")


@dataclass(frozen=True)
class Corrupted:
    """What a corrupted reference says."""

    clean: Media
    steps: tuple[tuple[str, int], ...]
    seed: int

    @property
    def told(self) -> str:
        return ", ".join(f"{name}:{severity}" for name, severity in self.steps)


def corruption_of(media: Media) -> Corrupted:
    """The parts of a corrupted reference."""
    _, _, chain, seed, content = media.sha256.split(" ")
    steps = (one.rpartition(":") for one in chain.split(","))
    return Corrupted(replace(media, sha256=content), tuple((name, int(severity)) for name, _, severity in steps), int(seed))


def blank(media: Media) -> Media:
    """The same reference with its content hidden (control `blind`): same size or shape, nothing to see."""
    return replace(media, sha256=BLANK)


def shuffle(media: Media) -> Media:
    """The same reference with its content out of order (control `shuffled`), in a way that the content itself decides."""
    return media if is_blank(media) or is_shuffled(media) else replace(media, sha256=f"{SHUFFLED}{media.sha256 or digest(media)}")


def origin(media: Media) -> str:
    """The hash of the file that a reference is made of, whatever is shown of it; empty where it says none.

    >>> [origin(Media("image", "a.png", said)) for said in ("", "blank", "ab", "shuffled ab", "shuffled corrupted 1 fog:1,jpeg:2 0 ab")]
    ['', '', 'ab', 'ab', 'ab']
    """
    return "" if is_blank(media) else media.sha256.rpartition(" ")[2]


def content(media: Media) -> str:
    """What the media shows, as a key: the hash of its content; a blank one shows only the size or shape that it hides."""
    if is_blank(media):
        return f"{BLANK} {digest(media)}"
    return media.sha256 or digest(media)


def file_stat(path: str | os.PathLike[str]) -> os.stat_result:
    name = os.fspath(path)
    try:
        found = os.stat(name)
    except (FileNotFoundError, NotADirectoryError):
        packed = zipped.stat_of(name)
        if packed is None:
            raise MediaError(f"{name} is missing") from None
        found = packed
    except (OSError, ValueError) as error:
        raise MediaError(f"{name!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for ever
        raise MediaError(f"{name} is not a file")
    return found


def is_there(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file, unpacked or in an archive that stands for its folder."""
    try:
        file_stat(path)
    except MediaError:
        return False
    return True


def file_key(path: str | os.PathLike[str]) -> FileKey:
    found = file_stat(path)
    return os.fspath(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns


def open_file(path: str | os.PathLike[str]) -> BufferedReader:
    if file_stat(path).st_size == 0:
        raise MediaError(f"{os.fspath(path)} is empty (0 bytes)")
    try:
        return open(path, "rb")
    except FileNotFoundError:
        packed = zipped.read(os.fspath(path))
        if packed is None:
            raise MediaError(f"{os.fspath(path)} is missing") from None
        return packed
    except OSError as error:
        raise MediaError(f"{os.fspath(path)} cannot be opened: {error.strerror or error}") from None
