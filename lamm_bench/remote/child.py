"""A running process and its three pipes. Nothing here knows what the lines mean.

Reading, writing and standard error have a thread each, so that no full pipe ever stops the one who asks."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

GUARD = Path(__file__).with_name("guard.py")
LONGEST = 32 * 2**20  # bytes of one line
LAST_WORDS = 30  # lines of standard error that are kept
PATIENCE = 5.0  # seconds in which the guard has ended everything (guard.GRACE and some)


class Child:
    """Started at once. `take` gives its lines, or `heard` is told each; an empty one means that there will be no more."""

    def __init__(
        self,
        command: Sequence[str],
        folder: str = "",
        log: str = "",
        variables: Mapping[str, str] | None = None,  # of its environment, beside ours
        heard: Callable[[bytes], None] | None = None,  # called in a thread of its own
    ) -> None:
        theirs, self._pipe = os.pipe()
        guarded = [sys.executable, "-I", "-S", str(GUARD), str(theirs), *command]
        try:
            self._process = subprocess.Popen(
                guarded,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(theirs,),
                cwd=folder or None,
                env={
                    **os.environ,
                    "PYTHONUNBUFFERED": "1",
                    **(variables or {}),
                },  # a script that forgets to flush is heard all the same
                start_new_session=True,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(theirs)
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._heard = heard or self._lines.put
        self._orders: queue.Queue[bytes | None] = queue.Queue()
        self._words: deque[str] = deque(maxlen=LAST_WORDS)
        self._log = log
        self._threads = [
            threading.Thread(target=work, daemon=True, name="served") for work in (self._read, self._write, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, line: bytes) -> None:
        """Writes the line as soon as the process takes it."""
        self._orders.put(line)

    def take(self, seconds: float) -> bytes | None:
        """The next line, empty at the end of all; None when none came in time."""
        try:
            return self._lines.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def close(self) -> None:
        """Lets the guard end the process and all that it has started; `stop` waits until it has."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        self._orders.put(None)

    def stop(self) -> None:
        """Ends the process and all that it has started."""
        self.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        if self._process.poll() is None:  # a guard that does not end is stopped itself; its model dies with it
            self._process.kill()
            self._process.wait()
        self._threads[2].join(1.0)  # the last words

    def status(self) -> str:
        """How it ended, in words; a process that only closed its output is still running."""
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "closed its standard output"
        return f"was ended by signal {code - 128}" if code > 128 else f"ended with exit status {code}"

    def last_words(self, lines: int = 3) -> str:
        """The end of its standard error on one line; empty where it wrote none."""
        self._threads[2].join(0.2)
        told = [line for line in self._words if line.strip()][-lines:]
        return " | ".join(told)[-500:]

    def _read(self) -> None:
        for line in whole_lines(self._process.stdout):
            self._heard(line)
        self._heard(b"")

    def _write(self) -> None:
        stream = self._process.stdin
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):  # it has died, which its output tells
            while (line := self._orders.get()) is not None:
                stream.write(line)
                stream.flush()
        with contextlib.suppress(OSError):
            stream.close()

    def _listen(self) -> None:
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(open(self._log, "ab")) if self._log else None
            for line in whole_lines(self._process.stderr):
                self._words.append(line.decode("utf-8", "replace").strip()[:500])
                if log is not None:
                    log.write(line)
                    log.flush()


def whole_lines(stream: IO[bytes] | None) -> Iterator[bytes]:
    """Lines of a pipe, none longer than LONGEST, until it is closed."""
    assert stream is not None
    return iter(lambda: stream.readline(LONGEST), b"")
