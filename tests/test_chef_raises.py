"""The inputs at which an upstream metric stops (../shared/goldens-chef): each has a figure or a sentence here, and never an exception."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.errors import UpstreamStops
from lamm_bench.keep.answers import read_answers
from lamm_bench.measure.following import Followed, accuracy
from lamm_bench.measure.scoring import Score, score
from lamm_bench.types import Sample, Turn

from .chef_made import make_scenarios
from .commands import refusal
from .test_chef_scenarios import expected

# what upstream's case is about -> our task, and what is said of it
SAID = {
    "a fifth option is right: letters end at D": ("chef-mmbench", "its letters end at D"),
    "an id that is no number": ("chef-mmbench", "which is no number"),
    "an eighth option is right: letters end at G": ("chef-scienceqa", "no letter for choice number 8 of 8"),
    "eight options, looked for by their texts": ("chef-scienceqa", "no letter for the last of 8 options"),
    "calibration reads gt_choices, which the scenario calls choices": ("chef-scienceqa", ""),  # ours counts it
    "no answer is read as yes: precision divides by zero": ("chef-pope-random", "no answer is read as yes"),
    "no truth is yes: recall divides by zero": ("chef-pope-random", "no truth is yes"),
    "precision and recall 0: F1 divides by zero": ("chef-pope-random", "no right answer is yes"),
    "a digit that is no number": ("chef-fsc147", "which is a digit but not a number"),
    "an answer of full stops only": ("chef-flickr30k", "nothing but full stops"),
    "an odd number of options": ("chef-flickr30k-ppl-top-p", "3 options, an odd number"),
    "no box in the whole set": ("chef-voc2012", "no answer of the whole set has a box"),
    "no class turn is right (diningtable has no synonyms): divides by zero": ("chef-voc2012-ppl", "no class was chosen right"),
    "an example with fewer than four questions": ("chef-winoground", "stops at 1 examples with fewer than four scores"),
    "an unknown subject": ("chef-mmmu", "knows no subject Alchemy"),
}
LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Case:
    """One of upstream's inputs."""

    metric: str
    about: str
    items: Sequence[dict[str, Any]]


def cases(goldens: Path) -> list[Case]:
    return [Case(one["metric"], one["about"], one["items"]) for one in expected(goldens, "upstream_raises")]


def sample_of(number: int, item: dict[str, Any]) -> Sample:
    """The item as our samples have it."""
    choices, target = tuple(item.get("choices", item.get("gt_choices", ()))), item.get("gt_choice", item.get("gt_answers"))
    if target in ("yes", "no"):
        choices, target = ("Yes", "No"), int(target == "no")
    name = str(item.get("id", number))
    turns = tuple(Turn(turn["prompt_idx"], turn["prefix"] or "") for turn in item.get("multi_turn_prefix", ()))
    meta = {"base": name, "of": 1, "turns": turns, "subject": item.get("subject"), "main_id": 0, "type": 0, "shuffle": 1}
    return Sample(name, "", (), target, "g", choices, (), meta)


def scored(case: Case, task: str, folder: Path) -> Score:
    """The items' own answers, read as a file and scored under `chef`."""
    (folder / "a.json").write_text(json.dumps([{**item, "id": item.get("id", str(n))} for n, item in enumerate(case.items)]))
    samples = [sample_of(number, item) for number, item in enumerate(case.items)]
    answered, _ = read_answers(folder / "a.json").join(samples, "chef")
    return score(load_catalog().tasks[task], "chef", samples, answered)


def test_all_that_upstream_stops_at_is_told(chef_goldens: Path, tmp_path: Path) -> None:
    told = 0
    for case in cases(chef_goldens):
        if case.about not in SAID or not case.items or case.metric.startswith("Instruct_Follow"):
            continue
        task, said = SAID[case.about]
        found = scored(case, task, tmp_path)
        notes = " ".join([*found.notes, *(each.note for each in found.metrics.values())])
        assert said in notes, (case.about, notes)
        if not said:
            assert found.headline[1].value == 100
        told += 1
    assert told == len(SAID)


def test_the_others_too(chef_goldens: Path, tmp_path: Path) -> None:
    """No item at all, items without their options, an unknown subtask, and words of which an id is no number."""
    others = [case for case in cases(chef_goldens) if case.about not in SAID or not case.items]
    rest = {case.about for case in others}
    assert rest == {"no item", "the key choices is missing", "an unknown subtask"} and len(cases(chef_goldens)) == 20
    for metric in (case.metric for case in others if not case.items):
        task = load_catalog().tasks["chef-octavius-scannet-cls" if metric.startswith("Octavius") else "chef-scienceqa"]
        assert all(each.value is None for each in score(task, "chef", [], {}).metrics.values())
    (case,) = [case for case in cases(chef_goldens) if case.metric.startswith("Instruct_Follow")]
    with pytest.raises(UpstreamStops, match="the id x, which is no number"):
        accuracy([Followed(item["id"], tuple(item["options"]), item["gt_choice"], item["answer"]) for item in case.items])


def test_data_without_their_options_or_with_another_subtask_are_refused(tmp_path: Path) -> None:
    """In ours the truth is read from the data and not from the answers."""
    root = make_scenarios(tmp_path)
    file = root / "LAMM/2D_Benchmark/meta_file/VQA_ScienceQA.json"
    entries = json.loads(file.read_text())
    del entries[0]["gt_choices"]
    file.write_text(json.dumps(entries))
    words = ("run", "--model", "chance", "--data-root", root, "--output", tmp_path / "r", "--tasks")
    assert "has no key `gt_choices`" in refusal(*words, "chef-scienceqa")
    (root / "MME/existence").rename(root / "MME/other_task")
    assert "existence is missing; MME has a folder for each" in refusal(*words, "chef-mme")
