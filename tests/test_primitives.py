"""Upstream's parsers and matchers agree with every case of ../shared/goldens/primitives.json."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.captions import tokenize
from lamm_bench.tasks.classic import caption_bleu, smiles
from lamm_bench.tasks.upstream_boxes import detection_sentences, iou2d, iou3d, iou_matrix_float32, most_pairs
from lamm_bench.tasks.upstream_reading import (
    LETTERS_2D,
    LETTERS_3D,
    boxes2d,
    boxes3d,
    chosen,
    count,
    numbers,
    points,
    quoted_chef,
    quoted_classic,
)
from lamm_bench.tasks.upstream_words import names_class, names_class_chef, names_class_chef_utils, word_tokenize

MATCHERS = {"classic": names_class, "chef_lamm": names_class_chef, "chef_utils": names_class_chef_utils}


@pytest.fixture(scope="module")
def primitives(goldens: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((goldens / "primitives.json").read_text(encoding="utf-8"))
    return found


def encoded(value: Any) -> Any:
    """As the goldens write it: non-finite numbers as texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return [encoded(entry) for entry in value] if isinstance(value, list | tuple) else value


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """The encoded result; where upstream raises, the golden's form without the kind of error."""
    try:
        return encoded(function(*arguments))
    except UpstreamStops:
        return "stops"


def expected(value: Any) -> Any:
    return "stops" if isinstance(value, dict) and "error" in value else value


def test_numbers_boxes_and_points_are_parsed_as_upstream_does(primitives: dict[str, Any]) -> None:
    for case in primitives["parse"]["cases"]:
        for name, function in {"numbers": numbers, "boxes2d": boxes2d, "boxes3d": boxes3d, "points": points}.items():
            assert encoded(function(case["text"])) == case[name], (name, case["text"])


@pytest.mark.parametrize("matcher", sorted(MATCHERS))
def test_every_label_is_matched_in_every_text_as_upstream_does(primitives: dict[str, Any], matcher: str) -> None:
    labels = primitives["class_match"]["labels"]
    cases = [(case["text"], case[matcher]) for case in primitives["class_match"]["cases"]]
    cases += [
        (case["text"], case["nltk_3.8.1_punkt"][matcher]) for case in primitives["class_match_tokenizer_dependent"]["cases"]
    ]
    for text, named in cases:
        assert {label for label in labels if MATCHERS[matcher](label, text)} == set(named), text


def test_counts_are_read_as_upstream_does(primitives: dict[str, Any]) -> None:
    for case in primitives["counting"]["cases"]:
        found = outcome(count, case["text"])
        assert found == expected(case["classic"]), case["text"]
        assert (found or 0) == expected(case["chef"]), case["text"]


def test_quotes_are_cut_as_upstream_does(primitives: dict[str, Any]) -> None:
    for case in primitives["quotes"]["cases"]:
        assert (quoted_classic(case["text"]), quoted_chef(case["text"])) == (case["classic"], case["chef"])


def test_overlaps_are_upstreams_to_the_last_bit(primitives: dict[str, Any]) -> None:
    for case in primitives["iou2d"]["cases"]:
        a, b = ([float(number) for number in case[name]] for name in "ab")
        assert encoded(iou2d(a, b)) == case["classic"]
        assert encoded(float(iou_matrix_float32([a], [b])[0, 0])) == case["chef_float32"]
    for case in primitives["iou3d"]["cases"]:
        a, b = ([float(number) for number in case[name]] for name in "ab")
        assert outcome(iou3d, a, b, False) == expected(case["classic"])
        assert outcome(iou3d, a, b, True) == expected(case["chef"])


def test_detection_sentences_are_read_as_chef_does(primitives: dict[str, Any]) -> None:
    for case in primitives["chef_detection_sentences"]["cases"]:
        try:
            found = detection_sentences(case["text"])
        except UpstreamStops:
            assert "error" in case
            continue
        assert [list(box) for _, box in found] == case["boxes"] and [label for label, _ in found] == case["labels"]


def test_option_letters_are_decided_as_upstream_does(primitives: dict[str, Any]) -> None:
    forms = {"classic2d": (LETTERS_2D, LETTERS_2D), "classic3d": (LETTERS_3D, LETTERS_3D), "chef": (LETTERS_2D, "ABCDEFG")}
    for case in primitives["vqa"]["cases"]:
        for name, letters in forms.items():
            assert outcome(chosen, case["text"], case["choices"], case["gt_choice"], *letters) == expected(case[name]), (
                name,
                case,
            )
        if "cot" in case:  # ChEF puts the reasoning before an answer that begins with the reasoning
            text = case["cot"] + case["cot"] + case["text"]
            assert outcome(chosen, text, case["choices"], case["gt_choice"], *forms["chef"]) == expected(case["chef_with_cot"]), (
                case
            )


def test_smiles_are_seen_as_upstream_does(primitives: dict[str, Any]) -> None:
    for case in primitives["smile"]["cases"]:
        assert smiles(case["text"]) == case["prediction"], case["text"]


def test_sentence_bleu_is_nltks(primitives: dict[str, Any]) -> None:
    for case in primitives["caption_bleu4_classic"]["cases"]:
        assert caption_bleu(case["text"], case["references"]) == pytest.approx(case["bleu4"], abs=1e-9, rel=0), case["text"]


def test_caption_tokens_are_the_ptb_tokenizers(primitives: dict[str, Any]) -> None:
    for case in primitives["ptb_tokens"]["cases"]:
        assert " ".join(tokenize(case["text"])) == case["tokens"], case["text"]


# beside the goldens


@given(st.text(alphabet="[]() ,.-+0123456789enaif_x\n١٢"))
def test_the_number_parser_takes_any_text(text: str) -> None:
    found = numbers(text)
    assert all(isinstance(number, float) for number in found)
    assert all(len(box) == 4 and box[0] <= box[2] and box[1] <= box[3] for box in boxes2d(text))


def test_one_bad_token_spoils_the_rest_of_its_pass_and_only_that() -> None:
    assert numbers("[0.1, x1, 0.2] [0.3] (0.4)") == [0.1, 0.4]


def test_a_long_text_of_glued_tokens_is_read_in_linear_time() -> None:
    assert numbers("[" + "x " * 200_000) == []


# values of NLTK 3.8.1's word_tokenize
TOKENS = {
    "The cat's toys, (really) aren't here...": ["The", "cat", "'s", "toys", ",", "(", "really", ")", "are", "n't", "here", "..."],
    "'dog' \"bird\" ``x''": ["'dog", "'", "``", "bird", "''", "``", "x", "''"],
    "I cannot, gonna wait: 3:30 or 1,000$": ["I", "can", "not", ",", "gon", "na", "wait", ":", "3:30", "or", "1,000", "$"],
    "bus.train bus. train.": ["bus.train", "bus", ".", "train", "."],
    "a ship.) boat": ["a", "ship", ".", ")", "boat"],
    "bird—a cat--dog": ["bird—a", "cat", "--", "dog"],
}


@pytest.mark.parametrize("text", TOKENS)
def test_words_are_cut_as_nltk_does(text: str) -> None:
    assert word_tokenize(text) == TOKENS[text]


def test_the_wordnet_tables_are_small_and_carry_their_licence() -> None:
    path = Path(__file__).parents[1] / "tasks" / "wordnet.json.gz"
    assert path.stat().st_size < 300_000
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in path.with_name("wordnet_licence.txt").read_text(
        encoding="utf-8"
    )


def test_a_label_outside_the_tables_is_matched_literally_and_says_so() -> None:
    with pytest.warns(UserWarning, match="no label 'quokka'"):
        assert names_class("quokka", "Two quokkas.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not names_class("quokka", "a cat")
        assert names_class_chef_utils("quokka", "one quokka here")


def test_matching_takes_as_many_pairs_as_it_can() -> None:
    table = iou_matrix_float32([(0, 0, 1, 1), (0, 0, 1, 1)], [(0, 0, 1, 1), (0, 0, 1, 0.5)]) >= 0.5
    table[1, 1] = False  # the second box fits only the first object, so the first box must give it up
    assert most_pairs(table) == 2
