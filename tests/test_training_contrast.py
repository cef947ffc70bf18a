"""The encoders' stage: dialogues taken apart into questions, and a loss that goes down when answers are right."""

from __future__ import annotations

import numpy as np
import pytest

from lamm_bench.training.unfold import Asked, Pools, labels_of, pools_of, unfold


def spell(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def said(question: str, answer: str, labels: tuple[str, ...] = ()) -> list[tuple[str, str, list[str], tuple[float, ...]]]:
    """The single questions of a turn, in words."""
    word = lambda ids: "".join(map(chr, ids))  # noqa: E731
    return [
        (word(a.question), word(a.answer), [word(o) for o in a.others], a.numbers)
        for a in unfold(question, answer, labels, spell)
    ]


def test_options_become_the_right_text_and_the_wrong_ones() -> None:
    turn = "How many arrows?\nContext: none.\nOptions: (A) 4 (B) none of them (C) 5", "(B)"
    assert said(*turn) == [("How many arrows?", "none of them", ["4", "5"], ())]


def test_places_become_numbers() -> None:
    assert said("Where is the knee?", "[0.41, 0.47]") == [("Where is the knee?", "", [], (0.41, 0.47))]
    assert said("The box?", "[-1.00, 2.50, 0.40, 1.00, 0.80, 0.90]")[0][3] == (-1.0, 2.5, 0.4, 1.0, 0.8, 0.9)


def test_a_list_of_boxes_becomes_what_is_there_and_where_what_is_unique_stands() -> None:
    answer = "cat [0.10, 0.20, 0.30, 0.40]; dog [0.50, 0.50, 0.60, 0.90]; cat [0.70, 0.10, 0.90, 0.30]"
    labels = labels_of([answer, "bus [0.00, 0.00, 1.00, 1.00]"])
    assert labels == ("bus", "cat", "dog")
    assert said("Name every object.", answer, labels) == [
        ("Which object is there?", "cat", ["bus"], ()),
        ("Which object is there?", "dog", ["bus"], ()),
        ("Where is the dog?", "", [], (0.5, 0.5, 0.6, 0.9)),
    ]


def test_words_become_letters_with_the_rest_of_the_alphabet_against_them() -> None:
    found = said("What does the sign say?", "GO UP")
    assert [(question, answer) for question, answer, _, _ in found] == [
        ("How many letters?", "2 2"),
        ("Which is letter 1 of word 1?", "G"),
        ("Which is letter 2 of word 1?", "O"),
        ("Which is letter 1 of word 2?", "U"),
        ("Which is letter 2 of word 2?", "P"),
    ]
    assert len(found[1][2]) == 25


@pytest.mark.parametrize("answer", ["cat", "A red car on the left.", "7", "yes"])
def test_other_answers_stay_as_they_are(answer: str) -> None:
    assert said("What?", answer) == [("What?", answer, [], ())]


def test_lists_of_bare_points_are_left_to_the_language_model() -> None:
    assert said("Point at each of the rings.", "[0.10, 0.20]; [0.30, 0.40]") == []


def test_what_knows_left_from_right_is_marked() -> None:
    marked = [a.sided for a in unfold("What is on the left?", "cat", (), spell)] + [
        a.sided for a in unfold("Where?", "[0.10, 0.20]", (), spell)
    ]
    assert marked == [True, True]
    assert not next(unfold("What is it?", "cat", (), spell)).sided


def test_wrong_answers_are_never_the_right_one_and_are_shared_within_a_step() -> None:
    asked = [Asked((1,), (answer,)) for answer in range(10, 60)]
    pools = Pools(pools_of(asked), 8, np.random.default_rng(0))
    drawn = [pools.wrong(one) for one in asked]
    assert all(one.answer not in wrong and 7 <= len(wrong) <= 8 for one, wrong in zip(asked, drawn))
    assert len({answer for wrong in drawn for answer in wrong}) == 8


def test_the_loss_falls_as_a_question_learns_to_pick_its_answer() -> None:
    torch = pytest.importorskip("torch")
    from lamm_bench.training.contrast import Contrast

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        contrast = Contrast(40, {"image": 8}, width=16, layers=1)
        tokens = torch.randn(6, 4, 8)  # six pictures that can be told apart
        asked = [
            [Asked((1, 2), (10 + n % 3,), tuple((10 + k,) for k in range(3) if k != n % 3)), Asked((3,), numbers=(n / 6, 0.5))]
            for n in range(6)
        ]
        wrong = [[list(one.others) for one in each] for each in asked]
        optimizer = torch.optim.Adam(contrast.parameters(), lr=3e-3)
        losses = []
        for _ in range(60):
            out = contrast("image", tokens, asked, wrong)
            loss = out["contrastive"] + out["places"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]
    assert float(out["right"]) == 1.0
