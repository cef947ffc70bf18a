"""Workers as actors of Ray: the same records and bytes of scores as one process, whoever joins, leaves or dies.

What needs Ray is skipped where it is not installed (`pip install 'lamm-bench[ray]'`)."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.errors import BenchError
from lamm_bench.spread import ray_engine
from lamm_bench.spread.engaging import Wanted, engine_of

from .commands import refusal
from .fakes import draw_root
from .test_spread import PLUGIN, ROOT, alive, go, pids, same, until


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without a place for workers and one node with two, on this machine."""
    pytest.importorskip("ray", reason="Ray is not installed")
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    ray_engine.imported()
    os.environ["RAY_AUTH_MODE"] = "disabled"
    small = {"object_store_memory": ray_engine.STORE, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    made.small = {"object_store_memory": ray_engine.STORE}
    made.first = made.add_node(num_cpus=2, **made.small)
    yield made
    from ray._private import worker

    worker.global_worker.node = None  # else it refuses to end the node that the last driver was connected to
    made.shutdown()
    os.environ.clear()
    os.environ.update(before)


def by_ray(tmp_path: Path, name: str, cluster: Any, workers: int = 2, **settings: Any) -> Any:
    return go(tmp_path, name, workers=workers, engine="ray", address=cluster.address, **settings)


def test_actors_write_what_one_process_writes_and_none_is_left_behind(tmp_path: Path, cluster: Any) -> None:
    go(tmp_path, "one")
    assert by_ray(tmp_path, "ray", cluster, company=2).complete
    same(tmp_path / "one", tmp_path / "ray")
    assert len(pids(tmp_path / "marks-ray")) == 2 and os.getpid() not in pids(tmp_path / "marks-ray")
    until(lambda: not any(map(alive, pids(tmp_path / "marks-ray"))))


def test_an_actor_that_is_killed_is_replaced_and_loses_nothing(tmp_path: Path, cluster: Any) -> None:
    go(tmp_path, "one")
    assert by_ray(tmp_path, "ray", cluster, workers=1, fatal="3").complete
    same(tmp_path / "one", tmp_path / "ray")
    assert len(pids(tmp_path / "marks-ray")) == 2
    assert "a worker died" in (tmp_path / "ray/timing.json").read_text()


def test_nodes_join_and_leave_while_it_is_asked(tmp_path: Path, cluster: Any) -> None:
    """Four workers, places for two; a node brings a third, without whom nobody answers, and goes with it while they work."""
    go(tmp_path, "one", count=60)
    marks = tmp_path / "marks-ray"
    with ThreadPoolExecutor(1) as run:
        outcome = run.submit(by_ray, tmp_path, "ray", cluster, workers=4, count=60, company=3, slow=0.05)
        until(lambda: len(pids(marks)) == 2)
        late = cluster.add_node(num_cpus=1, **cluster.small)
        until(lambda: len(pids(marks)) == 3)
        cluster.remove_node(late, allow_graceful=False)
        assert outcome.result().complete
    same(tmp_path / "one", tmp_path / "ray")
    assert len(pids(marks)) == 3


def test_a_driver_that_is_killed_leaves_nothing_of_its_own_ray(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    root, marks, records = draw_root(tmp_path / "data", count=12), tmp_path / "marks", tmp_path / "begun/records/colours.jsonl"
    marks.mkdir()
    words = ["--plugin", PLUGIN, "--model", "mortal", "--set", f"marks={marks}", "--set", "slow=0.1", "--workers", "1"]
    words += ["--engine", "ray", "--tasks", "colours", "--data-root", str(root), "--output", str(tmp_path / "begun")]
    command = subprocess.Popen(
        [sys.executable, "-m", "lamm_bench", "run", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    until(lambda: records.exists() and records.read_text().count("\n") >= 3)
    # two small helpers of Ray's own look for its head for another minute (2.60); they hold no model, no file and no port of ours
    grown = [pid for pid in below(command.pid) if b"Agent" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert grown and set(pids(marks)) <= set(grown)
    command.send_signal(signal.SIGKILL)
    command.wait()
    until(lambda: not any(map(alive, grown)))
    go(tmp_path, "begun", root=root)
    go(tmp_path, "whole", root=root)
    same(tmp_path / "whole", tmp_path / "begun")


def below(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found, rest = list[int](), [pid]
    while rest:
        children = parents.get(rest.pop(), [])
        found += children
        rest += children
    return found


@pytest.fixture()
def hears_ctrl_c() -> Iterator[None]:
    """As in a shell's foreground, wherever the tests run."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
def test_a_ctrl_c_that_is_dropped_while_ray_starts_is_heard_at_its_end() -> None:
    before = signal.getsignal(signal.SIGINT)
    # the innermost does what Python does after a fork
    with pytest.raises(KeyboardInterrupt), ray_engine.attentive(), contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    with ray_engine.attentive():
        pass


def test_without_ray_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "--engine ray needs Ray: pip install 'lamm-bench[ray]'" in refusal(
        "run", "--model", "oracle", "--workers", "2", "--engine", "ray", "--tasks", "svt"
    )


def test_an_address_where_nobody_answers_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(BenchError, match=f"^--address {address}: nobody answers there"):
            ray_engine.reachable(address)
    for wrong in ("10.0.0.1", "head:", ":6379", "ray://head"):
        with pytest.raises(BenchError, match="expected HOST:PORT of a Ray head"):
            ray_engine.reachable(wrong)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--workers", "2", "--engine", "dask"), "no engine (--engine) called 'dask'"),
        (("--workers", "2", "--address", "a:1"), "--address a:1 is that of a Ray cluster; add --engine ray"),
        (("--engine", "ray"), "--engine is about workers; add --workers N"),
        (("--allow-mixed",), "--allow-mixed is about workers; add --workers N"),
        (("--workers", "2", "--gpus-per-worker", "0"), "--gpus-per-worker 0: expected a number of at least 1"),
        (("--workers", "2", "--patience", "nan"), "--patience nan: expected a number of seconds above 0"),
    ],
)
def test_engines_that_cannot_be_are_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    assert sentence in refusal("run", "--model", "oracle", "--tasks", "svt", *words)


def test_ray_gives_each_worker_its_gpus_and_a_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    there = {"CPU": 32.0, "GPU": 8.0}
    seats, needs = ray_engine.placed(there, Wanted("gpus", "ray"))
    assert len(seats) == 8 and seats[0]["OMP_NUM_THREADS"] == "4" and needs == {"num_cpus": 1, "num_gpus": 1}
    seats, needs = ray_engine.placed(there, Wanted("3", "ray", gpus_per_worker=2))
    assert len(seats) == 3 and needs["num_gpus"] == 2
    assert ray_engine.placed({"CPU": 2.0}, Wanted("4", "ray"))[1] == {"num_cpus": 1}
    with pytest.raises(BenchError, match="Ray has 0 GPUs, and a worker is to have 1"):
        ray_engine.placed({"CPU": 2.0}, Wanted("gpus", "ray"))
    with pytest.raises(BenchError, match="--gpus-per-worker 9: Ray has 8 GPUs altogether"):
        ray_engine.placed(there, Wanted("1", "ray", gpus_per_worker=9))


def test_processes_are_what_is_meant_without_an_engine() -> None:
    assert len(engine_of(Wanted("3")).seats) == 3
