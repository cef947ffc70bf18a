"""What was said about one task, one line a response, append-only; the last line of a sample says how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
import zlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.types import STATUSES, Prediction, Record, Response

from .ends import Ends
from .files import sync_folder, write_whole
from .said import Said

FLUSH_LINES = 64  # lines between two fsyncs ...
FLUSH_SECONDS = 0.5  # ... or this much time, whichever comes first
BEHIND = 16 * FLUSH_LINES  # lines that a slow disk may owe before anybody waits for it


@dataclass
class Ledger:
    """The records of one task: what has been said before, and a file that grows.

    `seal` names the run and the task. It goes into the sum that ends each line, so that a flipped bit and a line of another run
    are noticed alike; `strict` leaves out lines that have no sum at all, as those of older versions have none."""

    path: Path
    seal: str = ""
    strict: bool = False
    said: Said = field(default_factory=Said)  # sample -> step -> (request, response)
    ended: Ends = field(default_factory=Ends)
    sizes: dict[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)  # sample -> of its pictures, where they are known
    damaged: list[int] = field(default_factory=list)  # lines that were left out, counted from 1
    _file: Any = None
    _waiting: int = 0
    _flushed: float = 0.0
    _syncer: ThreadPoolExecutor | None = None
    _syncing: Future[None] | None = None
    _whole: int = 0  # bytes of whole lines
    _lines: int = 0  # that were read
    _file_number: int = 0  # of the file that was read: it may be replaced by another one

    @classmethod
    def open(cls, path: Path, write: bool = False, seal: str = "", strict: bool = False) -> Ledger:
        """Reads what is there; with `write`, cuts a torn last line off, moves damaged ones aside, and opens the file for appending."""
        ledger = cls(path, seal, strict)
        bad = ledger._load()
        if write:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if bad:
                    ledger._put_aside(bad)
                new = not path.exists()
                ledger._file = path.open("ab", buffering=0)
                if new:
                    sync_folder(path.parent)
            except OSError as error:
                raise BenchError(f"cannot write {path}: {error.strerror or error}") from error
            whole = ledger._whole
            if ledger._file.tell() > whole:
                ledger._file.truncate(whole)
                ledger._file.seek(whole)
        return ledger

    def _load(self) -> list[bytes]:
        """Takes in every line that is whole and of this run; gives the others."""
        bad: list[bytes] = []
        try:
            if not self.path.exists():
                return bad
            with self.path.open("rb") as file:
                self._file_number = os.fstat(file.fileno()).st_ino
                file.seek(self._whole)
                for number, line in enumerate(file, self._lines + 1):
                    if not line.endswith(b"\n"):
                        break  # torn by a death in the middle of a write, or just being written
                    self._whole, self._lines = self._whole + len(line), number
                    try:
                        self._take(self._checked(line))
                    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                        self.damaged.append(number)
                        bad.append(line)
        except OSError as error:
            raise BenchError(f"{self.path} cannot be read: {error.strerror or error}") from None
        return bad

    def catch_up(self) -> bool:
        """Takes in what another process has written since; whether there was anything. Half a line waits until it is whole, and a file
        that has become another one (a run begun anew) is read from its beginning. Raises `BenchError` when it cannot be read."""
        before = self._whole
        try:
            now = self.path.stat()
        except OSError:
            now = None
        if before and (now is None or now.st_size < before or now.st_ino != self._file_number):
            self.said, self.ended, self.sizes, self.damaged, self._whole, self._lines = Said(), Ends(), {}, [], 0, 0
            self._load()
            return True
        if now is not None and now.st_size > before:
            self._load()
        return self._whole != before

    def _checked(self, line: bytes) -> dict[str, Any]:
        """The line's object. Raises ValueError where its sum is wrong, or absent though every line here has one."""
        found = SUM.search(line)
        if found is None:
            if self.strict or b'"sum"' in line[-24:]:
                raise ValueError("no sum")
            return dict(json.loads(line))
        if found[1].decode() != sum_of(self.seal, line[: found.start()]):
            raise ValueError("wrong sum")
        return dict(json.loads(line))

    def _put_aside(self, bad: list[bytes]) -> None:
        """Damaged lines go to a file beside, where a person may look at them; the others stay, in their order."""
        beside = self.path.with_suffix(".damaged")
        known = beside.read_bytes() if beside.exists() else b""
        write_whole(beside, known + b"".join(line for line in bad if line not in known))
        wrong, kept = set(self.damaged), []
        with self.path.open("rb") as file:
            kept = [line for number, line in enumerate(file, 1) if line.endswith(b"\n") and number not in wrong]
        write_whole(self.path, b"".join(kept))
        self._whole = sum(map(len, kept))

    def _take(self, line: dict[str, Any]) -> None:
        sample = line["sample"]
        if not isinstance(sample, str):
            raise TypeError("a sample is named by a text")
        response = (line["step"], line["request"], load_response(line["response"])) if "response" in line else None
        end = load_end(sample, line["end"]) if "end" in line else None
        if response is not None:
            self.said.take(sample, *response)
            self._measure(sample, response[2])
        if end is not None:
            self.ended[sample] = end

    def append(self, sample: str, step: int, request: str, response: Response | None, end: Record | None) -> None:
        """One line: what was said, and the sample's end if this was the last response."""
        line: dict[str, Any] = {"sample": sample}
        if response is not None:
            self._measure(sample, response)
            line |= {"step": step, "request": request, "response": dump_response(response)}
        if end is not None:
            line["end"] = dump_end(end)
            self.ended[sample] = end
        try:
            self._write(signed(line, self.seal))
            self._waiting += 1
            if self._waiting >= FLUSH_LINES or time.monotonic() - self._flushed > FLUSH_SECONDS:
                self._sync_soon()
        except OSError as error:
            raise self._cannot_write(error) from error

    def _measure(self, sample: str, response: Response) -> None:
        """Keeps the sizes of a sample's pictures: those of its latest response that has any, whenever it was given."""
        if response.sizes:
            self.sizes[sample] = response.sizes

    def _write(self, line: bytes) -> None:
        """Straight to the system, without a buffer of ours: a process that is killed has lost nothing it was told."""
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _sync_soon(self) -> None:
        """Has the disk write what the system was told, in a thread, so that no batch waits for it. Raises what the last time raised."""
        if self._syncing is not None:
            if not self._syncing.done() and self._waiting < BEHIND:
                return
            self._synced()
        self._syncer = self._syncer or ThreadPoolExecutor(1, "ledger")
        self._syncing = self._syncer.submit(os.fsync, self._file.fileno())
        self._waiting, self._flushed = 0, time.monotonic()

    def _synced(self) -> None:
        """Waits for the disk, where it was asked to write."""
        asked, self._syncing = self._syncing, None
        if asked is not None:
            asked.result()

    def _sync(self) -> None:
        self._synced()
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
                if self._syncer is not None:
                    self._syncer.shutdown()
                    self._syncer = None
                self._file.close()
                self._file = None


def count_ended(path: Path) -> int:
    """How many samples have an answer in a file, without taking all of it in."""
    found: set[bytes] = set()
    with contextlib.suppress(OSError), path.open("rb") as file:
        for line in file:
            name, _, rest = line.partition(b", ")
            if b'"end": {"status": "' in rest and b'"status": "model_error"' not in rest:
                found.add(name)
    return len(found)


SUM = re.compile(rb', "sum": "([0-9a-f]{8})"\}\r?\n$')


def signed(line: Mapping[str, Any], seal: str) -> bytes:
    """The line as it stands in the file, its sum at its end. Half a surrogate pair stands there as its JSON escape."""
    body = json.dumps(line, ensure_ascii=False)[:-1].encode("utf-8", "backslashreplace")
    return body + f', "sum": "{sum_of(seal, body)}"}}\n'.encode()


def sum_of(seal: str, body: bytes) -> str:
    """A CRC finds every flipped bit; it is no seal against somebody who wants to deceive."""
    return f"{zlib.crc32(body, zlib.crc32(seal.encode())):08x}"


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
    if response.seconds is not None:
        line["seconds"] = round(response.seconds, 4)
    if response.reasoning:
        line["reasoning"] = response.reasoning
    if response.reasoning_tokens is not None:
        line["reasoning_tokens"] = response.reasoning_tokens
    if response.sizes:
        line["sizes"] = [list(size) for size in response.sizes]
    return line


def load_response(line: Mapping[str, Any]) -> Response:
    """The other way of `dump_response`. Raises ValueError for what this never wrote."""
    if not isinstance(line["text"], str) or line["finish"] not in ("stop", "length"):
        raise ValueError("no response")
    return Response(
        line["text"],
        line["finish"],
        tuple(line.get("logprobs", ())),
        tuple(line.get("tokens", ())),
        line.get("error"),
        line.get("status", ""),
        tuple(line.get("prior", ())),
        line.get("seconds"),
        text_in(line, "reasoning"),
        line.get("reasoning_tokens"),
        tuple(tuple(int(side) for side in size) for size in line.get("sizes", ())),
    )


def text_in(line: Mapping[str, Any], key: str) -> str:
    """A text that may be absent. Raises ValueError for anything else."""
    if not isinstance(value := line.get(key, ""), str):
        raise ValueError(f"{key} is no text")
    return value


def dump_end(record: Record) -> dict[str, Any]:
    """How a sample ended, as it stands in its record's line."""
    line: dict[str, Any] = {"status": record.status, "seconds": round(record.seconds, 4)}
    if record.queued:
        line["queued"] = round(record.queued, 4)
    if record.prediction is not None:
        line["prediction"] = {
            "text": record.prediction.text if isinstance(record.prediction.text, str) else dict(record.prediction.text)
        }
        if record.prediction.choice is not None:
            line["prediction"] |= {"choice": record.prediction.choice, "scores": list(record.prediction.scores)}
        if record.prediction.turn_scores:
            line["prediction"]["turn_scores"] = {turn: list(values) for turn, values in record.prediction.turn_scores.items()}
    if record.error is not None:
        line["error"] = record.error
    return line


def load_end(sample: str, line: Mapping[str, Any]) -> Record:
    """The other way of `dump_end`. Raises ValueError for what this never wrote."""
    said, seconds = line.get("prediction"), line.get("seconds", 0.0)
    if line["status"] not in STATUSES or isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError("no end of a sample")
    prediction = None
    if said:
        turns = {str(turn): tuple(values) for turn, values in said.get("turn_scores", {}).items()}
        prediction = Prediction(said["text"], said.get("choice"), tuple(said.get("scores", ())), turns)
    return Record(sample, line["status"], prediction, line.get("error"), seconds, float(line.get("queued", 0.0)))
