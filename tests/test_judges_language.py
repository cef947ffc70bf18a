"""Language performance: which answers are graded, what the judge is shown of them, and how a grade is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.errors import BenchError
from lamm_bench.judging.cases import Case
from lamm_bench.judging.language import HIGHEST, cut, fixed, read_grade, upstream_grade
from lamm_bench.judging.session import Judgement, Options, judge, replay

from .commands import lamm_bench
from .test_judges import Judge, between_tags


@pytest.fixture()
def reasoned(mini_root: Path, tmp_path: Path) -> Path:
    """A run with a chain of thought: the scripted model says two sentences and a half to every question."""
    ids = [entry["id"] for entry in json.loads((mini_root / "2D_Benchmark/meta_file/VQA_SQAimage.json").read_text("utf-8"))]
    answers = {str(name): "It is red. So it is (A). And then" for name in ids}
    (tmp_path / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    words = ("run", "--model", "scripted", "--set", f"answers={tmp_path / 'answers.json'}", "--tasks", "sqaimage")
    done = lamm_bench(*words, "--recipe", "desiderata/reasoning", "--data-root", mini_root, "--output", tmp_path / "run")
    assert done.exit_code == 0, done.output
    return tmp_path / "run"


def graded(run: Path, root: Path, who: Judge, **options: object) -> Judgement:
    return judge(Options(run, "scripted", language=True, **options), load_catalog(), who, root, Watcher())  # type: ignore[arg-type]


def test_the_judge_sees_the_thought_up_to_its_last_full_stop_and_the_answer(reasoned: Path, mini_root: Path) -> None:
    who = Judge(lambda system, user: "Well argued. [Overall Score] 8")
    score = graded(reasoned, mini_root, who, votes=2).scores[0]
    assert score.metrics["language"].value == 8.0 and score.counts["ok"] == 6
    assert len(who.asked) == 12 and len({request.seed for request in who.asked}) == 12
    shown = who.asked[0].messages[1].text
    assert between_tags(shown, "reasoning") == "It is red. So it is (A)."
    assert "And then" in between_tags(shown, "answer") and between_tags(shown, "reference").startswith("(")


def test_verdicts_without_a_grade_are_counted_and_in_the_bounds_and_replayed(reasoned: Path, mini_root: Path) -> None:
    who = Judge(lambda system, user: "[Overall Score] 6")
    who.say = lambda system, user: "no idea" if len(who.asked) == 1 else "[Overall Score] 6"
    score = graded(reasoned, mini_root, who, votes=1).scores[0]
    assert score.counts["judge_error"] == 1 and score.metrics["language"].value == 6.0
    assert score.metrics["language"].bounds == (5.0, (30 + HIGHEST) / 6)
    (again,) = replay(reasoned)
    assert again.scores[0].metrics == score.metrics and again.scores[0].counts == score.counts


def test_a_run_without_a_chain_of_thought_is_refused(mini_root: Path, tmp_path: Path) -> None:
    words = ("run", "--model", "oracle", "--tasks", "sqaimage", "--data-root", mini_root, "--output", tmp_path / "plain")
    assert lamm_bench(*words).exit_code == 0
    with pytest.raises(BenchError, match="holds no chain of thought about sqaimage"):
        graded(tmp_path / "plain", mini_root, Judge(lambda system, user: "[Overall Score] 6"))
    told = lamm_bench("judge", tmp_path / "plain", "--language", "--judge", "chance", "--against", tmp_path / "plain")
    assert told.exit_code == 2 and "leave --against out" in told.output


def test_the_same_250_are_drawn_whatever_the_seed() -> None:
    cases = [Case(str(number), "", "ok") for number in range(300)]
    assert len(fixed(cases)) == 250 and fixed(cases) == fixed(list(cases))
    assert [int(case.id) for case in fixed(cases)] == sorted(int(case.id) for case in fixed(cases))
    assert fixed(cases[:7]) == cases[:7]


@given(st.text(max_size=200))
def test_any_text_can_be_cut_and_read(text: str) -> None:
    grade = read_grade(text)
    assert grade is None or 0 <= grade <= HIGHEST
    upstream_grade(text)
    assert text.startswith(cut(text))


def test_upstreams_draw_cut_and_reading(chef_goldens: Path) -> None:
    golden = json.loads((chef_goldens / "expected/desiderata.json").read_text(encoding="utf-8"))["language_performance"]
    cases = [Case(str(number), "", "ok") for number in range(2017)]
    assert [int(case.id) for case in fixed(cases)] == golden["sample_ids"]
    for text, wanted in golden["score"]:
        assert upstream_grade(text) == wanted, text
    for text, wanted in golden["cut"]:
        assert cut(text) == wanted, text
