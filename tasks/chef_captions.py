"""ChEF's caption metrics on Flickr30k: corpus BLEU-1..4, METEOR, ROUGE-L and CIDEr, all times 100 (reference 1.12).

The whole answer is the candidate. BLEU and ROUGE-L are sums over samples; CIDEr needs the references of the whole file, and
METEOR pycocoevalcap and Java."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.captions import ORDERS, Cider, bleu, bleu_stats, bleu_value, meteor, meteor_absent, rouge_l, tokenize
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


def ciders(rows: Sequence[Row]) -> list[float]:
    """CIDEr of each row, 0 to 10; document frequencies are those of these rows' references."""
    cider = Cider([reference_tokens(row.sample) for row in rows])
    return [cider.score(row.prediction or (), reference_tokens(row.sample)) for row in rows]


def meteors_of(rows: Sequence[Row]) -> tuple[float, list[float]]:
    return meteor([row.prediction or () for row in rows], [reference_tokens(row.sample) for row in rows])


def corpus(rows: Sequence[Row]) -> dict[str, Estimate]:
    """CIDEr with an interval at fixed document frequencies; METEOR, which gives none, or the reason for its absence."""
    scored = [replace(row, stats={"cider": value, "items": 1}) for row, value in zip(rows, ciders(rows))]
    found = estimates((CIDER,), scored)
    absent = meteor_absent()
    value = None if absent else 100 * meteors_of(rows)[0]
    return {"METEOR": Estimate(value, None, len(rows), "percent", "higher", note=absent), **found}


def values(sample: Sample, stats: Mapping[str, float]) -> dict[str, float]:
    """BLEU and ROUGE-L of one sample."""
    shown = {f"Bleu_{order}": bleu(stats, order) if "bleu_length" in stats else 0.0 for order in ORDERS}
    return {**shown, "ROUGE_L": 100 * stats["rouge_l"]}


def among(rows: Sequence[Row]) -> list[dict[str, float]]:
    """CIDEr and, where it can be had, METEOR of each sample."""
    found = [{"CIDEr": 100 * value} for value in ciders(rows)]
    if not meteor_absent():
        found = [{"METEOR": 100 * value, **other} for value, other in zip(meteors_of(rows)[1], found)]
    return found


CAPTIONS = UpstreamScorer(
    metrics=(*BLEUS, ROUGE),
    count=counted,
    worst=silent,
    parse=said_tokens,
    display=values,
    beyond=corpus,
    among=among,
)
