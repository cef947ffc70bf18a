"""Protocol `classic` gives upstream's figures of July 2023; expected values come from ../shared/goldens/expected/classic.json."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.pooling import pool as pool_rows
from lamm_bench.measure.scoring import Answered, Score, score
from lamm_bench.measure.stats import estimates
from lamm_bench.tasks import classic
from lamm_bench.tasks.binary_loc import POOLS
from lamm_bench.tasks.classic import CLASSIC
from lamm_bench.types import Estimate, Row, Sample, Scorer

JOINTS = [[10.0 * number, 5.0 * number] for number in range(1, 15)]
# one ground truth of every task, for texts that no golden has
TARGETS: dict[str, dict[str, Any]] = {
    "cifar10": {"target": "cat"},
    "voc2012": {"target": [{"label": "cat", "bbox": [0.1, 0.2, 0.6, 0.7]}]},
    "sqaimage": {"target": 1, "choices": ("cell", "cell wall", "10")},
    "ai2d": {"target": 0, "choices": ("10", "100")},
    "flickr30k": {"target": ["A cat sits.", "The cat is sitting on a mat ."]},
    "ucmerced": {"target": "river"},
    "fsc147": {"target": 8},
    "svt": {"target": ["Hotel", "BAR"]},
    "celeba-smile": {"target": "1"},
    "celeba-hair": {"target": "gray"},
    "lsp": {"target": JOINTS, "meta": {"size": (160, 120)}},
    "locating-voc2012": {"target": [{"label": "dog", "bbox": [0.1, 0.2, 0.6, 0.7]}]},
    "locating-lsp": {"target": JOINTS, "meta": {"size": (160, 120)}},
    "locating-fsc147": {"target": JOINTS[:4], "meta": {"size": (160, 120)}},
    "scannet": {"target": [{"label": "chair", "bbox": [0.0, 0.0, 0.5, 0.5, 0.5, 1.0]}]},
    "scanrefer": {"target": [0.0, 0.0, 0.5, 0.5, 0.5, 1.0]},
    "scanqa": {"target": 5, "choices": ("a", "b", "c", "d", "e", "f")},
}
# upstream's key of the ground truth, for the inputs that stop it
KEYS = {"voc2012": "object", "fsc147": "num", "sqaimage": "gt_choice", "svt": "word_list", "scanrefer": "object"}
KEYS |= {"scannet": "object", "cifar10": "label", "flickr30k": "sentences", "lsp": "gt_joints"}
WORDS = [
    "cat",
    "not",
    "The answer is (A",
    ")",
    "[",
    "]",
    "0.1",
    ",",
    " ",
    "\n",
    "12",
    "²",
    "twelve",
    '"',
    "'",
    ".",
    "nan",
    "inf",
    "1e9",
    "(",
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map("".join))


def sample_of(task: str, **fields: Any) -> Sample:
    given_fields = {**TARGETS[task], **fields}
    return Sample(id="0", question="", media=(), group="image", **given_fields)


def golden_score(goldens: Path, name: str, protocol: str) -> Score:
    """The golden answer file of a task, scored through the engine."""
    task = load_catalog().tasks[name]
    stems = (goldens / "answers" / f"{stem}.json" for stem in task.answer_files)
    entries = json.loads(next(path for path in stems if path.is_file()).read_text(encoding="utf-8"))
    samples = task.samples(goldens / "data")
    answered = {sample.id: Answered(entry["text"]) for sample, entry in zip(samples, entries, strict=True)}
    return score(task, protocol, samples, answered, keep_rows=True)


def assert_same(found: Any, expected: Any) -> None:
    """Equal to 1e-9; a lone number is stored under `value`."""
    if not isinstance(expected, dict):
        expected = {"value": expected}
    shown = {name: value for name, value in found.items() if name != "status"}
    assert shown == pytest.approx(expected, abs=1e-9, rel=0)


def figures(scorer: Scorer, rows: list[Row]) -> dict[str, Estimate]:
    return {**estimates(scorer.metrics, rows), **scorer.whole(rows)}


def row_of(scorer: Scorer, sample: Sample, text: Any) -> Row:
    prediction = scorer.read(text, sample)
    return Row(sample, "ok", text, prediction, scorer.score(sample, prediction))


def stopping(goldens: Path, protocol: str) -> list[tuple[str, Sample, Any, str]]:
    """Upstream's stops as (task, sample, text, the note of those that concern a whole set)."""
    found = []
    for case in json.loads((goldens / "expected" / "upstream_raises.json").read_text(encoding="utf-8")):
        if case["protocol"] == protocol:
            item, task = case["item"], case["task"]
            choices = () if case["error"] == "KeyError" else tuple(item.get("gt_choices", ()))
            meta = {"size": item.get("image_size", (160, 120))}
            sample = Sample("0", "", (), item[KEYS[task]], "image", choices, (), meta)
            found.append((task, sample, case["text"], item.get("note", "")))
    return found


def assert_stops(scorer: Scorer, sample: Sample, text: Any, note: str) -> None:
    if "whole set" in note or "of the set" in note:
        noted = [estimate for estimate in figures(scorer, [row_of(scorer, sample, text)]).values() if estimate.note]
        assert noted and all(estimate.value is None for estimate in noted)
        return
    with pytest.raises(UpstreamStops):
        scorer.score(sample, scorer.read(text, sample))
    scorer.score(sample, None)  # such a sample can still be counted, as wrong


# laws


def assert_total(scorer: Scorer, sample: Sample, text: str) -> None:
    """Any text is counted, in numbers that a missing answer has too, or upstream would have stopped at it."""
    missing = scorer.score(sample, None)
    try:
        stats = scorer.score(sample, scorer.read(text, sample))
    except UpstreamStops:
        return
    assert stats.keys() == missing.keys()
    assert all(np.isfinite(float(value)) for value in stats.values())


@pytest.mark.parametrize("task", sorted(set(CLASSIC) - {"lsp"}))
def test_every_text_is_counted_or_stops_upstream(task: str) -> None:
    @given(TEXTS)
    def holds(text: str) -> None:
        assert_total(CLASSIC[task], sample_of(task), text)

    holds()


def test_a_missing_answer_is_never_right() -> None:
    for task, scorer in CLASSIC.items():
        stats = scorer.score(sample_of(task), None)
        assert all(stats.get(hit, 0) == 0 for hit in ("correct", "hits", "share", "bleu4", "acc@0.25", "acc@0.5")), task


def test_points_beyond_all_bounds_are_misses() -> None:
    for task in ("locating-fsc147", "locating-lsp", "scanrefer"):
        assert_total(CLASSIC[task], sample_of(task), "[1e200, -1e200, inf, nan, 1e308, 1e308]")


def test_a_number_too_long_to_average_stops_upstream() -> None:
    with pytest.raises(UpstreamStops):
        CLASSIC["fsc147"].score(sample_of("fsc147"), CLASSIC["fsc147"].read("9" * 400, sample_of("fsc147")))


# goldens


@pytest.mark.parametrize("task", sorted(CLASSIC))
def test_the_golden_answers_get_upstreams_figures(goldens: Path, task: str) -> None:
    expected = json.loads((goldens / "expected" / "classic.json").read_text(encoding="utf-8"))[task]
    found = golden_score(goldens, task, "classic")
    extra = ["pck@0.1_intended"] if task == "lsp" else []  # upstream's own is always 0
    assert list(found.metrics) == [*expected["metrics"], *extra]
    for name, value in expected["metrics"].items():
        assert found.metrics[name].value == pytest.approx(value, abs=1e-9, rel=0)
    assert found.samples.keys() == expected["samples"].keys()
    for name, value in expected["samples"].items():
        shown = {"status": "ok", "value": found.samples[name]["value"]} if task == "lsp" else found.samples[name]
        assert_same(shown, value)


def test_binary_loc_pools_three_sets_in_june_and_two_in_july(goldens: Path) -> None:
    expected = json.loads((goldens / "expected" / "classic.json").read_text(encoding="utf-8"))["binary-loc"]["metrics"]
    scores = {task: golden_score(goldens, task, "classic") for task in POOLS[0].tasks}
    counts = {
        task: tuple(sum(row.stats[key] for row in found.rows) for key in ("hits", "total")) for task, found in scores.items()
    }
    for edition, figure in classic.pool(counts).items():
        assert figure == pytest.approx(expected[edition], abs=1e-9)
    for edition, pooled in pool_rows(POOLS[0], {task: found.rows for task, found in scores.items()}).items():
        assert (pooled.hits, pooled.total) == (expected[edition]["hits"], expected[edition]["total"])
        assert pooled.accuracy.value == pytest.approx(expected[edition]["accuracy"], abs=1e-9)
        assert pooled.accuracy.ci95 is not None and pooled.accuracy.ci95[0] < pooled.accuracy.value < pooled.accuracy.ci95[1]


def test_a_pool_without_one_of_its_members_has_no_value_and_says_which(goldens: Path) -> None:
    found = golden_score(goldens, "locating-lsp", "classic")
    pooled = pool_rows(POOLS[0], {"locating-lsp": found.rows})["july"]
    assert pooled.accuracy.value is None and pooled.missing == ("locating-voc2012",)
    assert "locating-voc2012" in pooled.accuracy.note


def test_every_input_that_stops_upstream_stops_here(goldens: Path) -> None:
    cases = stopping(goldens, "classic")
    assert len(cases) == 13
    for task, sample, text, note in cases:
        assert_stops(CLASSIC[task], sample, text, note)


# upstream's faults, one by one (reference, Appendix H)


def right(task: str, text: Any, **fields: Any) -> float:
    sample = sample_of(task, **fields)
    scorer = CLASSIC[task]
    stats = scorer.score(sample, scorer.read(text, sample))
    return float(stats.get("correct", stats.get("hits", stats.get("share", -1))))


def test_several_classes_are_not_penalised_but_a_label_in_single_quotes_is_unseen() -> None:
    assert right("cifar10", "not a dog, not a truck: cats?") == 1
    assert right("cifar10", "The label is 'cat'.") == 0


def test_a_label_without_synset_never_matches_not_even_literally() -> None:
    box = "[0.1, 0.2, 0.6, 0.7]"
    assert right("voc2012", f"diningtable {box}", target=[{"label": "diningtable", "bbox": [0.1, 0.2, 0.6, 0.7]}]) == 0
    assert right("voc2012", f"cat {box}") == 1


def test_distant_boxes_can_overlap_in_3d() -> None:
    here = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    assert right("scannet", "chair [1.9, 1.9, 0, 1, 1, 1]", target=[{"label": "chair", "bbox": here}]) == 1


def test_whoever_does_not_say_no_sees_a_smile() -> None:
    assert right("celeba-smile", "") == 1
    assert right("celeba-smile", "She isn't smiling.") == 1
    assert right("celeba-smile", "She cannot smile.") == 0


def test_pck_is_always_zero() -> None:
    answers = {str(number): f"[{x / 160}, {y / 120}]" for number, (x, y) in enumerate(JOINTS)}
    sample = sample_of("lsp")
    stats = CLASSIC["lsp"].score(sample, CLASSIC["lsp"].read(answers, sample))
    assert (stats["share"], stats["correct"]) == (0, 14)


def test_the_pck_that_upstream_meant_to_compute_stands_beside_its_zero(goldens: Path) -> None:
    intended = json.loads((goldens / "expected" / "classic.json").read_text(encoding="utf-8"))["lsp"]["intended"]
    found = golden_score(goldens, "lsp", "classic")
    assert found.metrics["pck@0.1_intended"].value == pytest.approx(intended["metrics"]["pck@0.1"], abs=1e-9)
    for name, values in intended["samples"].items():
        assert {key: found.samples[name][key] for key in values} == values


def test_images_with_ten_points_are_left_out_of_locating() -> None:
    scorer = CLASSIC["locating-fsc147"]
    sample = replace(sample_of("locating-fsc147"), target=JOINTS[:10])
    row = row_of(scorer, sample, "[0.1, 0.1]")
    assert row.stats == {"hits": 0, "total": 0}
    assert figures(scorer, [row])["accuracy"].note
