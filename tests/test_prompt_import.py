"""Upstream's prompt texts, from a small checkout with upstream's names and texts of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.constants import Unreadable, constants_of
from lamm_bench.ask.instruction import prompt_file
from lamm_bench.ask.prompt_import import KINDS, LOCATING, import_prompts, read_checkout
from lamm_bench.ask.recipe import load_recipe
from lamm_bench.errors import BenchError

from .commands import lamm_bench

SYSMSG = '''
import os
raise RuntimeError("this file was run")
HEAD = "Toy system. "
CLASSIFICATION_SYS = HEAD + "Say the class."
DETECTION_SYS = (
    "Toy system. "
    "Box the things."
)
VQA_SYS = f"{HEAD}Say the letter."
COUNT_SYS = """Two
lines."""
COUNT_SYS += " And more."
NAMED_SYS = "By its name."
LSP_SYS: str = "Point at the {} here."
common_task2sysmsg = {
    "Classification": CLASSIFICATION_SYS,
    'Detection': DETECTION_SYS,
    "VQA": VQA_SYS,
    "Counting": COUNT_SYS,
    "OCR": "NAMED_SYS",
    "Facial_Classification": 'In place: "quoted" ünïcode # no comment',
    "Smelling": NAMED_SYS,
}
common_task2sysmsg["Caption3D"] = "Later."
locating_task2sysmsg = dict_of_nothing_used = {"LSP": LSP_SYS, "VOC2012": NAMED_SYS}
unrelated = os.environ.get("HOME")
'''
CONVERSATIONS = """
from dataclasses import dataclass
conversation_dict = {
    "VQA": "Answer from training.",
    "detection": "Toy " "training.",
}
conv_templates = {"default": make(system="x")}
"""


@pytest.fixture(params=["src/ChEF/scenario/lamm_sysmsg.py", "src/datasets/system_msg.py"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = tmp_path / "LAMM"
    for name, text in ((request.param, SYSMSG), ("src/model/LAMM/conversations.py", CONVERSATIONS)):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_the_texts_come_over_word_by_word(checkout: Path, tmp_path: Path) -> None:
    import_prompts(checkout, tmp_path / "upstream.yaml")
    prompts = prompt_file(str(tmp_path / "upstream.yaml"))
    assert prompts.system == {
        "classification": "Toy system. Say the class.",
        "detection": "Toy system. Box the things.",
        "vqa": "Toy system. Say the letter.",
        "counting": "Two\nlines. And more.",
        "ocr": "By its name.",
        "facial_classification": 'In place: "quoted" ünïcode # no comment',
        "captioning3d": "Later.",
        "locating-lsp": "Point at the {} here.",
        "locating-voc2012": "By its name.",
        "training VQA": "Answer from training.",
        "training detection": "Toy training.",
    }
    assert prompts.of_task_type("VQA") == "Answer from training." and prompts.of_task_type("counting").startswith("Two")
    assert "ocr" in prompts.task_types and "visual_grounding3d" not in prompts.task_types


def test_a_task_gets_its_own_message_before_its_kinds(checkout: Path, tmp_path: Path) -> None:
    import_prompts(checkout, tmp_path / "upstream.yaml")
    prompts = prompt_file(str(tmp_path / "upstream.yaml"))
    assert prompts.of_task("locating-lsp", "locating") == "Point at the {} here."
    assert prompts.of_task("cifar10", "classification") == "Toy system. Say the class."
    assert prompts.of_task("svt", "nothing") == ""


def test_every_name_that_is_imported_is_one_of_ours() -> None:
    tasks = {task.name: task for task in load_catalog().select_tasks("all")}
    assert set(LOCATING.values()) == {name for name, task in tasks.items() if task.kind == "locating"}
    assert {task.kind for task in tasks.values()} - {"locating"} <= set(KINDS.values())


def test_a_recipe_can_name_the_file_and_its_texts_are_part_of_the_run(checkout: Path, tmp_path: Path, mini_root: Path) -> None:
    made = lamm_bench("prompts", "import", checkout, "--output", tmp_path / "upstream.yaml")
    assert made.exit_code == 0 and "9 messages of the benchmark and 2 of the training data" in made.stdout
    assert "not used, for no task here asks for them: Smelling" in made.stdout
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        f"scenario: {{tasks: [cifar10]}}\ninstruction: {{prompts: {tmp_path / 'upstream.yaml'}}}\n"
        "inferencer: {name: direct}\nmetric: {}\n"
    )
    shown = lamm_bench("show", "cifar10", "--recipe", recipe, "--data-root", mini_root)
    assert shown.exit_code == 0 and "Toy system. Say the class." in shown.output
    before = load_recipe(recipe, "mine").identity()
    (tmp_path / "upstream.yaml").write_text("system: {classification: Otherwise.}\n")
    prompt_file.cache_clear()
    assert load_recipe(recipe, "mine").identity() != before
    json.dumps(before)


def test_a_prompt_file_is_never_written_over_or_under_a_name_that_no_recipe_could_use(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("system: {}")
    for name, said in (("old.yaml", "is there already"), ("new.txt", "must end in .yaml")):
        result = lamm_bench("prompts", "import", checkout, "--output", tmp_path / name)
        assert result.exit_code == 2 and said in result.stderr
    assert (tmp_path / "old.yaml").read_text() == "system: {}"


def test_a_folder_that_is_no_checkout_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="has neither src/ChEF/scenario/lamm_sysmsg.py nor src/datasets/system_msg.py"):
        read_checkout(tmp_path)
    with pytest.raises(BenchError, match="is no folder"):
        read_checkout(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'HEAD = "Toy system. "',
            "HEAD = make()",
            r"line 4: the text of 'Classification' .* without running the file \(make\(\)\)",
        ),
        ("common_task2sysmsg = {", "common_task2sysmsg = load({", "line 16: common_task2sysmsg cannot be read without running"),
        ("locating_task2sysmsg", "locating", "has no dict called locating_task2sysmsg"),
        ('"OCR": "NAMED_SYS"', '"OCR": 3', "'OCR' in common_task2sysmsg is int, expected a text"),
        ("import os", "import os(", "is not Python"),
    ],
)
def test_a_text_that_cannot_be_read_is_named_with_its_line(checkout: Path, old: str, new: str, said: str) -> None:
    (file,) = [f for f in checkout.rglob("*.py") if f.name != "conversations.py"]
    text = SYSMSG.replace(old, new)
    if "load({" in new:
        text = text.replace("NAMED_SYS,\n}", "NAMED_SYS,\n})")
    file.write_text(text)
    with pytest.raises(BenchError, match=said):
        read_checkout(checkout)


@given(st.dictionaries(st.text(), st.text()))
def test_any_dict_of_texts_is_read_as_python_would(table: dict[str, str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "x.py")
        file.write_bytes(f"x = {table!r}\n".encode("utf-8", "surrogatepass"))
        assert constants_of(file)["x"] == table


def test_what_python_would_have_to_run_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("a = open('/etc/passwd').read()\nb = 'x' * 10**12\nc = [y for y in 'abc']\nd = 'a' + 1\n")
    assert all(isinstance(value, Unreadable) for value in constants_of(tmp_path / "x.py").values())
