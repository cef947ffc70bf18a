"""The encoders' stage: dialogues taken apart into questions and spots, and heads whose losses go down when answers are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.training.data.dialogues import Dialogue
from lamm_bench.training.data.lessons import MOST_ANSWERS, course
from lamm_bench.training.data.unfold import Spot, labels_of, spots, unfold
from lamm_bench.types import Media

BOXES = "cat [0.10, 0.20, 0.30, 0.40]; dog [0.50, 0.50, 0.60, 0.90]; cat [0.70, 0.10, 0.90, 0.30]"


def said(question: str, answer: str, labels: tuple[str, ...] = ()) -> list[tuple[str, str, tuple[str, ...], tuple[float, ...]]]:
    return [(a.question, a.answer, a.others, a.numbers) for a in unfold(question, answer, labels)]


def picture(name: str) -> Media:
    return Media("image", f"/pictures/{name}.png")


def talk(name: str, *turns: tuple[str, str]) -> Dialogue:
    return Dialogue(picture(name), turns, ("VQA",) * len(turns), name)


def test_options_become_the_right_text_and_the_wrong_ones() -> None:
    turn = "How many arrows?\nContext: none.\nOptions: (A) 4 (B) none of them (C) 5", "(B)"
    assert said(*turn) == [("How many arrows?", "none of them", ("4", "5"), ())]


def test_places_become_numbers() -> None:
    assert said("Where is the knee?", "[0.41, 0.47]") == [("Where is the knee?", "", (), (0.41, 0.47))]
    assert said("The box?", "[-1.00, 2.50, 0.40, 1.00, 0.80, 0.90]")[0][3] == (-1.0, 2.5, 0.4, 1.0, 0.8, 0.9)


def test_a_list_of_boxes_becomes_how_many_and_where_what_is_unique_stands() -> None:
    labels = labels_of([("Name all.", BOXES), ("Name all.", "bus [0.00, 0.00, 1.00, 1.00]"), ("Spell.", "A [0.10, 0.20]")])
    assert labels == {"Name all.": ("bus", "cat", "dog"), "Spell.": ()}
    assert [(q, a or n) for q, a, _, n in said("Name all.", BOXES, labels["Name all."])] == [
        ("Is there a bus, or several?", "none"),
        ("Is there a cat, or several?", "several"),
        ("Is there a dog, or several?", "one"),
        ("Where is the dog?", (0.5, 0.5, 0.6, 0.9)),
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
    assert said("What?", answer) == [("What?", answer, (), ())]


def test_lists_become_spots_labelled_by_their_words_or_by_the_question() -> None:
    assert spots("Name.", BOXES)[1] == Spot("dog", (0.5, 0.5, 0.6, 0.9))
    assert spots("Name.", BOXES)[1].middle == pytest.approx((0.55, 0.7))
    assert spots("Point at each ring.", "[0.10, 0.20]; [0.30, 0.40]")[1] == Spot("Point at each ring.", (0.3, 0.4))
    assert spots("Name.", "fish A [0.10, 0.20]") == (Spot("fish", (0.1, 0.2)), Spot("A", (0.1, 0.2)))


@given(st.text(alphabet="ab [],.;0123456789A-", max_size=60))
def test_whatever_is_said_is_taken_apart_without_an_error(answer: str) -> None:
    list(unfold("What?", answer, ("a",)))
    spots("What?", answer)


def test_what_knows_left_from_right_is_marked() -> None:
    marked = [next(unfold(*turn, ())).sided for turn in (("On the left?", "cat"), ("Where?", "[0.10, 0.20]"), ("What?", "cat"))]
    assert marked == [True, True, False]


def test_a_course_keeps_closed_questions_and_leaves_captions_out() -> None:
    many = [talk(f"p{n}", ("What is it?", f"{'cat' if n % 2 else 'dog'}"), ("Describe.", f"caption {n}")) for n in range(100)]
    taught = course(many)
    assert len(many) > MOST_ANSWERS
    assert list(taught.questions) == ["What is it?"]
    assert set(taught.answers) == {"cat", "dog"}
    assert all(len(lesson.question) == 1 for lesson in taught.lessons.values())


def test_a_course_knows_which_labels_a_list_would_have_named() -> None:
    taught = course([talk("a", ("Name all.", BOXES)), talk("b", ("Name all.", "bus [0.00, 0.00, 1.00, 1.00]"))])
    names = list(taught.labels)
    lesson = taught.lessons[picture("b")]
    assert [names[i] for i in lesson.scope] == ["bus", "cat", "dog"]
    assert [names[i] for i in lesson.label] == ["bus"]
    assert lesson.spot[0, :4].tolist() == [0, 0, 1, 1]


def test_the_order_of_dialogues_does_not_move_the_tables() -> None:
    both = [talk("a", ("Name all.", BOXES), ("Yes?", "no")), talk("b", ("Yes?", "yes"))]
    one, other = course(both), course(both[::-1])
    assert (one.questions, one.answers, one.labels) == (other.questions, other.answers, other.labels)
    assert np.array_equal(one.allowed, other.allowed)


def test_heads_learn_what_is_asked_and_where_things_stand() -> None:
    torch = pytest.importorskip("torch")
    from lamm_bench.lamm.config import ImageEncoder
    from lamm_bench.training.stages.heads import Heads

    config = ImageEncoder(size=8, widths=(4, 32), blocks=(0, 0), layers=1, heads=2)  # four tokens, sixteen cells
    talks = [
        talk(
            f"p{n}",
            ("What is it?", "abc"[n % 3]),
            ("Where?", f"[{n / 10:.2f}, 0.50]"),
            ("Name all.", f"cat [0.{n}5, 0.{9 - n}5]"),
        )
        for n in range(6)
    ]
    taught = course(talks)
    lessons = [taught.lessons[one.media] for one in talks]
    chosen = [np.arange(len(lesson.question)) for lesson in lessons]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        heads = Heads(taught, {"image": config}, width=16, layers=1)
        tokens = torch.randn(6, 4, 32)  # six pictures that can be told apart
        optimizer = torch.optim.Adam(heads.parameters(), lr=1e-2)
        losses = []
        for _ in range(150):
            out = heads("image", tokens, lessons, chosen)
            loss = out["asked"] + out["places"] + out["spots"] + out["spots_off"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.2 * losses[0]
        assert float(out["right"]) == 1.0
        cells = (
            heads.cells["image"](tokens).reshape(6, 2, 2, 2, 2, -1).transpose(2, 3).reshape(6, 16, -1)[..., taught.labels["cat"]]
        )
        assert cells.argmax(dim=1).tolist() == [int((9 - n + 0.5) / 10 * 4) * 4 + int((n + 0.5) / 10 * 4) for n in range(6)]
