"""From the legs of one model to its desiderata: ours with intervals (`standard`), and ChEF's beside them.

Each is a mean over the sets (ScienceQA and MMBench, as ChEF's table has it). What has no meaning has no figure: a relative measure
divides by the margin over chance, so that of a model whose plain accuracy is not surely above chance is left out, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

import numpy as np

from lamm_bench.measure.robustness import rr, rrm
from lamm_bench.measure.stats import Ratio, estimates
from lamm_bench.types import FAILED, Estimate, Row, to_json

from .formulas import CHANCE, Formula, apart, joined, metric_of, riam
from .gathering import Asked, Model
from .legs import CORRUPTED, EXAMPLES, HALLUCINATION, PLAIN, RETRIEVERS, ROBUSTNESS, SHOTS

Legs = Mapping[str, Mapping[str, Asked]]


@dataclass
class Figure:
    """One desideratum of one model."""

    name: str
    standard: Estimate | None = None  # 0 to 100 where a scale has ends; higher is better
    chef: float | None = None  # by upstream's formula from upstream's readings
    why: str = ""  # there is no figure, or what is to be known of it
    details: dict[str, Any] = field(default_factory=dict)  # by set, and what else was measured

    def to_json(self) -> dict[str, Any]:
        return {
            "standard": to_json(self.standard) if self.standard is not None else None,
            "chef": self.chef,
            **({"why": self.why} if self.why else {}),
            "details": to_json(self.details),
        }


def common_sets(legs: Legs, names: Sequence[str]) -> list[str]:
    """The tasks that all these legs were asked, in the first one's order."""
    found = [set(legs[name]) for name in names]
    return [task for task in legs[names[0]] if all(task in each for each in found)]


def lacking(legs: Legs, names: Sequence[str]) -> str:
    """Which legs are not there; empty when all are, with a set in common."""
    missing = [name for name in names if name not in legs]
    if missing:
        return f"not asked: {', '.join(missing)}"
    return "" if common_sets(legs, names) else f"{', '.join(names)} were asked about no task in common"


def answered(asked: Asked) -> list[Row]:
    """The rows that `standard` counts."""
    return [row for row in asked.scores["standard"].rows if row.status not in FAILED]


def ratio_of(asked: Asked) -> Ratio:
    """The headline as a ratio of sums. Tasks of several options have no other."""
    share = asked.task.protocols["standard"].metrics[0].value
    assert isinstance(share, Ratio)
    return share


def relative(legs: Legs, names: Sequence[str], metric: str, formula: Callable[[float], Formula]) -> Figure:
    """A figure that is a formula of the accuracies of several legs; `formula` is given the chance of a set."""
    figure = Figure(metric)
    figure.why = lacking(legs, names)
    if figure.why:
        return figure
    sets = common_sets(legs, names)
    near = [set_ for set_ in sets if near_chance(legs[names[0]][set_])]
    used = [set_ for set_ in sets if set_ not in near]
    rows: list[Row] = []
    ratios, formulas = {}, {}
    for set_ in sets:
        ratios[set_] = ratio_of(legs[names[0]][set_])
        formulas[set_] = formula(chance_of(legs[names[0]][set_]))
        own = apart(joined({name: answered(legs[name][set_]) for name in names}, ratios[set_].bottom), set_)
        (alone,) = estimates([metric_of(metric, {set_: ratios[set_]}, names, formulas)], own).values()
        accuracies = {name: legs[name][set_].scores["standard"].headline[1] for name in names}
        figure.details[set_] = {
            metric: alone if set_ in used else None,
            "accuracy": accuracies,
            "chance": chance_of(legs[names[0]][set_]),
        }
        rows += own if set_ in used else []
    if near:
        figure.why = f"{', '.join(near)} left out: the plain accuracy is not surely above chance, by whose margin this divides"
    if used:
        (figure.standard,) = estimates([metric_of(metric, {s: ratios[s] for s in used}, names, formulas)], rows).values()
    return figure


def near_chance(asked: Asked) -> bool:
    """Whether the interval of the plain accuracy holds that of chance, or lies below it."""
    own, chance = asked.scores["standard"].headline[1], chance_of(asked)
    return own.value is None or own.value <= chance or (own.ci95 is not None and own.ci95[0] <= chance)


def chance_of(asked: Asked) -> float:
    """Percent that somebody gets who knows the form of the answer only."""
    return float(asked.scores["standard"].references.get("chance") or 0.0)


def upstream(asked: Asked) -> float | None:
    """The accuracy that ChEF prints: ACC, else vanilla_acc."""
    metrics = asked.scores["chef"].metrics if "chef" in asked.scores else {}
    own = metrics.get("ACC") or metrics.get("vanilla_acc") or metrics.get("Accuracy")
    return own.value if own is not None else None


def mean_of(values: Sequence[float | None]) -> float | None:
    """The mean, where all are there."""
    there = [value for value in values if value is not None]
    return mean(there) if there and len(there) == len(values) else None


def in_context(model: Model) -> Figure:
    """Relative in-context accuracy of one, two and three examples; of the first retriever that was asked, the others in the details."""
    legs = model.legs
    told = [one for one in RETRIEVERS if any(f"examples-{one}-{count}" in legs for count in SHOTS)]
    if not told:
        return Figure(EXAMPLES, why="not asked")
    found = {one: with_examples(legs, [f"examples-{one}-{count}" for count in SHOTS]) for one in told}
    figure = found[told[0]]
    if len(told) > 1:
        figure.details["retrievers"] = {one: {"standard": each.standard, "chef": each.chef} for one, each in found.items()}
    return figure


def with_examples(legs: Legs, shots: Sequence[str]) -> Figure:
    names = [PLAIN, *shots]

    def formula(chance: float) -> Formula:
        def of(accuracy: Mapping[str, np.ndarray]) -> np.ndarray:
            mean_shot = sum(accuracy[name] for name in shots) / len(shots)
            return (mean_shot - accuracy[PLAIN]) / (accuracy[PLAIN] - chance) * 50 + 50

        return of

    figure = relative(legs, names, "riam", formula)
    if not lacking(legs, names):
        values = []
        for set_ in common_sets(legs, names):
            plain, *with_shots = [upstream(legs[name][set_]) for name in names]
            known = plain is not None and None not in with_shots and set_ in CHANCE
            values.append(riam(plain, with_shots, CHANCE[set_]) if known else None)  # type: ignore[arg-type]
            figure.details[set_]["chef"] = values[-1]
        figure.chef = mean_of(values)
    figure.name = EXAMPLES
    return figure


def robustness(model: Model) -> Figure:
    """Relative robustness with pictures and texts corrupted; each alone in the details."""
    legs = model.legs
    told = [one for one in CORRUPTED if f"corrupted-{one}" in legs]
    if not told:
        return Figure(ROBUSTNESS, why="not asked")
    found = {one: under_corruption(legs, f"corrupted-{one}") for one in told}
    figure = found["both" if "both" in told else told[0]]
    figure.details["settings"] = {
        one: {"standard": each.standard, "chef": each.chef, "why": each.why} for one, each in found.items()
    }
    if "both" not in told:
        figure.why = f"of corrupted {told[0]} only" + (f"; {figure.why}" if figure.why else "")
    return figure


def under_corruption(legs: Legs, leg: str) -> Figure:
    names = [PLAIN, leg]

    def formula(chance: float) -> Formula:
        return lambda accuracy: (accuracy[leg] - chance) / (accuracy[PLAIN] - chance) * 100

    figure = relative(legs, names, "rrm", formula)
    if not lacking(legs, names):
        values = []
        for set_ in common_sets(legs, names):
            plain, corrupted = (upstream(legs[name][set_]) for name in names)
            known = plain is not None and corrupted is not None and set_ in CHANCE
            values.append(rrm(plain, corrupted, CHANCE[set_]) if known and plain != CHANCE[set_] else None)  # type: ignore[arg-type]
            figure.details[set_] |= {"chef": values[-1], "rr": rr(plain, corrupted) if known and plain else None}  # type: ignore[arg-type]
        figure.chef = mean_of(values)
    figure.name = ROBUSTNESS
    return figure


def hallucination(model: Model) -> Figure:
    """The mean accuracy over POPE's settings."""
    asked = model.legs.get("hallucination", {})
    figure = Figure(HALLUCINATION, why="" if asked else "not asked")
    if not asked:
        return figure
    rows: list[Row] = []
    for set_, each in asked.items():  # which ask about the same pictures
        rows += apart(joined({"said": answered(each)}, ratio_of(each).bottom), set_, shared=True)
    ratios = {set_: ratio_of(each) for set_, each in asked.items()}
    formulas: dict[str, Formula] = dict.fromkeys(asked, lambda accuracy: accuracy["said"])
    (figure.standard,) = estimates([metric_of("accuracy", ratios, ["said"], formulas, "logit")], rows).values()
    figure.chef = mean_of([upstream(each) for each in asked.values()])
    for set_, each in asked.items():
        figure.details[set_] = {"accuracy": each.scores["standard"].headline[1], "chef": upstream(each)}
    if len(asked) < 3:
        figure.why = f"of {', '.join(asked)} only"
    return figure
