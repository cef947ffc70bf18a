"""Workers as actors of Ray, on one machine or many (extra `ray`).

Ray places them, tells when one has died and carries the lines; it repeats nothing and keeps nothing. An actor for which there is no
place yet waits in Ray, and is taken in when a node joins."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.errors import BenchError

from .engines import Heard, Wanted
from .places import THREADS

MISSING = "--engine ray needs Ray: pip install 'lamm-bench[ray]'; on one machine --workers does without it"
STORE = 100 * 2**20  # bytes of Ray's object store: only lines go through it, media never
LOOK = 0.5  # seconds between two looks at whether an actor is still wanted
CONNECT = 10.0  # seconds in which a cluster's head must take a connection
QUIET = {
    "RAY_worker_niceness": "0",  # Ray's own 15 lets workers starve beside any other process
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # no call may start a Ray by itself
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # workers without GPUs of their own see what a process would
}


class Actor:
    """One worker on its line."""

    def __init__(self, ray: Any, actor: Any, heard: Heard) -> None:
        self._ray, self._actor, self._heard = ray, actor, heard
        self._why = ""
        said = actor.lines.options(num_returns="streaming", concurrency_group="lines").remote()
        self.thread = threading.Thread(target=self._listen, args=(said,), daemon=True, name="actor")
        self.thread.start()

    def _listen(self, said: Any) -> None:
        try:
            while not self._why:  # a node that is cut off says nothing for a minute, and nobody may ask Ray once it is shut down
                if self._ray.wait([said], timeout=LOOK)[0]:
                    for line in self._ray.get(next(said)).splitlines(keepends=True):
                        self._heard(line)
        except Exception as error:  # of Ray: the actor, its node or the cluster has gone; or of `ray_actor.lines`
            self._why = self._why or f"ended ({reason(error)})"
        self._heard(b"")

    def send(self, line: bytes) -> None:
        with contextlib.suppress(Exception):  # it has died, which its lines tell
            self._actor.order.options(concurrency_group="orders", num_returns=0).remote(line)

    def status(self) -> str:
        return self._why or "ended"

    def last_words(self) -> str:
        """Ray keeps them on the node, in its session's logs."""
        return ""

    def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._why = self._why or "was ended"
        with contextlib.suppress(Exception):  # the cluster has gone
            self._ray.kill(self._actor, no_restart=True)


@dataclass
class Ray:
    """One actor a seat. `needs` is what Ray reserves for each."""

    seats: Sequence[Mapping[str, str]]
    needs: Mapping[str, float]
    ray: Any
    started: bool  # whether this process has started or joined it, and leaves it at the end
    actors: list[Actor] = field(default_factory=list)

    @classmethod
    def of(cls, wanted: Wanted) -> Ray:
        """Starts a local Ray or joins the cluster at `--address`. Raises `BenchError`."""
        ray = imported()
        started = not ray.is_initialized()
        try:
            if started:
                with attentive():
                    connect(ray, wanted)
            return cls(*placed(ray.cluster_resources(), wanted), ray, started)
        except BaseException:
            if started:
                ray.shutdown()
            raise

    def start(self, seat: int, heard: Heard) -> Actor:
        from . import ray_actor

        self.ray.cloudpickle.register_pickle_by_value(ray_actor)
        made = self.ray.remote(
            concurrency_groups={"orders": 1, "lines": 1},  # one thread each: orders arrive in their order
            max_restarts=0,  # the fleet replaces
            scheduling_strategy="SPREAD",
            **self.needs,
        )(ray_actor.Post)
        variables = {"env_vars": dict(self.seats[seat])}
        actor = made.options(runtime_env=variables).remote(os.getcwd(), [entry or os.getcwd() for entry in sys.path])
        self.actors.append(Actor(self.ray, actor, heard))
        return self.actors[-1]

    def close(self) -> None:
        for actor in self.actors:
            actor.stop()
        for actor in self.actors:
            actor.thread.join(10 * LOOK)
        self.actors.clear()
        if self.started:
            self.started = False
            self.ray.shutdown()


@contextlib.contextmanager
def attentive() -> Iterator[None]:
    """A Ctrl-C in the midst of this is raised at its end at the latest: Python drops one that comes while a process is being forked, as
    Ray's are (what the hooks after a fork raise is ignored)."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    heard: list[int] = []

    def hear(number: int, frame: Any) -> None:
        heard.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt


def imported() -> Any:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise BenchError(MISSING) from None
    return ray


def connect(ray: Any, wanted: Wanted) -> None:
    """Joins the cluster, or starts a Ray of one machine that ends with this process."""
    hush()
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if wanted.address is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        places = cores if wanted.workers == "gpus" else max(cores, int(wanted.workers))
        # "local" whatever RAY_ADDRESS says: a cluster is joined only where it is named
        ray.init(address="local", num_cpus=places, object_store_memory=STORE, include_dashboard=False, **quiet)
        return
    reachable(wanted.address)
    try:
        ray.init(address=wanted.address, **quiet)
    except Exception as error:  # ConnectionError, RuntimeError (other versions), errors of its own (tokens)
        raise BenchError(f"--address {wanted.address}: Ray cannot be joined there: {reason(error)}") from error


def hush() -> None:
    """Ray prints pages about each node that dies, on standard output, whatever its settings; what matters of it is in our notes."""
    with contextlib.suppress(ImportError, AttributeError):
        from ray._private import worker

        worker.print_to_stdstream = lambda *words, **more: None


def reachable(address: str) -> None:
    """Ray waits for minutes where nobody is; this says so at once."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise BenchError(f"--address {address}: expected HOST:PORT of a Ray head, as in 10.0.0.1:6379, or auto on a node of it")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT).close()
    except (OSError, OverflowError) as error:
        raise BenchError(f"--address {address}: nobody answers there ({getattr(error, 'strerror', None) or error})") from None


def placed(there: Mapping[str, float], wanted: Wanted) -> tuple[list[dict[str, str]], dict[str, float]]:
    """The seats, and what Ray reserves for each: one core, since it counts them and binds nobody, and the GPUs.

    Cores and GPUs are those that the cluster has now. Nodes that come later give a place to workers that have none yet.

    >>> placed({"CPU": 16.0, "GPU": 8.0}, Wanted("gpus", "ray", gpus_per_worker=4))[1]
    {'num_cpus': 1, 'num_gpus': 4}
    >>> len(placed({"CPU": 16.0, "GPU": 8.0}, Wanted("gpus", "ray", gpus_per_worker=4))[0])
    2
    """
    gpus, each = int(there.get("GPU", 0)), wanted.gpus_per_worker
    if wanted.workers == "gpus":
        each = each or 1
        count = gpus // each
        if not count:
            raise BenchError(f"--workers gpus: Ray has {gpus} GPUs, and a worker is to have {each}; name a number of workers")
    else:
        count = int(wanted.workers)
        if each and each > gpus:
            raise BenchError(f"--gpus-per-worker {each}: Ray has {gpus} GPUs altogether")
    threads = str(max(1, int(there.get("CPU", 1)) // count))
    variables = {name: os.environ.get(name, threads) for name in THREADS}
    return [variables] * count, {"num_cpus": 1, **({"num_gpus": each} if each else {})}


def reason(error: BaseException) -> str:
    """The first line of what Ray says that is no traceback, and the kind of its error.

    >>> reason(ConnectionError("no head\\nmore"))
    'ConnectionError: no head'
    """
    cause = getattr(error, "cause", None)
    cause = cause if isinstance(cause, BaseException) else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return f"{type(cause).__name__}: {lines[0][:300]}" if lines else type(cause).__name__
