"""Drawing with several processes. Each runs `serve`: a chunk comes in as a line of JSON, what it told goes out as one.

They are plain child processes and not `multiprocessing`'s: those run the caller's script again, which without a `__main__`
guard would ask for the miniature once more, and they outlive a parent that is killed. These end when their input ends."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from .drawing import Chunk, Told, draw_chunk

COMMAND = "from lamm_bench.data.mini.workers import serve; serve()"


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_chunks(chunks: Sequence[Chunk], workers: int) -> Iterator[tuple[Chunk, Told]]:
    """Every chunk with what it told, in the order of `chunks`. Raises the `OSError` of a worker that cannot write."""
    workers = min(workers, len(chunks))
    if workers <= 1 or not sys.executable:
        for chunk in chunks:
            yield chunk, draw_chunk(chunk)
        return
    started = [start() for _ in range(workers)]
    idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
    for process in started:
        idle.put(process)

    def draw(chunk: Chunk) -> Told:
        process = idle.get()
        try:
            return ask(process, chunk)
        finally:
            idle.put(process)

    pool = ThreadPoolExecutor(workers)
    try:
        yield from zip(chunks, pool.map(draw, chunks), strict=True)
    finally:
        for process in started:  # idle when all went well; else what they draw is not wanted any more
            process.kill()
        pool.shutdown(cancel_futures=True)
        for process in started:
            process.communicate()


def start() -> subprocess.Popen[str]:
    """A worker that finds the same modules as this process."""
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", COMMAND]
    return subprocess.Popen(command, env=environment, text=True, encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def ask(process: subprocess.Popen[str], chunk: Chunk) -> Told:
    """Has one worker draw one chunk."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(asdict(chunk)) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line.endswith("\n"):
        raise RuntimeError(f"the process that drew {chunk.subject} ended (status {process.wait()}); its last words are above")
    answer = json.loads(line)
    if "errno" in answer:
        raise OSError(answer["errno"], answer["strerror"])
    return Told(**answer)


def serve() -> None:
    """A worker's life: chunks in, answers out, until the input ends. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        try:
            answer = asdict(draw_chunk(Chunk(**json.loads(line))))
        except OSError as error:
            answer = {"errno": error.errno, "strerror": error.strerror or str(error)}
        try:
            print(json.dumps(answer), flush=True)
        except BrokenPipeError:  # the parent was killed
            os._exit(1)
