"""A task file's protocol `standard`: its reader and its metric, by category, over groups that are right together, and as a mean of means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lamm_bench.measure.caption_scorer import CaptionScorer
from lamm_bench.measure.captions import tokenize
from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.read import LETTERS, text_of
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample, Sums

from .metrics import MEASURES, Measure, Settings, mean_of
from .readers import READERS, name_of

MARK = "|macro|"
SIGN = "/"  # between the headline's name and the category that it is of
TOGETHER = "groups all right"  # how the note of a figure over groups begins


@dataclass(frozen=True, eq=False)
class DeclaredScorer:
    """`by`, `together` and `macro` name entries of a sample's `meta["columns"]`."""

    reader: str
    metric: str
    settings: Settings = field(default_factory=Settings)
    by: tuple[str, ...] = ()
    together: Mapping[str, str] = field(default_factory=dict)  # name of the figure -> entry that tells the groups
    macro: tuple[str, ...] = ()
    sizes: Mapping[str, Mapping[str, int]] | None = None  # figure -> group -> its samples in the file
    captions: CaptionScorer = field(default_factory=CaptionScorer)

    @property
    def measure(self) -> Measure:
        return MEASURES[self.metric]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        own = self.captions.metrics if self.captioned else self.measure.metrics(self.settings)
        return (Metric(f"macro_{own[0].name}", macro_mean), *own) if self.macro else own

    @property
    def captioned(self) -> bool:
        return self.metric == "captions"

    def said(self, sample: Sample) -> str:
        """What is counted, in words, with the categories and groups that a sample is in.

        >>> one = Sample("1", "", (), 0, "", meta={"columns": {"kind": "cats", "pair": 7}})
        >>> DeclaredScorer("letter", "accuracy", by=("kind",), together={"both": "pair"}).said(one)
        'accuracy; by kind (here cats); both: groups all right of the same pair (here 7)'
        """
        parts = [", ".join(metric.name for metric in self.metrics)]
        parts += [f"by {column} (here {group_of(sample, column) or 'none'})" for column in self.by]
        parts += [
            f"{name}: {TOGETHER} of the same {column} (here {group_of(sample, column) or 'none'})"
            for name, column in self.together.items()
        ]
        return "; ".join(parts)

    def of_file(self, samples: Sequence[Sample]) -> DeclaredScorer:
        """The scorer that knows how large the file's groups are, and how rare its n-grams."""
        sizes = {name: Counter(group_of(sample, column) for sample in samples) for name, column in self.together.items()}
        captions = self.captions.of_file(samples) if self.captioned or self.settings.also else self.captions
        return replace(self, sizes=sizes, captions=captions)

    def read(self, answer: Answer, sample: Sample) -> Any | None:
        return READERS[name_of(sample, self.reader)].read(text_of(answer), sample)

    def score(self, sample: Sample, prediction: Any | None) -> dict[str, float]:
        if self.captioned:
            return self.captions.score(sample, prediction)
        if sample.meta.get("size", ()) is None:
            prediction = None
        stats = self.measure.stats(sample, prediction, self.settings)
        if self.macro:
            name = "|".join(str(sample.meta["columns"].get(each)) for each in self.macro)
            stats |= {f"items{MARK}{name}": 1.0, f"right{MARK}{name}": stats["right"]}
        return stats

    def show(self, sample: Sample, prediction: Any | None, stats: Mapping[str, float]) -> dict[str, Any]:
        if self.captioned:
            return self.captions.show(sample, prediction, stats)
        value = next((stats[key] for key in ("value", "error", "iou") if key in stats), stats["right"])
        shown = {"value": value, "predicted": told(sample, prediction), "expected": told(sample, sample.target)}
        return {**shown, **({"right": int(stats["right"])} if value != stats["right"] else {})}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        found = dict(self.captions.whole(rows)) if self.captioned else self.sentences(rows) if self.settings.also else {}
        first = self.captions.metrics[0] if self.captioned else self.measure.metrics(self.settings)[0]
        for column in self.by:
            parts: dict[str, list[Row]] = {}
            for row in rows:
                parts.setdefault(group_of(row.sample, column), []).append(row)
            for name in sorted(parts):
                key = f"{first.name}{SIGN}{name}"
                key = f"{first.name}{SIGN}{column}: {name}" if key in found else key  # two columns may have the same value
                found[key] = estimates((first,), parts[name])[first.name]
        for name, column in self.together.items():
            found[name] = self.consistency(rows, name, column)
        return found

    def sentences(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        """What captions are counted by, over short answers."""
        made = []
        for row in rows:
            tokens = tuple(tokenize(row.prediction)) if isinstance(row.prediction, str) else None
            made.append(replace(row, prediction=tokens, stats=self.captions.score(row.sample, tokens)))
        return {**estimates(self.captions.metrics, made), **self.captions.whole(made)}

    def consistency(self, rows: Sequence[Row], name: str, column: str) -> Estimate:
        """The share of groups of which every sample is right; those of which samples are missing are left out, and counted."""
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(group_of(row.sample, column), []).append(row)
        groups.pop("", None)  # of samples that belong to none
        sizes = (self.sizes or {}).get(name, {})
        there = {group: own for group, own in groups.items() if len(own) >= sizes.get(group, 1)}
        every = [
            Row(own[0].sample, "ok", None, None, {"groups": 1.0, "right": float(all(row.stats["right"] for row in own))})
            for own in there.values()
        ]
        found = estimates((Metric(name, ratio("right", "groups"), n="groups"),), every)[name]
        lost = len(groups) - len(there)
        left = f"; {lost} of {len(groups)} groups left out: not all of their answers are there" if lost else ""
        return replace(found, note=f"{TOGETHER}{left}")


def group_of(sample: Sample, column: str) -> str:
    value = sample.meta["columns"].get(column)
    return "" if value is None else str(value)


def told(sample: Sample, value: Any) -> Any:
    """What was read, or the truth, as a table shows it."""
    if value is not None and sample.choices and isinstance(value, int):
        return LETTERS[value] if sample.meta.get("letters", True) else sample.choices[value]
    return list(value) if isinstance(value, tuple) else value


def macro_mean(sums: Sums) -> np.ndarray:
    """The mean of shares, in percent: of the innermost categories, then of those around them, each weighing the same."""
    tree: dict[str, Any] = {}
    for key in sorted(key for key in sums if key.startswith(f"items{MARK}")):
        *outer, last = key.split(MARK)[1].split("|")
        branch = tree
        for name in outer:
            branch = branch.setdefault(name, {})
        branch[last] = (sums[f"right{MARK}{key.split(MARK)[1]}"], sums[key])
    return 100 * mean_of([folded(branch) for branch in tree.values()])


def folded(branch: Any) -> tuple[np.ndarray, np.ndarray]:
    """A branch as a ratio."""
    if isinstance(branch, tuple):
        return branch
    inner = mean_of([folded(each) for each in branch.values()])
    return np.where(np.isnan(inner), 0.0, inner), (~np.isnan(inner)).astype(float)
