"""What was said about one task, one line a response, append-only; the last line of a sample says how it ended."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.types import Prediction, Record, Response

FLUSH_LINES = 64  # lines between two fsyncs ...
FLUSH_SECONDS = 0.5  # ... or this much time, whichever comes first


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
