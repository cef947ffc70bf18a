"""ScienceQA (Lu et al. 2022) in ChEF's way: the question and its options without the context (reference 9.3).

The file is LAMM's own (`sqaimage` asks it with the context). Upstream's variants are arguments of `items`: options with their texts
(`option_content`), options as bare texts and no list of them (`generative`), and the corrupted set of 2.8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lamm_bench.loading import shorten
from lamm_bench.read import LETTERS
from lamm_bench.task import find_meta, read_items
from lamm_bench.tasks.vqa import ChoiceScorer
from lamm_bench.types import Sample

from .letters import LetterScorer
from .scenario import Scenario, UpstreamItem, picture, sample_of

FILES = tuple(
    f"{folder}2D_Benchmark/meta_file/{name}.json" for folder in ("LAMM/", "") for name in ("VQA_ScienceQA", "VQA_SQAimage")
)
CORRUPTED = "ChEF/ScienceQA_C"


def items(
    root: Path, option_content: bool = False, generative: bool = False, img_crp: bool = False, text_crp: bool = False
) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file."""
    base = root / CORRUPTED if img_crp else find_meta(root, FILES).parent.parent
    for item in read_items(root, (f"{CORRUPTED}/VQA_ScienceQA_C.json",) if text_crp else FILES):
        choices = item.texts("gt_choices", least=2)
        target = item.get("gt_choice", check=lambda v: type(v) is int, expected="a whole number")
        if len(choices) > len(LETTERS):
            raise item.fault(f"`gt_choices` holds {len(choices)} options, expected at most {len(LETTERS)}")
        if not 0 <= target < len(choices):
            raise item.fault(
                f"`gt_choice` is {shorten(target)}, expected 0 to {len(choices) - 1}, the index of one of `gt_choices`"
            )
        query = item.text("query")
        if "Options:" not in query:
            raise item.fault("`query` names no `Options:`, behind which ChEF looks for them")
        asked = "Question: " + query.split("Context:")[0]
        letters = [f"({chr(ord('A') + number)}" for number in range(len(choices))]
        contents = [f"{letter}) {choice}" for letter, choice in zip(letters, choices)]
        yield {
            "id": item.id,
            "image_path": picture(root, base, item.text("image"), item),
            "question": asked if generative else asked + "Options:" + query.split("Options:")[1] + "\n",
            "gt_answers": choices[target] if generative else f"{letters[target]})",
            "gt_choice": target,
            "choices": choices,
            "options": choices if generative else contents if option_content else letters,
        }


def samples(root: Path, images: bool = False, texts: bool = False) -> Iterator[Sample]:
    for item in items(root, img_crp=images, text_crp=texts):
        yield sample_of(root, item, item["question"].strip(), item["choices"], item["gt_choice"])


TASKS = (
    Scenario(
        name="chef-scienceqa",
        kind="vqa",
        meta_files=FILES,
        answer_files=("ScienceQA",),
        protocols={"standard": ChoiceScorer(), "chef": LetterScorer()},
        read=samples,
        own_format=False,
        corrupted=lambda root, part: samples(root, part != "texts", part != "images"),
        corrupted_folder=CORRUPTED,
    ),
)
