"""What a long command says, with the time, in a file: whatever the terminal shows, and whoever looks later."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from lamm_bench.errors import BenchError, visible
from lamm_bench.keep.secrets import redacted


def now() -> datetime:
    """The time of this place."""
    return datetime.now().astimezone()


class Journal:
    """Appends lines to a file, each with its time (ISO 8601) and on the disk's side of Python's buffers at once. Secrets of the
    environment are never in it. Raises `BenchError` where the file cannot be written."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = now) -> None:
        self.path, self.clock = path, clock
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = open(path, "a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        except OSError as error:
            raise BenchError(f"--log-file {path} cannot be written: {error.strerror or error}") from None

    def write(self, text: str) -> None:
        """One line of the file for each of the text's."""
        if self.file.closed:
            return
        time = self.clock().isoformat(timespec="seconds")
        said = "".join(f"{time} {line}\n" for line in visible(redacted(text)).splitlines())
        try:  # a journal that can hold no more ends the command by its own name, and is asked for nothing further
            self.file.write(said)
            self.file.flush()
        except OSError as error:
            with suppress(OSError):
                self.file.close()
            raise BenchError(f"--log-file {self.path} cannot be written: {error.strerror or error}") from None

    def fault(self, error: BaseException) -> None:
        """A fault of ours, with its traceback."""
        self.write("".join(traceback.format_exception(error)))

    def close(self) -> None:
        self.file.close()


class Overheard(logging.Handler):
    """What libraries log, from INFO on, told like everything else."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self.tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.tell(f"{record.name}: {record.levelname.lower()}: {record.getMessage()}")
        except Exception:  # as the standard library's own handlers do: logging ends no run
            self.handleError(record)


def overhear(tell: Callable[[str], None]) -> Callable[[], None]:
    """Listens to what libraries log and warn of; what is given back ends it, and leaves everything as it was."""
    root, handler = logging.getLogger(), Overheard(tell)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)

    def stop() -> None:
        root.removeHandler(handler)
        root.setLevel(level)
        logging.captureWarnings(False)

    return stop
