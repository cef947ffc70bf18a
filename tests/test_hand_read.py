"""Answers that were read by hand: how often the readers agree, and how seldom they say what an answer does not."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .hand_read import AGREE, FOLDER, MISREAD, cases, reading, verdict

CASES = cases()
KINDS = sorted({case["kind"] for case in CASES})
LEAST, MOST_FALSE = 0.95, 0.02  # shares of agreement and of false readings, in each kind; one false reading is one in few answers


@pytest.mark.parametrize("kind", KINDS)
def test_readers_agree_with_what_a_person_reads(kind: str) -> None:
    found = Counter(
        verdict(kind, reading(kind, case["text"], case["context"]), case["expected"]) for case in CASES if case["kind"] == kind
    )
    assert found[AGREE] >= LEAST * found.total(), found
    assert found[MISREAD] <= max(1, MOST_FALSE * found.total()), found


def test_there_are_many_answers_of_every_kind() -> None:
    assert len(CASES) >= 500
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in FOLDER.glob("*.jsonl")) == len(CASES)


PLANETS = ["Mercury", "Venus", "Mars", "Jupiter"]
# a clean answer of each kind and what it says
CLEAN = [
    ("choice", PLANETS, "C", 2),
    ("choice", PLANETS, "Mars", 2),
    ("count", None, "17", 17),
    ("cifar10", None, "ship", "ship"),
    ("hair", None, "brown", "brown"),
    ("smile", None, "yes", True),
    ("ocr", None, "HOTEL BAR", ["hotel", "bar"]),
    ("caption", None, "Two dogs run.", ["two", "dogs", "run"]),
    ("boxes", None, "cat [0.1, 0.2, 0.5, 0.6]", [["cat", 0.1, 0.2, 0.5, 0.6]]),
    ("scanrefer", None, "[1.0, 2.0, 0.5, 2.0, 1.5, 0.8]", [1.0, 2.0, 0.5, 2.0, 1.5, 0.8]),
    ("point", "neck", "(0.4, 0.3)", [0.4, 0.3]),
]
WRAPPERS = [
    "{}",
    "**{}**",
    "`{}`",
    "```\n{}\n```",
    "\\boxed{{{}}}",
    "$\\boxed{{\\text{{{}}}}}$",
    "<answer>{}</answer>",
    "<answer>\n{}\n</answer>",
    "<think>Is it {} or 5 cats, (A) or [0, 0, 1, 1]?</think>{}",
    "<think>no</think>\n\n{}\n",
    "Hmm, no, (B), 3 dogs.\n</think>\n{}",
    "\ufeff{}",
    "<|channel|>analysis<|message|>yes? (A)<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "Answer: {}",
    "**Answer:** {}",
    "### Answer\n\n{}",
]


@given(st.sampled_from(CLEAN), st.sampled_from(WRAPPERS))
def test_no_wrapper_changes_what_a_clean_answer_says(clean: tuple, wrapper: str) -> None:
    kind, context, text, says = clean
    assert reading(kind, wrapper.format(*[text] * wrapper.count("{}")), context) == says


REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I cannot see the image.",
    "As an AI, I am unable to view pictures.",
    "I can't tell.",
]
UNREADABLE = ["", "Hmm.", "It is hard to say.", "The image is too blurry.", "<think>It is a"]


@given(st.sampled_from(CLEAN), st.sampled_from(UNREADABLE), st.sampled_from(REFUSALS))
def test_a_refusal_never_makes_a_reading_appear(clean: tuple, text: str, refusal: str) -> None:
    kind, context = clean[:2]
    for answer in (refusal, f"{refusal} {refusal}"):
        assert reading(kind, answer, context) in (None, [])
    if reading(kind, text, context) is None and kind not in ("caption", "ocr"):
        assert reading(kind, f"{text} {refusal}", context) in (None, [])


@given(st.sampled_from(CLEAN), st.text("abc <>/think[]()0123., \n", max_size=60))
def test_an_unfinished_thought_says_nothing(clean: tuple, thought: str) -> None:
    kind, context, text, _ = clean
    if "</think>" not in thought and "[/" not in thought:
        assert reading(kind, f"<think>{thought}{text}", context) is None
