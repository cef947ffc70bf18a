"""Unpacks an archive of media without trusting it: nothing outside its folder, no links, no bombs, whole or not at all.

Python's own `zipfile` renames what leaves the folder, turns links into files and unpacks 1,000:1 (next-steps, E): an archive with any
such member is refused as it is, before a byte is written."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import sync_folder
from lamm_bench.media.zipped import FREE, RATIO, debris, member_fault, top_of

MOST = 2_000_000  # members
BLOCK = 1 << 20


def unpack(archive: Path, folder: Path, tick: Callable[[int], None] = lambda count: None) -> int:
    """The members of a zip below `folder`, which appears when all of them are there; how many files.

    An archive whose files all stand in a folder of the same name as `folder`, itself within others or not, is unpacked without it; what
    a file manager left in it is left out. An empty folder is none. Raises `BenchError`."""
    beside = folder.with_name(f".{folder.name}.unpacking")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BenchError(f"{folder} is there already; move it away to unpack {archive.name} again")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = checked(archive, opened, folder)
            top = top_of((one.filename for one in members if not one.is_dir()), folder.name)
            for one in members:
                if not one.filename.startswith(top) or debris(one.filename):
                    continue
                place = beside / one.filename[len(top) :]
                if one.is_dir():
                    place.mkdir(parents=True, exist_ok=True)
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                write_member(archive, opened, one, place)
                tick(1)
    except BenchError:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise BenchError(f"{archive} cannot be unpacked to {folder}: {error.strerror or error}") from None
    except Exception as error:  # `zipfile` meets damage with a dozen kinds, IndexError and zlib's own among them
        shutil.rmtree(beside, ignore_errors=True)
        raise BenchError(f"{archive} cannot be unpacked: {type(error).__name__}: {error}") from None
    beside.replace(folder)
    sync_folder(folder.parent)
    return media_in(members)


def sound(archive: Path, folder: Path) -> int:
    """How many files an archive holds that is to stay one and be read where it lies, as if it were `folder`. Raises `BenchError`."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return media_in(checked(archive, opened, folder, unpacked=False))
    except BenchError:
        raise
    except Exception as error:  # as above
        raise BenchError(f"{archive} cannot be read: {type(error).__name__}: {error}") from None


def checked(archive: Path, opened: zipfile.ZipFile, folder: Path, unpacked: bool = True) -> list[zipfile.ZipInfo]:
    """The members, none of which does what no archive of media needs. Raises `BenchError` that names the first that does."""
    members = opened.infolist()
    if not media_in(members):
        raise BenchError(f"{archive} holds no files")
    if len(members) > MOST:
        raise BenchError(f"{archive} holds {len(members):,} members, more than {MOST:,}")
    seen: set[str] = set()
    for one in members:
        fault = member_fault(one)
        if fault is None and one.filename.casefold() in seen:
            fault = "has the name of another member, but for capitals"
        if fault is not None:
            raise BenchError(f"{archive} is not {'unpacked' if unpacked else 'taken'}: its member {one.filename[:80]!r} {fault}")
        seen.add(one.filename.casefold())
    whole, packed = sum(one.file_size for one in members), archive.stat().st_size
    if whole > max(FREE, RATIO * packed):
        raise BenchError(f"{archive} is not {'unpacked' if unpacked else 'taken'}: its {packed:,} bytes would become {whole:,}")
    if not unpacked:
        return members
    there = folder.parent
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if whole > free:
        raise BenchError(f"{archive} needs {whole:,} bytes unpacked, and {there} has {free:,}")
    return members


def media_in(members: list[zipfile.ZipInfo]) -> int:
    """How many members are files that somebody put there."""
    return sum(not one.is_dir() and not debris(one.filename) for one in members)


def write_member(archive: Path, opened: zipfile.ZipFile, one: zipfile.ZipInfo, place: Path) -> None:
    """One file, and not a byte more than its size says; `zipfile` compares its checksum."""
    left = one.file_size
    with opened.open(one) as source, place.open("wb") as file:
        while block := source.read(min(BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise BenchError(f"{archive} is not unpacked: {one.filename[:80]!r} is larger than it says")
            file.write(block)
        if left:
            raise BenchError(f"{archive} is not unpacked: {one.filename[:80]!r} ends early")
    os.chmod(place, 0o644)
