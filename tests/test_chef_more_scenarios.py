"""VOC2012, Flickr30k, Octavius3D and instruction following in ChEF's way against ../shared/goldens-chef, item by item."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.runner import flow_of
from lamm_bench.errors import BenchError, UpstreamStops
from lamm_bench.keep.answers import read_answers
from lamm_bench.measure.following import Followed, accuracy, averages, match_rate, read_word
from lamm_bench.measure.scoring import Answered, Score, score
from lamm_bench.tasks.chef_scenarios import flickr30k, voc2012
from lamm_bench.tasks.chef_scenarios.rouge import common_words
from lamm_bench.tasks.upstream_boxes import iou2d
from lamm_bench.tasks.upstream_reading import boxes2d
from lamm_bench.types import Sample

from .chef_made import make_scenarios
from .test_chef_scenarios import assert_figures, assert_readings, expected, golden_score

ITEMS: dict[str, Callable[[Path], Iterable[dict[str, Any]]]] = {
    "VOC2012 single": voc2012.items,
    **{f"VOC2012 ppl {form}": partial(voc2012.items, form=form) for form in voc2012.WEIGHED_FORMS},
    "Flickr30k": flickr30k.items,
    "Flickr30k random": partial(flickr30k.items, draws="random"),
    "Flickr30k top_similarity": partial(flickr30k.items, draws="similar"),
    "Flickr30k top_p": partial(flickr30k.items, draws="top_p"),
}
CASES = {
    "VOC2012.single_direct": "chef-voc2012",
    "VOC2012.multi_direct": "chef-voc2012",
    "VOC2012.kosmos_single_direct": "chef-voc2012-kosmos",
    "VOC2012.multi_ppl_default": "chef-voc2012-ppl",
    "VOC2012.multi_ppl_shikra": "chef-voc2012-ppl-shikra",
    "VOC2012.multi_ppl_kosmos": "chef-voc2012-ppl-kosmos",
    "Flickr30k.random_ppl": "chef-flickr30k-ppl",
    "Flickr30k.top_similarity_ppl": "chef-flickr30k-ppl-similar",
    "Flickr30k.top_p_ppl": "chef-flickr30k-ppl-top-p",
}
SETTINGS = [("natural", 0), ("natural", 1), ("natural", 2), ("neutral", 0), ("neutral", 1), ("unnatural", 0)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scenarios(tmp_path_factory.mktemp("chef"))


@pytest.mark.parametrize("name", ITEMS)
def test_items_and_what_is_drawn_for_them_are_those_of_upstreams_class(chef_goldens: Path, name: str) -> None:
    golden = expected(chef_goldens, "scenarios")[name]
    found = list(ITEMS[name](chef_goldens / "data"))
    assert len(found) == golden["count"]
    unknown = set(golden["left_out"])
    for whole, wanted in zip(found, golden["items"]):  # the first of them, where nothing is drawn
        assert {key: value for key, value in whole.items() if key not in unknown} == wanted


@pytest.mark.parametrize("case", CASES)
def test_places_and_captions_are_counted_as_upstream_does(chef_goldens: Path, case: str) -> None:
    golden = expected(chef_goldens, "metrics")[case]
    found = golden_score(chef_goldens, case, load_catalog().tasks[CASES[case]])
    assert_figures(found, golden["figures"])
    assert found.counts["expected"] == golden["items"]
    if golden["samples"]:
        assert_readings(found, golden["samples"])


def test_the_better_half_turned_round_is_what_it_was_meant_to_be(chef_goldens: Path) -> None:
    golden = expected(chef_goldens, "metrics")["Flickr30k.top_p_ppl"]
    task = load_catalog().tasks["chef-flickr30k-ppl-top-p"]
    samples = task.samples(chef_goldens / "data")
    answered = read_answers(chef_goldens / "answers/Flickr30k.top_p_ppl.json").by_id(samples)[0]
    turned = {name: replace(each, scores=tuple(-score for score in each.scores)) for name, each in answered.items()}
    assert_figures(score(task, "chef", samples, turned), golden["figures_negated"])
    ours = score(task, "standard", samples, answered)
    level = [name for name, each in answered.items() if each.scores.count(max(each.scores)) > 1]
    assert ours.counts["unread"] == len(level)
    clear = [sample for sample in samples if sample.id not in level]
    theirs = score(task, "chef", clear, turned).metrics["ACC"].value
    assert score(task, "standard", clear, answered).metrics["likelier half"].value == pytest.approx(theirs)


def test_captions_are_measured_as_upstream_does(chef_goldens: Path) -> None:
    """Three answers to each picture, whose ids have a number behind."""
    golden = expected(chef_goldens, "metrics")["Flickr30k.direct"]
    task = load_catalog().tasks["chef-flickr30k"]
    samples = [replace(s, id=f"{s.id}-{number}") for s in task.samples(chef_goldens / "data") for number in range(3)]
    answered, notes = read_answers(chef_goldens / "answers/Flickr30k.direct.json").join(samples, "chef")
    found = score(task, "chef", samples, answered)
    assert not notes and found.metrics["BLEU4"].value == pytest.approx(golden["figures"]["BLEU4"], rel=1e-6)
    assert found.metrics["Rouge"].value == pytest.approx(golden["figures"]["Rouge"], rel=1e-6)
    for name, told in golden["samples"].items():
        assert {key: found.samples[name][key] for key in told} == {key: pytest.approx(told[key], abs=1e-6) for key in told}


def octavius_score(chef_goldens: Path, case: str, task: str) -> Score:
    """The answers of an Octavius case, which hold the truth themselves."""
    entries = [*read_answers(chef_goldens / f"answers/{case}.json").contents]
    names = task.endswith("cls")
    samples = [
        Sample(str(e["id"]), "", (), e["object_name"] if names else [e["gt"]], e["scene_id"], meta={"scene": e["scene_id"]})
        for e in entries
    ]
    return score(load_catalog().tasks[task], "chef", samples, {str(e["id"]): Answered(e["answer"]) for e in entries})


def test_things_of_rooms_are_named_as_upstream_counts_names(chef_goldens: Path) -> None:
    golden = expected(chef_goldens, "metrics")["Octavius3D.classification"]
    found = octavius_score(chef_goldens, "Octavius3D.classification", "chef-octavius-scannet-cls")
    assert_figures(found, golden["figures"], 100.0)
    assert_readings(found, golden["samples"])


def test_of_each_room_the_last_caption_counts_as_upstream_has_it(chef_goldens: Path) -> None:
    golden = expected(chef_goldens, "metrics")["Octavius3D.caption"]
    found = octavius_score(chef_goldens, "Octavius3D.caption", "chef-octavius-nr3d-caption")
    assert [name for name, each in found.samples.items() if each["scored"]] == list(map(str, golden["scored_ids"]))
    for name, value in golden["figures"].items():
        if found.metrics[name].value is not None or name != "METEOR":  # which needs Java
            assert found.metrics[name].value == pytest.approx(value, rel=1e-6), name
    assert "15 of 60" in found.metrics["CIDEr"].note


# instruction following


@pytest.mark.parametrize("name", ["ScienceQA", "MMBench"])
def test_words_are_read_as_upstream_reads_them(chef_goldens: Path, name: str) -> None:
    golden = expected(chef_goldens, "metrics")[f"{name}.follow.free"]
    entries = read_answers(chef_goldens / f"answers/{name}.follow.free.json").contents
    answers = [Followed(e["id"], tuple(e["options"]), e["gt_choice"], e["answer"]) for e in entries]
    assert {one.id: read_word(one.answer, one.words) for one in answers} == golden["samples"]
    assert accuracy(answers) == pytest.approx(golden["figures"]["accuracy"])


def words_of(kind: str, known: Sequence[str], count: int) -> tuple[str, ...]:
    """The words of so many options: as many as there are, or the letters that follow."""
    letters = [f"({letter}" for letter in "ABCDEFG"[:count]]
    return tuple(letters[1:] + letters[:1] if kind == "unnatural" else known[:count])


@pytest.mark.parametrize("name", ["ScienceQA", "MMBench"])
def test_following_is_what_upstream_reports(chef_goldens: Path, name: str) -> None:
    metrics, scenarios = expected(chef_goldens, "metrics"), expected(chef_goldens, "scenarios")
    samples = {s.id: s for s in load_catalog().tasks[f"chef-{name.lower()}"].samples(chef_goldens / "data")}
    told = read_answers(chef_goldens / f"answers/{name}.follow.origin.json").contents
    origin = {e["id"]: e["options"].index(e["answer"]) for e in told}
    accuracies: dict[str, list[float]] = {}
    rates: dict[str, list[float]] = {}
    for kind, number in SETTINGS:
        items = scenarios[f"{name} option_map {kind} {number}"]["items"]
        known = max((item["options"] for item in items), key=len)
        entries = read_answers(chef_goldens / f"answers/{name}.follow.{kind}_{number}.json").contents
        answers = [
            Followed(e["id"], words_of(kind, known, len(samples[e["id"]].choices)), samples[e["id"]].target, e["answer"])
            for e in entries
        ]
        wanted = metrics[f"{name}.follow.{kind}_{number}"]["figures"]
        found = accuracy(answers), match_rate(answers, origin)
        assert found == (pytest.approx(wanted["accuracy"]), pytest.approx(wanted["match_rate"]))
        accuracies.setdefault(kind, []).append(found[0] or 0.0)
        rates.setdefault(kind, []).append(found[1] or 0.0)
    report = metrics[f"{name}.follow"]["figures"]
    assert averages(accuracies).plain == pytest.approx(report["weighted_avg_Acc"])
    assert averages(rates).plain == pytest.approx(report["weighted_avg_MR"])
    assert averages(rates).by_type != averages(rates).plain  # chef-v1's


def test_what_instruction_following_stops_at(chef_goldens: Path) -> None:
    (case,) = [case for case in expected(chef_goldens, "upstream_raises") if case["metric"].startswith("Instruct_Follow")]
    (item,) = case["items"]
    one = Followed(item["id"], tuple(item["options"]), item["gt_choice"], item["answer"])
    for stopped in (partial(accuracy, [one]), partial(match_rate, [replace(one, id="1")], {})):
        with pytest.raises(UpstreamStops, match="upstream stops at the id"):
            stopped()
    assert accuracy([]) is None


@pytest.mark.parametrize("name", ["ScienceQA", "MMBench"])
def test_a_files_own_confidence_reaches_whoever_measures_calibration(chef_goldens: Path, name: str) -> None:
    golden = expected(chef_goldens, "metrics")[f"{name}.calibration"]
    task = load_catalog().tasks[f"chef-{name.lower()}"]
    samples = task.samples(chef_goldens / "data")
    answered = read_answers(chef_goldens / f"answers/{name}.calibration.json").by_id(samples)[0]
    for sample, told in golden["samples"].items():
        assert answered[sample].prob == told["prob"]
        assert replace(answered[sample], prob=None).confidence == pytest.approx(told["prob"])  # of the likelihoods
    if "prednum" in golden["figures"]:
        letters = Counter(each["letter"] for each in score(task, "chef", samples, answered).samples.values())
        assert [letters[letter] for letter in "ABCD"] == golden["figures"]["prednum"]


# laws


def test_ours_are_drawn_by_id_and_upstreams_by_place(made: Path, tmp_path: Path) -> None:
    """Another order of the file moves upstream's options and not ours; the truth is among both."""
    again = make_scenarios(tmp_path / "turned")
    for name in ("Detection_VOC2012", "Caption_flickr30k"):
        path = again / f"LAMM/2D_Benchmark/meta_file/{name}.json"
        path.write_text(json.dumps(json.loads(path.read_text())[::-1]))
    for name in ("chef-voc2012-ppl", "chef-flickr30k-ppl", "chef-flickr30k-ppl-similar"):
        task: Any = load_catalog().tasks[name]
        one, other = ({s.id: s for s in task.samples(root)} for root in (made, again))
        drawn = [(turns_or_choices(task, s), turns_or_choices(task, other[s.id])) for s in one.values()]
        theirs = [
            (turns_or_choices(task, task.as_upstream(s)), turns_or_choices(task, task.as_upstream(other[s.id])))
            for s in one.values()
        ]
        assert any(first != second for first, second in theirs)
        assert all(first == second for first, second in drawn)


def turns_or_choices(task: Any, sample: Sample) -> Any:
    return task.turns(sample) if hasattr(task, "turns") else sample.choices


def test_a_recipe_asks_for_upstreams_draws_by_saying_so(made: Path) -> None:
    task: Any = load_catalog().tasks["chef-flickr30k-ppl"]
    usual = load_catalog().recipe("lamm/likelihood")
    theirs = replace(usual, scenario=replace(usual.scenario, draws="upstream"))
    sample = task.samples(made)[3]
    asked = [next(flow_of(recipe, task, sample, 0)).options for recipe in (usual, theirs)]  # type: ignore[union-attr]
    assert asked == [sample.choices, sample.meta["as upstream"]["choices"]] and set(asked[0]) != set(asked[1])
    assert "draws" not in usual.identity()["scenario"] and theirs.identity()["scenario"]["draws"] == "upstream"


def test_a_box_is_never_its_own_wrong_option(made: Path) -> None:
    for sample in load_catalog().tasks["chef-voc2012-ppl"].samples(made):
        for turn in sample.meta["turns"]:
            true = [thing["bbox"] for thing in sample.target if thing["label"] == turn.prefix]
            for option in turn.options[1:]:
                assert all(iou2d(boxes2d(option)[0], box) < 0.6 for box in true)  # rounded to hundredths


def test_options_that_are_level_are_the_first_upstream_and_unread_by_us(made: Path) -> None:
    task: Any = load_catalog().tasks["chef-voc2012-ppl"]
    sample = task.samples(made)[0]
    turns = sample.meta["turns"]
    said = {str(number): "tie: several options are equally likely" for number in range(1, len(turns) + 1)}
    level = Answered(said, turn_scores=dict.fromkeys(said, (-1.0,) * 4))
    assert score(task, "standard", [sample], {sample.id: level}).counts["unread"] == 1
    assert score(task, "chef", [sample], {sample.id: level}).headline[1].value == 100  # the right option is its first


def test_a_vector_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    root = make_scenarios(tmp_path)
    file = root / "LAMM/2D_Benchmark/flickr30k_vectors.json"
    file.write_text("{}")
    task: Any = load_catalog().tasks["chef-flickr30k-ppl-top-p"]
    with pytest.raises(BenchError, match="the vector of .* is null, expected 1 numbers that are not all 0"):
        task.samples(root)
    file.unlink()
    with pytest.raises(BenchError, match="which says which captions are like each other"):
        task.samples(root)
    assert load_catalog().tasks["chef-flickr30k-ppl"].samples(root)


def test_the_words_in_common_are_those_of_a_longest_common_subsequence() -> None:
    """Against the plain definition, by trying every subsequence."""
    rng = Random(0)
    for _ in range(200):
        first, second = (rng.choices("abcd", k=rng.randint(1, 6)) for _ in range(2))
        every = {tuple(w for w, keep in zip(first, f"{bits:06b}") if keep == "1") for bits in range(64)}
        inside = [s for s in every if is_subsequence(s, second)]
        longest = max(map(len, inside))
        assert set(common_words(first, second)) in [set(s) for s in inside if len(s) == longest]


def is_subsequence(words: Sequence[str], text: Sequence[str]) -> bool:
    rest = iter(text)
    return all(word in rest for word in words)
