"""Likelihoods that are none decide nothing, ties choose nothing, and what a server does not list never wins."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.inferencers import Likelihood, sound
from lamm_bench.ask.instruction import Prompt
from lamm_bench.read import read_choice
from lamm_bench.remote.options import likelihoods
from lamm_bench.tasks.vqa import ChoiceScorer
from lamm_bench.types import Message, Response, Row, Sample, Score

SAMPLE = Sample("1", "Which?", (), 0, "a", ("cat", "dog", "cow"))
ASKED = Score((), ("(A)", "(B)", "(C)"))


def concluded(*logprobs: float):
    flow = Likelihood().infer(SAMPLE, lambda part: Prompt((Message("user", ("Which?",)),)), 8, 0)
    next(flow)
    with pytest.raises(StopIteration) as stop:
        flow.send(Response(logprobs=logprobs, tokens=(1,) * len(logprobs)))
    return stop.value.value


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 3.0])
@pytest.mark.parametrize("place", range(3))
def test_what_is_no_likelihood_is_an_error_wherever_it_stands(bad: float, place: int) -> None:
    values = [-1.0, -2.0, -3.0]
    values[place] = bad
    response = sound(ASKED, Response(logprobs=tuple(values), tokens=(1, 1, 1)))
    assert response.status == "model_error" and "ABC"[place] in str(response.error) and response.logprobs == ()


def test_too_few_likelihoods_and_impossible_priors_are_errors_too() -> None:
    assert "3 options were asked, 2 scored" in str(sound(ASKED, Response(logprobs=(-1.0, -2.0))).error)
    assert sound(ASKED, Response(logprobs=(-1.0, -2.0, -3.0), prior=(-1.0, math.nan, -1.0))).status == "model_error"


def test_rounding_above_zero_is_none_and_an_error_stays_as_it_is() -> None:
    assert sound(ASKED, Response(logprobs=(1e-6, -2.0, -3.0))).error is None
    declined = Response(error="no", status="refused")
    assert sound(ASKED, declined) is declined


def test_a_tie_chooses_nothing_is_unread_and_counted() -> None:
    prediction = concluded(-5.0, -1.0, -1.0)
    assert prediction.choice is None and prediction.text == "tie: (B), (C) are equally likely"
    assert read_choice(prediction.text, SAMPLE.choices) is None
    rows = [Row(SAMPLE, "unread", prediction.text, None, {}), Row(SAMPLE, "ok", "(A)", 0, {})]
    assert ChoiceScorer().whole(rows)["ties"].value == 50 and ChoiceScorer().whole(rows[1:]) == {}
    assert concluded(-5.0, -1.0, -1.5).choice == 1


@given(
    st.floats(-30, 0),
    st.lists(st.tuples(st.sampled_from("xyzAC"), st.floats(-9999, 0)), max_size=4, unique_by=lambda pair: pair[0]),
)
def test_an_option_that_is_not_listed_stays_below_every_listed_one(logprob: float, others: list[tuple[str, float]]) -> None:
    found = likelihoods(ASKED.options, [(("B", logprob), *others)])
    listed = {"B"} | {token for token, value in others if token in "AC" and math.exp(value) > 0}
    assert all(map(math.isfinite, found.logprobs))
    low = min(found.logprobs["ABC".index(token)] for token in listed)
    assert all(found.logprobs["ABC".index(token)] < low for token in set("ABC") - listed)


def test_an_answer_that_begins_with_a_thought_has_no_likelihoods() -> None:
    places = [(("<think>", -0.01), ("B", -6.0)), (("Let", -0.2),)]
    assert likelihoods(ASKED.options, places).status == "model_error"


def test_every_run_by_likelihood_says_how_calibrated_it_is(mini_root: Path, tmp_path: Path) -> None:
    """In result, table, report and figure; as the answers of the run themselves have it; the same when it is read again."""
    from sklearn.calibration import calibration_curve

    from .commands import done, refusal

    words = ("run", "--model", "lamm", "--data-root", mini_root, "--tasks", "sqaimage", "--recipe")
    said = done(*words, "lamm/likelihood", "--output", tmp_path / "run")
    entry = next(
        one for one in json.loads((tmp_path / "run/result.json").read_text())["results"] if one["protocol"] == "standard"
    )
    found = entry["calibration"]
    kept = json.loads((tmp_path / "run/scores/sqaimage.json").read_text())["protocols"]["standard"]["samples"].values()
    sure = np.array([one["prob"] for one in kept])
    right = np.array([float(one["value"]) for one in kept])
    assert found["accuracy"] == pytest.approx(right.mean()) and found["confidence"] == pytest.approx(sure.mean())
    share, mean = calibration_curve(right, sure, n_bins=10)
    sizes = np.histogram(sure, bins=np.linspace(0, 1, 11))[0]
    assert found["equal width"]["value"] == pytest.approx((np.abs(share - mean) * sizes[sizes > 0]).sum() / len(right))
    assert "sqaimage: calibration error" in said and f"Brier {found['Brier']['value']:.3f}" in said
    assert done(*words, "lamm/likelihood", "--output", tmp_path / "run").count("calibration error") == 1, (
        "and when nothing is asked anew"
    )
    assert "calibration error" in done("score", tmp_path / "run", "--data-root", mini_root)
    done("report", tmp_path / "run", "--out", tmp_path / "report.html", "--data-root", mini_root)
    assert "Calibration: sure" in (tmp_path / "report.html").read_text()
    done("plot", tmp_path / "run", "--kind", "reliability", "--output", tmp_path / "figure")
    assert "ECE" in (tmp_path / "figure.svg").read_text() and (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    plain = ("run", "--model", "chance", "--data-root", mini_root, "--tasks", "sqaimage", "--output", tmp_path / "plain")
    assert "calibration" not in done(*plain) and "calibration" not in (tmp_path / "plain/result.json").read_text()
    assert "did likelihoods decide" in refusal("plot", tmp_path / "plain", "--kind", "reliability", "--output", tmp_path / "no")
