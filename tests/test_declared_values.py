"""What plain words of a task file and odd values of rows mean: labels as they are written, categories that are truth values or numbers,
lists as NumPy prints them, places that a table holds as texts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.errors import BenchError
from lamm_bench.types import Sample

from .declared_kit import declared, scored, write_jsonl, write_table

LETTERED = """
name: my
data: {files: d.jsonl}
sample: {question: "{q}\\n{@options}", choices: %s, target: "{a}"}
read: letter
metric: accuracy
"""
ASKED = """
name: my
data: {files: d.jsonl, keep: %s}
sample: {id: "{id}", question: Q, target: x}
read: text
metric: accuracy
"""


def lettered(tmp_path: Path, choices: str, row: dict[str, Any]) -> Sample:
    write_jsonl(tmp_path / "d.jsonl", [{"q": "Which?", **row}])
    (sample,) = declared(LETTERED % choices, tmp_path).samples(tmp_path)
    return sample


def test_labels_are_what_is_written(tmp_path: Path) -> None:
    written = "[no, 1.0, 1e3, 007, 2020-01-01, True, 0x1F, 1_000]"
    sample = lettered(tmp_path, written, {"a": "2020-01-01"})
    assert sample.choices == ("no", "1.0", "1e3", "007", "2020-01-01", "True", "0x1F", "1_000") and sample.target == 4
    assert lettered(tmp_path, "[1.50, 2.00]", {"a": "2.00"}).choices == ("1.50", "2.00")


@pytest.mark.parametrize(
    ("keep", "values"),
    [
        ("{v: 1.0}", ["1.0", "1", 1, 1.0]),
        ("{v: True}", ["True", True, "true"]),
        ("{v: 007}", ["007", 7]),
        ("{v: no}", ["no"]),
        ("{v: 2020-01-01}", ["2020-01-01"]),
        ('{v: ""}', ["", None]),
    ],
)
def test_rows_are_kept_by_what_is_written_and_by_what_it_means(keep: str, values: list[Any], tmp_path: Path) -> None:
    rows = [{"id": f"{n}", "v": value} for n, value in enumerate([*values, "other", 2, False])]
    write_jsonl(tmp_path / "d.jsonl", rows)
    kept = [sample.id for sample in declared(ASKED % keep, tmp_path).samples(tmp_path)]
    assert kept == [f"{n}" for n in range(len(values))]


def test_groups_and_categories_may_be_truth_values_and_numbers(tmp_path: Path) -> None:
    rows = [{"id": n, "pair": n // 2, "flag": n < 4, "level": float(n % 2)} for n in range(6)]
    write_jsonl(tmp_path / "d.jsonl", rows)
    text = """
name: my
data: {files: d.jsonl}
sample: {id: "{id}", question: Q, target: x, meta: {pair: "{pair}", flag: "{flag}", level: "{level}"}}
read: text
metric: {name: accuracy, by: [flag, level], together: {flagged: {of: pair, where: {flag: true}}, low: {of: pair, where: {level: 0}}}}
"""
    task = declared(text, tmp_path)
    samples = task.samples(tmp_path)
    found = scored(task, samples, {sample.id: "y" if sample.id == "1" else "x" for sample in samples}).metrics
    assert (found["flagged"].value, found["flagged"].n) == (50.0, 2)
    assert (found["low"].value, found["low"].n) == (100.0, 3)
    assert found["accuracy/true"].value == 75.0 and found["accuracy/1"].value == pytest.approx(200 / 3)


def test_categories_may_hold_any_mark_and_be_absent(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"id": n, "c": c} for n, c in enumerate(("a|b", "a", None, "a|macro|b"))])
    text = 'name: my\ndata: {files: d.jsonl}\nsample: {id: "{id}", question: Q, target: x, meta: {c: "{c?}"}}\nread: text\nmetric: {name: accuracy, by: c, macro: c}'
    task = declared(text, tmp_path)
    samples = task.samples(tmp_path)
    found = scored(task, samples, {"0": "x", "1": "y", "2": "y", "3": "x"}).metrics
    assert (
        found["macro_accuracy"].value == 50.0 and found["accuracy/(none)"].value == 0.0 and found["accuracy/a|b"].value == 100.0
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("['a' 'b' 'c']", ("a", "b", "c")),
        ("['a\\'s' \"b's\"\n 'c d']", ("a's", "b's", "c d")),
        ("[1 2 3]", ("1", "2", "3")),
        ("[0.5 2.]", ("0.5", "2")),
        ("['a', 'b']", ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ("('a', 'b')", ("a", "b")),
    ],
)
def test_lists_may_be_written_as_python_and_as_numpy_write_them(written: str, read: tuple[str, ...], tmp_path: Path) -> None:
    assert lettered(tmp_path, '"{o|pylist}"', {"o": written, "a": "A"}).choices == read


@pytest.mark.parametrize(
    "written",
    ["['a' ... 'b']", "[a b]", "['a' + 'b']", "[1 2, 3 x]", "array(['a'])", "['a' 'b'", "[__import__('os')]", "['a', 'b' 'c']"],
)
def test_what_is_no_list_is_refused_with_its_row(written: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="d.jsonl line 1: column `o` is .*`pylist` cannot take"):
        lettered(tmp_path, '"{o|pylist}"', {"o": written, "a": "A"})


@pytest.mark.parametrize(
    ("options", "answer", "place"),
    [
        (["x", "y", "z"], "1", 1),  # tables know no numbers
        (["x", "y", "z"], "2.0", 2),
        (["3", "4", "5"], "4", 1),
        (["0", "1", "2"], "1", 1),
        (["x", "y"], 1.0, 1),
    ],
)
def test_a_place_may_be_a_text(options: list[str], answer: Any, place: int, tmp_path: Path) -> None:
    assert lettered(tmp_path, '"{o}"', {"o": options, "a": answer}).target == place


@pytest.mark.parametrize(
    ("options", "answer"), [(["3", "4", "5"], "1"), (["x", "y"], "2"), (["x", "y"], "-1"), (["x", "y"], "1.5")]
)
def test_a_text_that_may_be_no_place_is_refused(options: list[str], answer: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="d.jsonl line 1: its target is"):
        lettered(tmp_path, '"{o}"', {"o": options, "a": answer})


def test_places_that_are_counted_from_one(tmp_path: Path) -> None:
    text = LETTERED.replace("{a}", "{a|from_one}").replace("d.jsonl", "d.csv") % '["{o1}", "{o2}"]'
    write_table(tmp_path / "d.csv", [{"q": "Q", "o1": "x", "o2": "y", "a": 2}, {"q": "Q", "o1": "x", "o2": "y", "a": 1}], ",")
    assert [sample.target for sample in declared(text, tmp_path).samples(tmp_path)] == [1, 0]
    write_table(tmp_path / "d.csv", [{"q": "Q", "o1": "x", "o2": "y", "a": 0}], ",")
    with pytest.raises(BenchError, match="`from_one` cannot take: expected a whole number from 1 on"):
        declared(text, tmp_path).samples(tmp_path)


@pytest.mark.parametrize(
    ("metric", "read", "truths", "answers", "figure"),
    [
        # three answers about a, one about b: the mean of the two means
        ("anls", "text", ["abcd", "abcd", "abcd", "abcde"], ["abcx", "abcd", "abcd", "abcdx"], (75 + 100 + 100) / 6 + 40),
        ("error", "number", [4, 4, 4, 10], ["5", "6", "4", "0"], (1 + 10) / 2),
        ("mra", "number", [10, 10, 10, 10], ["9", "10", "10", "9"], (80 + 100 + 100) / 6 + 40),
        ("vqa", "text", [["x"] * 2 + ["y"] * 8] * 4, ["x", "y", "y", "x"], (60 + 100 + 100) / 6 + 30),
        ("iou", "box", [[0, 0, 1, 1]] * 4, ["[0, 0, 1, 0.4]", "[0, 0, 1, 1]", "[0, 0, 1, 1]", "[0, 0, 1, 1]"], 100 / 3 + 50),
        ("balanced", "yes_no", ["yes", "yes", "no", "no"], ["yes", "yes", "yes", "no"], (50 + 100) / 2),
        ("accuracy", "yes_no", ["yes", "yes", "no", "no"], ["yes", "yes", "yes", "no"], 100 / 3 + 50),
    ],
)
def test_a_mean_of_means_is_one_of_the_headline(
    metric: str, read: str, truths: list[Any], answers: list[str], figure: float, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"id": n, "a": truth, "c": "aaab"[n]} for n, truth in enumerate(truths)])
    text = f'name: my\ndata: {{files: d.jsonl}}\nsample: {{id: "{{id}}", question: Q, target: "{{a}}", meta: {{c: "{{c}}"}}}}\nread: {read}\nmetric: {{name: {metric}, macro: c}}'
    task = declared(text, tmp_path)
    found = scored(task, task.samples(tmp_path), {str(n): said for n, said in enumerate(answers)})
    name, headline = found.headline
    plain = list(found.metrics.values())[1]
    assert name.startswith("macro_") and headline.value == pytest.approx(figure)
    assert (headline.unit, headline.better) == (plain.unit, plain.better)


@pytest.mark.parametrize("digits", [200, 320])
@pytest.mark.parametrize("metric", ["error", "mra", "accuracy"])
def test_numbers_of_hundreds_of_digits_are_answers_too(metric: str, digits: int, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"id": n, "a": truth} for n, truth in enumerate((3, 1e308, 3))])
    text = f'name: my\ndata: {{files: d.jsonl}}\nsample: {{id: "{{id}}", question: Q, target: "{{a}}"}}\nread: number\nmetric: {metric}'
    task = declared(text, tmp_path)
    found = scored(task, task.samples(tmp_path), {"0": "9" * 300, "1": "-" + "9" * digits, "2": "3"})
    assert all(each.value is not None and math.isfinite(each.value) for each in found.metrics.values())
    json.dumps(found.to_json(samples=True), allow_nan=False)
