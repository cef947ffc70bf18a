"""Run folders: what was asked and said, kept so that nothing is ever lost or said twice.

    manifest.json        identity of the run (recipe, model, data, limit, seed, control), and where, when and with what it was asked
    records/<task>.jsonl append-only; one line for every response the moment it exists, the last one of a sample with its end
    scores/<task>.json   every sample's status and values under each protocol; derived, can be remade at any time
    result.json          the numbers, with counts; written last, by atomic rename: its existence means the run was scored
    share.json           of a job that asks a share (`--shard`): which, and what its result would say beside scores
    controls.json        of a run with `--controls`: what its figures lose under each control (derived from the runs beside it)
    alarms.json          of a run in which two workers have answered otherwise: both answers (ask/attendance.py)
    workers.json         of a judgement by several workers: on what these have computed (a run's manifest says so itself)
    timing.json          seconds and rates, apart from the scores because they differ between two equal runs
    begun.json, begun/   of a run whose media are still being hashed, in the place of a manifest (begun.py)

A line is only ever appended. A process that dies may leave half a line at the end; opening the file again cuts it off.
What a death leaves half done (`--fresh`, taking an empty run away) is finished when the folder is opened again: the manifest is
the last of a run's files to go, and a run on its way into `old-N` lies in `.old-N.moving` until all of it is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown

from . import locks
from .files import digest, read_json, storable, sync_folder, write_json
from .ledger import Ledger
from .manifest import SHAPE, check_shape

FORMAT = 1
MANIFEST, BEGUN = "manifest.json", "begun.json"
MODES = ("resume", "fresh", "auto")
OWN = (
    "manifest.json",
    "result.json",
    "timing.json",
    "usage.json",
    "cases.json",
    "share.json",
    "finished.json",
    "controls.json",
    "alarms.json",
    "workers.json",
    BEGUN,
)  # files of a run, beside those in its folders
FOLDERS = ("records", "scores", "errors", "judgements")
GROWS = ("data", "limit", "plugins")  # of an identity: what may be more when the run is begun again
Grow = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]


@dataclass
class Run:
    """One run folder, locked while open for writing."""

    folder: Path
    manifest: dict[str, Any]
    _lock: locks.Lock | None = None
    paper: str = MANIFEST  # the file that says what the run is

    @classmethod
    def start(cls, folder: Path, manifest: dict[str, Any], mode: str = "auto", grow: Grow | None = None) -> Run:
        """Opens a folder for writing: a new run, or the same run again. Raises `BenchError` when it holds another one.

        `mode`: `auto` goes on where the same run stopped, `resume` insists that there is one, `fresh` moves it aside. `grow` is
        asked for the manifest of both where the one that is there may become the one that is wanted (more tasks, a larger limit)."""
        if mode not in MODES:
            raise unknown("mode of a run", mode, MODES)
        try:
            if (
                not (folder / MANIFEST).exists() and not (folder / BEGUN).exists() and not moving(folder)
            ):  # refused before anything is written there
                refuse_strangers(folder, mode)
        except OSError as error:
            raise BenchError(f"cannot write to {folder}: {error.strerror or error}") from error
        run = cls(folder, {**manifest, "sums": True}, locks.take(folder))
        try:
            tidy(folder)
            run._settle(mode, grow)
        except BaseException:
            run.close()
            raise
        return run

    def _settle(self, mode: str, grow: Grow | None) -> None:
        path = self.folder / MANIFEST
        begun = (self.folder / BEGUN).exists()
        if mode == "fresh" and (path.exists() or begun):
            set_aside(self.folder)
        elif begun:
            raise BenchError(
                f"{self.folder} holds a run that has only begun, and was asked in another way; "
                "end it with its own command, choose another --output or use --fresh"
            )
        if not path.exists():
            write_json(path, self.manifest)
            return
        old = checked(read_json(path), path)
        now, before = self.manifest["identity"], old["identity"]
        changed = sorted(key for key in {*now, *before} if now.get(key) != before.get(key))
        if changed and (grow is None or not set(changed) <= set(GROWS)):
            raise BenchError(
                f"{self.folder} holds another run (different: {', '.join(changed)}); choose another --output or use --fresh"
            )
        if grow is not None:
            self.manifest = {**grow(old, self.manifest), "sums": old.get("sums", False)}
            if self.manifest != old:
                write_json(path, storable(self.manifest))

    @classmethod
    def read(cls, folder: Path, kind: str = "run") -> Run:
        """Opens a folder for reading. Raises `BenchError` when it is no run, or (`kind`) no judgement."""
        path = folder / "manifest.json"
        try:
            there = path.is_file()
        except OSError as error:
            raise BenchError(f"{folder} cannot be read: {error.strerror or error}") from None
        if not there:
            within = "" if kind != "run" else below(folder)
            if (folder / BEGUN).exists():
                within = ", for it has only begun: its media were not all hashed. The command that began it goes on with it"
            raise BenchError(f"{folder} is no {kind} folder: it has no manifest.json{within}")
        manifest = checked(read_json(path), path)
        if manifest.get("kind", "run") != kind:
            raise BenchError(f"{folder} is no {kind} folder but holds a {manifest.get('kind', 'run')}")
        return cls(folder, manifest)

    @classmethod
    def asked(cls, folder: Path) -> Run:
        """As `read`, of a run whose manifest says everything that is needed to score its answers."""
        run = cls.read(folder)
        check_shape(run.manifest, SHAPE, str(folder / "manifest.json"), whole=True)
        return run

    def ledger(self, task: str, write: bool = False) -> Ledger:
        path = self.folder / "records" / f"{task}.jsonl"
        return Ledger.open(path, write, f"{self.seal}/{task}", bool(self.manifest.get("sums")))

    @property
    def seal(self) -> str:
        """What every line of records is bound to: all of the identity that never changes while a run grows."""
        return digest({key: value for key, value in self.manifest["identity"].items() if key not in GROWS})

    def save(self, name: str, value: Any) -> None:
        """Writes `result.json`, `scores/<task>.json` and the like, whole or not at all."""
        if self._lock is not None and not self._lock.stands:
            raise BenchError(f"{self.folder} was moved or deleted while this run wrote there; put it back and run again to go on")
        write_json(self.folder / name, value)

    def move(self, folder: Path) -> None:
        """The same run, held by the same lock, in another place."""
        try:
            self.folder.rename(folder)
            sync_folder(folder.parent)
        except OSError as error:
            raise BenchError(f"{self.folder} cannot be moved to {folder}: {error.strerror or error}") from error
        self.folder = folder
        if self._lock is not None:
            self._lock.folder = folder

    def close(self) -> None:
        """Lets others write. A run in which nothing was ever recorded goes: a model that cannot be loaded leaves no trace."""
        if self._lock is not None:
            if self._lock.stands:
                remove_unasked(self.folder)
            self._lock.release()
            self._lock = None


def checked(manifest: Any, path: Path) -> dict[str, Any]:
    """A manifest that can be read here. Raises `BenchError` for one of another format, or in which something has another form."""
    if not isinstance(manifest, dict):
        raise BenchError(f"{path} holds {type(manifest).__name__}, expected an object: it is no manifest, or damaged")
    if manifest.get("format") != FORMAT:
        raise BenchError(
            f"{path} has format {manifest.get('format')}, this version reads and writes {FORMAT}; "
            "score it with the version that made it, or choose another --output"
        )
    if not isinstance(manifest.get("identity"), dict):
        raise BenchError(f"{path}: `identity` is {manifest.get('identity')!r}, expected an object: the file is damaged")
    if manifest.get("kind", "run") == "run":
        check_shape(manifest, SHAPE, str(path), whole=False)
    return manifest


def below(folder: Path) -> str:
    """The runs that lie in a folder which is none itself, for the error that says so."""
    found = [str(run.relative_to(folder)) for run in find_runs(folder)] if folder.is_dir() else []
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    return f"; name one of those in it: {', '.join(found[:8])}{more}" if found else ""


def own_file(path: Path) -> bool:
    """Whether a path is that of a file which a run, its records or its scores are made of: nothing else may be written there."""
    path = path.absolute()
    if path.name in OWN and (path.parent / "manifest.json").is_file():
        return True
    return any(
        (up.parent / "manifest.json").is_file() and up.name in FOLDERS for up in path.parents if up != up.parent
    )  # report.html, a `--json` of one's own: not a run's


BESIDE = ("cases.json", "usage.json", "workers.json")  # what may be written before anything is asked


def remove_unasked(folder: Path) -> None:
    """Removes a run without a record or a score, its manifest last; older runs that were set aside in the folder stay."""
    empty = [path for path in folder.glob("records/*") if path.stat().st_size == 0]
    empty += folder.glob("begun/*")
    files = {path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0][:4] != "old-"}
    manifest, begun, others = folder / MANIFEST, folder / BEGUN, [*empty, *(folder / name for name in (*BESIDE, locks.NAME))]
    if files <= {manifest, begun, *others, *(folder.glob("lock.*"))}:
        for path in others:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            for name in (*FOLDERS, "begun"):
                if (folder / name).is_dir():
                    (folder / name).rmdir()
        sync_folder(folder)
        begun.unlink(missing_ok=True)
        manifest.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: runs set aside
            folder.rmdir()


def refuse_strangers(folder: Path, mode: str) -> None:
    """Refuses a folder of other things, and to resume where nothing is; leaves no trace there."""
    passed_over = (locks.NAME, "lock.writer")
    others = (
        [p.name for p in folder.iterdir() if p.name not in passed_over and p.name[:4] != "old-" and p.name[0] != "."]
        if folder.is_dir()
        else []
    )
    if others:
        raise BenchError(f"{folder} is no run folder and holds {min(others)}; choose an empty folder for --output")
    if mode == "resume":
        raise BenchError(f"there is no run to resume in {folder}")


def set_aside(folder: Path) -> None:
    """Moves everything of a run into `old-N` inside its folder, so that `--fresh` loses nothing."""
    taken = [name.name.removeprefix("old-") for name in folder.glob("old-*")]
    number = 1 + max((int(name) for name in taken if name.isdecimal()), default=0)
    (folder / f".old-{number}.moving").mkdir()
    finish_moving(folder)


def moving(folder: Path) -> list[Path]:
    """Where `set_aside` is on its way, or was when it died."""
    return sorted(folder.glob(".old-*.moving"))


def finish_moving(folder: Path) -> None:
    """Moves what is left of the run that is set aside, and only then calls the place `old-N`."""
    for place in moving(folder):
        for entry in sorted(folder.iterdir()):
            if not entry.name.startswith(("old-", ".", "lock")):
                entry.rename(place / entry.name)
        sync_folder(place)
        place.rename(folder / place.name.removeprefix(".").removesuffix(".moving"))
        sync_folder(folder)


def tidy(folder: Path) -> None:
    """Finishes what a death left half done. Only for the holder of the folder's lock."""
    finish_moving(folder)
    if (folder / MANIFEST).exists():
        forget_begun(folder)
    for place in (folder, *(folder / name for name in FOLDERS[:3])):
        for path in place.glob(".*.tmp"):
            path.unlink(missing_ok=True)


def forget_begun(folder: Path) -> None:
    """Takes away what a run was before it was sealed."""
    for path in (*folder.glob("begun/*"), folder / BEGUN):
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (folder / "begun").rmdir()


def find_runs(folder: Path) -> Iterator[Path]:
    """Every run folder at or below `folder`, in name order; runs set aside are passed over."""
    if (folder / "manifest.json").is_file():
        yield folder
        return
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.is_dir() and not entry.name.startswith(("old-", ".")) and not entry.is_symlink():
            yield from find_runs(entry)
