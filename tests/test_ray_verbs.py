"""The verbs beside `run` with actors of Ray: one is killed, the command is interrupted, and the same command again ends it with the bytes of one
process. The last test is of nodes with other versions.

What needs Ray is skipped where it is not installed (`pip install 'lamm-bench[ray]'`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.keep.runs import Run

from . import writers
from .commands import done, hear_ctrl_c
from .fakes import draw_root
from .test_alarms import OLD
from .test_alarms import older as older  # noqa: PLC0414
from .test_crew import plan as plan  # noqa: PLC0414
from .test_ray import cluster as cluster  # noqa: PLC0414
from .test_spread import DEADLINE, PLUGIN, ROOT, alive, pids, until

SLOW = """
import os, time
from pathlib import Path
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.types import Response

def pause(self, answers):
    (Path(self.marks) / f"worker-{os.getpid()}").touch()
    for pair in answers:
        time.sleep(float(self.slow))
        yield pair
"""
JUDGE = """
class Slow:
    name, modalities = "slow", frozenset()

    def __init__(self, marks, slow=0.0):
        self.marks, self.slow = marks, slow

    def fingerprint(self):
        return "slow"

    def generate(self, requests):
        yield from pause(self, ((n, Response(self.said(request))) for n, request in enumerate(requests)))

    def said(self, request):
        grade = 3 + len(request.messages[1].text) % 6
        return "\\n".join(f"{a}: {grade}" for a in ("accuracy", "relevance", "fluency", "coherence", "detail"))

ADAPTERS = {"slow": Slow}
"""
WRITER = f"""
{JUDGE}
class Writing(Slow):
    def said(self, request):
        return good(request)

ADAPTERS = {{"slow": Writing}}
"""
CHANCE = """
from dataclasses import dataclass

@dataclass
class Slow(type(load_catalog().adapter("chance", {}))):
    marks: str = "."
    slow: float = 0.0
    name: str = "slow"

    def generate(self, requests):
        yield from pause(self, super().generate(requests))

    def score(self, requests):
        yield from pause(self, super().score(requests))

ADAPTERS = {"slow": Slow}
"""


@dataclass
class Case:
    """One verb, with the words that say where its answers go, where they are counted, and what must be the same whoever answers."""

    plugin: str
    words: Sequence[object]
    lines: str
    files: tuple[str, ...]
    place: Callable[[Path], Sequence[object]] = lambda folder: ("--output", folder)

    def bytes(self, folder: Path) -> dict[str, bytes]:
        return {str(file.relative_to(folder)): file.read_bytes() for one in self.files for file in sorted(folder.glob(one))}

    def count(self, folder: Path) -> int:
        return sum(file.read_bytes().count(b"\n") for file in folder.glob(self.lines))


LEGS = ("*/result.json", "*/scores/*.json", "*.json")
CASES = {
    "judge": Case(
        JUDGE,
        ("--judge", "slow", "--votes", 5),
        "judgements/*/records/*.jsonl",
        ("judgements/*/result.json", "judgements/*/scores/*.json", "judgements/*/cases.json"),
        lambda folder: ("judge", folder),
    ),
    "data construct": Case(
        WRITER,
        ("--llm", "slow"),
        "answers/*/*.jsonl",
        ("*_Instruct/meta_file/*", "dialogues.jsonl", "checked.jsonl", "card.json"),
        lambda folder: ("--out", folder),
    ),
    "desiderata": Case(CHANCE, ("--model", "slow", "--limit", 10, "--only", "calibration"), "*/records/*.jsonl", LEGS),
    "robustness": Case(
        CHANCE,
        ("--model", "slow", "--limit", 10, "--tasks", "svt", "--corruptions", "fog", "--severities", "1,5"),
        "*/records/*.jsonl",
        LEGS,
    ),
}


@pytest.mark.parametrize("verb", CASES)
def test_an_actor_dies_and_ctrl_c_comes_and_the_same_command_ends_with_the_bytes_of_one_process(
    verb: str, tmp_path: Path, mini_root: Path, plan: Path, cluster: Any
) -> None:
    case, marks, plugin = CASES[verb], tmp_path / "marks", tmp_path / "slow.py"
    marks.mkdir()
    plugin.write_text((Path(str(writers.__file__)).read_text() if case.plugin is WRITER else "") + SLOW + case.plugin)
    named = ("data", "construct", plan) if verb == "data construct" else () if verb == "judge" else (verb,)
    data = () if verb == "data construct" else ("--data-root", mini_root)
    own = (*case.words, "--plugin", plugin, "--set", f"marks={marks}", "--set", "slow=0.2", *data)

    def words(name: str) -> tuple[object, ...]:
        if verb == "judge" and not (tmp_path / name).exists():
            done("run", "--model", "chance", "--tasks", "svt", "--limit", 8, *data, "--output", tmp_path / name)
        return (*named, *case.place(tmp_path / name), *own)

    done(*words("one"))
    for mark in marks.iterdir():
        mark.unlink()
    asked = [*words("ray"), "--workers", 2, "--engine", "ray", "--address", cluster.address]
    command = subprocess.Popen(
        [sys.executable, "-m", "lamm_bench", *map(str, asked)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=hear_ctrl_c,
    )
    until(lambda: case.count(tmp_path / "ray") >= 2 and len(pids(marks)) == 2)
    before, dead = case.count(tmp_path / "ray"), pids(marks)[0]
    os.kill(dead, signal.SIGKILL)
    until(lambda: case.count(tmp_path / "ray") > before)
    command.send_signal(signal.SIGINT)
    told = command.communicate(timeout=DEADLINE)[0].decode()
    assert command.returncode == 130 and "run the same command again to go on" in told, told
    until(lambda: not any(map(alive, pids(marks))))
    kept = case.count(tmp_path / "ray")
    assert before < kept < case.count(tmp_path / "one")
    done(*asked)
    assert case.bytes(tmp_path / "ray") == case.bytes(tmp_path / "one") != {}
    assert case.count(tmp_path / "ray") == case.count(tmp_path / "one")  # nothing was asked twice
    until(lambda: not any(map(alive, pids(marks))))


@pytest.mark.skipif(
    not os.environ.get("LAMM_BENCH_LONG_TESTS"),
    reason="of some ten runs one had its good workers sent away, unexplained; LAMM_BENCH_LONG_TESTS=1 runs it",
)
def test_a_node_with_another_version_is_refused_or_recorded(tmp_path: Path, cluster: Any, older: Path) -> None:
    """Two places of this version, and a third one whose lamm-bench says that it is older. Nobody answers before three, or two, are there."""
    root = draw_root(tmp_path / "data", count=40)
    other = cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(older)}, **cluster.small)

    def asked(name: str, *more: str) -> Path:
        marks = tmp_path / f"marks-{name}"
        marks.mkdir()
        words = ["--plugin", PLUGIN, "--model", "mortal", "--set", f"marks={marks}", "--tasks", "colours"]
        words += [
            "--data-root",
            root,
            "--output",
            tmp_path / name,
            "--workers",
            "3",
            "--engine",
            "ray",
            "--address",
            cluster.address,
        ]
        # elsewhere than in the checkout: Ray gives its workers the folder that a command is started in
        command = [sys.executable, "-m", "lamm_bench", "run", *map(str, words), *more]
        told = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=DEADLINE
        )
        assert told.returncode == 0, told.stderr
        return tmp_path / name

    try:
        mixed = asked("mixed", "--allow-mixed", "--set", "slow=0.1", "--set", "company=3")
        kinds = Run.read(mixed).manifest["asked"][-1]["workers"]
        assert sorted((kind["count"], kind.get("versions", {}).get("lamm-bench", "")) for kind in kinds) == [(1, OLD), (2, "")]
        notes = json.loads((asked("strict", "--set", "slow=0.4", "--set", "company=2") / "timing.json").read_text())["notes"]
        assert any(note.startswith(f"a worker was refused: lamm-bench there is {OLD}, here") for note in notes)
    finally:
        cluster.remove_node(other)
