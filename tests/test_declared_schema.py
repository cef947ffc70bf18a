"""The JSON Schema for editors and the loader are of one mind: what one takes, the other takes, on thousands of files that are wrong somewhere."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import FOLDER
from lamm_bench.declared.document import parse
from lamm_bench.declared.filters import FILTERS
from lamm_bench.declared.schema import json_schema
from lamm_bench.errors import BenchError

from .declared_kit import declared

jsonschema = pytest.importorskip("jsonschema", reason="the extra `test` brings it")
BEYOND = (
    "entry of `sample.meta`",
    "below which none of the files",
)  # names elsewhere in the file, of which a schema knows nothing
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.5, 5, 0.3, 16.0, 1e9, "", "x", "{x}", "{x?|strip}", "{x|foo}", "{x|item}", "{x|item:a}", "{x|item:-1}"),
    *("{", "{{}}", "{}", "{?}", "{@row}", "{@rows}", "{ x | strip }", "a b", "a\nb", "x\n", "/x", "../x", "x/y", "x/../y", "C:/x", "a\\b", "letter"),
    *("text", "box", "located", "accuracy", "iou", "captions", "yes", "no", "scannet", "centre", "xywh", [], ["x"], [1], [[1]], {}, {"x": "y"}),
    *({"x": {"y": "z"}}, "0" * 40, "vqa", "<{n}>"),
)  # fmt: skip
KEYS = (
    "x name image cloud scene choices form scale draw encoding folder interleave box thing group meta by together at macro at_least words "
    "blanks also kind groups max_new_tokens get about keep join each levels count gather format otherwise as on"
).split()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def spoiled(value: Any, rng: random.Random) -> Any:
    """The value with another one, one less or one more somewhere."""
    value = copy.deepcopy(value)
    *path, last = rng.choice(places(value)[1:])
    inside = value
    for step in path:
        inside = inside[step]
    what, new = rng.random(), copy.deepcopy(rng.choice(VALUES))
    if what < 0.5:
        inside[last] = new
    elif what < 0.65:
        del inside[last]
    elif isinstance(inside, dict):
        inside[rng.choice(KEYS)] = new
    else:
        inside.append(new)
    return value


@pytest.mark.parametrize("seed", range(4))
def test_the_schema_takes_what_the_loader_takes_and_nothing_else(seed: int, tmp_path: Path) -> None:
    shelf = [parse(file.read_text(), file.name).value for file in sorted((FOLDER / "tasks").glob("*.yaml"))]
    validator, rng = jsonschema.Draft202012Validator(json_schema()), random.Random(seed)
    ends: Counter[bool] = Counter()
    for _ in range(500):
        value, said = spoiled(rng.choice(shelf), rng), ""
        try:
            declared(json.dumps(value), tmp_path)
        except BenchError as error:
            said = str(error)
        ends[not said] += 1
        if not any(words in said for words in BEYOND):
            assert validator.is_valid(value) == (not said), (value, said)
    assert min(ends[True], ends[False]) > 50


@pytest.mark.parametrize("name", [name for name, own in FILTERS.items() if own.argument])
def test_a_filter_without_its_argument_is_refused_where_the_file_is_read(name: str, tmp_path: Path) -> None:
    text = 'name: my\ndata: {files: d.jsonl}\nsample: {question: "%s", target: x}\nread: text\nmetric: accuracy\n'
    declared(text % FILTERS[name].example, tmp_path)
    for wrong in (f"{{q|{name}}}", *([f"{{q|{name}:}}"] if name != "join" else ())):
        with pytest.raises(BenchError, match=f"my.yaml, line 3: `sample.question` .*`{name}`"):
            declared(text % wrong, tmp_path)
