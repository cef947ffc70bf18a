"""Benchmark files: every published form of rows gives the same samples, and whatever is wrong is one sentence with its place."""

from __future__ import annotations

import doctest
import gzip
import importlib
import json
import pkgutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamm_bench.declared
from lamm_bench import media
from lamm_bench.declared import files as files_module
from lamm_bench.declared.document import parse
from lamm_bench.declared.filters import FILTERS
from lamm_bench.declared.schema import json_schema
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.measure import texts

from .declared_kit import (
    PLAIN,
    base64_of,
    declared,
    items,
    picture,
    png,
    scored,
    write_json,
    write_jsonl,
    write_parquet,
    write_pictures,
    write_table,
    write_tar,
    write_zip,
)

MODULES = [info.name for info in pkgutil.iter_modules(lamm_bench.declared.__path__)]
IMAGE = 'image: "{image}"'


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    yield folder


@pytest.mark.parametrize("name", [*(f"lamm_bench.declared.{name}" for name in MODULES), texts.__name__])
def test_the_examples_in_docstrings_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


# ------------------------------------------------------------------------------------------------ forms of rows


def as_jsonl(root: Path) -> str:
    write_jsonl(root / "q.jsonl", items())
    write_pictures(root / "images")
    return (PLAIN % "q.jsonl").replace(IMAGE, f"{IMAGE}\n  folder: images")


def as_json(root: Path) -> str:
    write_json(root / "q.json", {"version": 1, "data": {"questions": items()}})
    write_pictures(root / "images")
    text = (PLAIN % "q.json").replace('"q.json"}', '"q.json", at: data.questions}')
    return text.replace(IMAGE, f"{IMAGE}\n  folder: images")


def as_mapping(root: Path) -> str:
    write_json(root / "q.json", {row["id"]: {**row, "id": None} for row in items()})
    write_pictures(root / "images")
    return (PLAIN % "q.json").replace('id: "{id}"', 'id: "{@key}"').replace(IMAGE, f"{IMAGE}\n  folder: images")


def lettered(rows: list[dict]) -> list[dict]:
    return [{**row, **dict(zip("ABC", row["options"])), "options": None} for row in rows]


LETTERS = 'choices: ["{A}", "{B}", "{C?}"]'


def as_tsv(root: Path) -> str:
    rows = [{**row, "image": base64_of(png(number))} for number, row in enumerate(lettered(items()))]
    write_table(root / "q.tsv", rows)
    text = (PLAIN % "q.tsv").replace('choices: "{options}"', LETTERS)
    return text.replace(IMAGE, f"{IMAGE}\n  encoding: base64")


def as_csv(root: Path) -> str:
    write_table(root / "q.csv", lettered(items()), ",")
    write_pictures(root / "images")
    return (PLAIN % "q.csv").replace('choices: "{options}"', LETTERS).replace(IMAGE, 'image: "images/{image}"')


def as_parquet(root: Path) -> str:
    pytest.importorskip("pyarrow", reason="parquet needs the extra `data`")
    rows = [{**row, "image": picture(number)} for number, row in enumerate(items())]
    write_parquet(root / "data/test-00000-of-00002.parquet", rows[:4])
    write_parquet(root / "data/test-00001-of-00002.parquet", rows[4:])
    return PLAIN % "data/test-*.parquet"


def as_parquet_of_columns(root: Path) -> str:
    """Pictures in a list column, options written out as Python lists."""
    pytest.importorskip("pyarrow", reason="parquet needs the extra `data`")
    rows = [{**row, "image": [picture(number)], "options": str(row["options"])} for number, row in enumerate(items())]
    write_parquet(root / "q.parquet", rows, group=100)
    return (PLAIN % "q.parquet").replace('choices: "{options}"', 'choices: "{options|pylist}"')


def as_zip(root: Path) -> str:
    write_jsonl(root / "q.jsonl", items())
    write_zip(root / "images.zip", {f"val/{number}.png": png(number) for number in range(6)})
    return (PLAIN % "q.jsonl").replace(IMAGE, f"{IMAGE}\n  folder: images.zip/val")


def as_zip_of_all(root: Path) -> str:
    rows = "".join(json.dumps(row) + "\n" for row in items()).encode()
    write_zip(root / "all.zip", {"set/q.jsonl": rows, **{f"set/images/{number}.png": png(number) for number in range(6)}})
    return (PLAIN % "all.zip/set/*.jsonl").replace(IMAGE, f"{IMAGE}\n  folder: all.zip/set/images")


def as_webdataset(root: Path) -> str:
    members = {}
    for number, row in enumerate(items()):
        members[f"{number:04d}.png"] = png(number)
        members[f"{number:04d}.json"] = json.dumps(row).encode()
    write_tar(root / "q-000000.tar", members)
    text = (PLAIN % "q-*.tar").replace(IMAGE, 'image: "{png}"')
    for name in ("id", "question", "options", "answer"):
        text = text.replace(f"{{{name}}}", f"{{json.{name}}}")
    return text


def as_joined(root: Path) -> str:
    rows = items()
    write_json(root / "questions.json", {"questions": [{key: row[key] for key in ("id", "question", "image")} for row in rows]})
    write_json(
        root / "answers.json",
        {"annotations": [{"key": row["id"], **{k: row[k] for k in ("options", "answer")}} for row in rows[::-1]]},
    )
    write_pictures(root / "images")
    join = "join: {files: answers.json, at: annotations, on: {left: id, right: key}}"
    text = (PLAIN % "questions.json").replace('"questions.json"}', f'"questions.json", at: questions, {join}}}')
    return text.replace(IMAGE, f"{IMAGE}\n  folder: images")


def as_lists(root: Path) -> str:
    rows = items()
    write_jsonl(root / "q.jsonl", [{"picture": "a", "asked": rows[:2]}, {"picture": "b", "asked": rows[2:]}])
    write_pictures(root / "images")
    text = (PLAIN % "q.jsonl").replace('"q.jsonl"}', '"q.jsonl", each: asked}')
    return text.replace(IMAGE, f"{IMAGE}\n  folder: images")


def as_split(root: Path) -> str:
    rows = [{**row, "split": "test", "hard": True} for row in items()]
    others = [{**row, "id": f"x{row['id']}", "split": "train", "hard": True} for row in items()]
    write_jsonl(root / "q.jsonl", [*others, *rows])
    write_pictures(root / "images")
    text = (PLAIN % "q.jsonl").replace('"q.jsonl"}', '"q.jsonl", keep: {split: [test, val], hard: true}}')
    return text.replace(IMAGE, f"{IMAGE}\n  folder: images")


FORMS = [
    as_jsonl, as_json, as_mapping, as_tsv, as_csv, as_parquet, as_parquet_of_columns, as_zip, as_zip_of_all, as_webdataset, as_joined,
    as_lists, as_split,
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_samples(form, tmp_path: Path) -> None:
    task = declared(form(tmp_path), tmp_path)
    for _ in range(2):  # the second time from the index, where there is one
        samples = task.samples(tmp_path)
        assert [(s.id, s.target, len(s.choices)) for s in samples] == [(f"q{n}", n % 2, 2 + n % 2) for n in range(6)]
        assert samples[1].question == "Which colour has number 1?\n(A) red\n(B) green\n(C) blue"
        assert [media.sha256(s.media[0].path) for s in samples] == [media.sha256(s.media[0].path) for s in samples]
        assert [Path(s.media[0].path).read_bytes() for s in samples] == [png(number) for number in range(6)]
        assert scored(task, samples).headline[1].value == 100.0


def test_folders_are_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write_pictures(tmp_path / "pictures" / name, 3)
    task = declared(
        """
name: folders
data: {files: "pictures/*/*.png", format: folders}
sample: {id: "{class}/{name}", question: "What is it?", image: "{path}", target: "{class}"}
read: text
metric: accuracy
""",
        tmp_path,
    )
    samples = task.samples(tmp_path)
    assert [(s.id, s.target) for s in samples][2:4] == [("cat/2", ["cat"]), ("dog/0", ["dog"])]
    assert scored(task, samples, {s.id: "A dog." for s in samples}).headline[1].value == 50.0


def test_pictures_of_numbered_columns_come_in_their_order_and_empty_ones_fall_out(tmp_path: Path) -> None:
    row = {**items(1)[0], **{f"image_{n}": f"{n}.png" if n != 2 else None for n in (1, 2, 3, 10)}}
    write_jsonl(tmp_path / "q.jsonl", [row])
    task = declared((PLAIN % "q.jsonl").replace(IMAGE, 'image: "{image_*}"'), tmp_path)
    assert [Path(one.path).name for one in task.samples(tmp_path)[0].media] == ["1.png", "3.png", "10.png"]


@pytest.mark.parametrize(("draw", "told"), [("form: xywh, scale: pixels", [4, 8, 16, 20]), ("scale: percent", [10, 20, 50, 70])])
def test_a_box_is_drawn_where_the_row_says(draw: str, told: list[int], tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(png(0, (40, 40)))
    write_jsonl(tmp_path / "q.jsonl", [{**items(1)[0], "box": told}])
    text = (PLAIN % "q.jsonl").replace(IMAGE, f'{IMAGE}\n  draw: {{box: "{{box}}", {draw}}}')
    picture = media.open_image(declared(text, tmp_path).samples(tmp_path)[0].media[0])
    red = [(x, y) for x in range(40) for y in range(40) if picture.getpixel((x, y)) == (255, 0, 0)]
    assert (min(red), max(red)) == ((4, 8), (20, 28)) and (12, 18) not in red
    write_jsonl(tmp_path / "q.jsonl", [{**items(1)[0], "box": [1, 2]}])
    with pytest.raises(BenchError, match="q.jsonl line 1: the box to draw is .* expected 4 numbers"):
        declared(text, tmp_path).samples(tmp_path)


def test_a_duplicate_picture_is_kept_once_and_is_one_cluster(tmp_path: Path, own_cache: Path) -> None:
    rows = [{**row, "image": base64_of(png(0))} for row in lettered(items())]
    write_table(tmp_path / "q.tsv", rows)
    text = (PLAIN % "q.tsv").replace('choices: "{options}"', LETTERS).replace(IMAGE, f"{IMAGE}\n  encoding: base64")
    samples = declared(text, tmp_path).samples(tmp_path)
    assert len({s.group for s in samples}) == 1 and len(list(own_cache.rglob("*.png"))) == 1
    assert media.seal(samples[0].media[0]) == samples[0].media[0]


def test_an_import_that_was_cut_goes_on_behind_its_last_whole_row(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lamm_bench.declared import rows

    text = as_zip(tmp_path)
    task = declared(text, tmp_path)
    whole = task.samples(tmp_path)
    (index,) = own_cache.rglob("*.jsonl.gz")
    lines = gzip.decompress(index.read_bytes()).splitlines(keepends=True)
    index.unlink()
    index.with_suffix(".part").write_bytes(b"".join(lines[:4]) + lines[4][:17])  # the first tells of the archive
    made = []
    real = rows.Maker.sample
    monkeypatch.setattr(rows.Maker, "sample", lambda self, row: made.append(row.number) or real(self, row))
    assert task.samples(tmp_path) == whole and made == [4, 5, 6]
    assert gzip.decompress(index.read_bytes()) == b"".join(lines)


def test_data_that_change_are_imported_anew(tmp_path: Path) -> None:
    task = declared(as_tsv(tmp_path), tmp_path)
    before = task.samples(tmp_path)
    as_tsv(tmp_path)
    rows = [{**row, "image": base64_of(png(50 + n))} for n, row in enumerate(lettered(items()))]
    write_table(tmp_path / "q.tsv", rows)
    assert [s.media for s in task.samples(tmp_path)] != [s.media for s in before]


def test_media_that_were_taken_away_are_imported_again(tmp_path: Path, own_cache: Path) -> None:
    task = declared(as_tsv(tmp_path), tmp_path)
    before = task.samples(tmp_path)
    next(own_cache.rglob("*.png")).unlink()
    assert task.samples(tmp_path) == before and all(Path(s.media[0].path).is_file() for s in before)


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: &a x\nother: *a", "line 1: anchors and aliases"),
        ("a: [1, *b]", "line 1: anchors and aliases"),
        ("name: !!python/object/apply:os.system [ls]", "line 1: the tag"),
        ("name: !custom x", "line 1: the tag !custom"),
        ("name: x\nname: y", 'line 2: the key "name" stands here a second time'),
        ("name: x\n---\nname: y", "a second document begins"),
        ("[" * 5000, "values nest deeper than 12 levels"),
        ("name: [x", "it is not YAML"),
        ("a: '", "it is not YAML"),
        ("? [a, b]\n: 1", "a key must be a word"),
        ("- a\n- b", "is no task file"),
        ("", "is no task file"),
        ("x: " + "a" * 300_000, "more than the 262,144"),
        ("x: [" + "1," * 30_000 + "]", "more than 20,000 values"),
    ],
)
def test_hostile_yaml_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError) as caught:
        declared(text, tmp_path)
    assert said in str(caught.value) and str(caught.value).startswith("my.yaml") and "\n" not in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-{}[]&*!|>'\"#%@`, \n\t?0.~"), max_size=60))
def test_no_text_gets_past_the_parser_but_as_plain_values(text: str) -> None:
    try:
        value = parse(text, "my.yaml").value
    except BenchError as error:
        assert str(error).startswith("my.yaml") and "\n" not in str(error)  # noqa: PT017
    else:
        json.dumps(value)


GOOD = PLAIN % "q.jsonl"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("read: letter", "read: leter"), "line 10: `read` names no reader called 'leter'. Did you mean 'letter'?"),
        (("metric: accuracy", "metric: acuracy"), "names no metric called 'acuracy'. Did you mean 'accuracy'?"),
        (("metric: accuracy", "metric: {name: accuracy, bye: x}"), "no key of `metric` called 'bye'. Did you mean 'by'?"),
        (("metric: accuracy", "metric: {name: accuracy, by: topic}"), "names no entry of `sample.meta` called 'topic'"),
        (("metric: accuracy", "metric: anls"), "is anls, which counts text and not what the reader `letter` reads"),
        (("  target:", "  targett:"), "no key of `sample` called 'targett'. Did you mean 'target'?"),
        (('  target: "{answer}"\n', ""), "`sample` has no `target`"),
        (('  choices: "{options}"\n', ""), "`sample` has no `choices`"),
        (('"{answer}"', '"{answer|leter}"'), "names no filter called 'leter'. Did you mean 'letter'?"),
        (('"{answer}"', '"{answer|item}"'), "needs an argument for `item`"),
        (('"{answer}"', '"{answer|strip:x}"'), "gives `strip` an argument"),
        (('"{answer}"', '"{answer"'), "a brace has no partner"),
        (('"{answer}"', '"{@anser}"'), "names no column; with @ there are"),
        (('"{answer}"', "[a]"), "`sample.target` is"),
        (("name: plain", "name: Plain Text"), "expected small letters"),
        (("name: plain", "name: plain\nmax_new_tokens: 0"), "expected a whole number from 1 to"),
        (("name: plain", "name: plain\nsource: x"), "no key of a task file called 'source'"),
        (('image: "{image}"', 'imag: "{image}"'), "Did you mean 'image'?"),
        (('image: "{image}"', 'image: "{image}"\n  cloud: "{image}"'), "has `image` and `cloud`"),
        (('image: "{image}"', 'cloud: "{image}"\n  draw: {box: "{b}"}'), "`sample.draw` draws on pictures, and there are none"),
        (('image: "{image}"', 'image: "{image}"\n  form: xywh'), "is about boxes, which no reader here looks for"),
        (("read: letter", "read: {column: '{kind}', values: {a: letter, b: box}}"), "and not what the reader `box` reads"),
        (('"q.jsonl"', '"q.jsonl", format: jsonlines'), "Did you mean 'jsonl'?"),
    ],
)
def test_a_file_that_says_what_nobody_knows_is_refused_with_its_line(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    assert change[0] in GOOD
    with pytest.raises(BenchError) as caught:
        declared(GOOD.replace(*change), tmp_path)
    message = str(caught.value)
    assert said in message and message.startswith("my.yaml, line ") and "\n" not in message


ROW = {"id": "a", "question": "?", "image": "0.png", "options": ["x", "y"], "answer": "B"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**ROW, "answer": "C"}, 'its target is "C", expected the letter of one of its 2 options'),
        ({**ROW, "answer": "z"}, "expected the letter of one of its 2 options, its text, or its place"),
        ({**ROW, "answer": 2}, "its target is 2"),
        ({**ROW, "answer": None}, "column `answer` is empty"),
        ({**ROW, "answer": True}, "its target is true"),
        ({**ROW, "answer": 0.5}, "its target is 0.5"),
        ({**ROW, "options": "x"}, 'its choices are "x", expected a list'),
        ({**ROW, "options": ["x", None, "z"]}, "option B is null, expected a text or a number"),
        ({**ROW, "options": ["x", ["y"]]}, "option B is"),
        ({**ROW, "options": ["x"]}, "it has 1 options, expected 2 to 26"),
        ({**ROW, "options": list(map(str, range(27)))}, "it has 27 options"),
        ({**ROW, "question": ["?"]}, "column `question` is"),
        ({**ROW, "question": None}, "column `question` is empty"),
        ({**ROW, "id": {"a": 1}}, "its id is empty, or neither"),
        (
            {key: value for key, value in ROW.items() if key != "question"},
            "there is no column `question`. There are: answer, id, image, options",
        ),
        ({**{key: value for key, value in ROW.items() if key != "answer"}, "answers": "B"}, "Did you mean 'answers'?"),
        ({**ROW, "image": "../../etc/passwd"}, "leaves its folder"),
        ({**ROW, "image": "/etc/passwd"}, "is not relative"),
        ({**ROW, "image": 7}, "its media are 7, expected path"),
        ({**ROW, "image": {"url": "x"}}, "its media are an object with url, expected `bytes` or `path`"),
        ("text", "there is no column `id`. There are: value"),
    ],
)
def test_a_row_that_makes_no_sample_is_told_with_its_number(row, said: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "q.jsonl", [{**ROW, "id": "0"}, row])
    with pytest.raises(BenchError) as caught:
        declared(GOOD, tmp_path).samples(tmp_path)
    assert str(caught.value).startswith("q.jsonl line 2: ") and said in str(caught.value) and "\n" not in str(caught.value)


def test_an_id_that_recurs_is_refused(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "q.jsonl", [ROW, {**ROW, "question": "Another?"}])
    with pytest.raises(BenchError, match='q.jsonl line 2: the id "a" is that of an earlier row too'):
        declared(GOOD, tmp_path).samples(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.jsonl", b'{"a": \n', "q.jsonl line 1 is not JSON"),
        ("q.jsonl", b"\xff\xff\n", "q.jsonl line 1: it is not UTF-8"),
        ("q.json", b"[1, 2", "q.json is not JSON"),
        ("q.json", b"3", "q.json holds int, expected a list or a mapping"),
        ("q.csv", b"", "q.csv is empty"),
        ("q.csv", b"id,id\n1,2\n", "q.csv has two columns `id`"),
        ("q.csv", b"id,question\n1,2,3\n", "q.csv row 1: it has 3 cells, expected 2"),
        ("q.csv", b'id\n"a\n', "q.csv row 1"),
        ("q.tar", b"not a tar at all", "q.tar row 1: the archive cannot be read"),
        ("q.xyz", b"?", "its ending tells no format"),
        ("q.parquet", b"PAR1 or not", "cannot be read as parquet"),
    ],
)
def test_a_file_of_rows_that_cannot_be_read_is_one_sentence(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="parquet needs the extra `data`")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchError) as caught:
        declared(PLAIN % name, tmp_path).samples(tmp_path)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    for pattern in ("q.jsonl", "data/*.jsonl", "a.zip/q.jsonl"):
        with pytest.raises(BenchError, match="is missing"):
            declared(PLAIN % pattern, tmp_path).samples(tmp_path)
    with pytest.raises(BenchError, match="leaves its folder"):
        declared(PLAIN % "../*.jsonl", tmp_path).samples(tmp_path)


def test_a_column_that_parquet_has_not_is_refused_before_a_row_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs the extra `data`")
    write_parquet(tmp_path / "q.parquet", [{**row, "image": picture(0)} for row in items()])
    with pytest.raises(BenchError, match="no column called 'anser'. Did you mean 'answer'\\? There are: answer, id, image"):
        declared((PLAIN % "q.parquet").replace("{answer}", "{anser}"), tmp_path).samples(tmp_path)


def test_cells_lines_and_members_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamm_bench.declared import pictures, tables

    for module in (files_module, pictures, tables):
        monkeypatch.setattr(module, "LARGEST", 100)
    write_jsonl(tmp_path / "q.jsonl", [ROW, {**ROW, "question": "?" * 300}])
    with pytest.raises(BenchError, match="q.jsonl line 2: it has more than 100 bytes"):
        declared(GOOD, tmp_path).samples(tmp_path)
    (tmp_path / "q.csv").write_text("id,question\n" + '1,"' + "\n".join(["x" * 50] * 5) + '"\n')
    with pytest.raises(BenchError, match="q.csv row 1: it cannot be read"):
        declared(PLAIN % "q.csv", tmp_path).samples(tmp_path)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_jsonl(tmp_path / "q.jsonl", [{**ROW, "image": "bomb.png"}])
    write_zip(tmp_path / "images.zip", {"bomb.png": b"\0" * 3_000_000})
    text = GOOD.replace(IMAGE, f"{IMAGE}\n  folder: images.zip")
    monkeypatch.setattr(files_module.Files.read, "__defaults__", (1_000_000,))
    with pytest.raises(BenchError, match='q.jsonl line 1: its media "bomb.png": it has more than 1,000,000 bytes'):
        declared(text, tmp_path).samples(tmp_path)


@pytest.mark.parametrize("name", ["../evil.png", "/abs.png", "a/../../b.png", "c:\\x.png"])
def test_an_archive_with_a_path_that_leaves_it_is_not_used(name: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "q.jsonl", [ROW])
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("0.png", png(0))
        archive.writestr(zipfile.ZipInfo(name), png(0))
    with pytest.raises(BenchError, match="the archive images.zip is not used"):
        declared(GOOD.replace(IMAGE, f"{IMAGE}\n  folder: images.zip"), tmp_path).samples(tmp_path)
    write_tar(tmp_path / "q.tar", {name: png(0)})
    with pytest.raises(BenchError, match="q.tar: the archive is not used"):
        declared((PLAIN % "q.tar").replace("{image}", "{png}"), tmp_path).samples(tmp_path)


def test_base64_that_is_none_and_pictures_that_do_not_open(tmp_path: Path) -> None:
    rows = [{**row, "image": base64_of(png(0))} for row in lettered(items(3))]
    rows[1]["image"] = base64_of(b"no picture")
    write_table(tmp_path / "q.tsv", rows)
    text = (PLAIN % "q.tsv").replace('choices: "{options}"', LETTERS).replace(IMAGE, f"{IMAGE}\n  encoding: base64")
    samples = declared(text, tmp_path).samples(tmp_path)  # which costs its own sample, when it is asked
    with pytest.raises(MediaError, match="is not an image"):
        media.check(samples[1].media[0])
    rows[2]["image"] = "%%%"
    write_table(tmp_path / "q.tsv", rows)
    with pytest.raises(BenchError, match="q.tsv row 3: its media are .* which is no base64"):
        declared(text, tmp_path).samples(tmp_path)


def test_joined_keys_must_be_there_once(tmp_path: Path) -> None:
    text = as_joined(tmp_path)
    answers = json.loads((tmp_path / "answers.json").read_text())["annotations"]
    write_json(tmp_path / "answers.json", {"annotations": answers[1:]})
    with pytest.raises(BenchError, match='questions.json entry 6: `id` "q5" is not in answers.json'):
        declared(text, tmp_path).samples(tmp_path)
    write_json(tmp_path / "answers.json", {"annotations": [*answers, answers[2]]})
    with pytest.raises(BenchError, match='answers.json entry 7: `key` "q3" stands here a second time'):
        declared(text, tmp_path).samples(tmp_path)


def test_the_published_schema_is_current() -> None:
    file = Path(__file__).parents[1] / "tasks/task.schema.json"
    assert json.loads(file.read_text()) == json_schema(), "make it again: lamm-bench check --schema > tasks/task.schema.json"


def test_the_schema_says_what_the_checks_say(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the extra `test` brings it")
    validator = jsonschema.Draft202012Validator(json_schema())
    assert not list(validator.iter_errors(parse(GOOD, "my.yaml").value))
    for change in (
        ("read: letter", "read: leter"),
        ("  target:", "  targett:"),
        ("name: plain", "name: A b"),
        ("metric: accuracy", "x: 1"),
    ):
        assert list(validator.iter_errors(parse(GOOD.replace(*change), "my.yaml").value))


def test_every_filter_has_its_words_and_its_example() -> None:
    for name, own in FILTERS.items():
        assert own.doc and bool(own.example) == bool(own.argument) and (not own.argument or f"|{name}:" in own.example)
