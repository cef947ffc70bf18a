"""Files of others: whatever is wrong with one is a sentence that names it, and costs no other."""

from __future__ import annotations

import doctest
import importlib
import json
import os
from pathlib import Path

import pytest

from lamm_bench.ask.chat import read_questions
from lamm_bench.ask.instruction import prompt_file
from lamm_bench.ask.recipe import load_recipe, parse_recipe
from lamm_bench.errors import BenchError, unknown, visible
from lamm_bench.keep.answers import read_answers
from lamm_bench.loading import load_json, parse_yaml
from lamm_bench.task import read_items
from lamm_bench.types import Sample

from .commands import lamm_bench
from .fakes import draw_root

DEEP, DIGITS = "[" * 99_999, f'[{{"id": {"9" * 5000}}}]'


@pytest.mark.parametrize(
    "module",
    [
        "errors",
        "loading",
        "task",
        "keep.answers",
        "keep.files",
        "keep.secrets",
        "keep.manifest",
        "ask.outcome",
        "show.tables",
        "show.board_formats",
        "remote.server",
        "remote.reply",
    ],
)
def test_the_examples_in_the_text_hold(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"lamm_bench.{module}")).failed == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (DEEP, "nests too deep"),
        (DIGITS, "thousands of digits"),
        ("[1,", "is not JSON: "),
        (" \n", "it is empty"),
        (b"\xff\xfe\xff", "it is not UTF-8"),
        (b'["caf\xe9"]', r"it is not UTF-8 \(byte 5\)"),
    ],
)
def test_json_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: str | bytes, said: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BenchError, match=rf"a\.json.*{said}") as error:
        load_json(path)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_any_marked_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_bytes('["é\u2028"]'.encode(encoding))
    assert load_json(tmp_path / "a.json") == ["é\u2028"]


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, said in (
        ("pipe", "a pipe or a device"),
        (".", "it is a folder"),
        ("x" * 300, "File name too long"),
        ("a\0b", "cannot be read"),
        ("no", "is missing"),
    ):
        with pytest.raises(BenchError, match=said):
            load_json(tmp_path / name)


def test_half_a_surrogate_pair_is_kept_as_its_escape(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"\\ud83d": ["HO\\ud83dTEL", "\\ud83d\\ude00"]}')
    assert load_json(tmp_path / "a.json") == {"\\ud83d": ["HO\\ud83dTEL", "😀"]}


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "x:\n  a: {b: 1, b: 1}\n", "[{a: 1, 'a': 2}]"])
def test_a_key_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(BenchError, match=r"^mine\.yaml is not YAML: `[ab]` stands there twice line \d"):
        parse_yaml(text, "mine.yaml")


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "{" * 9999, "a: [", f"a: {'9' * 5000}", "a: !!python/object:os.system x"])
def test_yaml_that_cannot_be_read_is_one_sentence_without_our_words(text: str) -> None:
    for read in (lambda: parse_recipe(text, "mine"), lambda: parse_yaml(text, "mine.yaml")):
        try:
            read()
        except BenchError as error:
            assert "unicode string" not in str(error) and "mine" in str(error)


@pytest.mark.parametrize(
    "setting", ["temperature: .nan", "temperature: -1", "top_p: 0", "max_new_tokens: 2.5", "max_new_tokens: .inf"]
)
def test_numbers_that_mean_nothing_are_refused_in_recipes(setting: str) -> None:
    text = f"scenario: {{}}\ninstruction: {{}}\nmetric: {{}}\ninferencer:\n  name: direct\n  {setting}\n"
    with pytest.raises(BenchError, match=setting.split(":")[0]):
        parse_recipe(text, "mine")


def test_recipes_and_prompts_that_are_no_text_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00")
    for read in (lambda: load_recipe(tmp_path / "r.yaml", "r"), lambda: prompt_file(str(tmp_path / "r.yaml"))):
        with pytest.raises(BenchError, match=r"r\.yaml cannot be read: it is not UTF-8"):
            read()


# --- meta files


def items(tmp_path: Path, *ids: object) -> list[str]:
    (tmp_path / "2D_Benchmark/meta_file").mkdir(parents=True, exist_ok=True)
    (tmp_path / "2D_Benchmark/meta_file/t.json").write_text(json.dumps([{"id": name} for name in ids]))
    return [item.id for item in read_items(tmp_path, ["2D_Benchmark/meta_file/t.json"])]


def test_no_two_items_ever_share_an_id(tmp_path: Path) -> None:
    assert items(tmp_path, "a#2", "a", "a") == ["a#2", "a", "a#2~"]
    assert items(tmp_path, "a", "a", "a#1", "a#1") == ["a", "a#1~", "a#1", "a#1#3"]
    assert items(tmp_path, 1.0, None, 7, "7") == ["1", "1#1", "7", "7#3"]


def test_answers_find_items_whose_ids_were_repeated(tmp_path: Path) -> None:
    samples = [Sample(name, "", (), None, "") for name in items(tmp_path, "a#2", "a", "a")]
    (tmp_path / "a.json").write_text(json.dumps([{"id": "a", "text": "1"}, {"id": "a#2", "text": "0"}, {"id": "a", "text": "2"}]))
    found, notes = read_answers(tmp_path / "a.json").by_id(samples)
    assert {name: answer.text for name, answer in found.items()} == {"a#2": "0", "a": "1", "a#2~": "2"} and notes == []


def test_an_unreadable_meta_file_costs_its_own_task_only(tmp_path: Path) -> None:
    for name, content in (("colours", DEEP), ("shades", DIGITS)):
        root = draw_root(tmp_path / name)
        (root / "2D_Benchmark/meta_file/Classification_CIFAR10.json").write_text(content)
        (root / "2D_Benchmark/meta_file/OCR_SVT.json").write_text(
            '[{"id": 1, "image": "pics/0.png", "query": "?", "word_list": ["A"]}]'
        )
        result = lamm_bench(
            "run", "--model", "chance", "--tasks", "cifar10,svt", "--data-root", root, "--output", tmp_path / f"r-{name}"
        )
        assert result.exit_code == 3 and "cifar10: MISSING" in result.output and "word_recall" in result.output


# --- answer files


@pytest.mark.parametrize(
    ("entries", "texts", "noted"),
    [
        ([{"id": "a", "text": None}, {"id": "b", "text": "x"}], {"b": "x"}, "entry 0: `text` is null"),
        ([{"id": "a", "text": 3}, {"id": "b", "answer": 2.5}], {"a": "3", "b": "2.5"}, ""),
        ([{"id": "a", "text": True}, {"id": "b", "text": "x"}], {"b": "x"}, "`text` is true"),
        ([3, {"id": "b", "text": "x"}], {"b": "x"}, "entry 0 is 3"),
        ([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}], {"a": "x"}, "the first counts"),
        ([{"id": "a", "text": None}, {"id": "a", "text": "y"}], {"a": "y"}, "null"),
        ([{"id": "c", "text": "x"}, {"id": "a", "text": "x"}], {"a": "x"}, 'whose id no item has: "c"'),
    ],
)
def test_one_odd_answer_costs_no_other(tmp_path: Path, entries: list[object], texts: dict[str, str], noted: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(entries))
    found, notes = read_answers(tmp_path / "a.json").by_id([Sample(name, "", (), None, "") for name in "ab"])
    assert {name: answer.text for name, answer in found.items()} == texts
    assert noted in " ".join(notes) and bool(notes) == bool(noted)


def test_lines_are_split_at_line_feeds_alone(tmp_path: Path) -> None:
    text = "".join(
        json.dumps({"id": name, "text": f"x{mark}y"}, ensure_ascii=False) + "\r\n"
        for name, mark in zip("abc", "\u2028\u0085\x1c")
    )
    (tmp_path / "a.jsonl").write_bytes(text.replace("\\u001c", "\x1c").encode() if "\\u001c" not in text else text.encode())
    assert len(read_answers(tmp_path / "a.jsonl").texts) == 3
    questions = [
        json.dumps({"question_id": 1, "text": "a\u2028b"}, ensure_ascii=False),
        json.dumps({"question_id": 2, "text": "c"}),
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(questions), encoding="utf-8")
    assert [question.text for question in read_questions(tmp_path / "q.jsonl")] == ["a\u2028b", "c"]


def test_a_file_of_nothing_else_is_refused_with_the_first_fault(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": [1], "text": "x"}, {"id": "a", "text": null}]')
    with pytest.raises(BenchError, match=r"a\.json: entry 0: `id` is \[1\]"):
        read_answers(tmp_path / "a.json")


def test_only_answered_items_are_scored_where_that_is_asked(tmp_path: Path, mini_root: Path) -> None:
    meta = json.loads((mini_root / "2D_Benchmark/meta_file/OCR_SVT.json").read_text())
    (tmp_path / "a").mkdir()
    (tmp_path / "a/OCR_SVT.json").write_text(
        json.dumps([{"id": item["id"], "text": " ".join(item["word_list"])} for item in meta[:2]])
    )
    words = ("score", "--answers", tmp_path / "a", "--data-root", mini_root, "--tasks", "svt")
    whole, part = lamm_bench(*words, "--json", "-"), lamm_bench(*words, "--subset", "--json", "-")
    assert (whole.exit_code, part.exit_code) == (3, 0)
    results = {entry["protocol"]: entry for entry in json.loads(part.stdout)["results"]}
    for protocol in ("standard", "classic", "chef"):
        assert results[protocol]["counts"]["expected"] == 2 == results[protocol]["counts"]["ok"]
        assert "(--subset)" in results[protocol]["notes"][0]
    assert json.loads(part.stdout)["subset"] == {"svt": f"2 of {len(meta)} items"}
    assert f"svt (2 of {len(meta)}" in " ".join(lamm_bench(*words, "--subset").output.split())


# --- what is shown


def test_nothing_that_a_terminal_obeys_gets_through() -> None:
    assert visible("a\x1b[2J\x9b1m\r\u202eb\tc\nd") == "a\\x1b[2J\\x9b1m\\r\\u202eb\tc\nd"
    assert str(unknown("task", "SVT", ["svt", "cifar10"])) == "no task called 'SVT'. Did you mean 'svt'? There are: cifar10, svt"


def test_escape_sequences_of_data_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    root = draw_root(tmp_path / "data")
    (root / "2D_Benchmark/meta_file/OCR_SVT.json").write_text(
        json.dumps([{"id": "a\x1b[2J", "image": "x\x1b]0;owned\x07.png", "query": "Q \x1b[2J", "word_list": ["A\x1b[2J"]}])
    )
    data = ("--data-root", root)
    for words in (
        ("show", "svt", *data),
        ("run", "--model", "chance", "--tasks", "svt", *data, "--output", tmp_path / "r"),
        ("score", tmp_path / "r", "--samples", *data),
        ("data", "verify", "--tasks", "svt", *data),
        ("show", "svt", "b\x1b[2J", *data),
    ):
        result = lamm_bench(*words)
        assert "\x1b" not in result.output and "\x07" not in result.output, words
        assert "\\x1b" in result.output
