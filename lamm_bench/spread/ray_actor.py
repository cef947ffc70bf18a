"""What Ray runs in each of its workers: `worker.py`, with queues where a process has pipes.

This file travels to the nodes by its content, so that one without lamm-bench can say so; hence nothing of lamm-bench is imported
above the methods."""

from __future__ import annotations

import contextlib
import os
import platform
import queue
import sys
import threading
from collections.abc import Iterator, Sequence

LONGEST = 2**20  # bytes of lines that go together


class Post:
    """A worker's two queues. Ray calls `order` and `lines` in a thread each; the model works in a third."""

    def __init__(self, folder: str, path: Sequence[str]) -> None:
        self.orders: queue.Queue[bytes] = queue.Queue()
        self.told: queue.Queue[bytes] = queue.Queue()
        with contextlib.suppress(OSError):  # a folder that this machine lacks: names with their whole path are found all the same
            os.chdir(folder)
        sys.path += [entry for entry in path if entry not in sys.path and os.path.isdir(entry)]

    def order(self, line: bytes) -> None:
        self.orders.put(line)

    def write(self, line: bytes) -> None:
        """What the worker takes for its output."""
        self.told.put(line)

    def work(self) -> None:
        """Does what it is told; whatever ends that ends the process, as it does where workers are processes."""
        try:
            from lamm_bench.spread.worker import Worker

            worker = Worker(self)
            threading.Thread(target=worker.listen, args=(iter(self.orders.get, b""),), daemon=True).start()
            worker.serve()
        finally:
            sys.stderr.flush()
            os._exit(1)

    def lines(self) -> Iterator[bytes]:
        """All that the worker says, for ever: whole lines, those that have gathered in one piece."""
        try:
            import lamm_bench.spread.worker  # noqa: F401
        except ImportError as error:
            raise ImportError(f"lamm-bench cannot be imported on {platform.node()}: {error}") from error
        threading.Thread(target=self.work, daemon=True).start()
        while True:
            piece = [self.told.get()]
            with contextlib.suppress(queue.Empty):
                while sum(map(len, piece)) < LONGEST:
                    piece.append(self.told.get_nowait())
            yield b"".join(piece)
