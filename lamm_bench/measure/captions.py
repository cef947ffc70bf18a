"""Caption metrics without Java: BLEU-1..4, ROUGE-L and CIDEr as pycocoevalcap computes them, from tokens.

Tokens come from `tokenize` (lamm_bench.measure.tokenizer_ptb). A candidate and a reference are lists of tokens; an empty candidate
scores 0. METEOR exists only as a Java program and is left to it (`meteor`)."""

from __future__ import annotations

import importlib.util
import math
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.types import Sums

from .tokenizer_ptb import tokenize

__all__ = ["Cider", "bleu", "bleu_stats", "bleu_value", "meteor", "meteor_absent", "meteor_endless", "rouge_l", "tokenize"]

Tokens = Sequence[str]

ORDERS = (1, 2, 3, 4)
# pycocoevalcap, bleu_scorer.py: added to numerators and denominators instead of smoothing
TINY, SMALL = 1e-15, 1e-9
ROUGE_BETA = 1.2  # pycocoevalcap, rouge.py: recall weighs beta squared times as much as precision
CIDER_SIGMA = 6.0  # Vedantam et al. 2015, section 5: width of the length penalty
CIDER_SCALE = 10.0
METEOR_WORDS = 2000  # its aligner needs 1 s for so many repetitions of one word, 4 s for twice as many, days for a megabyte


def ngrams(tokens: Tokens, order: int) -> Counter[tuple[str, ...]]:
    """How often each run of `order` tokens occurs."""
    return Counter(zip(*(tokens[start:] for start in range(order))))


def bleu_stats(candidate: Tokens, references: Sequence[Tokens]) -> dict[str, float]:
    """The counts of which BLEU is a function: add them up over samples and give the sums to `bleu_value`.

    `bleu_length` is the candidate's length, `bleu_reference` the length of the reference that is closest to it (the
    shorter of two equally close ones); `bleu_correct_n` and `bleu_guess_n` count n-grams, clipped to the most often that
    one reference has them (Papineni et al. 2002, section 2). Raises ValueError without references."""
    if not references:
        raise ValueError("BLEU needs at least one reference")
    length = len(candidate)
    closest = min((abs(len(reference) - length), len(reference)) for reference in references)[1]
    stats: dict[str, float] = {"bleu_length": length, "bleu_reference": closest}
    for order in ORDERS:
        said = ngrams(candidate, order)
        stats[f"bleu_guess_{order}"] = max(0, length - order + 1)
        if not said:
            stats[f"bleu_correct_{order}"] = 0
            continue
        most = dict.fromkeys(said, 0)
        for reference in references:
            for gram, number in ngrams(reference, order).items():
                if number > most.get(gram, number):
                    most[gram] = number
        stats[f"bleu_correct_{order}"] = sum(min(number, most[gram]) for gram, number in said.items())
    return stats


def bleu_value(order: int) -> Callable[[Sums], np.ndarray]:
    """Corpus BLEU-`order` in percent as a function of summed `bleu_stats`, for `Metric.value`.

    The geometric mean of n-gram precisions times the brevity penalty exp(1 - reference/length), with pycocoevalcap's
    constants (bleu_scorer.py, option `closest`)."""

    def value(sums: Sums) -> np.ndarray:
        product = np.ones_like(sums["bleu_length"], dtype=np.float64)
        for n in range(1, order + 1):
            product = product * (sums[f"bleu_correct_{n}"] + TINY) / (sums[f"bleu_guess_{n}"] + SMALL)
        share = (sums["bleu_length"] + TINY) / (sums["bleu_reference"] + SMALL)
        penalty = np.where(share < 1, np.exp(1 - 1 / np.minimum(share, 1)), 1.0)
        return np.asarray(100 * product ** (1 / order) * penalty)

    return value


def bleu(stats: Mapping[str, float], order: int) -> float:
    """BLEU-`order` in percent of one sample's `bleu_stats`."""
    with np.errstate(over="ignore"):
        return float(bleu_value(order)(Sums({name: np.array([float(number)]) for name, number in stats.items()}))[0])


def common_length(first: Tokens, second: Tokens) -> int:
    """The length of the longest common subsequence (bit-parallel: Hyyrö 2004)."""
    places: dict[str, int] = {}
    for place, token in enumerate(first):
        places[token] = places.get(token, 0) | 1 << place
    full = (1 << len(first)) - 1
    row = full
    for token in second:
        hit = row & places.get(token, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(first) - row.bit_count()


def rouge_l(candidate: Tokens, references: Sequence[Tokens]) -> float:
    """ROUGE-L F of one sample, 0 to 1: best precision and best recall over the references (Lin 2004; pycocoevalcap's beta).

    An empty text counts as one empty word, as in pycocoevalcap, where it is split at blanks."""
    said = list(candidate) or [""]
    precision = recall = 0.0
    for reference in references:
        wanted = list(reference) or [""]
        common = common_length(said, wanted)
        precision, recall = max(precision, common / len(said)), max(recall, common / len(wanted))
    if precision == 0 or recall == 0:
        return 0.0
    weight = ROUGE_BETA**2
    return (1 + weight) * precision * recall / (recall + weight * precision)


Vector = tuple[dict[tuple[str, ...], float], float]  # weights of the n-grams of one order, and their Euclidean norm


class Cider:
    """CIDEr with the document frequencies of one file: in how many samples' references an n-gram occurs.

    This is the variant that pycocoevalcap computes: n = 1..4, counts clipped to the reference's, a Gaussian penalty on the
    difference in length, times ten (Vedantam et al. 2015, CIDEr-D without stemming)."""

    def __init__(self, references: Sequence[Sequence[Tokens]]) -> None:
        """`references[sample][reference]` is a list of tokens."""
        frequency: Counter[tuple[str, ...]] = Counter()
        for sample in references:
            frequency.update({gram for reference in sample for order in ORDERS for gram in ngrams(reference, order)})
        # an n-gram of one sample weighs as much as an unknown one: log(max(1, df)) is 0 for both
        self.frequency = {gram: math.log(number) for gram, number in frequency.items() if number > 1}
        self.images = len(references)
        self.samples = math.log(len(references)) if references else 0.0

    def vectors(self, tokens: Tokens) -> tuple[list[Vector], int]:
        """tf-idf vectors of order 1 to 4, and the length as pycocoevalcap counts it: the number of bigrams."""
        found = []
        for order in ORDERS:
            weights = {
                gram: number * (self.samples - self.frequency.get(gram, 0.0)) for gram, number in ngrams(tokens, order).items()
            }
            found.append((weights, math.sqrt(sum(weight * weight for weight in weights.values()))))
        return found, max(0, len(tokens) - 1)

    def score(self, candidate: Tokens, references: Sequence[Tokens]) -> float:
        """CIDEr of one sample, 0 to 10."""
        said, said_length = self.vectors(candidate)
        total = 0.0
        for reference in references:
            wanted, length = self.vectors(reference)
            penalty = math.exp(-((said_length - length) ** 2) / (2 * CIDER_SIGMA**2))
            for (weights, norm), (others, other_norm) in zip(said, wanted):
                if norm and other_norm:
                    common = sum(min(weights[gram], others[gram]) * others[gram] for gram in weights if gram in others)
                    total += penalty * common / (norm * other_norm)
                else:  # pycocoevalcap divides only when both norms are above zero; the product is zero anyway
                    continue
        return CIDER_SCALE * total / (len(ORDERS) * len(references)) if references else 0.0


def meteor_absent() -> str:
    """Why METEOR cannot be computed here; empty when it can."""
    if importlib.util.find_spec("pycocoevalcap") is None:
        return "METEOR is absent: the extra `captions` (pycocoevalcap) is not installed"
    if shutil.which("java") is None:
        return "METEOR is absent: there is no Java on this machine"
    return ""


def meteor_endless(captions: Sequence[Tokens]) -> str:
    """Why METEOR's program would not end on these captions in a sensible time; empty where it would."""
    longest = max(map(len, captions), default=0)
    if longest <= METEOR_WORDS:
        return ""
    return f"METEOR is left out: a caption has {longest:,} words, and its program takes time with their square (it is given at most {METEOR_WORDS:,})"


def meteor(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> tuple[float, list[float]]:
    """METEOR 1.5 of the whole set and of each sample, 0 to 1, by pycocoevalcap's Java program.

    Raises `BenchError` where that or Java is missing."""
    reason = meteor_absent()
    if reason:
        raise BenchError(f"{reason}; install both with `pip install lamm-bench[captions]` and a Java runtime")
    said = tuple(" ".join(candidate) for candidate in candidates)
    return java_meteor(said, tuple(tuple(" ".join(reference) for reference in each) for each in references))


@lru_cache(maxsize=2)
def java_meteor(candidates: tuple[str, ...], references: tuple[tuple[str, ...], ...]) -> tuple[float, list[float]]:
    """The program's figures; kept, because it takes many seconds and two protocols ask for the same."""
    from pycocoevalcap.meteor.meteor import Meteor

    wanted: dict[int, Any] = {number: list(each) for number, each in enumerate(references)}
    said: dict[int, Any] = {number: [candidate] for number, candidate in enumerate(candidates)}
    program = Meteor()
    try:
        whole, each = program.compute_score(wanted, said)
    finally:
        program.meteor_p.kill()
        program.meteor_p.wait()
    return float(whole), [float(value) for value in each]
