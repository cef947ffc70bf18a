"""Short-answer metrics against second implementations of the rules that their sources state, written here in another way; and where ours
differ from the published programs on purpose, so that nobody has to find out."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.measure import texts

NUMERALS = st.builds(
    lambda whole, part: f"{whole}.{part}" if part else str(whole), st.integers(-3000, 3000), st.sampled_from(["", "5", "25"])
)
WORDS = "the a an two three none ten red Red blue it's isnt well-known 3.5 1,000 2,5 St. o'clock yes no (left) a/b 6:00 $5 50% U.S. ... really?! x_y".split()


def people_compare(text: str) -> str:
    """The VQA evaluation's text rules (vqaEval.py of GT-Vision-Lab/VQA), one letter at a time: a mark goes where one of its kind stands
    beside a blank, or a comma between digits; else it becomes a blank. A period goes unless a digit follows."""
    said = text.replace("\n", " ").replace("\t", " ").strip()
    digits = any(said[n].isdigit() and said[n + 1] == "," and said[n + 2].isdigit() for n in range(len(said) - 2))
    loose = {one for one, after in zip(said, said[1:]) if after == " "} | {
        one for before, one in zip(said, said[1:]) if before == " "
    }
    out = ""
    for place, letter in enumerate(said):
        if letter in ';/[]"{}()=+\\_-><@`,?!':
            out += "" if digits or letter in loose else " "
        elif letter != ".":
            out += letter
        else:
            out += "." if said[place + 1 : place + 2].isdigit() else ""
    numbers = dict(zip("none zero one two three four five six seven eight nine ten".split(), "0 0 1 2 3 4 5 6 7 8 9 10".split()))
    words = [numbers.get(word, word) for word in out.lower().split()]
    return " ".join("isn't" if word == "isnt" else word for word in words if word not in ("a", "an", "the"))


@given(st.lists(st.sampled_from(WORDS), max_size=5), st.sampled_from([" ", "  ", "\n"]))
def test_texts_are_those_of_the_vqa_evaluation(words: list[str], between: str) -> None:
    assert texts.vqa_words(between.join(words)) == people_compare(between.join(words))


@given(st.lists(st.sampled_from(WORDS), min_size=10, max_size=10), st.sampled_from(WORDS))
def test_agreement_is_a_third_of_each_of_the_other_nine_that_agree(people: list[str], said: str) -> None:
    own = [people_compare(one) for one in people]
    shares = [min(Fraction(1), Fraction((own[:n] + own[n + 1 :]).count(people_compare(said)), 3)) for n in range(10)]
    assert texts.vqa_accuracy(said, people) == pytest.approx(float(sum(shares) / 10))


def test_the_figures_of_the_vqa_page_for_one_to_four_that_agree() -> None:
    # min(n / 3, 1) over all nines of ten: 0.3, 0.6, 0.9 and 1 (visualqa.org/evaluation)
    assert [round(texts.vqa_accuracy("red", ["red"] * n + ["blue"] * (10 - n)), 6) for n in range(5)] == [0, 0.3, 0.6, 0.9, 1]


def test_where_ours_is_kinder_than_the_vqa_program() -> None:
    # the program leaves answers as they are where all ten people say the same; here texts are always compared alike
    assert texts.vqa_accuracy("Yes.", ["yes"] * 10) == 1.0 and texts.vqa_accuracy("1000", ["1,000"] * 10) == 1.0


@given(NUMERALS, NUMERALS)
def test_numbers_are_right_within_a_twentieth(said: str, truth: str) -> None:
    one, other = Decimal(said), Decimal(truth)
    wanted = one == other if other == 0 else abs(one - other) * 20 <= abs(other)
    assert texts.relaxed(said, [truth]) is wanted


@given(
    st.sampled_from(["Yes", "no", "dark blue", "2010-2011", "N/A", "a 5"]),
    st.sampled_from(["yes", "No", "Dark Blue", "2010-2011", "5"]),
)
def test_words_must_be_equal_but_for_case(said: str, truth: str) -> None:
    assert texts.relaxed(said, [truth]) is (said.lower() == truth.lower())


def test_where_ours_is_kinder_than_the_relaxed_program() -> None:
    # the program (lmms-eval's, after Qwen-VL's) takes neither commas nor currencies for numbers, and compares with a zero as texts
    assert texts.relaxed("$1,050", ["1000"]) and texts.relaxed("0.0", ["0"])


@cache
def distance(one: str, other: str) -> int:
    """Levenshtein 1966, by its recurrence from the end."""
    if not one or not other:
        return max(len(one), len(other))
    if one[-1] == other[-1]:
        return distance(one[:-1], other[:-1])
    return 1 + min(distance(one[:-1], other), distance(one, other[:-1]), distance(one[:-1], other[:-1]))


@given(st.text(alphabet="ab é", max_size=9), st.lists(st.text(alphabet="abé", min_size=1, max_size=9), min_size=1, max_size=3))
def test_anls_takes_the_nearest_answer_and_nothing_below_a_half(said: str, truths: list[str]) -> None:
    own = " ".join(said.split())
    near = max(1 - Fraction(distance(own, truth), max(len(own), len(truth))) for truth in truths)
    assert texts.anls(said, truths) == pytest.approx(float(near) if near >= Fraction(1, 2) else 0.0)


@given(st.integers(-400, 400), st.integers(-100, 100).filter(bool))
def test_mean_relative_accuracy_counts_levels(said: int, truth: int) -> None:
    error = Fraction(abs(said - truth), abs(truth))
    levels = [Fraction(number, 20) for number in range(10, 20)]  # 0.50, 0.55 ... 0.95
    assert texts.relative_accuracy(said, truth) == pytest.approx(sum(error < 1 - level for level in levels) / 10)


@given(
    st.sampled_from(["Left", " left ", "the left", "left.", ""]),
    st.lists(st.sampled_from(["left", "LEFT ", "right"]), min_size=1),
)
def test_exact_match_is_membership_but_for_case_and_blanks_at_the_ends(said: str, truths: list[str]) -> None:
    assert texts.exact(said, truths) is any(said.strip().lower() == truth.strip().lower() for truth in truths)
