"""MMBench (Liu et al. 2023, arXiv 2307.06281): each question once, and again with its options turned by one place (circular).

`MMBench/mmbench_dev_20230712.tsv` is the official table; its pictures must have been written to `images/mmbench_image_<index>.png`
(reference 9.3). A turned row has its question's index plus 1,000,000 for each turn."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import load_json, read_text
from lamm_bench.task import Item, find_meta, items_in
from lamm_bench.types import Sample

from .mmbench_scoring import CircularScorer, MMBenchScorer, base_of
from .scenario import Scenario, UpstreamItem, listed, picture, sample_of

FILE = "MMBench/mmbench_dev_20230712.tsv"
CORRUPTED = "ChEF/MMBench_C"
LETTERS = "ABCDE"
# what pandas, with which upstream reads the table, takes for an empty cell
ODD = ("#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN")
EMPTY = frozenset([*ODD, "", "#N/A", "#NA", "-NaN", "-nan", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"])


def rows(root: Path) -> tuple[Path, list[Item]]:
    """The table's rows, empty cells left out."""
    file = find_meta(root, (FILE,))
    csv.field_size_limit(1 << 30)  # pictures stand in the cells
    table = csv.DictReader(io.StringIO(read_text(file)), delimiter="\t")
    lacking = [name for name in ("index", "question", "A", "B", "answer") if name not in (table.fieldnames or ())]
    if lacking:
        raise BenchError(
            f"{file} has no column `{lacking[0]}`; expected MMBench's table with index, question, hint, A ... and answer"
        )
    try:
        entries = [{key: cell for key, cell in row.items() if key and cell is not None and cell not in EMPTY} for row in table]
    except csv.Error as error:
        raise BenchError(f"{file} line {table.line_num} cannot be read: {error}") from None
    return file, list(items_in(file, entries, "index"))


def items(
    root: Path,
    sys_prompt: str = "Options:",
    hint: bool = True,
    ppl: bool = True,
    content_only: bool = False,
    generative: bool = False,
    img_crp: bool = False,
    text_crp: bool = False,
) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the table; `sys_prompt` is the words between question and options, upstream's or others."""
    file, table = rows(root)
    turned = load_json(root / CORRUPTED / "MMBench_C.json") if text_crp else []
    for number, item in enumerate(table):
        there = [letter for letter in LETTERS if letter in item.data]
        choices = [str(item.data[letter]) for letter in there]
        target = target_of(item)
        hinted = f"{item.data['hint']} " if hint and "hint" in item.data else ""
        question = f"{hinted}{item.text('question')} "
        if text_crp:
            question, choices, target = corrupted(turned, number, item)
            there = list(LETTERS)
        elif not generative:
            question += f"{sys_prompt}\n" + "".join(f"({letter}) {text}\n" for letter, text in zip(there, choices))
        name = f"{number}.png" if img_crp else f"mmbench_image_{item.text('index')}.png"
        letters = [f"({letter}" for letter, _ in zip(there, choices)]
        yield {
            "id": item.id,
            "image_path": picture(root, root / CORRUPTED / "images" if img_crp else file.parent / "images", name, item),
            "question": question,
            "choices": choices,
            "gt_choice": target,
            "gt_answers": f"({LETTERS[target]})" if ppl else choices[target],
            **({"options": choices if content_only or generative else letters} if ppl else {}),
        }


def target_of(item: Item) -> int:
    """The index of the right option; a letter whose option is empty is refused."""
    letter = item.get("answer", check=lambda v: v in set(LETTERS), expected="one letter of A to E")
    place = LETTERS.index(str(letter))
    if any(other not in item.data for other in LETTERS[: place + 1]):
        raise item.fault(f"`answer` is {letter}, and not all options up to {letter} have a text")
    return place


def corrupted(turned: Any, number: int, item: Item) -> tuple[str, list[str], int]:
    """Question, options and truth of a row of the corrupted texts, which stand in the table's order."""
    if not isinstance(turned, list) or number >= len(turned) or not isinstance(turned[number], dict):
        raise item.fault(f"{CORRUPTED}/MMBench_C.json has no entry {number}")
    own = Item(item.file, number, item.id, turned[number])
    question = own.text("query")
    for letter in LETTERS:
        question = question.replace(f" ({letter})", f"\n({letter})")
    return (
        question,
        own.texts("gt_choices", least=2),
        int(own.get("gt_choice", check=lambda v: type(v) is int, expected="an index")),
    )


def samples(root: Path, images: bool = False, texts: bool = False) -> Iterator[Sample]:
    """Rows of one question share its picture, and so do questions about the same one: they are one cluster."""
    pictures = {item.id: item.data.get("image", item.id) for item in rows(root)[1]}
    seen: dict[str, str] = {}  # picture -> the first row that has it
    found = list(items(root, img_crp=images, text_crp=texts))
    sizes = Counter(base_of(item["id"]) for item in found)
    for item in sorted(found, key=lambda item: (len(item["id"]), item["id"])):
        base = base_of(item["id"])
        seen.setdefault(base, seen.setdefault(str(pictures[item["id"]]), base))
    for item in found:
        base = base_of(item["id"])
        question = item["question"].partition("\n(A)" if texts else " Options:\n")[0]
        made = sample_of(
            root, item, listed(question, item["choices"]), item["choices"], item["gt_choice"], base=base, of=sizes[base]
        )
        yield Sample(made.id, made.question, made.media, made.target, seen[base], made.choices, (), made.meta)


TASKS = (
    Scenario(
        name="chef-mmbench",
        kind="vqa",
        meta_files=(FILE,),
        answer_files=("MMBench",),
        protocols={"standard": CircularScorer(), "chef": MMBenchScorer()},
        read=samples,
        corrupted=lambda root, part: samples(root, part != "texts", part != "images"),
        corrupted_folder=CORRUPTED,
    ),
)
