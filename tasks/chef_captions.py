"""ChEF's caption metrics on Flickr30k: corpus BLEU-1..4, METEOR, ROUGE-L and CIDEr, all times 100 (reference 1.12).

The whole answer is the candidate. BLEU and ROUGE-L are sums over samples; CIDEr needs the references of the whole file, and
METEOR pycocoevalcap and Java."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.captions import (
    ORDERS,
    Cider,
    bleu,
    bleu_stats,
    bleu_value,
    meteor,
    meteor_absent,
    meteor_endless,
    rouge_l,
    tokenize,
)
from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .upstream_scorer import Stats, UpstreamScorer, plain

ROUGE = Metric("ROUGE_L", ratio("rouge_l", "items"), n="items")
CIDER = Metric("CIDEr", ratio("cider", "items"), n="items")
BLEUS = tuple(Metric(f"Bleu_{order}", bleu_value(order), n="items") for order in ORDERS)


def said_tokens(answer: Answer, sample: Sample) -> tuple[str, ...]:
    return tuple(tokenize(plain(answer, sample)))


def reference_tokens(sample: Sample) -> tuple[tuple[str, ...], ...]:
    """The tokens of every reference sentence."""
    return tuple(tokens_of(sentence) for sentence in sample.target)


@lru_cache(maxsize=8192)
def tokens_of(sentence: str) -> tuple[str, ...]:
    return tuple(tokenize(sentence))


def counted(sample: Sample, said: Sequence[str]) -> Stats:
    references = reference_tokens(sample)
    if not references:
        raise UpstreamStops("upstream stops at an item without reference sentences")
    return {**bleu_stats(said, references), "rouge_l": rouge_l(said, references), "items": 1}


def silent(sample: Sample) -> Stats:
    """An empty answer's statistics."""
    return counted(sample, ()) if sample.target else {"rouge_l": 0.0, "items": 1}


# what the next caption of a file may decide: a single letter with a full stop at the end, and an abbreviation before numbers
OPEN_END = re.compile(r"\b(?:[A-Za-z]|ca|figs?|prop|nos?|art|bldg|pp|op)\.\s*$", re.I)
Cut: TypeAlias = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]  # the tokens of a candidate and of its references


def cut_together(rows: Sequence[Row]) -> list[Cut]:
    """Candidates and references as the Java program cuts them, which is given all of them, one a line, and looks across lines."""
    said = [plain(row.answer, row.sample) if row.answer is not None and row.prediction is not None else "" for row in rows]
    truth = [sentence for row in rows for sentence in row.sample.target]
    tokens = iter(in_one_file(truth, tokens_of))
    references = [tuple(next(tokens) for _ in row.sample.target) for row in rows]
    candidates = in_one_file(said, lambda text: tuple(tokenize(text)))
    return [(candidate, each) for candidate, each in zip(candidates, references)]


def in_one_file(texts: Sequence[str], cut: Callable[[str], tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The tokens of every text, those with an open end cut with a look at the next.

    >>> in_one_file(["plan B.", "The dog"], lambda text: tuple(tokenize(text)))
    [('plan', 'b'), ('the', 'dog')]
    """
    following = [*texts[1:], ""]
    return [tuple(tokenize(text, after)) if OPEN_END.search(text) else cut(text) for text, after in zip(texts, following)]


def ciders(rows: Sequence[Row]) -> list[float]:
    """CIDEr of each row, 0 to 10; document frequencies are those of these rows' references."""
    cuts = cut_together(rows)
    cider = Cider([references for _, references in cuts])
    return [cider.score(said, references) for said, references in cuts]


def meteors_of(rows: Sequence[Row]) -> tuple[str, float | None, list[float]]:
    """Why there is no METEOR, or nothing; METEOR x 100 of all rows, and of each."""
    cuts = cut_together(rows)
    captions = [said for said, _ in cuts]
    absent = meteor_absent() or meteor_endless(captions)
    if absent:
        return absent, None, []
    whole, each = meteor(captions, [references for _, references in cuts])
    return "", 100 * whole, [100 * value for value in each]


def moved(rows: Sequence[Row]) -> dict[int, Stats]:
    """The statistics of the rows that are cut otherwise in the company of the others than alone."""
    found = {}
    for number, (row, (said, references)) in enumerate(zip(rows, cut_together(rows))):
        alone = (tuple(row.prediction or ()), reference_tokens(row.sample))
        if (said, references) != alone and references:
            found[number] = {**bleu_stats(said, references), "rouge_l": rouge_l(said, references), "items": 1}
    return found


def corpus(rows: Sequence[Row]) -> dict[str, Estimate]:
    """CIDEr with an interval at fixed document frequencies; METEOR, which gives none, or the reason for its absence."""
    scored = [replace(row, stats={"cider": value, "items": 1}) for row, value in zip(rows, ciders(rows))]
    found = estimates((CIDER,), scored)
    absent, value, _ = meteors_of(rows)
    others = moved(rows)
    if others:  # then BLEU and ROUGE-L too are those of the whole file
        again = [replace(row, stats=others.get(number, row.stats)) for number, row in enumerate(rows)]
        found = {**estimates((*BLEUS, ROUGE), again), **found}
    return {"METEOR": Estimate(value, None, len(rows), "percent", "higher", note=absent), **found}


def values(sample: Sample, stats: Mapping[str, float]) -> dict[str, float]:
    """BLEU and ROUGE-L of one sample."""
    shown = {f"Bleu_{order}": bleu(stats, order) if "bleu_length" in stats else 0.0 for order in ORDERS}
    return {**shown, "ROUGE_L": 100 * stats["rouge_l"]}


def among(rows: Sequence[Row]) -> list[dict[str, float]]:
    """CIDEr and, where it can be had, METEOR of each sample."""
    others = moved(rows)
    found = [
        {**(values(row.sample, others[number]) if number in others else {}), "CIDEr": 100 * value}
        for number, (row, value) in enumerate(zip(rows, ciders(rows)))
    ]
    absent, _, meteors = meteors_of(rows)
    return found if absent else [{"METEOR": value, **other} for value, other in zip(meteors, found)]


CAPTIONS = UpstreamScorer(
    metrics=(*BLEUS, ROUGE),
    count=counted,
    worst=silent,
    parse=said_tokens,
    display=values,
    beyond=corpus,
    among=among,
)
