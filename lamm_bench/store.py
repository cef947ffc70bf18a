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
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import BenchError, unknown
from .types import Generate, Media, Prediction, Record, Request, Response

FORMAT = 1
FLUSH_LINES = 64  # lines between two fsyncs ...
FLUSH_SECONDS = 0.5  # ... or this much time, whichever comes first
MODES = ("resume", "fresh", "auto")


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks, the form that digests are taken of."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: Any, length: int = 16) -> str:
    """A short hash of a JSON value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:length]


def request_digest(request: Request) -> str:
    """What tells one request from another: the messages with their media's content, and the settings."""
    messages = [
        [message.role, *([part.kind, part.sha256 or part.path] if isinstance(part, Media) else part for part in message.parts)]
        for message in request.messages
    ]
    if isinstance(request, Generate):
        settings: list[Any] = [request.max_new_tokens, list(request.stop), request.temperature, request.top_p, request.seed]
        return digest(["generate", messages, settings])
    return digest(["score", messages, list(request.options), *(["prior"] if request.prior else [])])


def write_json(path: Path, value: Any) -> None:
    """Writes a file whole or not at all: a temporary neighbour, fsync, rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="surrogatepass") as file:
            json.dump(value, file, ensure_ascii=False, indent=1, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise BenchError(f"cannot write {path}: {error.strerror or error}") from error


def read_json(path: Path) -> Any:
    """A JSON file of ours. Raises `BenchError` when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
    except FileNotFoundError:
        raise BenchError(f"{path} is missing") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BenchError(f"{path} cannot be read: {error}") from None


@dataclass
class Ledger:
    """The records of one task: what has been said before, and a file that grows."""

    path: Path
    said: dict[str, dict[int, tuple[str, Response]]] = field(default_factory=dict)  # sample -> step -> (request, response)
    ended: dict[str, Record] = field(default_factory=dict)
    _file: Any = None
    _waiting: int = 0
    _flushed: float = 0.0

    @classmethod
    def open(cls, path: Path, write: bool = False) -> Ledger:
        """Reads what is there; with `write`, cuts a torn last line off and opens the file for appending."""
        ledger = cls(path)
        if path.exists():
            ledger._load()
        if write:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                ledger._file = path.open("ab", buffering=0)
            except OSError as error:
                raise BenchError(f"cannot write {path}: {error.strerror or error}") from error
            whole = ledger._whole
            if ledger._file.tell() > whole:
                ledger._file.truncate(whole)
                ledger._file.seek(whole)
        return ledger

    _whole: int = 0  # bytes of whole lines

    def _load(self) -> None:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break  # torn by a death in the middle of a write
                self._whole += len(line)
                try:
                    self._take(json.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    raise BenchError(f"{self.path} line {number} is damaged ({error}); delete that line and run again") from None

    def _take(self, line: dict[str, Any]) -> None:
        sample = line["sample"]
        if "response" in line:
            self.said.setdefault(sample, {})[line["step"]] = (line["request"], load_response(line["response"]))
        if "end" in line:
            self.ended[sample] = load_end(sample, line["end"])

    def append(self, sample: str, step: int, request: str, response: Response | None, end: Record | None) -> None:
        """One line: what was said, and the sample's end if this was the last response."""
        line: dict[str, Any] = {"sample": sample}
        if response is not None:
            line |= {"step": step, "request": request, "response": dump_response(response)}
        if end is not None:
            line["end"] = dump_end(end)
            self.ended[sample] = end
        try:
            self._write((json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
            self._waiting += 1
            if self._waiting >= FLUSH_LINES or time.monotonic() - self._flushed > FLUSH_SECONDS:
                self._sync()
        except OSError as error:
            raise self._cannot_write(error) from error

    def _write(self, line: bytes) -> None:
        """Straight to the system, without a buffer of ours: a process that is killed has lost nothing it was told."""
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._waiting, self._flushed = 0, time.monotonic()

    def _cannot_write(self, error: OSError) -> BenchError:
        why = error.strerror or error
        return BenchError(f"cannot write {self.path}: {why}; what was written before is safe, run again to go on")

    def flush(self) -> None:
        """Everything said so far is on the disk, not only with the system, when this returns."""
        if self._file is not None:
            try:
                self._sync()
            except OSError as error:
                raise self._cannot_write(error) from error

    def close(self) -> None:
        if self._file is not None:
            try:
                self.flush()
            finally:
                self._file.close()
                self._file = None


def dump_response(response: Response) -> dict[str, Any]:
    """Only what is not the default, so that a record stays a short line."""
    line: dict[str, Any] = {"text": response.text, "finish": response.finish}
    if response.logprobs:
        line["logprobs"] = list(response.logprobs)
    if response.tokens:
        line["tokens"] = list(response.tokens)
    if response.prior:
        line["prior"] = list(response.prior)
    if response.error is not None:
        line |= {"error": response.error, "status": response.status}
    return line


def load_response(line: Mapping[str, Any]) -> Response:
    """The other way of `dump_response`."""
    return Response(
        line["text"],
        line["finish"],
        tuple(line.get("logprobs", ())),
        tuple(line.get("tokens", ())),
        line.get("error"),
        line.get("status", ""),
        tuple(line.get("prior", ())),
    )


def dump_end(record: Record) -> dict[str, Any]:
    """How a sample ended, as it stands in its record's line."""
    line: dict[str, Any] = {"status": record.status, "seconds": round(record.seconds, 4)}
    if record.prediction is not None:
        line["prediction"] = {
            "text": record.prediction.text if isinstance(record.prediction.text, str) else dict(record.prediction.text)
        }
        if record.prediction.choice is not None:
            line["prediction"] |= {"choice": record.prediction.choice, "scores": list(record.prediction.scores)}
    if record.error is not None:
        line["error"] = record.error
    return line


def load_end(sample: str, line: Mapping[str, Any]) -> Record:
    """The other way of `dump_end`."""
    said = line.get("prediction")
    prediction = Prediction(said["text"], said.get("choice"), tuple(said.get("scores", ()))) if said else None
    return Record(sample, line["status"], prediction, line.get("error"), line.get("seconds", 0.0))


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
