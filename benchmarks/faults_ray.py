"""The same as `faults.py` through Ray: actors killed, one that answers wrongly, and a network that is cut and heals.

    python benchmarks/faults_ray.py --questions 200
    sudo python benchmarks/faults_ray.py --questions 200 --network     # two "machines" as network namespaces of this one

With `--network` a head with one worker and a node with another have an address each; their cable is pulled in the middle of the run and
put back; then all that Ray has on the head's machine is killed at once. Exit status 1 at the first answer that is lost or doubled, or at another byte of scores."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from faults import Bench, alive, first_row, lies, row

from lamm_bench.spread.ray_engine import QUIET, STORE

HEAD, NODE = "10.77.0.1", "10.77.0.2"
PORT = 6399
LEAVES = 120.0  # seconds within which a node notices by itself that its head is gone (Ray's own settings: a minute)
SPACES = ("lamm-head", "lamm-node")


def sh(*words: str, check: bool = True) -> None:
    subprocess.run(words, check=check, stdout=subprocess.DEVNULL, stderr=None if check else subprocess.DEVNULL)


@contextmanager
def cable() -> Iterator[None]:
    """Two network namespaces and the cable between them. Needs root and iproute2."""
    try:
        for name in SPACES:
            sh("ip", "netns", "add", name)
            sh("ip", "-n", name, "link", "set", "lo", "up")
        sh("ip", "link", "add", "lamm0", "netns", SPACES[0], "type", "veth", "peer", "name", "lamm1", "netns", SPACES[1])
        for name, link, address in zip(SPACES, ("lamm0", "lamm1"), (HEAD, NODE)):
            sh("ip", "-n", name, "addr", "add", f"{address}/24", "dev", link)
            sh("ip", "-n", name, "link", "set", link, "up")
        yield
    finally:
        for name in SPACES:
            sh("ip", "netns", "del", name, check=False)


def within(space: str, *words: str) -> list[str]:
    return ["ip", "netns", "exec", space, *words]


@contextmanager
def rays(place: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A head with one place in the first namespace, a node with one in the second; gives both."""
    ray = str(Path(sys.executable).parent / "ray")
    common = ["--num-cpus=1", f"--object-store-memory={STORE}", "--block"]
    head = [ray, "start", "--head", f"--port={PORT}", f"--node-ip-address={HEAD}", "--include-dashboard=false", *common]
    node = [ray, "start", f"--address={HEAD}:{PORT}", f"--node-ip-address={NODE}", *common]
    begun = []
    try:
        for number, (space, words) in enumerate(zip(SPACES, (head, node))):
            # a folder each: on one file system the node would take the head's session for its own
            own = [f"--temp-dir={place / str(number)}"] if number == 0 else []
            with (place / f"ray-{number}.log").open("wb") as log:
                begun.append(subprocess.Popen(within(space, *words, *own), stdout=log, stderr=log, start_new_session=True))
            ends = time.monotonic() + 180.0
            while b"Ray runtime started" not in (place / f"ray-{number}.log").read_bytes() and time.monotonic() < ends:
                time.sleep(0.2)
        yield begun
    finally:
        for process in reversed(begun):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def killed(bench: Bench, folder: str, workers: int, deaths: int, *more: str) -> int:
    """Shoots actors at random moments of one run. Gives how many it hit."""
    process, hit = bench.start(folder, workers, "--engine", "ray", *more), 0
    while process.poll() is None:
        found = bench.living()
        if found and hit < deaths and 0 < bench.lines(folder) < bench.questions:
            os.kill(bench.rng.choice(found), signal.SIGKILL)
            hit += 1
            time.sleep(bench.rng.uniform(0.5, 1.5))
        time.sleep(0.02)
    ended(process, folder)
    return hit


def ended(process: subprocess.Popen[bytes], folder: str) -> None:
    told = process.communicate()[1].decode()
    if process.returncode:
        raise SystemExit(f"the run in {folder} ended with status {process.returncode}: {told}")


def cut(bench: Bench, folder: str, seconds: float) -> int:
    """Pulls the cable for some seconds while both machines work. Gives how many answers came meanwhile."""
    words = ["--engine", "ray", "--address", f"{HEAD}:{PORT}", "--patience", "5"]
    process = bench.start(folder, 2, *words, through=within(SPACES[0]))
    while process.poll() is None and (bench.lines(folder) < bench.questions // 10 or len(bench.living()) < 2):
        time.sleep(0.02)
    before = bench.lines(folder)
    sh("ip", "-n", SPACES[0], "link", "set", "lamm0", "down")
    ends = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < ends:
        time.sleep(0.05)
    meanwhile = bench.lines(folder) - before
    sh("ip", "-n", SPACES[0], "link", "set", "lamm0", "up")
    ended(process, folder)
    return meanwhile


def lose_head(bench: Bench, folder: str, seconds: float) -> tuple[int, int | None]:
    """Ends all that Ray has on the head's machine at once, while the driver there and a worker on the other machine live.

    Gives how many answers came afterwards, and with which status the command ended (None: not within `seconds`, and it was killed). What is
    left is asked by one process, without Ray."""
    words = ["--engine", "ray", "--address", f"{HEAD}:{PORT}", "--patience", "5"]
    process, ends = bench.start(folder, 2, *words, through=within(SPACES[0])), time.monotonic() + 2 * seconds
    while process.poll() is None and (bench.lines(folder) < bench.questions // 10 or len(bench.living()) < 2):
        if time.monotonic() > ends:
            process.kill()
            raise SystemExit(f"the run in {folder} did not begin within {2 * seconds:g} seconds")
        time.sleep(0.02)
    before = bench.lines(folder)
    for pid in subprocess.run(["ip", "netns", "pids", SPACES[0]], capture_output=True, text=True).stdout.split():
        if int(pid) != process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    try:
        told = process.communicate(timeout=seconds)[1].decode(errors="replace").strip()
        status: int | None = process.returncode
        if status:
            print(f"  (it said: ... {told[-200:]})")
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        status = None
    meanwhile = bench.lines(folder) - before
    bench.whole(folder, 0)
    return meanwhile, status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.05, help="that the model sleeps for each")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--deaths", type=int, default=5)
    parser.add_argument("--network", action="store_true", help="cut the network between two namespaces, too (root)")
    parser.add_argument("--only", choices=["local", "network"])
    parser.add_argument("--cut", type=float, default=10.0, help="seconds that the cable is out")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    os.environ.update(QUIET)
    with tempfile.TemporaryDirectory(prefix="lamm-ray-") as place:
        bench = Bench(Path(place), asked.questions, asked.seconds, Random(asked.seed))
        right = first_row(bench)
        if asked.only != "network":
            right &= actors(bench, asked.workers, asked.deaths)
        if asked.network and asked.only != "local":
            os.environ["RAY_AUTH_MODE"] = "disabled"  # of two namespaces that nobody else can reach
            with cable(), rays(Path(place)):
                begun = time.monotonic()
                meanwhile = cut(bench, "cut", asked.cut)
                right &= row(bench, f"cable out for {asked.cut:g} s", "cut", 0, orphans(bench), time.monotonic() - begun)
                print(f"  ({meanwhile} answers came while it was out)")
                begun = time.monotonic()
                meanwhile, status = lose_head(bench, "headless", 120.0)
                right &= row(
                    bench, "Ray's head killed, then one process", "headless", 1, orphans(bench, LEAVES), time.monotonic() - begun
                )
                print(f"  ({meanwhile} answers came after it was lost; the command ended with status {status})")
    sys.exit(0 if right else 1)


def actors(bench: Bench, workers: int, deaths: int) -> bool:
    """The rows of a Ray on this machine, which starts and ends with each run."""
    begun = time.monotonic()
    bench.whole("ray", workers, "--engine", "ray")
    right = row(bench, f"{workers} actors of a local Ray", "ray", 0, orphans(bench), time.monotonic() - begun)
    begun = time.monotonic()
    hit = killed(bench, "shot", workers, deaths)
    right &= row(bench, "actors killed at random", "shot", hit, orphans(bench), time.monotonic() - begun)
    return lies(bench, workers, "--engine", "ray") and right


def orphans(bench: Bench, seconds: float = 10.0) -> int:
    """Workers that are still there some seconds after the command has ended."""
    ends = time.monotonic() + seconds
    while bench.living() and time.monotonic() < ends:
        time.sleep(0.05)
    return sum(map(alive, bench.living()))


if __name__ == "__main__":
    main()
