"""Which tokens make an option's score: upstream's windows on made-up logits (../shared/goldens-chef), and their laws."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.lamm.window import first_window, last_window, shared

IDS = st.lists(st.integers(0, 3), max_size=8)
CLOSING = 3  # tokens that close an answer in upstream's layout: a line break and two of ###


def mean_of(logits: torch.Tensor, ids: list[int], at: int, window: tuple[int, int]) -> float:
    """The mean log-probability of the window's tokens; `at` is where the answer begins."""
    sure = torch.log_softmax(logits.float(), dim=-1)
    start, end = window
    return float(torch.stack([sure[at + place - 1, ids[place]] for place in range(start, end)]).mean())


def cases(goldens: Path) -> list[dict]:
    return json.loads((goldens / "expected/ppl_window.json").read_text(encoding="utf-8"))["cases"]


def test_an_options_score_is_upstreams(chef_goldens: Path) -> None:
    told = cases(chef_goldens)
    assert len(told) >= 12
    for case in told:
        at = next(place for place, label in enumerate(case["labels"]) if label != -100)
        answer = [label for label in case["labels"] if label != -100][:-CLOSING]  # padding stands behind some
        window = last_window(answer, case["option_ids"], 0)
        assert answer[window[0] : window[1]] == case["option_ids"]
        found = mean_of(torch.tensor(case["logits"]), answer, at, window)
        assert found == pytest.approx(case["score"], abs=1e-5)


def test_the_first_place_is_another_where_an_option_stands_in_its_answers_beginning(chef_goldens: Path) -> None:
    """What chef-v1 measured (reference 2.2.3): the same logits, other tokens."""
    moved = 0
    for case in cases(chef_goldens):
        answer = [label for label in case["labels"] if label != -100][:-CLOSING]
        option = case["option_ids"]
        window = first_window([*option, *answer], option, 0)
        assert window == (0, len(option))
        moved += last_window([*option, *answer], option, 0) != window
    assert moved >= 12


@given(IDS, IDS, IDS)
def test_windows_hold_the_options_tokens_wherever_these_stand(before: list[int], option: list[int], lead: list[int]) -> None:
    answer = [*lead, *before, *option]
    for window in (first_window, last_window):
        start, end = window(answer, option, len(lead))
        assert 0 <= start <= end <= len(answer)
        if option:
            assert answer[start:end] == option
    assert not option or first_window(answer, option, 0)[0] <= last_window(answer, option, 0)[0]


@given(IDS, IDS)
def test_an_option_whose_tokens_are_others_there_is_all_that_it_adds(lead: list[int], added: list[int]) -> None:
    answer = [*lead, *added]
    assert last_window(answer, [9], shared(answer, lead)) == (len(lead), len(answer))
    assert first_window(answer, [9], shared(answer, lead)) == (len(lead), len(answer))
