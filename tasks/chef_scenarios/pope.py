"""POPE (Li et al. 2023, arXiv 2305.10355): is a thing in the picture? Three drawings of the things that are not there.

`coco_pope/coco_pope_{random,popular,adversarial}.json` hold one JSON object a line, pictures lie in `coco_pope/val2014/`
(reference 9.3). Upstream's reading: 1.17.4 and 9.8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamm_bench.loading import parse_json, read_text
from lamm_bench.measure.stats import f1, ratio
from lamm_bench.task import find_meta, items_in
from lamm_bench.tasks.upstream_scorer import Stats, UpstreamScorer
from lamm_bench.types import Estimate, Metric, Row, Sample, Scorer

from .scenario import YES_NO, Scenario, UpstreamItem, chosen_text, picture, yes_no_sample
from .yes_no import DETECTION, YesNoScorer

SETTINGS = ("random", "popular", "adversarial")
NO_WORDS = {"No", "no", "not"}


def items(root: Path, setting: str) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file."""
    file = find_meta(root, (file_of(setting),))
    lines = enumerate(read_text(file).split("\n"), 1)
    entries = [parse_json(line, f"{file} line {number}") for number, line in lines if line.strip()]
    for item in items_in(file, entries, "question_id"):
        label = item.get("label", check=lambda v: v in ("yes", "no"), expected="`yes` or `no`")
        yield {
            "id": item.id,
            "image_path": picture(root, file.parent / "val2014", item.text("image"), item),
            "question": item.text("text"),
            "gt_answers": label,
            "options": list(YES_NO),
        }


def file_of(setting: str) -> str:
    return f"coco_pope/coco_pope_{setting}.json"


def samples(root: Path, setting: str) -> Iterator[Sample]:
    return (yes_no_sample(root, item) for item in items(root, setting))


def says_no(text: str) -> bool:
    """Whether upstream takes an answer for no: by whole words between single blanks of what stands before the first full stop.

    >>> [says_no(text) for text in ("No, it is.", "yes,no", "Nope", "It is not. Yes", "NO")]
    [True, False, False, True, False]
    """
    return not NO_WORDS.isdisjoint(text.split(".")[0].replace(",", "").split(" "))


def counted(sample: Sample, text: str) -> Stats:
    yes, said_yes = sample.target == 0, not says_no(text)
    stats = {"said_yes": said_yes, "true_yes": yes, "hits": yes and said_yes, "right": yes == said_yes, "items": 1}
    return {name: float(value) for name, value in stats.items()}


def worst(sample: Sample) -> Stats:
    """No answer, counted as the wrong one."""
    return counted(sample, "no" if sample.target == 0 else "yes")


def shown(sample: Sample, stats: Mapping[str, float]) -> dict[str, Any]:
    return {"read": "yes" if stats["said_yes"] else "no", "right": int(stats["right"])}


METRICS = (
    Metric("Accuracy", ratio("right", "items")),
    Metric("Precision", ratio("hits", "said_yes"), n="said_yes"),
    Metric("Recall", ratio("hits", "true_yes"), n="true_yes"),
    Metric("F1 score", f1("hits", "said_yes", "true_yes"), n="true_yes"),
    Metric("Yes ratio", ratio("said_yes", "items")),
)


def stopping(rows: Sequence[Row]) -> dict[str, Estimate]:
    """No figures where upstream divides by zero."""
    said, true, hits = (sum(row.stats[name] for row in rows) for name in ("said_yes", "true_yes", "hits"))
    why = (
        "no answer is read as yes"
        if not said
        else "no truth is yes"
        if not true
        else "no right answer is yes"
        if not hits
        else ""
    )
    note = f"upstream divides by zero: {why}"
    return {metric.name: Estimate(None, None, 0, "percent", "higher", note=note) for metric in METRICS} if why else {}


CHEF = UpstreamScorer(metrics=METRICS, count=counted, worst=worst, parse=chosen_text, display=shown, beyond=stopping)


def task(setting: str) -> Scenario:
    own: dict[str, Scorer] = {"standard": YesNoScorer(DETECTION), "chef": CHEF}
    return Scenario(
        name=f"chef-pope-{setting}",
        kind="yes_no",
        meta_files=(file_of(setting),),
        answer_files=(f"POPE_COCO_{setting}", f"POPE.{setting}", f"coco_pope_{setting}"),
        protocols=own,
        read=lambda root: samples(root, setting),
        groups=("chef", "chef-pope"),
        max_new_tokens=16,
    )


TASKS = tuple(task(setting) for setting in SETTINGS)
