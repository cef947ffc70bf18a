"""Scenarios of ChEF against ../shared/goldens-chef: the items of upstream's dataset classes, its readings and its figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.errors import UpstreamStops
from lamm_bench.keep.answers import read_answers
from lamm_bench.measure.scoring import Answered, Score, score
from lamm_bench.tasks.chef_scenarios import (
    ch3ef,
    cifar10,
    fsc147,
    mmbench,
    mme,
    mmmu,
    omnibenchmark,
    pope,
    scienceqa,
    seedbench,
    winoground,
)
from lamm_bench.tasks.chef_scenarios.cleaner import cleaned
from lamm_bench.tasks.chef_scenarios.letters import LetterScorer
from lamm_bench.tasks.chef_scenarios.mmbench_scoring import MMBenchScorer
from lamm_bench.tasks.chef_scenarios.mme_scoring import reading
from lamm_bench.types import Row, Sample, Scorer

from .test_chef_made import figures_of

PROMPT = "Choose among these:"  # given as an argument where the goldens were made
SCENARIOS: dict[str, Callable[[Path], Iterable[dict[str, Any]]]] = {
    "ScienceQA": scienceqa.items,
    "ScienceQA option_content": partial(scienceqa.items, option_content=True),
    "ScienceQA generative": partial(scienceqa.items, generative=True),
    "ScienceQA img_crp": partial(scienceqa.items, img_crp=True),
    "ScienceQA img_crp text_crp": partial(scienceqa.items, img_crp=True, text_crp=True),
    "MMBench": partial(mmbench.items, sys_prompt=PROMPT),
    "MMBench direct": partial(mmbench.items, sys_prompt=PROMPT, ppl=False),
    "MMBench hint False": partial(mmbench.items, sys_prompt=PROMPT, hint=False),
    "MMBench content_only": partial(mmbench.items, sys_prompt=PROMPT, content_only=True),
    "MMBench generative": partial(mmbench.items, sys_prompt=PROMPT, generative=True),
    "MMBench img_crp": partial(mmbench.items, sys_prompt=PROMPT, img_crp=True),
    "MMBench text_crp": partial(mmbench.items, sys_prompt=PROMPT, text_crp=True),
    "MME": mme.items,
    "MME generative": partial(mme.items, generative=True),
    "SEEDBench": seedbench.items,
    "SEEDBench2": seedbench.items2,
    **{f"POPE {setting}": partial(pope.items, setting=setting) for setting in pope.SETTINGS},
    "Winoground": winoground.items,
    "Winoground_Cap": winoground.items_cap,
    "MMMU": mmmu.items,
    "Omnibenchmark multi": omnibenchmark.items,
    "Omnibenchmark single": partial(omnibenchmark.items, multi=False),
    "CIFAR10": cifar10.items,
    "FSC147 ppl": fsc147.items,
    "FSC147 ppl width 3": partial(fsc147.items, width=3),
    **{f"Ch3Ef {dimension} ppl": partial(ch3ef.items, dimension=dimension) for dimension in ch3ef.DIMENSIONS},
    **{f"Ch3Ef {dimension}": partial(ch3ef.items, dimension=dimension, ppl=False) for dimension in ch3ef.DIMENSIONS},
}
# case of the goldens -> task; what follows the last stop says how was asked
CASES = {
    **{f"ScienceQA.{way}": "chef-scienceqa" for way in ("direct", "direct_CoT", "ppl", "ppl_option_content", "ppl_generative")},
    **{f"MMBench.{way}": "chef-mmbench" for way in ("direct", "ppl", "mostly_right", "sampled")},
    "MME.direct": "chef-mme",
    "MME.ppl": "chef-mme",
    "SEEDBench.ppl": "chef-seedbench",
    "SEEDBench.direct": "chef-seedbench",
    "SEEDBench2.ppl": "chef-seedbench2",
    **{f"POPE.{setting}.{way}": f"chef-pope-{setting}" for setting in pope.SETTINGS for way in ("direct", "ppl")},
    "Winoground_Cap.ppl": "chef-winoground-cap",
    **{f"Omnibenchmark.{way}": "chef-omnibenchmark" for way in ("multi_ppl", "multi_direct", "single_ppl", "single_direct")},
    **{f"{name}.{way}": f"chef-{name.lower()}" for name in ("CIFAR10", "FSC147") for way in ("direct", "ppl")},
    **{f"Ch3Ef.{dimension}.ppl": f"chef-ch3ef-{dimension.lower()}" for dimension in ch3ef.DIMENSIONS},
}
FRACTIONS = ("POPE", "Winoground")  # which upstream prints as they are; ours are percentages


def expected(goldens: Path, name: str) -> Any:
    return json.loads((goldens / "expected" / f"{name}.json").read_text(encoding="utf-8"))


def golden_score(goldens: Path, case: str, task: Any, scorer: Scorer | None = None) -> Score:
    """The case's answers under `chef`; of its items only those that have one, as upstream does."""
    samples = task.samples(goldens / "data")
    answered, notes = read_answers(goldens / "answers" / f"{case}.json").by_content(task, samples).join(samples, "chef")
    assert not notes
    asked = [sample for sample in samples if sample.id in answered]
    if scorer is not None:
        task = figures_of(scorer)
    return score(task, "chef", asked, answered)


def assert_figures(found: Score, wanted: dict[str, float], scale: float = 1.0) -> None:
    assert set(found.metrics) >= set(wanted)
    for name, value in wanted.items():
        assert found.metrics[name].value == pytest.approx(scale * value, rel=1e-9, abs=0), name


def assert_readings(found: Score, wanted: dict[str, Any]) -> None:
    assert found.samples.keys() == wanted.keys()
    for name, told in wanted.items():
        values = told if isinstance(told, dict) else {"value" if "value" in found.samples[name] else "right": told}
        assert {key: found.samples[name][key] for key in values} == values, name


@pytest.mark.parametrize("name", SCENARIOS)
def test_items_are_those_of_upstreams_class(chef_goldens: Path, name: str) -> None:
    golden = expected(chef_goldens, "scenarios")[name]
    found = list(SCENARIOS[name](chef_goldens / "data"))
    assert len(found) == golden["count"]
    unknown = set(golden["left_out"])  # where an item would hold upstream's wording
    for whole, wanted in zip(found, golden["items"]):
        item = {key: value for key, value in whole.items() if key not in unknown}
        if "raises" in wanted:  # upstream looks for a letter in the right text at the place of its option (9.1)
            assert len(item["choices"][item["gt_choice"]]) <= item["gt_choice"]
        else:
            assert item == wanted


@pytest.mark.parametrize("case", CASES)
def test_answers_are_read_and_counted_as_upstream_does(chef_goldens: Path, case: str) -> None:
    golden = expected(chef_goldens, "metrics")[case]
    found = golden_score(chef_goldens, case, load_catalog().tasks[CASES[case]])
    figures = golden["figures"]
    if not isinstance(figures, dict):  # Omnibenchmark's is a bare number
        figures = {found.headline[0]: figures}
    assert_figures(found, figures, 100.0 if case.startswith(FRACTIONS) else 1.0)
    assert_readings(found, golden["samples"])
    assert sum(found.counts[status] for status in found.counts if status != "expected") == golden["items"]


def test_examples_of_winoground_are_counted_as_upstream_does(chef_goldens: Path) -> None:
    """Of its four questions, in whatever order they were answered, the lower score wins."""
    golden = expected(chef_goldens, "metrics")["Winoground.ppl"]
    task = load_catalog().tasks["chef-winoground"]
    found = golden_score(chef_goldens, "Winoground.ppl", task)
    assert_figures(found, golden["figures"], 100.0)
    for sample in task.samples(chef_goldens / "data"):
        wanted = golden["samples"][str(sample.meta["main_id"])]
        assert {key: found.samples[sample.id][key] for key in wanted} == wanted


@pytest.mark.parametrize(("case", "task"), [("Winoground.ppl", "chef-winoground"), ("Winoground_Cap.ppl", "chef-winoground-cap")])
def test_the_comparison_turned_round_gives_what_it_was_written_for(chef_goldens: Path, case: str, task: str) -> None:
    golden = expected(chef_goldens, "metrics")[case]
    scenario = load_catalog().tasks[task]
    samples = scenario.samples(chef_goldens / "data")
    answered = read_answers(chef_goldens / "answers" / f"{case}.json").by_id(samples)[0]
    turned = {name: replace(each, scores=tuple(-score for score in each.scores)) for name, each in answered.items()}
    if "figures_negated" in golden:
        assert_figures(score(scenario, "chef", samples, turned), golden["figures_negated"], 100.0)
    ours, theirs = (
        score(scenario, protocol, samples, said).metrics for protocol, said in (("standard", answered), ("chef", turned))
    )
    if task == "chef-winoground-cap":  # ours: the higher the better
        assert [ours[name].value for name in ("text", "image", "group")] == [
            theirs[name].value for name in ("Text", "Image", "Group")
        ]


@pytest.mark.parametrize("case", ["MMMU.direct", "MMMU.readable"])
def test_exams_are_marked_and_drawn_as_upstream_does(chef_goldens: Path, case: str) -> None:
    golden = expected(chef_goldens, "metrics")[case]
    task = load_catalog().tasks["chef-mmmu"]
    samples = task.samples(chef_goldens / "data")
    answered = read_answers(chef_goldens / "answers/MMMU.direct.json").by_id(samples)[0]
    asked = [sample for sample in samples if sample.id in golden.get("ids", answered)]
    found = score(task, "chef", asked, answered)
    assert set(found.metrics) == set(golden["figures"])
    for name, wanted in golden["figures"].items():
        assert found.metrics[name].value == pytest.approx(wanted["acc"], rel=1e-9)
        assert found.metrics[name].n == wanted["sample_nums"]
    if "samples" in golden:
        assert_readings(found, golden["samples"])
        assert "28 answers are draws" in found.metrics["Overall"].note


def test_options_can_be_read_by_their_texts_alone(chef_goldens: Path) -> None:
    golden = expected(chef_goldens, "metrics")["MMBench.content_only"]
    task = load_catalog().tasks["chef-mmbench"]
    found = golden_score(chef_goldens, "MMBench.content_only", task, MMBenchScorer(content_only=True))
    assert_figures(found, golden["figures"])
    assert_readings(found, golden["samples"])


@pytest.mark.parametrize(("case", "task"), [("ScienceQA.calibration", "chef-scienceqa"), ("MMBench.calibration", "chef-mmbench")])
def test_calibrated_answers_are_as_right_as_upstream_says(chef_goldens: Path, case: str, task: str) -> None:
    golden = expected(chef_goldens, "metrics")[case]
    found = golden_score(chef_goldens, case, load_catalog().tasks[task])
    assert_figures(found, {name: value for name, value in golden["figures"].items() if name in found.metrics})
    assert {name: each["right"] for name, each in found.samples.items()} == {
        name: each["correct"] for name, each in golden["samples"].items()
    }


def test_every_reading_of_mme_and_of_the_cleaner(chef_goldens: Path) -> None:
    golden = expected(chef_goldens, "metrics")
    for text, said in golden["MME.readings"]["samples"]:
        assert reading(text) == said, text
    for text, said in golden["cleaner"]["samples"]:
        assert cleaned(text) == said, text


def test_the_three_settings_of_pope_have_upstreams_mean(chef_goldens: Path) -> None:
    tasks = load_catalog().tasks
    found = [
        golden_score(chef_goldens, f"POPE.{name}.ppl", tasks[f"chef-pope-{name}"]).headline[1].value for name in pope.SETTINGS
    ]
    wanted = expected(chef_goldens, "metrics")["POPE.hallucination"]["figures"]["mean_accuracy_percent"]
    assert sum(value or 0 for value in found) / 3 == pytest.approx(wanted, rel=1e-9)


def test_items_at_which_upstream_stops_are_wrong_with_a_note(chef_goldens: Path) -> None:
    scorers = {"basic/MMBench": MMBenchScorer(), "basic/ScienceQA": LetterScorer()}
    cases = [case for case in expected(chef_goldens, "upstream_raises") if case["metric"] in scorers]
    cases = [case for case in cases if case["items"] and "choices" in case["items"][0]]
    assert len(cases) == 4
    for case in cases:
        (item,) = case["items"]
        choices = tuple(item["choices"])
        sample = Sample(item["id"], "", (), item["gt_choice"], "g", choices, (), {"base": item["id"], "of": 1})
        with pytest.raises(UpstreamStops):
            scorers[case["metric"]].read(item["answer"], sample)
        found = score(figures_of(scorers[case["metric"]]), "chef", [sample], {sample.id: Answered(item["answer"])})
        assert found.counts["unread"] == 1 and found.samples[sample.id]["right"] == 0
        assert "upstream's evaluator stops here" in found.notes[0]


def test_what_winoground_and_mmmu_stop_at(chef_goldens: Path) -> None:
    cases = {case["metric"]: case["items"][0] for case in expected(chef_goldens, "upstream_raises") if case["items"]}
    scenario = winoground.TASKS[0]
    (first, *_) = scenario.samples(chef_goldens / "data")
    lonely = Answered("Yes", scores=tuple(cases["Winoground/Winoground"]["ppl_results"]))
    found = score(scenario, "chef", [first], {first.id: lonely})
    assert found.metrics["Group"].value == 0 and "stops at 1 examples" in found.metrics["Group"].note
    stranger = cases["MMMU/MMMU"]
    sample = Sample(stranger["id"], "", (), ("1",), "g", (), (), {"subject": stranger["subject"]})
    found = score(mmmu.TASKS[0], "chef", [sample], {"v": Answered(stranger["answer"])})
    assert found.samples["v"]["right"] == 0 and "knows no subject Alchemy" in found.notes[0]
    counted = cases["basic/FSC147"]
    sample = Sample(counted["id"], "", (), counted["gt_answers"], "g")
    found = score(fsc147.TASKS[0], "chef", [sample], {"1": Answered(counted["answer"])})
    assert found.metrics["MAE"].value == 5 and "which is a digit but not a number" in found.notes[0]


def test_pope_has_no_figures_where_upstream_divides_by_zero(chef_goldens: Path) -> None:
    cases = [case for case in expected(chef_goldens, "upstream_raises") if case["metric"].startswith("Hallucination")]
    assert len(cases) == 3
    for case in cases:
        rows = []
        for number, item in enumerate(case["items"]):
            sample = Sample(str(number), "", (), int(item["gt_answers"] == "no"), "g", ("Yes", "No"))
            rows.append(Row(sample, "ok", item["answer"], item["answer"], pope.CHEF.score(sample, item["answer"])))
        found = pope.CHEF.whole(rows)
        assert found and all(each.value is None and "divides by zero" in each.note for each in found.values())
