"""Runs that grow, plug-ins that are edited, answers that are not this run's: nothing is asked twice, nothing old passes for new."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Outcome, Watcher
from lamm_bench.ask.rescoring import rescore
from lamm_bench.ask.session import Options, run
from lamm_bench.errors import BenchError
from lamm_bench.keep.ledger import Ledger
from lamm_bench.types import Generate, Response, Sample

from .fakes import ColourScorer, ColourTask, Looker, catalog_with, draw_root, rewrite_records


class Ear(Watcher):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def go(
    tmp_path: Path, looker: Looker, tasks: str = "colours", name: str = "run", ear: Watcher | None = None, **changes: Any
) -> Outcome:
    root = draw_root(draw_root(tmp_path / "data"), "shades", 6)
    options = Options("looker", tasks=tasks, output=tmp_path / name, **changes)
    return run(options, catalog_with(ColourTask(), ColourTask("shades")), looker, root, "test", ear or Watcher())


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "result.json", *sorted((folder / "scores").iterdir()))}


def test_a_run_that_grew_by_a_task_is_the_run_of_both(tmp_path: Path) -> None:
    go(tmp_path, Looker(), "colours,shades", "whole")
    go(tmp_path, Looker(), "shades")
    second = Looker()
    go(tmp_path, second, "colours,shades")
    assert len(second.asked) == 9
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")


def test_tasks_that_are_not_named_again_stay_in_the_result(tmp_path: Path) -> None:
    go(tmp_path, Looker(), "colours,shades", "whole")
    go(tmp_path, Looker(), "shades")
    outcome = go(tmp_path, Looker(), "colours")
    assert [score.task for score in outcome.scores] == ["colours", "shades"] and outcome.complete
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")


def test_a_larger_limit_asks_only_what_is_new(tmp_path: Path) -> None:
    go(tmp_path, first := Looker(), limit=4)
    go(tmp_path, second := Looker())
    assert not {request.sample for request in first.asked} & {request.sample for request in second.asked}
    go(tmp_path, Looker(), name="whole")
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")


def test_a_run_does_not_shrink_and_grows_as_a_whole(tmp_path: Path) -> None:
    go(tmp_path, Looker(), "colours,shades", limit=5)
    with pytest.raises(BenchError, match="different: limit: it was asked 5 of each task, and this asks 4"):
        go(tmp_path, Looker(), limit=4)
    with pytest.raises(BenchError, match="holds shades too; .*--tasks colours,shades"):
        go(tmp_path, Looker(), limit=6)


@pytest.mark.parametrize("limit", [None, 8])
def test_a_run_does_not_grow_over_items_that_changed(tmp_path: Path, limit: int | None) -> None:
    go(tmp_path, Looker(), limit=7)
    path = tmp_path / "data/2D_Benchmark/meta_file/colours.json"
    items = json.loads(path.read_text())
    for item in items:
        item["query"] = "What colour?"
    path.write_text(json.dumps(items))
    root = tmp_path / "data"
    options = Options("looker", tasks="colours", output=tmp_path / "run", limit=limit)
    with pytest.raises(BenchError, match="different: data: the items of colours"):
        run(options, catalog_with(ColourTask()), Looker(), root, "test", Watcher())


PLUGIN = """
from dataclasses import dataclass
from lamm_bench.types import Response
@dataclass
class Says:
    name: str = "says"
    modalities: frozenset = frozenset({"image"})
    def fingerprint(self): return "says"
    def generate(self, requests):
        for number, request in enumerate(requests): yield number, Response("red")
ADAPTERS = {"says": Says}
"""


def test_an_edited_plug_in_is_another_model(tmp_path: Path) -> None:
    root, plugin = draw_root(tmp_path / "data"), tmp_path / "says.py"

    def ask() -> Outcome:
        catalog = load_catalog([str(plugin)])
        catalog.tasks["colours"] = ColourTask()
        options = Options("says", tasks="colours", output=tmp_path / "run")
        return run(options, catalog, catalog.adapter("says", {}), root, "test", Watcher())

    plugin.write_text(PLUGIN)
    ask()
    ask()
    plugin.write_text(PLUGIN.replace('"red"', '"blue"'))
    with pytest.raises(BenchError, match=r"different: the plug-in says.py was edited since"):
        ask()
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert list(manifest["identity"]["plugins"]) == ["says.py"]


def test_a_helper_beside_a_plug_in_is_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "words_of_says.py").write_text("WORD = 'red'\ndef word(): return WORD\n")
    (tmp_path / "says.py").write_text("from words_of_says import word\n" + PLUGIN.replace('"red"', "word()"))
    (tmp_path / "not_used.py").write_text("")
    digests = []
    for text in ("'red'", "'red'", "'blue'"):
        (tmp_path / "words_of_says.py").write_text(f"WORD = {text}\ndef word(): return WORD\n")
        digests += load_catalog([str(tmp_path / "says.py")]).plugin_files.values()
        sys.modules.pop("words_of_says")
    assert digests[0] == digests[1] != digests[2]


def test_a_run_that_goes_on_says_how_many_answers_it_found_and_from_when(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Looker(die_after=4))
    ear = Ear()
    go(tmp_path, Looker(), ear=ear)
    assert any("holds 4 of 9 answers, asked since 20" in sentence for sentence in ear.said)
    go(tmp_path, Looker(), name="new", ear=(fresh := Ear()))
    assert not any("answers" in sentence for sentence in fresh.said)


def test_records_of_another_task_or_seed_are_asked_again_and_named(tmp_path: Path) -> None:
    go(tmp_path, Looker(), "colours,shades")
    before = files_of(tmp_path / "run")
    shutil.copy(tmp_path / "run/records/shades.jsonl", tmp_path / "run/records/colours.jsonl")
    again, ear = Looker(), Ear()
    go(tmp_path, again, "colours,shades", ear=ear)
    assert len(again.asked) == 9 and any("6 lines" in sentence and "of another run" in sentence for sentence in ear.said)
    assert files_of(tmp_path / "run") == before


def test_scoring_a_run_leaves_damaged_lines_out_and_says_so(tmp_path: Path) -> None:
    go(tmp_path, Looker())
    path = tmp_path / "run/records/colours.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"text": "green"', b'"text": "blue"', 1))
    again = rescore(tmp_path / "run", catalog_with(ColourTask()), tmp_path / "data", "all", (), Watcher())
    assert again.scores[0].counts["missing"] == 1 and "1 line of" in again.failures["colours"]


def test_a_finished_sample_whose_answers_are_to_other_questions_is_asked_again(tmp_path: Path) -> None:
    go(tmp_path, Looker())
    rewrite_records(tmp_path / "run", "colours", lambda lines: lines[3].update(request="0" * 16))
    again, ear = Looker(), Ear()
    go(tmp_path, again, ear=ear)
    assert len(again.asked) == 1 and any("1 samples held answers to other questions" in sentence for sentence in ear.said)


@dataclass
class Slow(Looker):
    """Half of the answers together, as a batch; each of the others after a pause of its own."""

    pause: float = 0.02

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        time.sleep(self.pause)
        for number, request in enumerate(requests):
            if number > 3:
                time.sleep(self.pause)
            yield number, Response(self.answer(request))


def test_a_samples_seconds_are_its_own(tmp_path: Path) -> None:
    go(tmp_path, Slow())
    ended = Ledger.open(tmp_path / "run/records/colours.jsonl", seal="?").ended
    assert ended == {}  # of another run, for this seal
    timing = json.loads((tmp_path / "run/timing.json").read_text())["seconds"]["colours"]
    assert timing["n"] == 9 and 0.02 <= timing["p50"] <= timing["p95"] < 0.1
    assert timing["queued_p95"] > timing["p95"]


class Raising(ColourScorer):
    def score(self, sample: Sample, prediction: Any) -> dict[str, float]:
        raise OverflowError("int too large")


@dataclass(frozen=True)
class Broken(ColourTask):
    def samples(self, root: Path) -> list[Sample]:
        raise ZeroDivisionError("of a stranger's task")


def test_a_task_that_cannot_read_or_count_loses_no_other(tmp_path: Path) -> None:
    root = draw_root(draw_root(tmp_path / "data"), "shades", 6)
    catalog = catalog_with(ColourTask(protocols={"standard": Raising()}), ColourTask("shades"), Broken("broken"))
    options = Options("looker", tasks="colours,shades,broken", output=tmp_path / "run")
    for _ in range(2):
        outcome = run(options, catalog, Looker(), root, "test", Watcher())
        assert [score.task for score in outcome.scores] == ["shades"]
        assert "OverflowError: int too large" in outcome.unavailable["colours"]
        assert "ZeroDivisionError" in outcome.unavailable["broken"]
    assert "Traceback" in (tmp_path / "run/errors/colours.txt").read_text()
    assert rescore(tmp_path / "run", catalog, root, "all", (), Watcher()).unavailable.keys() == {"colours"}


class Infinite(ColourScorer):
    def show(self, sample: Sample, prediction: Any, stats: Any) -> dict[str, float]:
        return {"value": float("inf")}


def test_a_number_that_json_cannot_hold_is_null_and_loses_nothing(tmp_path: Path) -> None:
    root = draw_root(tmp_path / "data")
    catalog = catalog_with(ColourTask(protocols={"standard": Infinite()}))
    run(Options("looker", tasks="colours", output=tmp_path / "run"), catalog, Looker(), root, "test", Watcher())
    samples = json.loads((tmp_path / "run/scores/colours.json").read_text())["protocols"]["standard"]["samples"]
    assert {values["value"] for values in samples.values()} == {None} and (tmp_path / "run/result.json").is_file()


def test_a_name_stands_in_the_result_and_secrets_stand_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "sk-SECRET-0815")
    command = ("run", "--set", "api_key=sk-SECRET-4711", "--set", "note=sk-SECRET-0815", "--token", "sk-SECRET-1234")
    go(tmp_path, Looker(), name="named", command=command, settings={"api_key": "sk-SECRET-4711"})
    root = draw_root(tmp_path / "data")
    run(
        Options("looker", tasks="colours", output=tmp_path / "named", name="Mine"),
        catalog_with(ColourTask()),
        Looker(),
        root,
        "test",
        Watcher(),
    )
    text = "".join(path.read_text() for path in (tmp_path / "named").rglob("*.json*"))
    assert "SECRET" not in text
    manifest = json.loads((tmp_path / "named/manifest.json").read_text())
    assert manifest["name"] == json.loads((tmp_path / "named/result.json").read_text())["name"] == "Mine"
    assert manifest["asked"][0]["command"][1:3] == ["--set", "api_key=[secret]"]
    assert {"date", "hardware", "versions", "plugins"} <= manifest["asked"][0].keys()
