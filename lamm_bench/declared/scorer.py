"""A task file's protocol `standard`: its reader and its metric, by category, over groups that are right together, and as a mean of means."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lamm_bench.measure.caption_scorer import CaptionScorer
from lamm_bench.measure.captions import tokenize
from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.read import LETTERS, text_of
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample, Sums

from .located import LocatedScorer
from .metrics import MEASURES, Measure, Settings
from .readers import READERS, name_of
from .sources import said

MARK = "|macro|"
NAMELESS = "(none)"  # of samples without a category
SIGN = "/"  # between the headline's name and the category that it is of
TOGETHER = "groups all right"  # how the note of a figure over groups begins


@dataclass(frozen=True)
class Group:
    """Which samples belong together: those with the same value of an entry, of those that have certain values of others."""

    column: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, sample: Sample) -> str:
        """The sample's group; empty where it belongs to none."""
        if all(group_of(sample, name) in values for name, values in self.where.items()):
            return group_of(sample, self.column)
        return ""


@dataclass(frozen=True, eq=False)
class DeclaredScorer:
    """`by`, `together` and `macro` name entries of a sample's `meta["columns"]`."""

    reader: str
    metric: str
    settings: Settings = field(default_factory=Settings)
    by: tuple[str, ...] = ()
    together: Mapping[str, Group] = field(default_factory=dict)  # name of the figure -> its groups
    macro: tuple[str, ...] = ()
    sizes: Mapping[str, Mapping[str, int]] | None = None  # figure -> group -> its samples in the file
    at_least: Mapping[str, str] = field(default_factory=dict)  # name of the figures -> entry that tells the groups
    captions: CaptionScorer | LocatedScorer = field(default_factory=CaptionScorer)

    @property
    def measure(self) -> Measure:
        return MEASURES[self.metric]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        own = self.captions.metrics if self.captioned else self.measure.metrics(self.settings)
        if not self.macro:
            return own
        first = own[0]
        return Metric(f"macro_{first.name}", macro_of(first.value), first.unit, first.better, first.n), *own

    @property
    def grouped(self) -> dict[str, Group]:
        return {**self.together, **{name: Group(column) for name, column in self.at_least.items()}}

    @property
    def captioned(self) -> bool:
        return self.metric == "captions"

    def said(self, sample: Sample) -> str:
        """What is counted, in words, with the categories and groups that a sample is in.

        >>> one = Sample("1", "", (), 0, "", meta={"columns": {"kind": "cats", "pair": 7}})
        >>> DeclaredScorer("letter", "accuracy", by=("kind",), together={"both": Group("pair")}).said(one)
        'accuracy; by kind (here cats); both: groups all right of the same pair (here 7)'
        """
        parts = [", ".join(metric.name for metric in self.metrics)]
        parts += [f"by {column} (here {group_of(sample, column) or 'none'})" for column in self.by]
        parts += [
            f"{name}: {TOGETHER} of the same {group.column} (here {group.of(sample) or 'none'})"
            for name, group in self.together.items()
        ]
        return "; ".join(parts)

    def of_file(self, samples: Sequence[Sample]) -> DeclaredScorer:
        """The scorer that knows how large the file's groups are, and how rare its n-grams."""
        sizes = {
            name: Counter(found for sample in samples if (found := group.of(sample))) for name, group in self.grouped.items()
        }
        captions = self.captions.of_file(samples) if self.captioned or "captions" in self.settings.also else self.captions
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
            name = json.dumps([group_of(sample, each) for each in self.macro])
            stats |= {f"{key}{MARK}{name}": value for key, value in stats.items()}
        return stats

    def show(self, sample: Sample, prediction: Any | None, stats: Mapping[str, float]) -> dict[str, Any]:
        if self.captioned:
            return self.captions.show(sample, prediction, stats)
        value = next((stats[key] for key in ("value", "error", "iou") if key in stats), stats["right"])
        shown = {"value": value, "predicted": told(sample, prediction), "expected": told(sample, sample.target)}
        return {**shown, **({"right": int(stats["right"])} if value != stats["right"] else {})}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        found = (
            dict(self.captions.whole(rows))
            if self.captioned
            else self.sentences(rows)
            if "captions" in self.settings.also
            else {}
        )
        first = self.captions.metrics[0] if self.captioned else self.measure.metrics(self.settings)[0]
        for column in self.by:
            parts: dict[str, list[Row]] = {}
            for row in rows:
                parts.setdefault(group_of(row.sample, column), []).append(row)
            for name in sorted(parts):
                label = name or NAMELESS
                key = f"{first.name}{SIGN}{label}"
                key = f"{first.name}{SIGN}{column}: {label}" if key in found else key  # two columns may have the same value
                found[key] = estimates((first,), parts[name])[first.name]
        for name in self.together:
            found[name] = self.consistency(rows, name)
        for name in self.at_least:
            found |= self.steps(rows, name)
        return found

    def remarks(self, rows: Sequence[Row]) -> list[str]:
        """What figures depend on beside the answers: where the rooms came from."""
        places = sorted({str(row.sample.meta["rooms"]) for row in rows if "rooms" in row.sample.meta})
        return [f"rooms: {', '.join(places)}"] if places else []

    def steps(self, rows: Sequence[Row], name: str) -> dict[str, Estimate]:
        """The shares of groups with one right answer at least, with two and so on, and their mean."""
        groups, lost = self.whole_groups(rows, name)
        most = max((self.sizes or {}).get(name, {}).values(), default=max(map(len, groups.values()), default=0))
        few = sum(len(own) < most for own in groups.values())
        groups = {key: own for key, own in groups.items() if len(own) == most}
        lost = "; ".join(filter(None, (lost, f"{few} groups with fewer than {most} samples left out" if few else "")))
        every = []
        for own in groups.values():
            right = sum(bool(row.stats["right"]) for row in own)
            stats = {f"{k}": float(right >= k) for k in range(1, most + 1)}
            every.append(
                Row(own[0].sample, "ok", None, None, {"groups": 1.0, **stats, "mean": sum(stats.values()) / max(most, 1)})
            )
        shares = [Metric(f"{name}/at least {k}", ratio(f"{k}", "groups"), n="groups") for k in range(1, most + 1)]
        found = estimates((Metric(name, ratio("mean", "groups", counts=False), n="groups"), *shares), every) if every else {}
        return {key: replace(one, note=lost or one.note) for key, one in found.items()}

    def whole_groups(self, rows: Sequence[Row], name: str) -> tuple[dict[str, list[Row]], str]:
        """The rows of each group of which all are there, and a sentence about the others."""
        told, groups = self.grouped[name], dict[str, list[Row]]()
        for row in rows:
            groups.setdefault(told.of(row.sample), []).append(row)
        groups.pop("", None)  # of samples that belong to none
        sizes = (self.sizes or {}).get(name, {})
        there = {group: own for group, own in groups.items() if len(own) >= sizes.get(group, 1)}
        lost = len(groups) - len(there)
        return there, f"{lost} of {len(groups)} groups left out: not all of their answers are there" if lost else ""

    def sentences(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        """What captions are counted by, over short answers."""
        assert isinstance(self.captions, CaptionScorer)
        made = []
        for row in rows:
            tokens = tuple(tokenize(row.prediction)) if isinstance(row.prediction, str) else None
            made.append(replace(row, prediction=tokens, stats=self.captions.score(row.sample, tokens)))
        return {**estimates(self.captions.metrics, made), **self.captions.whole(made)}

    def consistency(self, rows: Sequence[Row], name: str) -> Estimate:
        """The share of groups of which every sample is right; those of which samples are missing are left out, and counted."""
        groups, lost = self.whole_groups(rows, name)
        every = [
            Row(own[0].sample, "ok", None, None, {"groups": 1.0, "right": float(all(row.stats["right"] for row in own))})
            for own in groups.values()
        ]
        found = estimates((Metric(name, ratio("right", "groups"), n="groups"),), every)[name]
        return replace(found, note=TOGETHER + (f"; {lost}" if lost else ""))


def group_of(sample: Sample, column: str) -> str:
    value = sample.meta["columns"].get(column)
    return "" if value is None else said(value)


def told(sample: Sample, value: Any) -> Any:
    """What was read, or the truth, as a table shows it."""
    if value is not None and sample.choices and isinstance(value, int):
        return LETTERS[value] if sample.meta.get("letters", True) else sample.choices[value]
    return list(value) if isinstance(value, tuple) else value


def macro_of(value: Callable[[Sums], np.ndarray]) -> Callable[[Sums], np.ndarray]:
    """The mean of a figure over the innermost categories, then over those around them, each weighing the same, [replicates]."""

    def mean(sums: Sums) -> np.ndarray:
        parts: dict[str, Sums] = {}
        for key, total in sums.items():
            own, mark, name = key.partition(MARK)
            if mark:
                parts.setdefault(name, Sums())[own] = total
        tree: dict[str, Any] = {}
        for name in sorted(parts):
            *outer, last = json.loads(name)
            branch = tree
            for each in outer:
                branch = branch.setdefault(each, {})
            with np.errstate(divide="ignore", invalid="ignore"):  # categories that a replicate has not drawn
                branch[last] = value(parts[name])
        return folded(tree)

    return mean


def folded(branch: Any) -> np.ndarray:
    """The mean of a branch; what is undefined is left out."""
    if not isinstance(branch, dict):
        return np.asarray(branch)
    every = [folded(each) for each in branch.values()]
    there = [~np.isnan(each) for each in every]
    count = sum(known.astype(float) for known in there)
    total = sum(np.where(known, each, 0.0) for each, known in zip(every, there))
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)
