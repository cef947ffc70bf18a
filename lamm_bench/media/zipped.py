"""Media that lie in an archive and were never unpacked: `svt_images/a.jpg` is looked for in `svt_images.zip` where the folder is not there.

Upstream publishes its media so. A member is read whole, in memory, and only where nothing about it is odd: no path that leaves the
archive, no link, no encryption, no two of one name, no bomb."""

from __future__ import annotations

import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile
from pathlib import PurePath

from lamm_bench.errors import MediaError

ENDING = ".zip"
RATIO = 200  # unpacked bytes of one packed byte; pictures and clouds have hardly more than one
FREE = 1 << 28  # unpacked bytes that are not asked for their ratio
OPEN = 32  # archives that are held open


class Archive:
    """An opened archive by the names of its files."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.opened = zipfile.ZipFile(path)
            members = [one for one in self.opened.infolist() if not one.is_dir()]
        except Exception as error:  # `zipfile` meets damage with a dozen kinds
            raise MediaError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
        self.files: dict[str, zipfile.ZipInfo] = {}
        self.twice: set[str] = set()
        for one in members:
            if one.filename in self.files:
                self.twice.add(one.filename)
            self.files[one.filename] = one
        self.top = top_of(self.files, PurePath(path).stem)

    def member(self, inner: str) -> zipfile.ZipInfo | None:
        """The member under a path below the archive's folder, whether the archive holds that folder too or not."""
        folder = PurePath(self.path).stem
        name = next((name for name in (f"{self.top}{inner}", f"{folder}/{inner}", inner) if name in self.files), None)
        if name is None:
            return None
        one = self.files[name]
        fault = member_fault(one)
        if fault is None and name in self.twice:
            fault = "is there twice"
        if fault is None and one.file_size > max(FREE, RATIO * one.compress_size):
            fault = f"would become {one.file_size:,} bytes of {one.compress_size:,}"
        if fault is not None:
            raise MediaError(f"{self.path}: its member {name[:80]!r} {fault}")
        return one


def debris(name: str) -> bool:
    """Whether a member is what a file manager leaves in archives, and no medium.

    >>> debris("__MACOSX/pics/._a.png"), debris("pics/.DS_Store"), debris("pics/a.png")
    (True, True, False)
    """
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def top_of(names: Iterable[str], folder: str) -> str:
    """The folders in an archive that all its files stand in, down to the one of the archive's own name; empty where there is none.

    >>> top_of(["LAMM/pics/a.png", "LAMM/pics/b/c.png", "__MACOSX/._a.png"], "pics"), top_of(["a.png", "pics/b.png"], "pics")
    ('LAMM/pics/', '')
    """
    shared: list[str] | None = None
    for name in names:
        if not debris(name):
            parts = name.split("/")[:-1]
            shared = (
                parts if shared is None else [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(shared, parts))]
            )
    above = (shared or [])[: (shared or []).index(folder) + 1] if folder in (shared or []) else []
    return "".join(f"{one}/" for one in above)


def member_fault(one: zipfile.ZipInfo) -> str | None:
    """Why a member of an archive is not to be touched."""
    name = one.orig_filename if "\0" in one.orig_filename else one.filename
    parts = name.removesuffix("/").split("/")  # an empty part begins a path of its own, wherever it stands
    if "\0" in name or "\\" in name or any(part in ("", "..") or part[1:2] == ":" for part in parts):
        return "has a path that leaves its folder"
    kind = stat.S_IFMT(one.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if one.flag_bits & 1:
        return "is encrypted"
    return None


def archive_of(path: str) -> tuple[str, str] | None:
    """The archive that stands in the place of one of a path's folders, and the path within; None where there is none."""
    whole = PurePath(path)
    for folder in whole.parents:
        if folder.name and os.path.isfile(f"{folder}{ENDING}"):
            return f"{folder}{ENDING}", whole.relative_to(folder).as_posix()
    return None


@lru_cache(maxsize=OPEN)
def opened(path: str, size: int, changed: int, process: int) -> Archive:
    """An archive as it is now; a child process opens its own, since both would move one place in the file."""
    return Archive(path)


def found(path: str) -> tuple[Archive, zipfile.ZipInfo, os.stat_result] | None:
    """The member that stands for a file, with what is known of its archive. Raises `MediaError` for one that nobody should read."""
    place = archive_of(path)
    if place is None:
        return None
    try:
        about = os.stat(place[0])
    except OSError:
        return None
    archive = opened(place[0], about.st_size, about.st_mtime_ns, os.getpid())
    one = archive.member(place[1])
    return (archive, one, about) if one is not None else None


def stat_of(path: str) -> os.stat_result | None:
    """As `os.stat` of an unpacked file would be: the member's size, the archive's times. None where no archive has it."""
    hit = found(path)
    if hit is None:
        return None
    _, one, about = hit
    told = list(about[:10])
    told[stat.ST_SIZE] = one.file_size
    times = {
        name: getattr(about, name) for name in ("st_atime_ns", "st_mtime_ns", "st_ctime_ns", "st_atime", "st_mtime", "st_ctime")
    }
    return os.stat_result(told, times)


def read(path: str) -> io.BufferedReader | None:
    """The member's bytes as an open file; its checksum is compared. None where no archive has it."""
    hit = found(path)
    if hit is None:
        return None
    archive, one, _ = hit
    try:
        with archive.opened.open(one) as source:
            data = source.read(one.file_size + 1)
    except Exception as error:  # as above
        raise MediaError(f"{archive.path}: its member {one.filename[:80]!r} cannot be read: {error}") from None
    if len(data) != one.file_size:
        raise MediaError(f"{archive.path}: its member {one.filename[:80]!r} is not as long as it says")
    # a file without a name, since clouds are mapped and not read; closed by whoever reads it
    held = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
    rest = memoryview(data)
    while rest:
        rest = rest[held.write(rest) :]
    held.seek(0)
    return io.BufferedReader(held)
