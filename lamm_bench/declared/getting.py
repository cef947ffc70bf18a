"""Brings the files of a benchmark from the hub to where its task file looks for them: at one commit, resumed, each compared.

Listing, addresses and tokens are huggingface_hub's; fetching is `lamm_bench.data.get`'s, because the client neither resumes after a kill
nor compares contents. What is there and locked needs no network."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lamm_bench.data.get.fetch import Fetcher, Want, fault_of
from lamm_bench.data.get.sources import Hub, listed
from lamm_bench.errors import BenchError
from lamm_bench.keep import locks

from .origin import LONG, Locked, Origin, sha256_of
from .task import DeclaredTask

COMMIT = re.compile(r"[0-9a-f]{40}")
USUAL = "main"


@dataclass
class Brought:
    """What happened to the files of one benchmark."""

    there: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    commit: str = ""
    licence: str = ""  # that of the hub's card


def about(task: DeclaredTask) -> Iterator[str]:
    """What is told before the first byte: where it comes from, its licence, what is to be signed."""
    own = task.about
    yield f"{task.name}: {own.get('title', task.name)}" + (f" ({own['paper']})" if "paper" in own else "")
    yield f"licence: {own['licence']}" if "licence" in own else "licence: the task file names none; the hub's page may"
    if "terms" in own:
        yield f"terms: {own['terms']}"
    if task.origin is not None:
        yield f"from: {task.origin.hub} on the hub, to {task.origin.folder}/"


def bring(
    task: DeclaredTask, root: Path, revision: str | None = None, fetcher: Fetcher | None = None,
    say: Callable[[str], None] = lambda text: None, begin: Callable[[int], None] = lambda size: None,
) -> Brought:  # fmt: skip
    """Everything that the task's `get` names, below `root`; `begin` is told how many bytes are to come. Raises `BenchError`."""
    origin = task.origin
    if origin is None:
        raise BenchError(
            f"{task.file} has no `get`, which would say where its data are; they come from {task.about.get('source', 'elsewhere')}"
        )
    folder = root / origin.folder
    held = locks.take(folder)
    try:
        return Bringing(origin, folder, Locked.read(folder), fetcher or Fetcher(), say, begin).run(revision)
    except BenchError:
        with contextlib.suppress(OSError):
            folder.rmdir()  # where nothing has come
        raise
    finally:
        held.release()


@dataclass
class Bringing:
    """One benchmark on its way."""

    origin: Origin
    folder: Path
    lock: Locked
    fetcher: Fetcher
    say: Callable[[str], None]
    begin: Callable[[int], None]
    brought: Brought = field(default_factory=Brought)

    def run(self, revision: str | None) -> Brought:
        self.same_hub()
        wanted = revision or self.origin.revision
        if self.lock.commit and COMMIT.fullmatch(wanted) and wanted != self.lock.commit:
            raise self.moved(wanted, wanted)
        if (not wanted or wanted == self.lock.commit) and self.all_there():
            self.brought.commit = self.lock.commit
            return self.brought
        hub = self.hub(wanted or self.lock.commit or USUAL)
        if self.lock.commit and hub.commit != self.lock.commit:
            raise self.moved(wanted, hub.commit)
        self.brought.commit, self.brought.licence = hub.commit, hub.licence
        self.fetch(hub, self.origin.matches(hub.files))
        return self.brought

    def same_hub(self) -> None:
        if self.lock.hub not in ("", self.origin.hub):
            raise BenchError(
                f"{self.lock.path} is of {self.lock.hub}, and here {self.origin.hub} is wanted; name another --data-root"
            )

    def moved(self, name: str, commit: str) -> BenchError:
        told = "" if name == commit else f"{name} of "
        return BenchError(
            f"{told}{self.origin.hub} is at {commit}, and {self.lock.path} has {self.lock.commit}: other data under the same name. "
            "Without --revision the locked commit is used; move the folder away to begin with the other one"
        )

    def all_there(self) -> bool:
        """Whether every pattern is locked and every file of it there, which needs no network. Raises `BenchError` for a changed one."""
        if not all(pattern in self.lock.patterns for pattern in self.origin.patterns):
            return False
        names = sorted({name for pattern in self.origin.patterns for name in self.lock.patterns[pattern]})
        if not all((self.folder / name).is_file() or self.from_cache(name, self.locked_want(name)) for name in names):
            return False
        if sum(self.lock.files[name]["size"] for name in names) > LONG:
            self.say(f"comparing {len(names)} files with {self.lock.path}")
        for name in names:
            if fault := self.lock.fault(name):
                raise BenchError(f"{fault}; move the file away and run the same command again")
        self.brought.there = [name for name in names if name not in self.brought.new]
        return True

    def locked_want(self, name: str) -> Want:
        return Want(self.lock.files[name]["size"], self.lock.files[name]["sha256"])

    def hub(self, revision: str) -> Hub:
        """The hub's listing. A locked commit that is gone there is told beside the one that `main` is now."""
        try:
            return Hub(self.origin.hub, revision, self.fetcher)
        except BenchError as error:
            if revision != self.lock.commit:
                raise
            try:
                now = listed(self.origin.hub, USUAL)[0]
            except BenchError:
                raise error from None
            raise BenchError(
                f"{self.origin.hub} no longer has the commit {self.lock.commit} that {self.lock.path} demands; its {USUAL} is at {now}"
            ) from None

    def fetch(self, hub: Hub, found: dict[str, list[str]]) -> None:
        names = sorted({name for own in found.values() for name in own})
        wants = {name: self.want(name, hub.files[name]) for name in names}
        absent = [name for name in names if not self.stands(name, wants[name])]
        size = sum(wants[name].size or 0 for name in absent)
        if absent:
            licence = f", licence on the hub: {hub.licence}" if hub.licence else ""
            self.say(f"{len(absent)} of {len(names)} files, {size / 1e6:,.1f} MB, at {hub.commit[:12]}{licence}")
            self.begin(size)
        for name in absent:
            if not self.from_cache(name, wants[name], hub.commit):
                hub.bring(name, self.folder / name)
                self.brought.new.append(name)
            self.note(hub.commit, name, wants[name])
        for name in self.brought.there:
            self.note(hub.commit, name, wants[name])
        self.lock.patterns.update(found)
        self.lock.write()

    def want(self, name: str, listed_want: Want) -> Want:
        """What the hub says of a file, with the digest of the task file or of the lock. Raises `BenchError` where they differ."""
        told = self.origin.sha256.get(name) or self.lock.files.get(name, {}).get("sha256")
        if told and listed_want.sha256 and told != listed_want.sha256:
            raise BenchError(
                f"{name} of {self.origin.hub} has the SHA-256 {listed_want.sha256[:12]}… on the hub, and {told[:12]}… is demanded"
            )
        return Want(listed_want.size, told or listed_want.sha256, None if told else listed_want.git)

    def stands(self, name: str, want: Want) -> bool:
        """Whether the file is there, and the right one. Raises `BenchError` for another one, which is never overwritten."""
        file = self.folder / name
        if not file.is_file():
            return False
        if fault := fault_of(file, want):
            raise BenchError(f"{file} {fault}; move it away and run the same command again")
        self.brought.there.append(name)
        return True

    def from_cache(self, name: str, want: Want, commit: str = "") -> bool:
        """Whether huggingface_hub has the very file in its cache, from where it is then copied."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.origin.hub, name, revision=commit or self.lock.commit, repo_type="dataset")
        if not isinstance(found, str) or fault_of(Path(found), want):
            return False
        out = self.folder / name
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(f"{out.name}.part")
        shutil.copyfile(found, part)
        os.replace(part, out)
        self.fetcher.tick(out.stat().st_size)
        self.brought.new.append(name)
        return True

    def note(self, commit: str, name: str, want: Want) -> None:
        """A file that was compared with `want`, into the lock at once, so that a kill costs one file."""
        file = self.folder / name
        self.lock.hub, self.lock.commit = self.origin.hub, commit
        self.lock.files[name] = {"size": file.stat().st_size, "sha256": want.sha256 or sha256_of(file)}
        self.lock.write()
