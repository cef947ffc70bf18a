"""MME's figures: accuracy of the questions, and acc+ of the pictures with both their questions right, in all and by subtask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.measure.stats import estimates
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .cleaner import cleaned
from .groups import all_right, gathered, share, whole_groups
from .scenario import chosen_text
from .yes_no import YesNoScorer

# in the order of upstream's report; the official score parts the first ten (perception) from the others (cognition)
PERCEPTION = ("existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark", "artwork", "OCR")
COGNITION = ("commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning")
BOTH = 2  # right answers that a picture needs


def of_picture(row: Row) -> str:
    return row.sample.group


class MMEStandard(YesNoScorer):
    """Ours: accuracy, acc+ (pictures with all their questions right), accuracy by subtask, and MME's own sums of accuracy and acc+."""

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        groups, note = whole_groups(list(gathered(rows, of_picture).values()))
        found = share("acc+", groups, all_right, note) if groups else {}
        subtasks = gathered(rows, lambda row: row.sample.meta["subtask"])
        for name in (*PERCEPTION, *COGNITION):
            if name in subtasks:
                found[name] = estimates(self.metrics, subtasks[name])[self.metrics[0].name]
        for name, members in (("perception", PERCEPTION), ("cognition", COGNITION)):
            if all(member in subtasks for member in members):
                found[name] = official(rows, members)
        return found


def official(rows: Sequence[Row], members: Sequence[str]) -> Estimate:
    """The sum of accuracy and acc+ over subtasks, of 200 each (Fu et al. 2023, section 2.2)."""
    total, mine = 0.0, [row for row in rows if row.sample.meta["subtask"] in members]
    for own in gathered(mine, lambda row: row.sample.meta["subtask"]).values():
        groups = list(gathered(own, of_picture).values())
        total += 100 * sum(row.stats["right"] for row in own) / len(own) + 100 * sum(map(all_right, groups)) / len(groups)
    return Estimate(total, None, len(mine), "score", "higher", note=f"of {200 * len(members)}")


def reading(text: str) -> str:
    """What upstream reads: `yes`, `no` or `other` (reference 9.8).

    >>> [reading(text) for text in ("No!", "I know it", "There is none.", "Yes and no")]
    ['no', 'no', 'other', 'other']
    """
    if text.lower() in ("yes", "no"):
        return text.lower()
    said = cleaned(text)
    if said in ("yes", "no"):
        return said
    found = [word for word in ("yes", "no") if word in said]
    return found[0] if len(found) == 1 else "other"


@dataclass(frozen=True, eq=False)
class MMEScorer:
    """Upstream's metric class: 100 x right / (all + 0.000001) for each subtask, all without the millionth (reference 1.17.3)."""

    metrics: tuple[Metric, ...] = ()

    def read(self, answer: Answer, sample: Sample) -> str:
        return reading(chosen_text(answer, sample))

    def score(self, sample: Sample, prediction: str | None) -> dict[str, float]:
        return {"items": 1, "right": float(prediction == sample.choices[sample.target].lower())}

    def show(self, sample: Sample, prediction: str | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"read": prediction, "right": int(stats["right"])}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        subtasks = gathered(rows, lambda row: row.sample.meta["subtask"])
        found = {**figures("overall", rows, 0.0)}
        for name in (*PERCEPTION, *COGNITION):
            found |= figures(name, subtasks.get(name, ()), 1e-6)
        return found


def figures(name: str, rows: Sequence[Row], more: float) -> dict[str, Estimate]:
    """Accuracy and acc+ of some rows; a picture of one question can never count."""
    groups = list(gathered(rows, of_picture).values())
    found = {}
    for key, things, right in (
        (name, [[row] for row in rows], all_right),
        (f"{name}_plus", groups, lambda group: sum(row.stats["right"] for row in group) >= BOTH),
    ):
        number = sum(map(right, things))
        value = 100 * number / (len(things) + more) if things or more else None
        interval = share(key, things, right)[key].ci95 if things else None
        found[key] = Estimate(value, interval, len(things), "percent", "higher", len(groups))
    return found
