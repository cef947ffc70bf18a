"""Caption metrics: laws, pycocoevalcap's values (fixed ones, and its own where it is installed), PTB tokens."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.errors import BenchError
from lamm_bench.measure.captions import (
    METEOR_WORDS,
    ORDERS,
    Cider,
    bleu,
    bleu_stats,
    bleu_value,
    meteor,
    meteor_absent,
    rouge_l,
    tokenize,
)
from lamm_bench.measure.tokenizer_ptb import REMOVED
from lamm_bench.tasks.captioning import CaptionScorer
from lamm_bench.tasks.chef_captions import among, corpus
from lamm_bench.types import Row, Sample, Sums

VOCABULARY = "a the man dog two red ball runs with on beach , it 's".split()
SENTENCES = st.lists(st.sampled_from(VOCABULARY), max_size=12)
REFERENCES = st.lists(SENTENCES.filter(bool), min_size=1, max_size=5)


def drawn(count: int) -> tuple[list[list[str]], list[list[list[str]]]]:
    """Candidates and five references each, some empty, some equal to a reference."""
    rng = random.Random("captions")
    references = [[rng.choices(VOCABULARY, k=rng.randint(1, 12)) for _ in range(5)] for _ in range(count)]
    candidates = [
        rng.choice(wanted) if rng.random() < 0.3 else rng.choices(VOCABULARY, k=rng.randint(0, 12)) for wanted in references
    ]
    return candidates, references


def summed(stats: list[dict[str, float]]) -> Sums:
    return Sums({key: np.array([float(sum(each[key] for each in stats))]) for key in stats[0]})


# laws


@given(SENTENCES.filter(lambda tokens: len(tokens) >= 4), REFERENCES)
def test_a_candidate_that_is_a_reference_scores_full_marks(tokens: list[str], others: list[list[str]]) -> None:
    references = [*others, tokens]
    assert all(bleu(bleu_stats(tokens, references), order) == pytest.approx(100, abs=1e-5) for order in ORDERS)
    assert rouge_l(tokens, references) == pytest.approx(1)


@given(SENTENCES, REFERENCES)
def test_every_score_lies_in_its_range(tokens: list[str], references: list[list[str]]) -> None:
    assert all(0 <= bleu(bleu_stats(tokens, references), order) <= 100 + 1e-9 for order in ORDERS)
    assert 0 <= rouge_l(tokens, references) <= 1
    assert 0 <= Cider([references, [["zebra"]]]).score(tokens, references) <= 10 + 1e-9


def test_an_empty_candidate_scores_nothing() -> None:
    references = [["a", "dog"], ["the", "dog", "runs"]]
    assert all(bleu(bleu_stats([], references), order) == 0 for order in ORDERS)
    assert rouge_l([], references) == 0
    assert Cider([references, [["a", "man"]]]).score([], references) == 0


def test_corpus_bleu_is_a_function_of_summed_statistics_in_any_order() -> None:
    candidates, references = drawn(40)
    stats = [bleu_stats(candidate, wanted) for candidate, wanted in zip(candidates, references)]
    forward, backward = summed(stats), summed(stats[::-1])
    assert all(bleu_value(order)(forward)[0] == bleu_value(order)(backward)[0] for order in ORDERS)
    replicates = Sums({key: np.concatenate([value, 2 * value]) for key, value in forward.items()})
    assert bleu_value(4)(replicates) == pytest.approx([bleu_value(4)(forward)[0]] * 2)


def test_bleu_without_references_is_refused() -> None:
    with pytest.raises(ValueError, match="reference"):
        bleu_stats(["a"], [])


# values of pycocoevalcap 1.2, computed once on these tokens


CANDIDATES = ["a dog runs on the beach", "two men play guitar", "", "the the the the"]
WANTED = [
    ["a dog is running on the beach", "the dog runs along the shore"],
    ["two men play the guitar on a street", "musicians play in the street"],
    ["a red bus"],
    ["the cat sat on the mat", "a cat"],
]
FIXED = {
    "Bleu_1": 0.7430382,
    "Bleu_2": 0.59273943,
    "Bleu_3": 0.42384643,
    "Bleu_4": 6.028e-05,
    "ROUGE_L": 0.4434121,
    "CIDEr": 1.16043146,
}


def figures(candidates: list[list[str]], references: list[list[list[str]]]) -> dict[str, float]:
    """Corpus figures, 0 to 1 (CIDEr 0 to 10)."""
    sums = summed([bleu_stats(candidate, wanted) for candidate, wanted in zip(candidates, references)])
    cider = Cider(references)
    return {
        **{f"Bleu_{order}": float(bleu_value(order)(sums)[0]) / 100 for order in ORDERS},
        "ROUGE_L": float(np.mean([rouge_l(candidate, wanted) for candidate, wanted in zip(candidates, references)])),
        "CIDEr": float(np.mean([cider.score(candidate, wanted) for candidate, wanted in zip(candidates, references)])),
    }


def test_corpus_figures_are_pycocoevalcaps_fixed_values() -> None:
    found = figures([text.split() for text in CANDIDATES], [[text.split() for text in wanted] for wanted in WANTED])
    assert found == pytest.approx(FIXED, abs=1e-6)


def test_figures_are_pycocoevalcaps_on_the_same_tokens() -> None:
    scorers = {
        "Bleu": pytest.importorskip("pycocoevalcap.bleu.bleu").Bleu(4),
        "ROUGE_L": pytest.importorskip("pycocoevalcap.rouge.rouge").Rouge(),
        "CIDEr": pytest.importorskip("pycocoevalcap.cider.cider").Cider(),
    }
    candidates, references = drawn(150)
    truth = {number: [" ".join(tokens) for tokens in wanted] for number, wanted in enumerate(references)}
    said = {number: [" ".join(tokens)] for number, tokens in enumerate(candidates)}
    whole, each = scorers["Bleu"].compute_score(truth, said, verbose=0)
    sums = summed([bleu_stats(candidate, wanted) for candidate, wanted in zip(candidates, references)])
    for order in ORDERS:
        assert bleu_value(order)(sums)[0] / 100 == pytest.approx(whole[order - 1], abs=1e-9)
        alone = [bleu(bleu_stats(candidate, wanted), order) / 100 for candidate, wanted in zip(candidates, references)]
        assert alone == pytest.approx(each[order - 1], abs=1e-9)
    cider = Cider(references)
    for name, function in {"ROUGE_L": rouge_l, "CIDEr": cider.score}.items():
        _, values = scorers[name].compute_score(truth, said)
        assert [function(candidate, wanted) for candidate, wanted in zip(candidates, references)] == pytest.approx(
            values, abs=1e-9
        )


def test_meteor_is_refused_in_one_sentence_where_java_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None)
    assert "absent" in meteor_absent()
    with pytest.raises(BenchError, match="captions"):
        meteor([["a"]], [[["a"]]])


@pytest.mark.skipif(bool(meteor_absent()), reason=meteor_absent() or "present")
def test_meteor_of_a_perfect_answer_is_one() -> None:
    whole, each = meteor([["a", "dog", "runs", "fast"]], [[["a", "dog", "runs", "fast"], ["a", "cat"]]])
    assert whole == pytest.approx(1.0) and each == pytest.approx([1.0])


def test_a_caption_that_meteors_program_would_not_end_on_costs_meteor_alone() -> None:
    said = {"a dog runs in the grass": ("a",) * (METEOR_WORDS + 1), "a cat sits on a red mat": ("a", "cat", "sits")}
    rows = [
        Row(
            Sample(truth, "", (), [truth], truth),
            "ok",
            " ".join(tokens),
            tokens,
            CaptionScorer().score(Sample("", "", (), [truth], ""), tokens),
        )
        for truth, tokens in said.items()
    ]
    for found in (CaptionScorer().whole(rows), corpus(rows)):
        assert found["METEOR"].value is None and found["CIDEr"].value is not None
        assert found["METEOR"].note == meteor_absent() or "2,001 words" in found["METEOR"].note
    assert all("CIDEr" in each and "METEOR" not in each for each in among(rows))


# tokens; the right column is what Stanford's PTBTokenizer 3.4.1 and pycocoevalcap's removal gave


TOKENS = {
    "A man's dog, isn't it?": "a man 's dog is n't it",
    "Mr. Smith (left) at 5:30pm; 1,000 m.": "mr. smith -lrb- left -rrb- at 5:30 pm 1,000 m.",
    "They cannot, gonna, 'tis": "they can not gon na 't is",
    "plan B. The man, vitamin C. a": "plan b the man vitamin c. a",
    "rock'n'roll o'clock ma'am y'all": "rock 'n' roll o'clock ma'am y' all",
    "a 2-year-old in a t-shirt and/or jeans": "a 2-year-old in a t-shirt and/or jeans",
    "#1 fan @home :) 10% off $5": "# 1 fan @home :-rrb- 10 % off $ 5",
    "“quoted” – dashed — ½ cup…": "quoted dashed 1/2 cup",
    "Miss. miss. St. sun.": "miss. miss st. sun",
    "What?! Wow!! no.": "what ?! wow !! no",
    "no. 5 and no dog": "no. 5 and no dog",
    "<b>bold</b> & AT&T": "<b> bold </b> & at&t",
    "a 'neat' trick, rock 'n roll, 'N Sync": "a neat trick rock 'n roll 'n sync",
    "a Ph.D. or ph.d. student": "a ph.d. or ph.d. student",
    "smiling :] and =) or ^_^ -_-": "smiling :] and =-rrb- or ^_^ -_-",
    "cats and\\/or dogs 1\\/2": "cats and\\/or dogs 1\\/2",
    "a so\u00adfa, zero\u200bwidth": "a sofa zero width",
}


@pytest.mark.parametrize("text", TOKENS)
def test_tokens_are_those_of_the_penn_treebank_tokenizer(text: str) -> None:
    assert " ".join(tokenize(text)) == TOKENS[text]


@given(st.text())
def test_any_text_becomes_lower_case_tokens_without_blanks_or_removed_marks(text: str) -> None:
    for token in tokenize(text):
        assert token and not any(letter.isspace() for letter in token) and token not in REMOVED
        assert token == token.lower()


@given(st.lists(st.sampled_from(["dog", "A", "it's", "U.S.", "3.5", "runs,", "(red)", "beach."])))
def test_blanks_and_line_breaks_between_words_do_not_matter(words: list[str]) -> None:
    assert tokenize("  \n ".join(words)) == tokenize(" ".join(words))


@pytest.mark.parametrize(
    ("text", "following", "tokens"),
    [
        ("This is plan B.", "The man waits.", "this is plan b"),
        ("This is plan B.", "Two men wait.", "this is plan b."),
        ("This is plan B.", "", "this is plan b."),
        ("a sign that says no.", "5 dogs", "a sign that says no."),
        ("a sign that says no.", "dogs", "a sign that says no"),
    ],
)
def test_the_next_caption_decides_about_the_last_full_stop_as_in_the_java_program(text: str, following: str, tokens: str) -> None:
    assert " ".join(tokenize(text, following)) == tokens


def test_cider_is_the_same_to_the_last_digit_in_every_process() -> None:
    """A set of n-grams was summed in the order of its hashes."""
    code = (
        "from lamm_bench.measure.captions import Cider\n"
        "one, two = 'a b c d e f g h i j k l'.split(), 'a c b d f e g h j i l k'.split()\n"
        "print(repr(Cider([[one, two], [two[:7]], [one[3:]]]).score(two[2:], [one, two])))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(said) == 1
