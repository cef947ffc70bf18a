"""Laws of the runner: any batch, any order, any death: the same records, hence the same scores."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.rescoring import rescore
from lamm_bench.ask.session import Options, run
from lamm_bench.errors import BenchError
from lamm_bench.keep.ledger import Ledger
from lamm_bench.read import READERS
from lamm_bench.show import progress
from lamm_bench.types import Generate, Job, Response, Sample

from .fakes import ColourTask, Looker, catalog_with, draw_root


def scores_of(folder: Path) -> dict[str, bytes]:
    files = [folder / "result.json", *sorted((folder / "scores").iterdir())]
    return {path.name: path.read_bytes() for path in files}


def go(tmp_path: Path, looker: Looker, name: str = "run", **changes):
    root = draw_root(tmp_path / "data")
    options = Options("looker", tasks="colours", output=tmp_path / name, **changes)
    return run(options, catalog_with(ColourTask()), looker, root, "test", Watcher())


def test_every_sample_is_accounted_for_and_scored(tmp_path: Path) -> None:
    outcome = go(tmp_path, Looker())
    (score,) = outcome.scores
    assert score.headline[1].value == 100.0
    assert score.counts["expected"] == 9 == sum(v for k, v in score.counts.items() if k != "expected")
    assert score.references["oracle"] == 100.0
    assert outcome.complete


def test_the_order_of_answers_changes_nothing(tmp_path: Path) -> None:
    go(tmp_path, Looker(), "forward")
    go(tmp_path, Looker(reverse=True), "backward")
    assert scores_of(tmp_path / "forward") == scores_of(tmp_path / "backward")


@pytest.mark.parametrize("death", [0, 1, 5, 8])
def test_an_interrupted_run_goes_on_and_ends_as_an_undisturbed_one(tmp_path: Path, death: int) -> None:
    go(tmp_path, Looker(), "whole")
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Looker(die_after=death), "killed")
    second = Looker()
    go(tmp_path, second, "killed")
    assert len(second.asked) == 9 - death
    assert scores_of(tmp_path / "whole") == scores_of(tmp_path / "killed")


def test_a_finished_run_is_not_asked_again(tmp_path: Path) -> None:
    go(tmp_path, Looker())
    before = scores_of(tmp_path / "run")
    second = Looker()
    go(tmp_path, second)
    assert second.asked == []
    assert scores_of(tmp_path / "run") == before


def test_scoring_a_stored_run_needs_no_model_and_gives_the_same_scores(tmp_path: Path) -> None:
    outcome = go(tmp_path, Looker())
    again = rescore(tmp_path / "run", catalog_with(ColourTask()), tmp_path / "data", "all", (), Watcher())
    assert [s.to_json(True) for s in again.scores] == [s.to_json(True) for s in outcome.scores]


def test_data_that_changed_since_the_run_are_not_scored(tmp_path: Path) -> None:
    go(tmp_path, Looker())
    draw_root(tmp_path / "data", count=10)
    again = rescore(tmp_path / "run", catalog_with(ColourTask()), tmp_path / "data", "all", (), Watcher())
    assert "not those of the run" in again.unavailable["colours"]


def test_one_broken_picture_ends_as_media_error_and_the_rest_goes_on(tmp_path: Path) -> None:
    root = draw_root(tmp_path / "data")
    (root / "2D_Benchmark/pics/3.png").unlink()
    options = Options("looker", tasks="colours", output=tmp_path / "run")
    outcome = run(options, catalog_with(ColourTask()), Looker(), root, "test", Watcher())
    assert outcome.scores[0].counts["media_error"] == 1
    assert outcome.scores[0].counts["ok"] == 8
    assert not outcome.complete
    assert outcome.scores[0].metrics["accuracy"].bounds == (pytest.approx(800 / 9), 100.0)


def test_blind_shows_the_model_a_gray_picture_and_is_another_run(tmp_path: Path) -> None:
    outcome = go(tmp_path, Looker(), control="blind")
    assert outcome.scores[0].counts["unread"] == 9  # gray is no colour of the task
    with pytest.raises(BenchError, match="different: control"):
        go(tmp_path, Looker())


def test_a_limit_draws_the_same_samples_for_the_same_seed(tmp_path: Path) -> None:
    first, second, third = Looker(), Looker(), Looker()
    go(tmp_path, first, "a", limit=4)
    go(tmp_path, second, "b", limit=4)
    go(tmp_path, third, "c", limit=4, seed=5)
    assert [r.sample for r in first.asked] == [r.sample for r in second.asked]
    assert [r.sample for r in first.asked] != [r.sample for r in third.asked]


@dataclass
class Faulty(Looker):
    """Leaves one request out, refuses one, fails one, cuts one."""

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            if request.sample == "0":
                continue
            if request.sample == "1":
                yield number, Response(error="I may not", status="refused")
            elif request.sample == "2":
                yield number, Response(error="server gone", status="model_error")
            elif request.sample == "3":
                yield number, Response("re", "length")
            else:
                yield number, Response(self.answer(request))


def test_every_fault_becomes_a_status_and_never_an_answer(tmp_path: Path) -> None:
    counts = go(tmp_path, Faulty()).scores[0].counts
    assert (counts["model_error"], counts["refused"], counts["truncated"], counts["ok"]) == (2, 1, 1, 5)


def test_a_run_with_model_errors_asks_those_samples_again(tmp_path: Path) -> None:
    go(tmp_path, Faulty())
    second = Looker()
    outcome = go(tmp_path, second)
    assert sorted(r.sample for r in second.asked) == ["0", "2"]
    assert outcome.scores[0].counts["model_error"] == 0


@dataclass
class Crashing(Looker):
    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield 0, Response("red")
        raise RuntimeError("CUDA is on fire")


def test_an_adapter_that_crashes_loses_nothing_and_is_named(tmp_path: Path) -> None:
    outcome = go(tmp_path, Crashing())
    assert "CUDA is on fire" in outcome.unavailable["colours"]
    assert "Traceback" in (tmp_path / "run/errors/colours.txt").read_text()
    assert outcome.scores[0].counts["missing"] == 8
    assert not outcome.complete


def test_a_missing_meta_file_does_not_stop_the_others(tmp_path: Path) -> None:
    root = draw_root(tmp_path / "data")
    tasks = catalog_with(ColourTask(), ColourTask("shades"))
    outcome = run(Options("looker", tasks="colours,shades", output=tmp_path / "run"), tasks, Looker(), root, "test", Watcher())
    assert "shades.json is missing" in outcome.unavailable["shades"]
    assert outcome.scores[0].task == "colours"
    assert not outcome.complete


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync
    calls = {"count": 0}

    def full(descriptor: int) -> None:
        calls["count"] += 1
        if calls["count"] > 2:  # the manifest and the first answer still fit
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises((BenchError, OSError), match="No space left"):
        go(tmp_path, Looker())
    monkeypatch.undo()
    outcome = go(tmp_path, Looker())
    assert outcome.scores[0].headline[1].value == 100.0


@dataclass
class Stuttering(Looker):
    """Answers one request a second time, or one that was never asked."""

    again: int = 0

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield 0, Response("red")
        yield self.again, Response("blue")


@pytest.mark.parametrize("again", [0, -1, 99])
def test_an_adapter_that_answers_what_was_not_asked_is_stopped(tmp_path: Path, again: int) -> None:
    with pytest.raises(BenchError, match=f"looker answered request {again} twice or never was asked it"):
        go(tmp_path, Stuttering(again=again))


def two_turns(tmp_path: Path) -> Path:
    recipe = tmp_path / "two.yaml"
    recipe.write_text(
        "scenario: {}\ninstruction: {prompts: none}\nmetric: {protocols: [standard]}\n"
        "inferencer: {name: multi_turn, turns: ['{question}', 'Sure?'], answer: '{answer2}'}\n"
    )
    return recipe


def test_an_answer_to_another_request_is_not_taken_over(tmp_path: Path) -> None:
    recipe = str(two_turns(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Looker(die_after=9), recipe=recipe)  # all first turns
    path = tmp_path / "run/records/colours.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["request"] = "of other words"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    second = Looker()
    outcome = go(tmp_path, second, recipe=recipe)
    assert len(second.asked) == 9 + 1
    assert outcome.complete


def test_two_turns_killed_between_them_go_on_at_the_second(tmp_path: Path) -> None:
    recipe = two_turns(tmp_path)
    whole = go(tmp_path, Looker(), "whole", recipe=str(recipe))
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Looker(die_after=12), "killed", recipe=str(recipe))
    second = Looker()
    killed = go(tmp_path, second, "killed", recipe=str(recipe))
    assert len(second.asked) == 18 - 12
    assert killed.scores[0].to_json(True) == whole.scores[0].to_json(True)
    assert scores_of(tmp_path / "whole") == scores_of(tmp_path / "killed")


@dataclass
class Rememberer(Looker):
    """Remembers so many dialogues."""

    remembers: int = 2


def test_an_adapter_that_remembers_two_dialogues_is_asked_their_second_turns_before_the_others_first(tmp_path: Path) -> None:
    recipe = two_turns(tmp_path)
    whole, looker = Looker(), Rememberer()
    go(tmp_path, whole, "whole", recipe=str(recipe))
    go(tmp_path, looker, "deep", recipe=str(recipe))
    turns = [[request.sample for request in one.asked] for one in (whole, looker)]
    assert turns[0] == [*"012345678"] * 2
    assert turns[1] == [*"0101", *"2323", *"4545", *"6767", *"88"]
    assert scores_of(tmp_path / "whole") == scores_of(tmp_path / "deep")


@pytest.mark.parametrize("death", [1, 3, 6, 17])
def test_an_adapter_that_remembers_may_be_killed_at_any_point(tmp_path: Path, death: int) -> None:
    recipe = two_turns(tmp_path)
    whole, second = Looker(), Rememberer(remembers=3)
    go(tmp_path, whole, "whole", recipe=str(recipe))
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Rememberer(remembers=3, die_after=death), "killed", recipe=str(recipe))
    go(tmp_path, second, "killed", recipe=str(recipe))
    assert len(second.asked) == 18 - death
    assert scores_of(tmp_path / "whole") == scores_of(tmp_path / "killed")


@pytest.mark.parametrize("name, parts, expected", [("direct", False, False), ("multi_turn", False, True), ("direct", True, True)])
def test_an_adapter_is_told_whether_later_requests_may_begin_as_earlier_ones(
    tmp_path: Path, name: str, parts: bool, expected: bool
) -> None:
    told: list[bool] = []

    class Listener(Looker):
        def begin(self, job: Job) -> None:
            told.append(job.goes_on)

    options = Options("looker", tasks="colours", output=tmp_path / "run", recipe="lamm/standard")
    if name == "multi_turn":
        options = replace(options, recipe=str(two_turns(tmp_path)))
    root = draw_root(tmp_path / "data")
    run(options, catalog_with(TwoParts() if parts else ColourTask()), Listener(), root, "test", Watcher())
    assert told == [expected]


@dataclass(frozen=True)
class TwoParts(ColourTask):
    """Each picture is asked about twice."""

    def samples(self, root: Path) -> list[Sample]:
        return [replace(sample, parts=("left", "right")) for sample in super().samples(root)]


@dataclass
class Cutting(Looker):
    """Its answers about the left are cut by the token limit."""

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, response in super().generate(requests):
            yield number, replace(response, finish="length" if requests[number].part == "left" else "stop")


def test_a_part_that_was_cut_before_the_run_was_killed_still_makes_a_truncated_sample(tmp_path: Path) -> None:
    options = Options("looker", tasks="colours", output=tmp_path / "run")
    root, catalog = draw_root(tmp_path / "data"), catalog_with(TwoParts())
    with pytest.raises(KeyboardInterrupt):
        run(options, catalog, Cutting(die_after=9), root, "test", Watcher())
    second = Cutting()
    counts = run(options, catalog, second, root, "test", Watcher()).scores[0].counts
    assert {request.part for request in second.asked} == {"right"} and counts["truncated"] == 9


def test_an_image_model_skips_clouds_with_the_reason(tmp_path: Path) -> None:
    root = draw_root(tmp_path / "data")
    (root / "3D_Benchmark").mkdir()
    cloudy = ColourTask("clouds", modality="point_cloud")
    draw_root(root, "clouds")
    outcome = run(
        Options("looker", tasks="colours,clouds", output=tmp_path / "run"),
        catalog_with(ColourTask(), cloudy),
        Looker(),
        root,
        "test",
        Watcher(),
    )
    assert outcome.skipped == {"clouds": "looker takes no point clouds"}
    assert outcome.complete


def test_the_result_says_what_the_run_was(tmp_path: Path) -> None:
    go(tmp_path, Looker())
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["format"] == 1
    assert result["model"]["name"] == "looker"
    assert result["recipe"] == "lamm/standard"
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert {"lamm-bench", "pillow", "numpy"} <= set(manifest["versions"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_without_room_for_one_record_is_one_sentence(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "t.jsonl", write=True)
    ledger._file.close()
    ledger._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115
    with pytest.raises(BenchError, match="No space left on device; what was written before is safe"):
        ledger.append("a", 0, "d", Response("x"), None)


def test_a_run_made_with_a_recipe_file_is_scored_again_without_that_file(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("scenario: {}\ninstruction: {}\ninferencer: {name: direct}\nmetric: {protocols: [standard]}\n")
    outcome = go(tmp_path, Looker(), recipe=str(recipe))
    recipe.unlink()
    again = rescore(tmp_path / "run", catalog_with(ColourTask()), tmp_path / "data", "all", (), Watcher())
    assert [s.to_json(True) for s in again.scores] == [s.to_json(True) for s in outcome.scores]


class Learning(Looker):
    """Finds out while it is asked."""

    @property
    def notes(self) -> list[str]:
        return ["known before", *(["found out"] if self.asked else [])]


def test_what_an_adapter_notes_while_it_is_asked_is_told_and_moves_no_result(tmp_path: Path) -> None:
    said: list[str] = []

    class Ear(Watcher):
        def say(self, sentence: str) -> None:
            said.append(sentence)

    root = draw_root(tmp_path / "data")
    options = Options("looker", tasks="colours", output=tmp_path / "run")
    run(options, catalog_with(ColourTask()), Learning(), root, "test", Ear())
    assert [sentence for sentence in said if sentence.startswith("note")] == ["note: known before", "note: found out"]
    assert json.loads((tmp_path / "run/timing.json").read_text())["notes"] == ["found out"]
    before = scores_of(tmp_path / "run")
    run(options, catalog_with(ColourTask()), Learning(), root, "test", Ear())
    assert scores_of(tmp_path / "run") == before


def test_a_result_names_its_readers_and_an_older_one_is_told_when_it_is_scored_again(tmp_path: Path) -> None:
    go(tmp_path, Looker())
    result = tmp_path / "run" / "result.json"
    data = json.loads(result.read_text())
    assert data["readers"] == READERS
    told: list[str] = []
    watcher = Watcher()
    watcher.say = told.append  # type: ignore[method-assign]
    for version, times in ((READERS, 0), ("0", 1), (None, 2)):
        old = {key: value for key, value in data.items() if key != "readers"} | ({"readers": version} if version else {})
        result.write_text(json.dumps(old))
        rescore(tmp_path / "run", catalog_with(ColourTask()), tmp_path / "data", "all", (), watcher)
        assert sum("of the readers" in line for line in told) == times


def test_progress_in_a_pipe_foretells_from_new_answers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    console = Console(file=io.StringIO(), width=200)
    bars = progress.Bars(console)

    def at(second: float, new: int) -> str:
        clock[0] = second
        bars.tick(new)
        text = console.file.getvalue()  # type: ignore[attr-defined]
        console.file.truncate(0)
        console.file.seek(0)
        return text.strip()

    bars.expect(2)
    bars.begin("svt", 1000)
    assert at(1, 400) == ""  # kept of an earlier start
    assert at(60, 10) == "410 of 1000 samples"  # the model was loaded meanwhile
    assert at(65, 10) == ""
    assert at(80, 30) == "450 of 1000 samples, 2/s, 275 s left"  # 40 in 20 seconds
    bars.end("svt")
    assert "svt                450/1000 in 80.0 s, 1 of 2 tasks" in console.file.getvalue()  # type: ignore[attr-defined]
