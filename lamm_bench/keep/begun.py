"""A run that has begun before all of its media are hashed. Until they are, its folder has no manifest and is no run for anybody else.

    begun.json         the manifest as far as it is known: all of the identity but what the data hash to
    begun/<task>.txt   of every sample, before it is asked, a digest of what it is asked about, and its id as JSON; a line each

Once all is hashed, what was asked is compared with it, and the run is sealed: `manifest.json` is written, and these files go."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError

from . import locks
from .files import read_json, storable, sync_folder, write_json
from .runs import BEGUN, MANIFEST, Run, checked, forget_begun, moving, refuse_strangers, set_aside, tidy


def begin(folder: Path, manifest: dict[str, Any], mode: str) -> Run:
    """Opens a folder for a run whose data are not known yet, or which has begun so before. Raises `BenchError` where it holds another."""
    try:
        if not there(folder) and not moving(folder):
            refuse_strangers(folder, mode)
    except OSError as error:
        raise BenchError(f"cannot write to {folder}: {error.strerror or error}") from error
    run = Run(folder, {**manifest, "sums": True}, locks.take(folder), BEGUN)
    try:
        tidy(folder)
        if mode == "fresh" and there(folder):
            set_aside(folder)
        if (folder / MANIFEST).exists():  # another process has sealed it meanwhile
            raise BenchError(f"{folder} was finished by another process; run the same command again to go on")
        if (folder / BEGUN).exists():
            go_on(run, read(folder))
        write_json(folder / BEGUN, storable(run.manifest))
    except BaseException:
        run.close()
        raise
    return run


def there(folder: Path) -> bool:
    """Whether a folder holds a run, or one that has begun."""
    return any((folder / name).exists() for name in (MANIFEST, BEGUN))


def read(folder: Path) -> dict[str, Any]:
    """What is known of a run that has begun."""
    return checked(read_json(folder / BEGUN), folder / BEGUN)


def fixed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an identity that does not come from the data."""
    return {key: value for key, value in manifest["identity"].items() if key not in ("data", "plugins")}


def go_on(run: Run, old: Mapping[str, Any]) -> None:
    """Takes over from a process that died. Raises `BenchError` where the one that is there is another run."""
    now, before = run.manifest["identity"], old["identity"]
    changed = sorted(key for key in {*now, *before} if key not in ("data", "plugins") and now.get(key) != before.get(key))
    plugins = before.get("plugins", {})
    changed += ["plugins"] if any(now.get("plugins", {}).get(name) != told for name, told in plugins.items()) else []
    lost = [name for name in before.get("data", {}) if name not in now["data"] and place(run, name).exists()]
    changed += [f"tasks: {name} is not asked" for name in lost]
    if changed:
        raise BenchError(
            f"{run.folder} holds another run, which has only begun (different: {', '.join(changed)}); choose another --output or use --fresh"
        )
    told = [entry for entry in old.get("asked", ()) if isinstance(entry, dict)]
    run.manifest["asked"] = [*told, *(one for one in run.manifest["asked"] if not told or differs(told[-1], one))]


def settle(run: Run, manifest: Mapping[str, Any], tasks: Collection[str]) -> list[str]:
    """The run asks these tasks, as is known now that their files are read. Names of others about which it has asked already; their records
    get the ending `.aside`, and should they be asked again, they are asked anew."""
    told = {key: run.manifest[key] for key in ("model", "asked")}  # what an adapter has noted since then moves no result
    run.manifest = {**manifest, **told, "sums": True}
    write_json(run.folder / BEGUN, storable(run.manifest))
    lost = [name for name in noted_tasks(run) if name not in tasks]
    for name in lost:
        records = run.folder / "records" / f"{name}.jsonl"
        if records.exists():
            records.replace(records.with_suffix(".aside"))
        place(run, name).unlink()
    return lost


def noted_tasks(run: Run) -> list[str]:
    """The tasks about which anything may have been asked."""
    return sorted(path.stem for path in (run.folder / "begun").glob("*.txt"))


def differs(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two processes have asked in different ways."""
    return any(one.get(key) != value for key, value in other.items() if key not in ("date", "workers"))


def note(run: Run, task: str, contents: Iterable[tuple[str, str]]) -> None:
    """Keeps, on the disk, the digests of what samples are asked about (id, digest). To be called before they are asked."""
    path = place(run, task)
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            lines = "".join(f"{digest} {json.dumps(name)}\n" for name, digest in contents)
            file.write(f"\n{lines}".encode())  # on a line of its own, whatever a process that died has left half written
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BenchError(f"cannot write {path}: {error.strerror or error}") from error


def noted(run: Run, task: str) -> dict[str, str]:
    """What was kept so: the digest of each sample that may have been asked, by its id. A torn last line is of one that was not."""
    found: dict[str, str] = {}
    with contextlib.suppress(FileNotFoundError), place(run, task).open("rb") as file:
        for line in file:
            digest, _, name = line.partition(b" ")
            if line.endswith(b"\n") and name:
                with contextlib.suppress(ValueError):
                    found.setdefault(json.loads(name), digest.decode())
    return found


def place(run: Run, task: str) -> Path:
    return run.folder / "begun" / f"{task}.txt"


def seal(run: Run, manifest: Mapping[str, Any], folder: Path) -> None:
    """The run is from here on what its manifest says, and lies in `folder`. A death in between leaves a run that has begun, or a sealed
    one beside files that go when it is opened again."""
    asked = run.manifest["asked"]
    if folder != run.folder and not folder.exists():
        run.move(folder)
    run.manifest = {**manifest, "asked": asked, "sums": True}
    run.save(MANIFEST, storable(run.manifest))
    run.paper = MANIFEST
    forget_begun(run.folder)
    sync_folder(run.folder)


__all__ = ["begin", "fixed", "note", "noted", "read", "seal", "settle", "there"]
