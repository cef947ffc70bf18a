"""Files below a folder, those in zip archives among them: `images.zip/val/1.jpg` is read without unpacking anything.

Names come from task files and from data, so both are strangers': a name that leaves the folder or the archive is refused, and no member
is read beyond a limit, whatever size it claims."""

from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import shorten

LARGEST = 256 * 2**20  # bytes of one picture, cell or line
LARGEST_TABLE = 8 * 2**30  # of a member of an archive that is read as a stream
MEMBERS = 5_000_000  # of an archive
PACKED = ".gz"
WILD = re.compile(r"[*?\[]")


Stamp = tuple[int, int]  # bytes, time of change


def stamp_of(path: str | Path) -> Stamp | None:
    """What tells that a file has changed; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


class Unusable(Exception):
    """A file that cannot be used; says why, in words that go behind its name."""


def safe(name: str) -> str:
    """A relative name without `.`; raises `Unusable` for one that leaves the place it is relative to.

    >>> safe("./a//b.jpg")
    'a/b.jpg'
    """
    if not name or name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        raise Unusable(f"the path {shorten(name)} is not relative")
    parts = PurePosixPath(name).parts
    if ".." in parts or "\\" in name or "\0" in name or len(name) > 4096:
        raise Unusable(f"the path {shorten(name)} leaves its folder")
    return "/".join(parts)


@dataclass
class Files:
    """What lies below a folder. Archives stay open until `close`."""

    root: Path
    _archives: dict[str, Archive] = field(default_factory=dict, repr=False)
    found: dict[str, Any] = field(default_factory=dict, repr=False)  # what was looked for once, by what it is
    looked: dict[str, Stamp] = field(default_factory=dict, repr=False)  # files of which something was made, and how they were

    def parted(self, name: str) -> tuple[str, str]:
        """The archive that a name goes into, and the member's name; the archive is empty where there is none."""
        parts = name.split("/")
        for end, part in enumerate(parts[:-1], 1):
            if part.lower().endswith(".zip") and not (self.root / "/".join(parts[:end])).is_dir():
                return "/".join(parts[:end]), "/".join(parts[end:])
        return "", name

    def find(self, pattern: str) -> list[str]:
        """The names that match a pattern with `*`, `?` and `[..]` (within one folder) or `**`, by name."""
        pattern = safe(pattern)
        archive, inner = self.parted(pattern)
        if archive:
            names = self.archive(archive).names
            found = [inner] if not WILD.search(inner) else [name for name in names if like(name, inner) and open_to(name, inner)]
            return sorted(f"{archive}/{name}" for name in found if name in names)
        if not WILD.search(pattern):
            return [pattern] if (self.root / pattern).is_file() else []
        try:
            paths = [path for path in self.root.glob(pattern) if path.is_file()]
        except (OSError, ValueError) as error:
            raise Unusable(f"{shorten(pattern)} is no pattern of file names ({error})") from None
        return sorted(name for path in paths if open_to(name := path.relative_to(self.root).as_posix(), pattern))

    def path(self, name: str) -> Path | None:
        """Where a file lies on the disk; None for a member of an archive."""
        archive, _ = self.parted(safe(name))
        return None if archive else self.root / safe(name)

    def open(self, name: str) -> IO[bytes]:
        """A file or a member, to be read from its beginning; one whose name ends with .gz is unpacked on the way."""
        stream = self.opened(name)
        return io.BufferedReader(Checked(gzip.GzipFile(fileobj=stream), stream)) if name.lower().endswith(PACKED) else stream

    def opened(self, name: str) -> IO[bytes]:
        """A file or a member as it is."""
        archive, inner = self.parted(safe(name))
        if archive:
            return self.archive(archive).open(inner)
        try:
            path = self.root / safe(name)
            if path.exists() and not path.is_file():
                raise Unusable("it is no file")
            return path.open("rb")
        except FileNotFoundError:
            raise Unusable("it is missing") from None
        except OSError as error:
            raise Unusable(f"it cannot be read: {error.strerror or error}") from None

    def read(self, name: str, largest: int = LARGEST) -> bytes:
        """A file's bytes, never more than `largest`."""
        with self.open(name) as stream:
            data = bounded(stream, largest + 1)
        if len(data) > largest:
            raise Unusable(f"it has more than {largest:,} bytes")
        if not data:
            raise Unusable("it is empty (0 bytes)")
        return data

    def note(self, name: str | Path) -> None:
        """Remembers how a file (or an archive) was when media were made of it."""
        path = str(name if isinstance(name, Path) else self.root / (self.parted(safe(name))[0] or safe(name)))
        if path not in self.looked and (own := stamp_of(path)) is not None:
            self.looked[path] = own

    def stamp(self, name: str) -> tuple[str, int, int]:
        """What tells that a file has changed: name, bytes, time of change (of its archive, for a member)."""
        archive, _ = self.parted(safe(name))
        try:
            found = (self.root / (archive or safe(name))).stat()
        except OSError as error:
            raise Unusable(f"it cannot be read: {error.strerror or error}") from None
        return name, found.st_size, found.st_mtime_ns

    def archive(self, name: str) -> Archive:
        if name not in self._archives:
            self._archives[name] = Archive.of(self.root / name, name)
        return self._archives[name]

    def close(self) -> None:
        for archive in self._archives.values():
            archive.file.close()
        self._archives.clear()


@dataclass
class Archive:
    """A zip archive and the members that may be read."""

    name: str
    file: zipfile.ZipFile
    names: dict[str, zipfile.ZipInfo]

    @classmethod
    def of(cls, path: Path, name: str) -> Archive:
        try:
            file = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise Unusable(f"{name} is missing") from None
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise Unusable(f"{name} is no zip archive that can be read ({error})") from None
        members = file.infolist()
        if len(members) > MEMBERS:
            raise Unusable(f"{name} has {len(members):,} members, more than {MEMBERS:,}")
        found: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            if member.is_dir():
                continue
            try:
                own = safe(member.filename)
            except Unusable as error:
                raise Unusable(f"the archive {name} is not used: {error}") from None
            if own in found:
                raise Unusable(f"the archive {name} is not used: it has two members {shorten(own)}")
            found[own] = member
        return cls(name, file, found)

    def open(self, inner: str) -> IO[bytes]:
        member = self.names.get(inner)
        if member is None:
            raise Unusable(f"the archive {self.name} has no member {shorten(inner)}")
        if member.flag_bits & 1:
            raise Unusable(f"the member {shorten(inner)} of {self.name} is encrypted")
        if member.file_size > LARGEST_TABLE:
            raise Unusable(
                f"the member {shorten(inner)} of {self.name} has {member.file_size:,} bytes, more than {LARGEST_TABLE:,}"
            )
        try:
            return io.BufferedReader(Checked(self.file.open(member)))
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise Unusable(f"the member {shorten(inner)} of {self.name} cannot be read ({error})") from None


class Checked(io.RawIOBase):
    """A member, or what is packed in a file, of which damages are one kind of error; never more than `LARGEST_TABLE` of it."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, around: IO[bytes] | None = None) -> None:
        self.stream, self.around, self.count = stream, around, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self.stream.read(len(buffer))
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise Unusable(f"the archive is damaged ({error})") from None
        self.count += len(data)
        if self.count > LARGEST_TABLE:
            raise Unusable(f"it unpacks to more than {LARGEST_TABLE:,} bytes")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.stream.close()
        if self.around is not None:
            self.around.close()
        super().close()


def bounded(stream: IO[bytes], most: int) -> bytes:
    """Up to so many bytes of a stream."""
    found = bytearray()
    while len(found) < most and (block := stream.read(min(1 << 20, most - len(found)))):
        found += block
    return bytes(found)


def open_to(name: str, pattern: str) -> bool:
    """Whether a pattern may match a name by its marks: what systems hide in folders and archives is matched only by name.

    >>> open_to("cats/1.png", "*/*"), open_to("cats/.DS_Store", "*/*"), open_to(".hidden/1.png", ".hidden/*")
    (True, False, True)
    """
    own = set(pattern.split("/"))
    return not any((part.startswith(".") or part == "__MACOSX") and part not in own for part in name.split("/"))


def like(name: str, pattern: str) -> bool:
    """Whether a name matches, part by part.

    >>> like("a/b/c.jpg", "a/*/*.jpg"), like("a/b/c.jpg", "*.jpg"), like("a/b/c.jpg", "**/*.jpg")
    (True, False, True)
    """
    parts, wanted = name.split("/"), pattern.split("/")
    if wanted[0] == "**":
        return any(like("/".join(parts[at:]), "/".join(wanted[1:])) for at in range(len(parts)))
    if not fnmatchcase(parts[0], wanted[0]):
        return False
    if len(wanted) == 1 or len(parts) == 1:
        return len(wanted) == len(parts)
    return like("/".join(parts[1:]), "/".join(wanted[1:]))


def lines_of(stream: IO[bytes], where: str) -> Iterator[str]:
    """The lines of a text in UTF-8, with their ends; one that is too long, or is no text, is told with its number."""
    number = 0
    while line := stream.readline(LARGEST + 1):
        number += 1
        if len(line) > LARGEST:
            raise BenchError(f"{where} line {number}: it has more than {LARGEST:,} bytes")
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BenchError(f"{where} line {number}: it is not UTF-8 (byte {error.start})") from None
        yield text
