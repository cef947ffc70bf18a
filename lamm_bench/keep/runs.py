"""Run folders: what was asked and said, kept so that nothing is ever lost or said twice.

    manifest.json        identity of the run (recipe, model, data, limit, seed, control), versions of what decoded the media
    records/<task>.jsonl append-only; one line for every response the moment it exists, the last one of a sample with its end
    scores/<task>.json   every sample's status and values under each protocol; derived, can be remade at any time
    result.json          the numbers, with counts; written last, by atomic rename: its existence means the run was scored
    timing.json          seconds and rates, apart from the scores because they differ between two equal runs
    lock                 held (flock) while a process writes here

A line is only ever appended. A process that dies may leave half a line at the end; opening the file again cuts it off."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown

from .files import read_json, write_json
from .ledger import Ledger

FORMAT = 1
MODES = ("resume", "fresh", "auto")


@dataclass
class Run:
    """One run folder, locked while open for writing."""

    folder: Path
    manifest: dict[str, Any]
    _lock: Any = None
    _made: bool = False  # whether this run wrote the manifest

    @classmethod
    def start(cls, folder: Path, manifest: dict[str, Any], mode: str = "auto") -> Run:
        """Opens a folder for writing: a new run, or the same run again. Raises `BenchError` when it holds another one.

        `mode`: `auto` goes on where the same run stopped, `resume` insists that there is one, `fresh` moves it aside."""
        if mode not in MODES:
            raise unknown("mode of a run", mode, MODES)
        if not (folder / "manifest.json").exists():  # refused before anything is written there
            refuse_strangers(folder, mode)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("a")
        except OSError as error:
            raise BenchError(f"cannot write to {folder}: {error.strerror or error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise BenchError(f"another process is writing to {folder}; wait for it or choose another --output") from None
        run = cls(folder, manifest, lock)
        try:
            run._settle(mode)
        except BaseException:
            run.close()
            raise
        return run

    def _settle(self, mode: str) -> None:
        path = self.folder / "manifest.json"
        if mode == "fresh" and path.exists():
            set_aside(self.folder)
        if not path.exists():
            write_json(path, self.manifest)
            self._made = True
            return
        old = read_json(path)
        if old.get("format") != FORMAT:
            raise BenchError(f"{path} has format {old.get('format')}, this version writes {FORMAT}; choose another --output")
        changed = [key for key, value in self.manifest["identity"].items() if old.get("identity", {}).get(key) != value]
        changed += [key for key in old.get("identity", {}) if key not in self.manifest["identity"]]
        if changed:
            raise BenchError(
                f"{self.folder} holds another run (different: {', '.join(sorted(changed))}); choose another --output or use --fresh"
            )

    @classmethod
    def read(cls, folder: Path, kind: str = "run") -> Run:
        """Opens a folder for reading. Raises `BenchError` when it is no run, or (`kind`) no judgement."""
        if not (folder / "manifest.json").is_file():
            raise BenchError(f"{folder} is no {kind} folder: it has no manifest.json")
        manifest = read_json(folder / "manifest.json")
        found = manifest.get("kind", "run") if isinstance(manifest, dict) else "file of another kind"
        if found != kind:
            raise BenchError(f"{folder} is no {kind} folder but holds a {found}")
        return cls(folder, manifest)

    def ledger(self, task: str, write: bool = False) -> Ledger:
        return Ledger.open(self.folder / "records" / f"{task}.jsonl", write)

    def save(self, name: str, value: Any) -> None:
        """Writes `result.json`, `scores/<task>.json` and the like, whole or not at all."""
        write_json(self.folder / name, value)

    def close(self) -> None:
        """Lets others write. A new run in which nothing was recorded goes: a model that cannot be loaded leaves no trace."""
        if self._lock is not None:
            if self._made:
                remove_unasked(self.folder)
            self._lock.close()
            self._lock = None


def remove_unasked(folder: Path) -> None:
    """Removes a run without a record or a score; older runs that were set aside in the folder stay."""
    empty = [path for path in folder.glob("records/*") if path.stat().st_size == 0]
    files = {path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0][:4] != "old-"}
    if files <= {*empty, *(folder / name for name in ("manifest.json", "cases.json", "lock"))}:
        for path in files:
            path.unlink()
        with contextlib.suppress(OSError):  # not empty: runs set aside
            for path in filter(Path.exists, (folder / "records", folder)):
                path.rmdir()


def refuse_strangers(folder: Path, mode: str) -> None:
    """Refuses a folder of other things, and to resume where nothing is; leaves no trace there."""
    others = (
        [p.name for p in folder.iterdir() if p.name != "lock" and p.name[:4] != "old-" and p.name[0] != "."]
        if folder.is_dir()
        else []
    )
    if others:
        raise BenchError(f"{folder} is no run folder and holds {min(others)}; choose an empty folder for --output")
    if mode == "resume":
        raise BenchError(f"there is no run to resume in {folder}")


def set_aside(folder: Path) -> None:
    """Moves everything of a run into `old-N` inside its folder, so that `--fresh` loses nothing."""
    number = 1 + sum(1 for _ in folder.glob("old-*"))
    target = folder / f"old-{number}"
    target.mkdir()
    for entry in list(folder.iterdir()):
        if entry.name != "lock" and not entry.name.startswith("old-"):
            entry.rename(target / entry.name)


def find_runs(folder: Path) -> Iterator[Path]:
    """Every run folder at or below `folder`, in name order; runs set aside are passed over."""
    if (folder / "manifest.json").is_file():
        yield folder
        return
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.is_dir() and not entry.name.startswith("old-") and not entry.is_symlink():
            yield from find_runs(entry)
