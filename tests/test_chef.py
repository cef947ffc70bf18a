"""Protocol `chef` gives the figures of ChEF's LAMM metric classes; expected values come from ../shared/goldens/expected/chef.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.captions import meteor_absent
from lamm_bench.tasks.chef import CHEF
from lamm_bench.tasks.classic import CLASSIC

from .test_classic import TEXTS, assert_same, assert_stops, assert_total, figures, golden_score, row_of, sample_of, stopping


@pytest.mark.parametrize("task", sorted(CHEF))
def test_every_text_is_counted_or_stops_upstream(task: str) -> None:
    @given(TEXTS)
    def holds(text: str) -> None:
        assert_total(CHEF[task], sample_of(task), text)

    holds()


def test_chef_has_neither_pck_nor_locating_of_counted_things() -> None:
    assert set(CLASSIC) - set(CHEF) == {"lsp", "locating-fsc147"} and set(CHEF) < set(CLASSIC)


@pytest.mark.parametrize("task", sorted(CHEF))
def test_the_golden_answers_get_upstreams_figures(goldens: Path, task: str) -> None:
    expected = json.loads((goldens / "expected" / "chef.json").read_text(encoding="utf-8"))[task]
    found = golden_score(goldens, task, "chef")
    absent = {"METEOR"} if task == "flickr30k" and meteor_absent() else set()
    assert set(found.metrics) == set(expected["metrics"])
    for name in set(expected["metrics"]) - absent:
        assert found.metrics[name].value == pytest.approx(expected["metrics"][name], abs=1e-9, rel=0), name
    for name in expected.get("metrics_as_printed", {}):
        assert found.metrics[name].value == pytest.approx(expected["metrics_as_printed"][name], abs=1e-5, rel=0), name
    assert found.samples.keys() == expected["samples"].keys()
    for name, value in expected["samples"].items():
        assert_same(found.samples[name], {key: each for key, each in value.items() if key not in absent} if absent else value)


def test_meteor_is_said_to_be_absent_where_it_cannot_be_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None)
    scorer = CHEF["flickr30k"]
    row = row_of(scorer, sample_of("flickr30k"), "A cat sits.")
    assert figures(scorer, [row])["METEOR"].value is None
    assert "absent" in figures(scorer, [row])["METEOR"].note
    assert "METEOR" not in scorer.each([row])[0] and "CIDEr" in scorer.each([row])[0]


def test_every_input_that_stops_upstream_stops_here(goldens: Path) -> None:
    cases = stopping(goldens, "chef")
    assert len(cases) == 10
    for task, sample, text, note in cases:
        assert_stops(CHEF[task], sample, text, note)


# upstream's faults, one by one (reference, Appendix H)


def test_a_count_is_never_wrong_by_more_than_the_truth() -> None:
    row = row_of(CHEF["fsc147"], sample_of("fsc147"), "5000")
    assert row.stats["abs_err_clipped"] == 8 and row.stats["correct"] == 0


def test_option_f_is_reached_by_its_text_only() -> None:
    sample = sample_of("scanqa", choices=("one", "two", "three", "four", "five", "six"))
    assert row_of(CHEF["scanqa"], sample, "The answer is (F).").stats["correct"] == 0
    assert row_of(CHEF["scanqa"], sample, "six").stats["correct"] == 1


def test_an_answer_that_is_exactly_a_synonym_counts_even_where_its_words_do_not() -> None:
    sample = sample_of("cifar10", target="dog")
    assert row_of(CHEF["cifar10"], sample, "Canis_familiaris").stats["correct"] == 1
    assert row_of(CHEF["cifar10"], sample, "Canis_familiaris\n").stats["correct"] == 0


def test_a_box_in_an_image_without_objects_stops_upstream() -> None:
    sample = sample_of("voc2012", target=[])
    with pytest.raises(UpstreamStops):
        row_of(CHEF["voc2012"], sample, "The cat object is at [0.1, 0.2, 0.6, 0.7].")
