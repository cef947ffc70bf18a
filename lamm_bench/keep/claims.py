"""A folder in which the jobs of one run say who has which part of it, on a file system that they share.

    claims.json            what the parts are parts of: jobs of another run are refused
    beat-<job>             touched again and again while the job lives
    <part>.0               who has the part, since when; then a line `done`, or `left` where its job ended before
    <part>.1, <part>.2     who has it now: each once more claimed than the one before

A claim is a file that only one of all jobs can have made. One whose job has died is not removed but claimed once more, so two jobs that
find it dead at once cannot both have it, and one that comes back late can take nothing from its successor. Ages are told by the folder's
own clock: the time of a file touched there just now. Where a file system shows all this late, two jobs do the same part, and no harm is
done. How: `link` makes a file whole and only once, also where the server's reply is lost (open(2), O_EXCL, on NFS); files are opened
before their time is read, for that is when a client of NFS asks its server."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal

from lamm_bench.errors import BenchError

from .files import canonical, read_json

TERMS = "claims.json"
CLAIM = re.compile(r"(.+)\.(\d+)")
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)  # file systems without hard links
PATIENCE = 300.0
BEATS = 5  # in the time after which a job is given up
HANGS = 1800.0  # seconds without an answer after which a job says no longer that it lives
TRIES = 20  # times a second that a file which is there, and cannot be seen yet, is looked for

State = Literal["held", "free", "done", "own"]


def touched(path: Path) -> float:
    """The time of the file system that a file lies on: its own, just touched."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))
    os.utime(path)
    return time_of(path) or 0.0


def time_of(path: Path) -> float | None:
    """When a file was last changed; None where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return os.fstat(handle).st_mtime
    finally:
        os.close(handle)


@dataclass
class Claims:
    """The folder as one job sees it. Its methods raise `BenchError` where it cannot be used; what only tells others of the end of a part
    is allowed to fail, since it costs no more than that they wait for it, or do it again."""

    folder: Path
    job: str  # the same when the job is begun again
    told: Mapping[str, Any]  # what a person should know of it
    patience: float = PATIENCE
    touch: Callable[[Path], float] = touched
    clock: Callable[[], float] = time.monotonic  # of this process, for its own silence
    pause: Callable[[float], None] = time.sleep
    held: dict[str, Path] = field(default_factory=dict)  # part -> claim, of those that are neither done nor left
    _lively: float = 0.0
    _over: Event = field(default_factory=Event)

    def join(self, terms: Mapping[str, Any]) -> None:
        """Makes the folder, or finds that it is of the same run. Raises `BenchError` where it is not."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            strange = sorted(name for name in os.listdir(self.folder) if not own_name(name))
            if strange:
                raise BenchError(f"--claims {self.folder} holds {strange[0]}, which is no claim; name an empty folder")
            made = self.create(self.folder / TERMS, canonical(terms) + "\n")
            found = terms if made else self.patiently(self.folder / TERMS)
            self.beat()
        except OSError as error:
            raise self.unusable(error) from error
        changed = sorted(key for key in {*terms, *found} if canonical(terms.get(key)) != canonical(found.get(key)))
        if changed:
            raise BenchError(
                f"--claims {self.folder} holds the claims of another run (different: {', '.join(changed)}); name another folder"
            )
        self._lively = self.clock()

    def patiently(self, path: Path) -> Mapping[str, Any]:
        """What stands in a file that another job has made, and that may not have come yet."""
        for _ in range(TRIES):
            with contextlib.suppress(BenchError):
                return dict(read_json(path))
            self.pause(1.0)
        return dict(read_json(path))

    def unusable(self, error: OSError) -> BenchError:
        why = "it is a file, expected a folder" if self.folder.is_file() else error.strerror or error
        return BenchError(f"cannot write to --claims {self.folder}: {why}")

    def create(self, path: Path, text: str) -> bool:
        """Makes a file with all that it holds, if nobody has; whether this job did."""
        own = self.folder / f".{self.job}.{socket.gethostname()}.{os.getpid()}"
        own.unlink(
            missing_ok=True
        )  # of a process that was killed here and had the same number, as in containers: it may be a claim
        own.write_text(text, encoding="utf-8")
        try:
            os.link(own, path)
            return True
        except OSError as error:
            if os.stat(own).st_nlink == 2:  # it was made, and the answer of the server was lost
                return True
            if isinstance(error, FileExistsError):
                return False
            if error.errno not in NO_LINKS:
                raise
        finally:
            own.unlink(missing_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            return False
        return True

    def current(self) -> dict[str, int]:
        """The parts that somebody has claimed, and how often each was claimed again."""
        found: dict[str, int] = {}
        try:
            for name in os.listdir(self.folder):
                if name[0] != "." and (claim := CLAIM.fullmatch(name)):
                    found[claim[1]] = max(found.get(claim[1], 0), int(claim[2]))
        except OSError as error:
            raise self.unusable(error) from error
        return found

    def take(self, part: str, times: int = 0) -> bool:
        """Claims a part that was claimed so often before; whether it is this job's now."""
        path = self.folder / f"{part}.{times}"
        when = datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")
        words = {"job": self.job, **self.told, "host": socket.gethostname(), "process": os.getpid(), "since": when}
        try:
            taken = self.create(path, json.dumps(words, ensure_ascii=False) + "\n")
        except OSError as error:
            raise self.unusable(error) from error
        if taken:
            self.keep(part, times)
        return taken

    def keep(self, part: str, times: int) -> None:
        """A part that was this job's when it died is so again."""
        self.held[part] = self.folder / f"{part}.{times}"
        self._lively = self.clock()

    def lively(self) -> None:
        """An answer came."""
        self._lively = self.clock()

    def end(self, part: str, word: Literal["done", "left"]) -> None:
        """Tells the others that a part is done, or that it is anybody's again."""
        with contextlib.suppress(OSError):
            handle = os.open(self.held.pop(part), os.O_WRONLY | os.O_APPEND)
            try:
                os.write(handle, f"{word}\n".encode())
                os.fsync(handle)
            finally:
                os.close(handle)

    def state(self, part: str, times: int, now: float) -> State:
        """What has become of a claim. `own`: this job's, of before it died or ended."""
        path = self.folder / f"{part}.{times}"
        try:
            text, made = path.read_text(encoding="utf-8", errors="replace"), time_of(path)
            job = job_of(text)
            beat = time_of(self.folder / f"beat-{job}") if job else None
        except OSError:  # it cannot be seen yet
            return "held"
        word = text.splitlines()[-1:]
        if job == self.job and word != ["left"]:
            return "own"
        if word == ["done"]:
            return "done"
        if word == ["left"]:
            return "free"
        return "free" if now - max(made or 0.0, beat or 0.0) > self.patience else "held"

    def now(self) -> float:
        """The folder's time."""
        try:
            return self.touch(self.folder / f"beat-{self.job}")
        except OSError as error:
            raise self.unusable(error) from error

    def beat(self) -> None:
        """Says that this job lives, unless its model has hung for long."""
        if self.clock() - self._lively < HANGS or not self.held:
            self.touch(self.folder / f"beat-{self.job}")

    def __enter__(self) -> Claims:
        Thread(target=self._beating, name="claims", daemon=True).start()
        return self

    def _beating(self) -> None:
        while not self._over.wait(self.patience / BEATS):
            with contextlib.suppress(OSError):
                self.beat()

    def __exit__(self, *_: object) -> None:
        """Whatever this job has not done is anybody's."""
        self._over.set()
        for part in list(self.held):
            self.end(part, "left")


def own_name(name: str) -> bool:
    """Whether a file may be one of these."""
    return name == TERMS or name[0] == "." or name.startswith("beat-") or CLAIM.fullmatch(name) is not None


def job_of(text: str) -> str:
    """Whose a claim is; nobody's where it has not come whole."""
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(text.partition("\n")[0]).get("job", ""))
    return ""
