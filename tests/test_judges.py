"""Judges: what they are asked, how verdicts become numbers, and that a verdict once given is never lost, bought twice or made up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.errors import BenchError, Stopped
from lamm_bench.judging import wording
from lamm_bench.judging.agreement import between, kappa, ranks, spearman
from lamm_bench.judging.cases import Case, draw
from lamm_bench.judging.ranking import MIX, Ranking
from lamm_bench.judging.rating import Rating
from lamm_bench.judging.session import Judgement, Options, judge, replay
from lamm_bench.judging.truth import LONGEST, answer_text, truth_of
from lamm_bench.measure.scoring import Score
from lamm_bench.types import Generate, Response

from .commands import lamm_bench
from .fakes import rewrite_records
from .faulty_server import FakeClock, completion, failing, faulty_server, said, smollm2
from .made import make_file

TASKS = "cifar10,flickr30k,sqaimage,svt"


@pytest.fixture(scope="module")
def finished(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs, `oracle` and `chance`."""
    folder = tmp_path_factory.mktemp("runs")
    for model in ("oracle", "chance"):
        words = ("run", "--model", model, "--tasks", TASKS, "--data-root", mini_root, "--output", folder / model)
        assert lamm_bench(*words).exit_code == 0
    return folder


@pytest.fixture()
def runs(finished: Path, tmp_path: Path) -> Path:
    """A copy of them that a test may judge and change."""
    shutil.copytree(finished, tmp_path / "runs")
    return tmp_path / "runs"


def between_tags(text: str, tag: str) -> str:
    return text.split(f"<{tag}>\n", 1)[1].split("\n</", 1)[0]


@dataclass
class Judge:
    """A judge that a test scripts: `say(system, user)` gives the verdict's text, or a whole response."""

    say: Callable[[str, str], str | Response]
    name: str = "scripted-judge"
    modalities: frozenset[str] = frozenset()
    asked: list[Generate] = field(default_factory=list)
    die_after: int | None = None
    stop_after: int | None = None

    def fingerprint(self) -> str:
        return "script"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number in reversed(range(len(requests))):  # the order must not matter
            if len(self.asked) == self.die_after:
                raise KeyboardInterrupt
            if len(self.asked) == self.stop_after:
                raise Stopped("the budget is spent")
            self.asked.append(requests[number])
            answer = self.say(requests[number].messages[0].text, requests[number].messages[1].text)
            yield number, answer if isinstance(answer, Response) else Response(answer)


def grades(*numbers: float) -> str:
    return "\n".join(f"{aspect}: {number:g}" for aspect, number in zip(wording.ASPECTS, numbers))


def fair_rating(system: str, user: str) -> str:
    """Ten for an answer that the reference contains, two for any other."""
    right = between_tags(user, "answer").strip("() ") in between_tags(user, "reference")
    return grades(*([10] * 5 if right else [2] * 5))


def fair_ranking(system: str, user: str) -> str:
    truth = between_tags(user, "reference")
    first, second = (between_tags(user, f'answer number="{n}"').strip("() ") in truth for n in (1, 2))
    return "TIE" if first == second else "FIRST" if first else "SECOND"


def judged(runs: Path, root: Path, who: Judge, against: bool = False, **options: Any) -> Judgement:
    asked = Options(runs / "oracle", "scripted", against=runs / "chance" if against else None, **options)
    return judge(asked, load_catalog(), who, root, Watcher())  # type: ignore[arg-type]


def by_task(judgement: Judgement) -> dict[str, Score]:
    return {score.task: score for score in judgement.scores}


# --- rating


def test_ratings_are_means_over_votes_and_answers_with_an_interval(runs: Path, mini_root: Path) -> None:
    drawn = iter(range(10**6))
    result = judged(runs, mini_root, Judge(lambda s, u: grades(*[4 + next(drawn) % 3] * 4, 10)), votes=3)
    scores = by_task(result)
    assert list(scores) == ["cifar10", "sqaimage", "flickr30k", "svt", "rating-all"]
    assert scores["rating-all"].metrics["detail"].value == 10.0
    assert scores["rating-all"].metrics["accuracy"].value == pytest.approx(5.0, abs=0.01)
    assert scores["rating-all"].metrics["rating"].value == pytest.approx(6.0, abs=0.01)
    assert scores["rating-all"].metrics["rating"].ci95 is not None and scores["svt"].counts["ok"] == 6
    assert scores["rating-all"].metrics["vote_sd"].value == pytest.approx(0.8, abs=0.01)
    assert result.complete


def test_votes_are_drawn_with_seeds_of_their_own_and_one_vote_is_greedy(runs: Path, mini_root: Path) -> None:
    several, one = Judge(fair_rating), Judge(fair_rating)
    judged(runs, mini_root, several, tasks="svt", votes=3)
    assert len(several.asked) == 18 and len({request.seed for request in several.asked}) == 18
    assert all(request.temperature == 0.7 for request in several.asked)
    judged(runs, mini_root, one, tasks="svt", votes=1)
    assert all((request.temperature, request.seed) == (0.0, None) for request in one.asked)


def test_a_judge_that_fails_is_counted_and_never_a_score(runs: Path, mini_root: Path) -> None:
    turn = iter(range(12))  # two votes on each of six answers, the last one first

    def say(system: str, user: str) -> str | Response:
        number = next(turn)
        if number < 4:
            return Response(error="HTTP 500", status="model_error")
        return "I would say a solid seven." if number == 4 else grades(6, 6, 6, 6, 6)

    result = judged(runs, mini_root, Judge(say), tasks="cifar10", votes=2)
    score = by_task(result)["cifar10"]
    failed = score.counts["judge_error"]
    assert (failed, score.counts["ok"], result.complete) == (2, 4, False)
    estimate = score.metrics["rating"]
    assert estimate.value == 6.0 and estimate.n == 6 - failed
    assert estimate.bounds == pytest.approx(((6 * (6 - failed) + failed) / 6, (6 * (6 - failed) + 10 * failed) / 6))


def test_a_judge_that_says_nothing_readable_gives_no_number_at_all(runs: Path, mini_root: Path) -> None:
    score = by_task(judged(runs, mini_root, Judge(lambda s, u: "Wonderful!"), tasks="svt"))["svt"]
    assert score.metrics["rating"].value is None and score.counts["judge_error"] == 6 == score.counts["expected"]


def test_an_answer_that_is_not_there_is_not_judged(runs: Path, mini_root: Path) -> None:

    def without(lines: list[dict[str, Any]]) -> None:
        lines[0] = {"sample": lines[0]["sample"], "end": {"status": "model_error", "error": "x", "seconds": 0}}
        lines.pop()

    rewrite_records(runs / "oracle", "svt", without)
    who = Judge(fair_rating)
    score = by_task(judged(runs, mini_root, who, tasks="svt", votes=1))["svt"]
    assert (score.counts["ok"], score.counts["model_error"], score.counts["missing"]) == (4, 1, 1) and len(who.asked) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        grades(1, 2, 3, 4),
        grades(0, 5, 5, 5, 5),
        grades(11, 5, 5, 5, 5),
        grades(5, 5, 5, 5, 5).replace("fluency: 5", "fluency: -5"),
        grades(5, 5, 5, 5, 5).replace("detail: 5", "detail: 50%"),
        grades(5, 5, 5, 5, 5).replace("detail: 5", "detail: 5.5%"),
    ],
)
def test_verdicts_that_are_not_five_grades_are_no_rating(text: str) -> None:
    assert wording.read_rating(text) is None


@settings(max_examples=25)
@given(st.lists(st.integers(1, 10), min_size=5, max_size=5), st.text(alphabet="*_ |`-", max_size=4))
def test_five_grades_are_read_whatever_marks_stand_around(numbers: list[int], marks: str) -> None:
    text = "Here are my grades:\n" + "\n".join(f"{marks}{a.title()}{marks}: {n}/10" for a, n in zip(wording.ASPECTS, numbers))
    if "_" not in marks:  # an underscore joins words
        assert wording.read_rating(text) == dict(zip(wording.ASPECTS, map(float, numbers)))


@given(st.text())
def test_any_text_is_a_verdict_or_none(text: str) -> None:
    wording.read_rating(text)
    assert wording.read_ranking(text) in ("first", "second", "tie", None)
    assert wording.read_classic(text) in ("first", "second", None)


# --- ranking


def test_a_fair_judge_prefers_the_oracle_to_chance(runs: Path, mini_root: Path) -> None:
    who = Judge(fair_ranking)
    scores = by_task(judged(runs, mini_root, who, against=True))
    whole = scores["gpt-ranking"].metrics
    assert whole["win_rate"].value is not None and whole["win_rate"].value > 60
    assert whole["win_rate"].value + whole["other_win_rate"].value == pytest.approx(100.0)  # type: ignore[operator]
    assert whole["position_bias"].value == 0.0 and whole["contradictions"].value == 0.0
    assert "not LAMM's mix but 24 samples of its 1,000" in scores["gpt-ranking"].notes[0]


def test_a_judge_who_always_likes_the_first_favours_nobody_and_is_found_out(runs: Path, mini_root: Path) -> None:
    whole = by_task(judged(runs, mini_root, Judge(lambda s, u: "FIRST"), against=True))["gpt-ranking"].metrics
    assert whole["win_rate"].value == 50.0 and whole["position_bias"].value == 100.0 and whole["contradictions"].value == 100.0


def test_classic_asks_once_and_believes_such_a_judge(runs: Path, mini_root: Path) -> None:
    who = Judge(lambda s, u: "1 2\nThe first one.")
    whole = by_task(judged(runs, mini_root, who, against=True, protocol="classic"))["gpt-ranking"].metrics
    assert whole["win_rate"].value == 100.0 and len(who.asked) == 24
    assert all(request.temperature == 1.0 for request in who.asked)
    assert all("\nT\nr\nu\ne\n" not in request.messages[1].text for request in who.asked)


def test_upstreams_newlines_come_only_when_asked_for(runs: Path, mini_root: Path) -> None:
    who = Judge(lambda s, u: "2 1")
    judged(runs, mini_root, who, against=True, protocol="classic", newlines=True, tasks="svt")
    assert all(request.messages[1].text.startswith("Q\nu\ne\ns\nt\ni\no\nn\n:") for request in who.asked)


def test_ties_count_half_and_equal_answers_are_ties_without_being_asked(runs: Path, mini_root: Path) -> None:
    shutil.rmtree(runs / "chance")
    shutil.copytree(runs / "oracle", runs / "chance")
    who = Judge(fair_ranking)
    whole = by_task(judged(runs, mini_root, who, against=True))["gpt-ranking"]
    assert whole.metrics["win_rate"].value == 50.0 and whole.metrics["ties"].value == 100.0
    assert who.asked == [] and whole.metrics["position_bias"].value is None


def test_one_readable_order_is_not_enough(runs: Path, mini_root: Path) -> None:
    turn = iter(range(10**6))
    who = Judge(lambda s, u: "FIRST" if next(turn) % 2 else "hm")
    score = by_task(judged(runs, mini_root, who, against=True, tasks="flickr30k"))["gpt-ranking"]
    assert score.counts["judge_error"] + sum(score.counts[s] for s in ("ok",)) == 6
    asked = len(who.asked) // 2
    assert score.counts["judge_error"] == asked > 0


def test_the_mix_has_upstreams_shares_and_is_drawn_with_the_seed() -> None:
    assert sum(MIX.values()) == 1000 and len(MIX) == 9
    cases = [Case(str(n), str(n), "ok") for n in range(5000)]
    first = draw(cases, MIX["flickr30k"], 0, "flickr30k")
    assert len(first) == 200 and first == draw(cases, 200, 0, "flickr30k") != draw(cases, 200, 1, "flickr30k")
    assert [int(case.id) for case in first] == sorted(int(case.id) for case in first)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from(["FIRST", "SECOND", "TIE", "?"]), st.sampled_from(["FIRST", "SECOND", "TIE", "?"])),
        min_size=1,
        max_size=30,
    )
)
def test_swapping_the_runs_swaps_the_win_rates(verdicts: list[tuple[str, str]]) -> None:
    cases = [Case(str(n), str(n % 7), "ok", ("a", "b")) for n in range(len(verdicts))]
    given_ = {f"{n}/{order}": Response(v) for n, pair in enumerate(verdicts) for order, v in zip(("AB", "BA"), pair)}
    swapped = {f"{n}/{order}": Response(v) for n, pair in enumerate(verdicts) for order, v in zip(("BA", "AB"), pair)}
    one, other = (Ranking().score("t", "p", cases, said).metrics for said in (given_, swapped))
    for left, right in (("win_rate", "other_win_rate"), ("ties", "ties"), ("position_bias", "position_bias")):
        assert one[left].value == pytest.approx(other[right].value)


# --- what a judge is shown


def test_ground_truth_is_rendered_as_upstream_does(tmp_path: Path) -> None:
    catalog = load_catalog()
    shown = {}
    for name in (*MIX, "fsc147", "lsp", "scannet", "scanqa"):
        task = catalog.tasks[name]
        make_file(tmp_path, task, items=3)
        sample = task.samples(tmp_path)[0]
        shown[name] = (truth_of(task, sample), sample)
    assert all(isinstance(text, str) and text for text, _ in shown.values())
    for name in ("cifar10", "ucmerced", "celeba-hair"):
        assert shown[name][0] == shown[name][1].target
    assert shown["celeba-smile"][0] in ("Yes", "No")
    text, sample = shown["svt"]
    assert text == repr([word.lower() for word in sample.target])
    text, sample = shown["flickr30k"]
    assert text == repr(list(sample.target)) and len(sample.target) == 5
    text, sample = shown["voc2012"]
    assert all(repr(thing["label"]) in text for thing in sample.target)
    for name in ("ai2d", "sqaimage", "scanqa"):
        text, sample = shown[name]
        assert text == f"({'ABCDEF'[sample.target]}) {sample.choices[sample.target]}"
    assert shown["lsp"][0].count("\n") == 13


def test_an_answer_cannot_fill_in_the_judges_form() -> None:
    messages = wording.rating_messages("an image", "Q {truth}", "secret", "A {truth} {question}")
    assert between_tags(messages[1].text, "question") == "Q {truth}"
    assert between_tags(messages[1].text, "answer") == "A {truth} {question}"


def test_endless_answers_are_shown_by_head_and_tail() -> None:
    text = answer_text("a" * 50_000 + "z")
    assert len(text) < LONGEST + 100 and text.endswith("z") and "characters left out" in text


# --- verdicts are kept


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.json") if p.name != "usage.json"}


def test_a_judge_that_dies_is_resumed_and_nothing_is_asked_twice(runs: Path, mini_root: Path) -> None:
    whole = judged(runs, mini_root, undisturbed := Judge(fair_ranking), against=True)
    expected = files(whole.folder)
    shutil.rmtree(whole.folder)
    with pytest.raises(KeyboardInterrupt):
        judged(runs, mini_root, dying := Judge(fair_ranking, die_after=7), against=True)
    resumed = judged(runs, mini_root, second := Judge(fair_ranking), against=True)
    assert len(dying.asked) + len(second.asked) == len(undisturbed.asked)
    assert files(resumed.folder) == expected
    judged(runs, mini_root, third := Judge(fair_ranking), against=True)
    assert third.asked == []


def test_a_judge_that_stops_leaves_the_rest_missing(runs: Path, mini_root: Path) -> None:
    result = judged(runs, mini_root, Judge(fair_rating, stop_after=4), tasks="svt", votes=1)
    score = by_task(result)["svt"]
    assert (score.counts["ok"], score.counts["missing"], score.counts["judge_error"]) == (4, 2, 0)
    assert "the budget is spent" in result.unavailable["svt"] and not result.complete
    assert judged(runs, mini_root, again := Judge(fair_rating), tasks="svt", votes=1).complete and len(again.asked) == 2


@pytest.mark.parametrize("against", [False, True])
def test_a_judgement_is_replayed_to_the_last_byte_without_judge_or_data(runs: Path, mini_root: Path, against: bool) -> None:
    turn = iter(range(10**6))

    def say(system: str, user: str) -> str:
        verdict = fair_ranking(system, user) if against else fair_rating(system, user)
        return "no idea" if next(turn) % 5 == 0 else verdict

    result = judged(runs, mini_root, Judge(say), against=against)
    expected = files(result.folder)
    (result.folder / "result.json").unlink()
    runs = runs.rename(runs.with_name("moved"))  # both runs, together
    result.folder = runs / result.folder.relative_to(runs.with_name("runs"))
    (again,) = replay(runs / "oracle")
    assert files(again.folder) == expected
    assert [s.to_json() for s in again.scores] == [s.to_json() for s in result.scores]


def test_an_answer_that_changed_is_judged_anew_and_the_old_verdict_stays_in_the_file(runs: Path, mini_root: Path) -> None:
    result = judged(runs, mini_root, Judge(fair_rating), tasks="svt", votes=1)
    rewrite_records(runs / "oracle", "svt", lambda lines: lines[0]["end"]["prediction"].update(text="something else"))
    judged(runs, mini_root, again := Judge(fair_rating), tasks="svt", votes=1)
    assert len(again.asked) == 1
    assert len((result.folder / "records/svt.jsonl").read_text().splitlines()) == 7
    assert by_task(replay(runs / "oracle")[0])["svt"].metrics["rating"].n == 6


def test_errors_of_the_judge_are_asked_again_and_refusals_are_not(runs: Path, mini_root: Path) -> None:
    def say(system: str, user: str) -> Response:
        return Response(error="down", status="model_error") if "OPEN" in user else Response(error="no", status="refused")

    judged(runs, mini_root, first := Judge(say), tasks="svt,cifar10", votes=1)
    judged(runs, mini_root, again := Judge(fair_rating), tasks="svt,cifar10", votes=1)
    assert len(again.asked) == sum("OPEN" in request.messages[1].text for request in first.asked)


# --- agreement


def test_agreement_with_the_metric_and_with_another_judge_is_reported(runs: Path, mini_root: Path) -> None:
    harsh = Judge(lambda s, u: grades(1, 1, 1, 1, 1), name="harsh")
    asked = Options(runs / "chance", "harsh", votes=1)
    judge(asked, load_catalog(), harsh, mini_root, Watcher())  # type: ignore[arg-type]
    asked = Options(runs / "chance", "fair", votes=1)
    result = judge(asked, load_catalog(), Judge(fair_rating), mini_root, Watcher())  # type: ignore[arg-type]
    assert set(result.agreement["metric"]) == {"cifar10", "flickr30k", "sqaimage", "svt"}
    assert all(entry["n"] == 6 for entry in result.agreement["metric"].values())
    (name, other), *_ = result.agreement["judges"].items()
    assert name.startswith("harsh") and other["n"] == 24 and other["spearman"] is None and other["mean_gap"] > 0
    ranked = judged(runs, mini_root, Judge(fair_ranking), against=True)
    told = ranked.agreement["metric"]["cifar10"]
    assert told["same_side"] == 100.0 and told["n"] > 0 and ranked.agreement["judges"] == {}


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_correlations_are_between_minus_one_and_one_and_symmetric(pairs: list[tuple[int, int]]) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    for measure in (spearman, kappa):
        value = measure(a, b)
        assert value is None or -1.0000001 <= value <= 1.0000001
        assert value == pytest.approx(measure(b, a)) if value is not None else measure(b, a) is None
    assert ranks(a).sum() == pytest.approx(len(a) * (len(a) + 1) / 2)
    assert between(dict(enumerate(a)), {}, "rating")["n"] == 0


# --- the command line


PLUGIN = """
from dataclasses import dataclass
from lamm_bench.types import Response

@dataclass
class Mild:
    grade: int = 7
    name: str = "mild"
    modalities: frozenset = frozenset()

    def fingerprint(self):
        return f"mild {self.grade}"

    def generate(self, requests):
        for number, request in enumerate(requests):
            lines = [f"{a}: {self.grade}" for a in ("accuracy", "relevance", "fluency", "coherence", "detail")]
            yield number, Response("FIRST" if "FIRST" in request.messages[1].text else "\\n".join(lines))

ADAPTERS = {"mild": Mild}
"""


def test_a_judgement_from_the_command_line_shows_in_table_json_leaderboard_and_report(
    runs: Path, mini_root: Path, tmp_path: Path
) -> None:
    (tmp_path / "mild.py").write_text(PLUGIN)
    words = ("judge", runs / "chance", "--judge", "mild", "--plugin", tmp_path / "mild.py", "--data-root", mini_root)
    result = lamm_bench(*words, "--set", "grade=6", "--tasks", "svt", "--json", tmp_path / "j.json")
    assert result.exit_code == 0, result.output
    assert "Rating by mild" in result.output and "6.00 [6.0, 6.0]" in result.output and "6/0/0" in result.output
    written = json.loads((tmp_path / "j.json").read_text())
    assert written["results"][0]["metrics"]["rating"]["value"] == 6.0
    result = lamm_bench(*words, "--against", runs / "oracle")
    assert result.exit_code == 0 and "gpt-ranking" in result.output and "not LAMM's mix" in result.output
    board = lamm_bench("leaderboard", "--results", runs, "--no-published", "--format", "markdown").output
    assert "rating by mild" in board and "ranking by mild against oracle" in board
    report = lamm_bench("report", runs / "chance", "--data-root", mini_root)
    page = (runs / "chance/report.html").read_text()
    assert report.exit_code == 0 and "<h2>Judges</h2>" in page and "rating by mild" in page
    result = lamm_bench("judge", runs / "chance", "--replay")
    assert result.exit_code == 0 and "6.00 [6.0, 6.0]" in result.output and "gpt-ranking" in result.output
    rescored = lamm_bench("score", runs / "chance", "--data-root", mini_root)  # a judged run is still a run
    assert rescored.exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--judge", "nobody"), "no model called 'nobody'"),
        ((), "name a judge"),
        (("--replay",), "holds no judgements to replay"),
        (("--replay", "--judge", "mild"), "leave --judge"),
        (("--judge", "mild", "--protocol", "classic"), "upstream published no way of rating"),
        (("--judge", "mild", "--protocol", "chef"), "none of a judge's"),
        (("--judge", "mild", "--against", "SELF"), "cannot be ranked against itself"),
        (("--judge", "mild", "--classic-newlines"), "needs --against"),
        (("--judge", "mild", "--against", "OTHER", "--tasks", "scanqa"), "LAMM's ranking has no scanqa"),
        (("--judge", "mild", "--tasks", "scanqa"), "was not asked about any of scanqa"),
        (("--judge", "mild", "--against", "nowhere"), "is no run folder"),
        (("--judge", "oracle", "--tasks", "svt"), "can neither chat nor judge"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence(
    runs: Path, mini_root: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    (tmp_path / "mild.py").write_text(PLUGIN)
    named = {"SELF": runs / "oracle", "OTHER": runs / "chance"}
    more = [named.get(word, word) for word in words]
    result = lamm_bench("judge", runs / "oracle", "--plugin", tmp_path / "mild.py", "--data-root", mini_root, *more)
    assert result.exit_code == 2 and message in " ".join(result.output.split()), result.output


def test_runs_that_were_asked_other_things_cannot_be_ranked(runs: Path, mini_root: Path) -> None:
    words = ("--model", "chance", "--tasks", "svt", "--limit", "3", "--data-root", mini_root, "--output", runs / "short")
    assert lamm_bench("run", *words).exit_code == 0
    asked = Options(runs / "oracle", "scripted", against=runs / "short")
    with pytest.raises(BenchError, match="svt: .*asked about other items"):
        judge(asked, load_catalog(), Judge(fair_ranking), mini_root, Watcher())  # type: ignore[arg-type]


def test_other_data_than_the_runs_are_refused(runs: Path, tmp_path: Path) -> None:
    make_file(tmp_path / "other", load_catalog().tasks["svt"], items=6)
    with pytest.raises(BenchError, match="not those of"):
        judge(Options(runs / "oracle", "s", tasks="svt"), load_catalog(), Judge(fair_rating), tmp_path / "other", Watcher())  # type: ignore[arg-type]


def test_a_judgement_is_no_run(runs: Path, mini_root: Path) -> None:
    result = judged(runs, mini_root, Judge(fair_rating), tasks="svt", votes=1)
    refused = lamm_bench("score", result.folder, "--data-root", mini_root)
    assert refused.exit_code == 2 and "holds a judgement" in refused.output


# --- judges behind servers


def test_a_faulty_server_as_judge_leaves_judge_errors_and_no_scores(runs: Path, mini_root: Path) -> None:
    from lamm_bench.adapters.openai_chat import OpenAIChat

    def act(number: int, body: dict[str, Any]) -> Any:
        if number % 3 == 0:
            return failing(429, "slow down", retry_after="1")
        if number % 3 == 1 and "oracle" not in str(body):
            return failing(400, "cannot be judged") if number < 20 and number % 2 else said(grades(5, 5, 5, 5, 5))
        return said("The answer is fine.") if number % 7 == 0 else said(grades(5, 5, 5, 5, 5))

    with faulty_server(act) as server:
        adapter = OpenAIChat("fake", server.url, cache="none")
        adapter.clock = FakeClock()
        score = by_task(judge(Options(runs / "oracle", "openai-chat", votes=1), load_catalog(), adapter, mini_root, Watcher()))  # type: ignore[arg-type]
    whole = score["rating-all"]
    assert whole.metrics["rating"].value == 5.0
    assert whole.counts["judge_error"] > 0 and whole.counts["ok"] + whole.counts["judge_error"] == 24 == whole.counts["expected"]


def test_a_budget_that_ends_while_judging_is_resumed(runs: Path, mini_root: Path) -> None:
    from lamm_bench.adapters.openai_chat import OpenAIChat

    from .faulty_server import Act

    with faulty_server(lambda n, body: Act(body=completion(grades(5, 5, 5, 5, 5)))) as server:
        missing = []
        for budget in (0.00006, 1.0):
            adapter = OpenAIChat("fake", server.url, cache="none", price_in=1.0, price_out=2.0, max_cost=budget)
            result = judge(
                Options(runs / "oracle", "openai-chat", votes=1, tasks="svt"), load_catalog(), adapter, mini_root, Watcher()
            )
            missing.append(by_task(result)["svt"].counts["missing"])
        assert missing == [3, 0] and len(server.calls) == 6
        assert [entry["calls"] for entry in json.loads((result.folder / "usage.json").read_text())] == [3, 3]


def test_a_real_small_model_is_a_bad_judge_and_is_treated_as_one(runs: Path, mini_root: Path) -> None:
    from lamm_bench.adapters.openai_chat import OpenAIChat

    with smollm2() as url:
        adapter = OpenAIChat("smollm2", url, cache="none", concurrency=2)
        for options in ({}, {"against": runs / "chance"}):
            asked = Options(runs / "oracle", "openai-chat", tasks="cifar10", votes=1, limit=1, new_tokens=16, **options)
            result = judge(asked, load_catalog(), adapter, mini_root, Watcher())
            counts = result.scores[0].counts
            assert counts["ok"] + counts["judge_error"] == 1 == counts["expected"]
            assert all(
                json.loads(line)["response"]["text"]
                for line in (result.folder / "records/cifar10.jsonl").read_text().splitlines()
            )
            if counts["ok"] == 0:
                assert next(iter(result.scores[0].metrics.values())).value is None


def test_the_seed_of_a_vote_does_not_depend_on_the_other_votes() -> None:
    case = Case("7", "g", "ok", ("a",), load_catalog() and _sample())
    task = load_catalog().tasks["cifar10"]
    few, many = Rating(votes=2).units(task, [case]), Rating(votes=5).units(task, [case])
    assert [unit.request.seed for unit in many[:2]] == [unit.request.seed for unit in few]


def _sample() -> Any:
    from lamm_bench.types import Sample

    return Sample("7", "What?", (), "cat", "g")
