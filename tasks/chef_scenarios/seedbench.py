"""SEED-Bench (Li et al. 2023, arXiv 2307.16125) and SEED-Bench-2 (arXiv 2311.17092): four options about one or several pictures.

The files are the official ones, objects with `questions`; of the first only those about single images are asked, of the second
images, several images and the frames of videos (reference 9.3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamm_bench.loading import shorten
from lamm_bench.task import Item, find_meta
from lamm_bench.tasks.vqa import ChoiceScorer
from lamm_bench.types import Sample

from .letters import LetterScorer
from .scenario import Scenario, UpstreamItem, entries_of, listed, picture, sample_of

FIRST = "SEED-Bench/SEED-Bench.json"
SECOND = "SEEDBench2/SEED-Bench_v2_level1_2_3.json"
TYPES = ("Single Image", "Multiple Images", "Video")
SOURCES = {"cc3m": "image/cc3m-image", "SEED-Bench v2": "image/SEED-Bench-2-image"}
LETTERS = "ABCD"


def items(root: Path) -> Iterator[UpstreamItem]:
    """What upstream's class makes of SEED-Bench."""
    file = find_meta(root, (FIRST,))
    for item in entries_of(file, "questions", "question_id"):
        if item.data.get("data_type") != "image":
            continue
        choices = [item.text(f"choice_{letter}") for letter in "abcd"]
        target = LETTERS.index(answer_of(item))
        yield {
            **worded(item, choices),
            "image_path": picture(root, file.parent / "SEED-Bench-image", item.text("data_id"), item),
            "gt_answers": choices[target],
            "gt_choice": target,
        }


def items2(root: Path) -> Iterator[UpstreamItem]:
    """What upstream's class makes of SEED-Bench-2: the right option is found again by its text, so of two equal ones the first."""
    file = find_meta(root, (SECOND,))
    for item in entries_of(file, "questions", "question_id"):
        kind = item.data.get("data_type")
        if kind not in TYPES:
            continue
        source = item.get("data_source", check=lambda v: v in SOURCES, expected="`cc3m` or `SEED-Bench v2`")
        texts = [item.text(f"choice_{letter}").strip() for letter in "abcd"]
        truth = texts[LETTERS.index(answer_of(item))]
        if not truth:
            raise item.fault(f"`answer` is {shorten(item.data['answer'])}, and that option is empty")
        choices = [text for text in texts if text]
        yield {
            **worded(item, choices),
            "image_path": pictures(root, file.parent / SOURCES[source], item),
            "gt_answers": truth,
            "gt_choice": choices.index(truth),
            "source": source,
            "type": kind,
        }


def worded(item: Item, choices: list[str]) -> dict[str, Any]:
    question = f"Question: {item.text('question')}\nAnswer:"
    return {"id": item.id, "question": question, "choices": choices, "options": choices}


def answer_of(item: Item) -> str:
    letter = item.get("answer", check=lambda v: isinstance(v, str) and v.strip() in set(LETTERS), expected="A, B, C or D")
    return str(letter).strip()


def pictures(root: Path, folder: Path, item: Item) -> str | list[str]:
    """One path, or those of several pictures or frames."""
    if isinstance(item.data.get("data_id"), str):
        return picture(root, folder, item.text("data_id"), item)
    return [picture(root, folder, name, item) for name in item.texts("data_id")]


def sampled(root: Path, item: UpstreamItem) -> Sample:
    """A sample whose question shows its options: who generates an answer must know them."""
    question = item["question"].removeprefix("Question: ").removesuffix("\nAnswer:")
    return sample_of(root, item, listed(question, item["choices"]), item["choices"], item["gt_choice"])


TASKS = (
    Scenario(
        name="chef-seedbench",
        kind="vqa",
        meta_files=(FIRST,),
        answer_files=("SEEDBench",),
        protocols={"standard": ChoiceScorer(), "chef": LetterScorer()},
        read=lambda root: (sampled(root, item) for item in items(root)),
    ),
    Scenario(
        name="chef-seedbench2",
        kind="vqa",
        meta_files=(SECOND,),
        answer_files=("SEEDBench2",),
        protocols={"standard": ChoiceScorer(), "chef": LetterScorer()},
        read=lambda root: (sampled(root, item) for item in items2(root)),
    ),
)
