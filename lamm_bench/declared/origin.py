"""Which files of the hub a benchmark is made of (`get`), and the lock that holds their commit and digests from the first use on.

The lock lies beside the data as `hub.lock.json`, so that it goes wherever they go: the repository, the commit, and size and SHA-256 of
every file. What it names is demanded: by `data get`, and by every run that reads the files anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import write_json
from lamm_bench.loading import load_json, shorten

from .files import Unusable, like, safe

LOCK = "hub.lock.json"
FORMAT = 1
BLOCK = 1 << 20
LONG = 1 << 30  # bytes from which on it is said that files are compared


@dataclass(frozen=True)
class Origin:
    """The `get` of a task file. `patterns` are relative to the repository."""

    hub: str  # Lin-Chen/MMStar
    folder: str  # below the data root, which stands for the repository
    patterns: tuple[str, ...] = ()
    revision: str = ""  # a commit or a name; empty: the lock's, or else `main`
    sha256: Mapping[str, str] = field(default_factory=dict)

    def matches(self, names: Iterable[str]) -> dict[str, list[str]]:
        """The repository's files by the pattern that wants them. Raises `BenchError` for a pattern that has none."""
        listed = sorted(names)
        found = {pattern: [name for name in listed if like(name, pattern)] for pattern in self.patterns}
        for pattern, own in found.items():
            if not own:
                there = ", ".join(listed[:12]) + (" ..." if len(listed) > 12 else "")
                raise BenchError(f"{self.hub} on the hub has no file {shorten(pattern)}; it has {there or 'none'}")
            for name in own:
                try:
                    safe(name)
                except Unusable as error:
                    raise BenchError(f"{self.hub} on the hub is not used: {error}") from None
        return found


@dataclass
class Locked:
    """What a lock file says. `patterns` are those that have been looked up at its commit, with what they matched."""

    path: Path
    hub: str = ""
    commit: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  # name -> size, sha256
    patterns: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Locked:
        """The lock of a folder; an empty one where there is none. Raises `BenchError` for a damaged one."""
        path = folder / LOCK
        if not path.is_file():
            return cls(path)
        told = load_json(path)
        if not (isinstance(told, dict) and told.get("format") == FORMAT and sound(told)):
            raise BenchError(f"{path} is no lock of `data get` (format {FORMAT}); move it away to get the newest files")
        return cls(path, told["hub"], told["commit"], told["files"], told["patterns"])

    def write(self) -> None:
        own = {"format": FORMAT, "hub": self.hub, "commit": self.commit, "files": self.files, "patterns": self.patterns}
        write_json(self.path, own)

    def fault(self, name: str) -> str | None:
        """Why a file that is there is not the one that was locked."""
        file, want = self.path.parent / name, self.files[name]
        size = file.stat().st_size
        if size != want["size"]:
            return f"{file} has {size:,} bytes, and {self.path} has {want['size']:,} of it"
        found = sha256_of(file)
        if found != want["sha256"]:
            return f"{file} has the SHA-256 {found[:12]}…, and {self.path} has {want['sha256'][:12]}…"
        return None


def sound(told: Mapping[str, Any]) -> bool:
    """Whether a lock has the form that was written."""
    files, patterns = told.get("files"), told.get("patterns")
    return (
        isinstance(told.get("hub"), str)
        and isinstance(told.get("commit"), str)
        and isinstance(files, dict)
        and all(
            isinstance(one, dict) and isinstance(one.get("size"), int) and isinstance(one.get("sha256"), str)
            for one in files.values()
        )
        and isinstance(patterns, dict)
        and all(isinstance(names, list) and all(name in files for name in names) for names in patterns.values())
    )


def sha256_of(file: Path) -> str:
    hashed = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def demand(origin: Origin | None, root: Path, names: Iterable[str], say: Callable[[str], None] = lambda text: None) -> None:
    """Holds files that are about to be read against the lock, where there is one. Raises `BenchError` for one that has changed or is gone,
    and for one that stands among them without being any of them."""
    if origin is None or not (root / origin.folder / LOCK).is_file():
        return
    lock = Locked.read(root / origin.folder)
    own = [name.removeprefix(f"{origin.folder}/") for name in names if name.startswith(f"{origin.folder}/")]
    if not any(name in lock.files for name in own):
        return
    gone = [name for name in locked_names(origin, lock) if not (lock.path.parent / name).is_file()]
    if gone:
        more = f" (and {len(gone) - 1} more)" if gone[1:] else ""
        raise BenchError(
            f"{lock.path.parent / gone[0]}{more} is gone, and {lock.path} demands it; run `lamm-bench data get` again"
        )
    for name in own:
        if name not in lock.files:
            raise BenchError(
                f"{root / origin.folder / name} is none of the files that {lock.path} has of {lock.hub}; move it away, since it would be asked about, too"
            )
    if sum(lock.files[name]["size"] for name in own) > LONG:
        say(f"comparing {len(own)} files with {lock.path}")
    for name in own:
        if fault := lock.fault(name):
            raise BenchError(f"{fault}; move the file away and run `lamm-bench data get` again")


def locked_names(origin: Origin, lock: Locked) -> list[str]:
    """The files of a benchmark that a lock knows."""
    return sorted({name for pattern in origin.patterns for name in lock.patterns.get(pattern, ())})


def changed(origin: Origin | None, root: Path) -> list[str]:
    """What is wrong with the locked files of a benchmark: those that are gone, and those that are others."""
    if origin is None or not (root / origin.folder / LOCK).is_file():
        return []
    lock = Locked.read(root / origin.folder)
    names = locked_names(origin, lock)
    faults = (lock.fault(name) if (lock.path.parent / name).is_file() else f"{lock.path.parent / name} is gone" for name in names)
    return [fault for fault in faults if fault is not None]
