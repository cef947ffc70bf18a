"""What becomes of a worker that answers otherwise, of other versions, or dies: who is told, where it stands, and what it moves."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.rescoring import rescore
from lamm_bench.ask.session import Options, run
from lamm_bench.errors import BenchError
from lamm_bench.keep.runs import Run
from lamm_bench.remote.child import Child
from lamm_bench.show.progress import stderr_console
from lamm_bench.show.tables import show_outcome
from lamm_bench.spread.engaging import Wanted, engaged
from lamm_bench.spread.fleet import Fleet, Model
from lamm_bench.spread.processes import BEGIN
from lamm_bench.spread.wire import versions

from .commands import done
from .fakes import draw_root
from .test_silence import Play
from .test_spread import PLUGIN, ROOT, go, same

OLD = "0.0.1"


def test_a_worker_that_answers_otherwise_is_an_alarm_in_the_result_until_the_run_is_asked_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first of two says what is not so, and is slow: the other is asked what it has left, and one that it has answered."""
    outcome = go(tmp_path, "two", workers=2, company=2, lies="a lie", slow=0.05)
    (alarm,) = json.loads((tmp_path / "two/alarms.json").read_text())
    assert alarm["kept"]["text"] == "a lie" and alarm["other"]["text"] in ("red", "green", "blue")
    assert outcome.complete and outcome.alarm.startswith(
        f"ALARM: 1 answer was another one when another worker was asked ({alarm['sample']};"
    )
    assert json.loads((tmp_path / "two/result.json").read_text())["alarm"] == outcome.alarm
    assert any(
        note.startswith("ALARM: 1 request was") for note in json.loads((tmp_path / "two/timing.json").read_text())["notes"]
    )
    show_outcome(stderr_console(), outcome)
    assert "ALARM: 1 answer was" in " ".join(capsys.readouterr().err.split())
    again = go(tmp_path, "two")  # all is there, and found so
    assert again.alarm == outcome.alarm
    catalog = load_catalog([PLUGIN])
    scored = rescore(tmp_path / "two", catalog, tmp_path / "data", "all", (), Watcher())
    assert scored.alarm == outcome.alarm
    done("report", tmp_path / "two", "--data-root", tmp_path / "data", "--plugin", PLUGIN)
    assert "ALARM: 1 answer was" in (tmp_path / "two/report.html").read_text()
    assert f"{tmp_path / 'two'}: ALARM: 1 answer" in " ".join(
        done("leaderboard", "--results", tmp_path, "--plugin", PLUGIN).split()
    )
    options = Options("mortal", {}, tasks="colours", output=tmp_path / "two", mode="fresh")
    anew = run(options, catalog, catalog.adapter("mortal", {"marks": str(tmp_path)}), tmp_path / "data", "test", Watcher())
    assert not anew.alarm and "alarm" not in json.loads((tmp_path / "two/result.json").read_text())
    assert (tmp_path / "two/old-1/alarms.json").is_file() and not (tmp_path / "two/alarms.json").exists()


def test_the_alarm_of_a_share_is_in_the_merged_result(tmp_path: Path) -> None:
    root, marks = draw_root(tmp_path / "data", count=12), tmp_path / "marks"
    marks.mkdir()
    words = ("--plugin", PLUGIN, "--model", "mortal", "--set", f"marks={marks}", "--set", "lies=a lie", "--set", "company=2")
    words = (*words, "--set", "slow=0.05", "--tasks", "colours", "--data-root", root, "--workers", 2, "--shard", "1/1")
    done("run", *words, "--output", tmp_path / "share")
    told = done("merge", tmp_path / "share", "--output", tmp_path / "whole", "--plugin", PLUGIN, "--data-root", root)
    assert "ALARM: 1 request was answered otherwise" in " ".join(told.split())
    assert json.loads((tmp_path / "whole/result.json").read_text())["alarm"].startswith("ALARM: 1 request")


def test_what_became_of_workers_in_one_run_stands_in_no_other(tmp_path: Path) -> None:
    """Legs, controls and studies are asked by the same workers: a death in the first must not move a byte of the second's result."""
    root, catalog, marks = draw_root(tmp_path / "data", count=8), load_catalog([PLUGIN]), tmp_path / "marks"
    marks.mkdir()
    settings = {"marks": str(marks), "fatal": "3"}

    def legs(name: str, adapter: Any) -> None:
        for seed in (0, 1):
            options = Options("mortal", settings, tasks="colours", output=tmp_path / f"{name}-{seed}", limit=7, seed=seed)
            run(options, catalog, adapter, root, "test", Watcher())

    adapter = catalog.adapter("mortal", settings)
    fleet = engaged(Wanted("1"), Model("mortal", settings, [PLUGIN]), adapter, catalog.plugin_files)
    try:
        legs("two", fleet)
    finally:
        fleet.close()
    assert (marks / "fatal").exists()  # from here on nobody dies of it
    legs("one", adapter)
    for seed in (0, 1):
        same(tmp_path / f"one-{seed}", tmp_path / f"two-{seed}")
    told = [any("died" in note for note in timing.get("notes", ())) for timing in timings(tmp_path, "two-0", "two-1")]
    assert told == [True, False]


def timings(tmp_path: Path, *names: str) -> list[dict[str, Any]]:
    return [json.loads((tmp_path / name / "timing.json").read_text()) for name in names]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package that says it is of another version."""
    place = tmp_path_factory.mktemp("older")
    shutil.copytree(ROOT / "lamm_bench", place / "lamm_bench", ignore=shutil.ignore_patterns("__pycache__", "training", "lamm"))
    version = place / "lamm_bench/version.py"
    version.write_text(version.read_text().replace(versions()["lamm-bench"] or "", OLD))
    return place


class Both:
    """Two worker processes of this machine; the first has another lamm-bench than the driver."""

    seats: Sequence[Mapping[str, str]] = ({}, {})

    def __init__(self, older: Path) -> None:
        self.older = older

    def start(self, seat: int, heard: Callable[[bytes], None]) -> Child:
        path = [str(self.older), *sys.path] if seat == 0 else sys.path
        return Child([sys.executable, "-c", BEGIN.format(path=[entry or "." for entry in path])], heard=heard)

    def close(self) -> None: ...


def by_both(tmp_path: Path, name: str, older: Path, allow_mixed: bool, workers: int = 2) -> Any:
    root, catalog, marks = draw_root(tmp_path / "data", count=12), load_catalog([PLUGIN]), tmp_path / f"marks-{name}"
    marks.mkdir(exist_ok=True)
    settings = {"marks": str(marks), "company": str(2 if allow_mixed and workers == 2 else 1)}
    engine = Both(older)
    engine.seats = engine.seats[2 - workers :] if workers == 2 else engine.seats[:1]
    fleet = Fleet(
        Model("mortal", settings, [PLUGIN]),
        catalog.adapter("mortal", settings),
        engine,
        catalog.plugin_files,
        allow_mixed=allow_mixed,
    )
    options = Options("mortal", {}, tasks="colours", output=tmp_path / name)
    try:
        return run(options, catalog, fleet, root, "test", Watcher())
    finally:
        fleet.close()


def test_a_worker_of_another_version_is_named_and_the_others_do_its_work(tmp_path: Path, older: Path) -> None:
    assert by_both(tmp_path, "two", older, allow_mixed=False).complete
    go(tmp_path, "one")
    same(tmp_path / "one", tmp_path / "two")
    here = versions()["lamm-bench"]
    (timing,) = timings(tmp_path, "two")
    assert timing["notes"][-1] == f"a worker was refused: lamm-bench there is {OLD}, here {here} (--allow-mixed takes it in)"
    assert all("versions" not in kind for kind in Run.read(tmp_path / "two").manifest["asked"][-1]["workers"])


def test_where_only_others_are_left_it_is_one_sentence(tmp_path: Path, older: Path) -> None:
    with pytest.raises(BenchError, match=rf"no worker is left; the last was refused: lamm-bench there is {OLD}, here"):
        by_both(tmp_path, "one", older, allow_mixed=False, workers=1)
    assert not (tmp_path / "one").exists()


def test_with_allow_mixed_the_manifest_keeps_which_versions_have_answered_also_when_others_go_on(
    tmp_path: Path, older: Path
) -> None:
    assert by_both(tmp_path, "two", older, allow_mixed=True).complete
    kinds = Run.read(tmp_path / "two").manifest["asked"][-1]["workers"]
    assert sorted((kind["count"], kind.get("versions", {}).get("lamm-bench", "")) for kind in kinds) == [(1, ""), (1, OLD)]
    records = tmp_path / "two/records/colours.jsonl"
    records.write_text("".join(records.read_text().splitlines(keepends=True)[:5]))
    go(tmp_path, "two", workers=1)
    (entry,) = Run.read(tmp_path / "two").manifest["asked"]
    assert [kind.get("versions", {}).get("lamm-bench") for kind in entry["workers"]] == [None, OLD]


def test_the_first_to_come_may_be_refused_while_others_are_loading() -> None:
    play = Play(2)
    early, late = play.stage.puppets
    early.hello(versions={**versions(), "torch": "0.1"})
    play.fleet.pump(wait=False)
    assert early.gone
    late.hello()
    assert play.fleet.fingerprint() == "1" and play.fleet.shown() == "1/2 workers"


JUDGE = """
import os, signal, time
from lamm_bench.types import Response

class Mild:
    name = "mild"
    modalities = frozenset()

    def __init__(self, mark="", lies="", slow=0.0):
        self.mark, self.lies, self.slow = mark, lies, float(slow)

    def fingerprint(self):
        return "mild"

    def first(self):
        try:
            os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
        except (FileExistsError, FileNotFoundError):
            return False
        return True

    def generate(self, requests):
        first = self.first()
        for number, request in enumerate(requests):
            if first and not self.lies and number == 2:
                time.sleep(0.2)
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60.0 if first and self.lies and number else 0.0 if first else self.slow)
            grade = 9 if first else 3 + len(request.messages[1].text) % 5
            yield number, Response("\\n".join(f"{a}: {grade}" for a in ("accuracy", "relevance", "fluency", "coherence", "detail")))

ADAPTERS = {"mild": Mild}
"""


def test_a_judgement_tells_of_workers_that_die_and_keeps_what_they_say_otherwise(mini_root: Path, tmp_path: Path) -> None:
    (tmp_path / "mild.py").write_text(JUDGE)
    done("run", "--model", "chance", "--tasks", "svt", "--limit", 8, "--data-root", mini_root, "--output", tmp_path / "run")
    words = (
        "judge",
        tmp_path / "run",
        "--judge",
        "mild",
        "--plugin",
        tmp_path / "mild.py",
        "--data-root",
        mini_root,
        "--votes",
        1,
    )
    dead = done(*words, "--workers", 1, "--set", f"mark={tmp_path / 'dead'}")
    assert "note: a worker died, and what it had not answered was asked again; it was ended by signal 9" in " ".join(dead.split())
    (folder,) = (tmp_path / "run/judgements").iterdir()
    (kind,) = json.loads((folder / "workers.json").read_text())
    assert kind["count"] == 2 and "versions" not in kind and not (folder / "alarms.json").exists()
    lied = done(*words, "--workers", 2, "--fresh", "--set", f"mark={tmp_path / 'lied'}", "--set", "lies=x", "--set", "slow=0.05")
    assert "ALARM: 1 answer was another one" in " ".join(lied.split())
    assert json.loads((folder / "result.json").read_text())["alarm"].startswith("ALARM: 1 answer")
    assert (folder / "old-1/workers.json").is_file()
    assert "ALARM: 1 answer" in " ".join(done("judge", tmp_path / "run", "--replay").split())
