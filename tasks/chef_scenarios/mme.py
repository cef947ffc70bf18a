"""MME (Fu et al. 2023, arXiv 2306.13394): fourteen subtasks, questions to be answered with yes or no, two about each picture.

`MME/<subtask>/` holds for each picture a text file of lines `question<TAB>answer`, beside it or in folders of their own
(`questions_answers_YN`, `images`). Upstream passes over a text file without its picture (reference 9.1, 9.3). Its ids are places in
the file system's listing; here names are sorted, and answer files are joined by picture and question where they tell them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import read_text, shorten
from lamm_bench.task import find_meta
from lamm_bench.types import Sample

from .mme_scoring import MMEScorer, MMEStandard
from .scenario import YES_NO, Scenario, UpstreamItem, yes_no_sample

SUBTASKS = (
    *("commonsense_reasoning", "text_translation", "OCR", "code_reasoning", "numerical_calculation", "color", "posters"),
    *("count", "celebrity", "scene", "position", "existence", "landmark", "artwork"),
)  # the order of upstream's ids
ENDINGS = (".jpg", ".png")
REQUEST = " Please answer yes or no."  # ends every question of MME


def items(root: Path, generative: bool = False) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the folders."""
    folder = find_meta(root, ("MME",))
    place = 0
    for subtask in SUBTASKS:
        if not (folder / subtask).is_dir():
            raise BenchError(f"{folder / subtask} is missing; MME has a folder for each of its fourteen subtasks")
        for texts, image in asked(folder / subtask):
            for question, answer in lines_of(texts):
                yield {
                    "id": str(place),
                    "image_path": image.relative_to(root).as_posix(),
                    "question": question.replace(REQUEST, "") if generative else question,
                    "gt_answers": answer,
                    "task_type": subtask,
                    "options": list(YES_NO),
                }
                place += 1


def asked(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The text files of a subtask with their pictures. In the layout of two folders the first text file decides the pictures' ending."""
    split = (folder / "questions_answers_YN").is_dir()
    texts = sorted((folder / "questions_answers_YN" if split else folder).glob("*.txt"))
    pictures = folder / "images" if split else folder
    if not texts:
        raise BenchError(f"{folder} holds no questions; expected text files with lines of question, tab and answer")
    endings = [ending for ending in ENDINGS if (pictures / (texts[0].stem + ending)).is_file()][:1] if split else ENDINGS
    for file in texts:
        image = next((pictures / (file.stem + ending) for ending in endings if (pictures / (file.stem + ending)).is_file()), None)
        if image is not None:
            yield file, image


def oddities(root: Path) -> Iterator[tuple[str, str]]:
    """Text files without their picture, which upstream passes over, and pictures without a text file."""
    folder = find_meta(root, ("MME",))
    for subtask in SUBTASKS:
        pairs = list(asked(folder / subtask))
        there = {path for path in (folder / subtask).rglob("*") if path.suffix in (".txt", *ENDINGS)}
        for path in sorted(there - {path for pair in pairs for path in pair}):
            what = "has no picture, and is passed over" if path.suffix == ".txt" else "has no questions"
            yield path.relative_to(root).as_posix(), what


def lines_of(file: Path) -> Iterator[tuple[str, str]]:
    """Question and answer of every line that is not empty."""
    for number, line in enumerate(read_text(file).splitlines(), 1):
        if not line.strip():
            continue
        question, _, answer = line.strip().partition("\t")
        if answer.strip() not in YES_NO:
            raise BenchError(f"{file} line {number} is {shorten(line)}, expected a question, a tab, and Yes or No")
        yield question, answer.strip()


def content_of(entry: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Subtask, picture and question of an entry of an answer file; None where it does not tell them.

    >>> content_of({"image_path": "MME/artwork/images/ar00.jpg", "question": "Is it?"})
    ('artwork', 'ar00', 'Is it?')
    """
    path, question = entry.get("image_path"), entry.get("question")
    path = path[0] if isinstance(path, list) and path else path
    if not isinstance(path, str) or not isinstance(question, str):
        return None
    parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part != "images"]
    return (parts[-2], PurePosixPath(parts[-1]).stem, question) if len(parts) > 1 else None


def samples(root: Path) -> Iterator[Sample]:
    found = list(items(root))
    sizes = Counter(item["image_path"] for item in found)
    for item in found:
        yield yes_no_sample(root, item, subtask=item["task_type"], of=sizes[item["image_path"]], content=content_of(item))


TASKS = (
    Scenario(
        name="chef-mme",
        kind="yes_no",
        meta_files=("MME",),
        answer_files=("MME",),
        protocols={"standard": MMEStandard(), "chef": MMEScorer()},
        read=samples,
        content_of=content_of,
        oddities=oddities,
        max_new_tokens=16,
    ),
)
