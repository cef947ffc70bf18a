"""Samples that are told while their file is still being read are those of the whole file."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench import loading
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.runner import content_of, flow_of
from lamm_bench.data.locate import find_root
from lamm_bench.errors import BenchError
from lamm_bench.loading import json_entries, load_json
from lamm_bench.task import first_items, read_items

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists, max_leaves=4)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=4)


def names() -> list[str]:
    return [task.name for task in load_catalog().ordered() if hasattr(task, "first") and not getattr(task, "apart", False)]


@pytest.mark.parametrize("name", names())
def test_first_samples_are_those_of_the_file(name: str) -> None:
    root, _ = find_root(None, lambda text: None)
    task: Any = load_catalog().tasks[name]
    first, whole = list(task.first(root)), list(task.samples(root))
    recipe = load_catalog().recipe("lamm/standard", ())
    assert [content_of(one) for one in first] == [content_of(one) for one in whole]
    for early, late in zip(first, whole):
        assert next(flow_of(recipe, task, early, 0)) == next(flow_of(recipe, task, late, 0))


def test_all_of_lamms_tasks_can_be_begun_so() -> None:
    catalog = load_catalog()
    assert {*names()} == {task.name for task in catalog.select_tasks("all")}


@given(
    entries=st.lists(OBJECTS),
    piece=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
    ascii_=st.booleans(),
    mark=st.booleans(),
)
def test_entries_are_those_of_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Any], piece: int, indent: int | None, ascii_: bool, mark: bool
) -> None:
    path = tmp_path_factory.mktemp("entries") / "some.json"
    text = json.dumps(entries, indent=indent, ensure_ascii=ascii_)
    path.write_text(text, encoding="utf-8-sig" if mark else "utf-8", errors="backslashreplace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "PIECE", piece)
        assert list(json_entries(path)) == load_json(path)


@given(entries=st.lists(OBJECTS, min_size=1), cut=st.integers(0, 400), piece=st.integers(1, 60))
def test_what_is_wrong_with_a_file_ends_its_entries_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Any], cut: int, piece: int
) -> None:
    path = tmp_path_factory.mktemp("entries") / "some.json"
    data = json.dumps(entries).encode()
    path.write_bytes(data[:cut])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "PIECE", piece)
        found = list(json_entries(path))
    assert found == entries[: len(found)]


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1, 2]", b"nonsense", b"\xff\xfe[\0", b"[{}", b"[" * 100_000, b'[{"a": ' + b"9" * 5000 + b"}]"]
)
def test_files_that_are_no_lists_of_objects(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "some.json").write_bytes(data)
    assert list(json_entries(tmp_path / "some.json")) == ([{}] if data == b"[{}" else [])
    assert list(json_entries(tmp_path)) == list(json_entries(tmp_path / "none.json")) == []


@given(ids=st.lists(st.sampled_from([None, 1, 2, "1", "a", "3", 3.0, "a#2"]), max_size=8))
def test_items_have_the_names_of_the_whole_file(tmp_path_factory: pytest.TempPathFactory, ids: list[Any]) -> None:
    root = tmp_path_factory.mktemp("items")
    (root / "some.json").write_text(json.dumps([{} if one is None else {"id": one} for one in ids]))
    whole = list(read_items(root, ["some.json"]))
    first = list(first_items(root, ["some.json"]))
    assert first == list(islice(whole, len(first)))
    told = [str(index) if one is None else str(int(one)) if one == 3.0 else str(one) for index, one in enumerate(ids)]
    assert len(first) == next((index for index, one in enumerate(told) if one in told[:index]), len(ids))


def test_an_item_without_a_usable_id_is_told(tmp_path: Path) -> None:
    (tmp_path / "some.json").write_text('[{"id": "a"}, {"id": [1]}]')
    with pytest.raises(BenchError, match="item 1: `id` is"):
        list(first_items(tmp_path, ["some.json"]))
