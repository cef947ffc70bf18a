"""Rows and pictures as people keep them: packed, hidden, joined, in archives that nobody unpacks, with columns that are sometimes there."""

from __future__ import annotations

import base64
import gzip
import json
import tarfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.declared import files
from lamm_bench.errors import BenchError
from lamm_bench.media import open_image
from lamm_bench.types import Sample

from .declared_kit import (
    PLAIN,
    declared,
    items,
    png,
    write_json,
    write_jsonl,
    write_parquet,
    write_pictures,
    write_table,
    write_tar,
    write_zip,
)

WORDS = 'name: my\ndata: {%s}\nsample: {id: "{id}", question: "{q}", target: "{a}"%s}\nread: text\nmetric: accuracy\n'


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def words(tmp_path: Path, data: str, more: str = "") -> list[Sample]:
    return declared(WORDS % (data, more), tmp_path).samples(tmp_path)


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "tsv"])
def test_tables_may_be_packed(ending: str, tmp_path: Path) -> None:
    rows = [{"id": "1", "q": "Q", "a": "x"}]
    plain = tmp_path / f"plain.{ending}"
    if ending.endswith("sv"):
        write_table(plain, rows, "," if ending == "csv" else "\t")
    else:
        plain.write_text(json.dumps(rows if ending == "json" else rows[0]))
    (tmp_path / f"d.{ending}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    write_zip(tmp_path / "d.zip", {f"d.{ending}.gz": gzip.compress(plain.read_bytes())})
    told = [
        [(sample.id, sample.question, sample.target) for sample in words(tmp_path, f'files: "{name}"')]
        for name in (plain.name, f"d.{ending}.gz", f"d.zip/*.{ending}.gz")
    ]
    assert told[0] == told[1] == told[2] == [("1", "Q", ["x"])]


@pytest.mark.parametrize("name", ["d.tar.gz", "d.tgz", "d.tar"])
def test_tars_may_be_packed(name: str, tmp_path: Path) -> None:
    write_tar(tmp_path / "d.tar", {"0.json": b'{"id": 1, "q": "Q", "a": "x"}', "0.png": png(1)})
    if name != "d.tar":
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / "d.tar").read_bytes()))
    text = WORDS.replace("{id}", "{json.id}").replace("{q}", "{json.q}").replace("{a}", "{json.a}") % (
        f"files: {name}",
        ', image: "{png}"',
    )
    (sample,) = declared(text, tmp_path).samples(tmp_path)
    assert sample.target == ["x"] and open_image(sample.media[0]).size == (8, 6)


def test_what_is_packed_and_damaged_or_too_much_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(b"".join(b'{"id": %d, "q": "Q", "a": "x"}\n' % n for n in range(1000)))
    for content in (packed[:-20], b"\x1f\x8bnothing", b"{}"):
        (tmp_path / "d.jsonl.gz").write_bytes(content)
        with pytest.raises(BenchError, match="d.jsonl.gz cannot be used: the archive is damaged"):
            words(tmp_path, "files: d.jsonl.gz")
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(b"\n" * 100_000))
    monkeypatch.setattr(files, "LARGEST_TABLE", 50_000)
    with pytest.raises(BenchError, match="d.jsonl.gz cannot be used: it unpacks to more than 50,000 bytes"):
        words(tmp_path, "files: d.jsonl.gz")


FOLDERS = 'name: my\ndata: {files: "%s", format: folders}\nsample: {id: "{path}", question: "Which?\\n{@options}", image: "{path}", choices: [cats, dogs], target: "{class}"}\nread: letter\nmetric: accuracy\n'


def test_folders_of_classes_may_lie_in_an_archive_and_hidden_files_are_none_of_them(tmp_path: Path) -> None:
    there = {"cats/1.png": png(1), "dogs/2.png": png(2), "dogs/.DS_Store": b"x", "__MACOSX/dogs/._2.png": b"x"}
    write_zip(tmp_path / "d.zip", there)
    for name, data in there.items():
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(data)
    for pattern in ("d.zip/**/*", "d/**/*"):
        samples = declared(FOLDERS % pattern, tmp_path).samples(tmp_path)
        assert [sample.target for sample in samples] == [0, 1] and all(
            open_image(sample.media[0]).size == (8, 6) for sample in samples
        )


@pytest.mark.parametrize("image", ['"photos.zip/{image}"', '"{inside}"'])
def test_pictures_lie_in_an_archive_wherever_their_path_is_told(image: str, tmp_path: Path) -> None:
    write_zip(tmp_path / "photos.zip", {f"{n}.png": png(n) for n in range(6)})
    write_jsonl(tmp_path / "d.jsonl", [{**row, "inside": f"photos.zip/{row['image']}"} for row in items(6)])
    samples = declared((PLAIN % "d.jsonl").replace('"{image}"', image), tmp_path).samples(tmp_path)
    assert [open_image(sample.media[0]).getpixel((0, 0)) for sample in samples[:2]] == [(0, 0, 90), (7, 3, 90)]


def test_pictures_may_come_from_a_joined_table(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs the extra `data`")
    write_parquet(tmp_path / "p.parquet", [{"key": f"{n}.png", "picture": {"bytes": png(n), "path": None}} for n in range(6)])
    write_jsonl(tmp_path / "d.jsonl", items(6))
    text = (PLAIN % "d.jsonl").replace('"d.jsonl"', '"d.jsonl", join: {files: p.parquet, on: {left: image, right: key}}')
    task = declared(text.replace('"{image}"', '"{picture}"'), tmp_path)
    assert task.stored and open_image(task.samples(tmp_path)[1].media[0]).getpixel((0, 0)) == (7, 3, 90)


def test_an_archive_of_pictures_that_changed_is_imported_anew(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", items(2))
    task = declared((PLAIN % "d.jsonl").replace("  choices", "  folder: photos.zip\n  choices"), tmp_path)
    for shade in (1, 200):
        write_zip(tmp_path / "photos.zip", {"0.png": png(shade), "1.png": png(shade), f"more{shade}.png": png(3)})
        assert open_image(task.samples(tmp_path)[0].media[0]).getpixel((0, 0)) == (shade * 7 % 256, shade * 3 % 256, 90)


def test_base64_may_be_broken_into_lines(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"id": 1, "q": "Q", "a": "x", "p": base64.encodebytes(png(1, (90, 90))).decode()}])
    (sample,) = words(tmp_path, "files: d.jsonl", ', image: "{p}", encoding: base64')
    assert open_image(sample.media[0]).size == (90, 90)


def test_dates_and_decimals_of_a_table_are_texts(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs the extra `data`")
    write_parquet(tmp_path / "d.parquet", [{"id": Decimal("1.50"), "q": "When?", "a": date(2020, 1, 31)}])
    (sample,) = words(tmp_path, "files: d.parquet")
    assert (sample.id, sample.target) == ("1.50", ["2020-01-31"])


ROWS: list[dict[str, Any]] = [{"id": 1, "q": "Q", "a": "x", "part": "u"}, {"id": 2, "q": "Q", "a": "x"}]


def test_a_column_that_rows_are_kept_by_may_be_missing_where_the_file_says_so(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", ROWS)
    assert [sample.id for sample in words(tmp_path, "files: d.jsonl, keep: {part?: u}")] == ["1"]
    assert [sample.id for sample in words(tmp_path, 'files: d.jsonl, keep: {part?: ""}')] == ["2"]
    with pytest.raises(
        BenchError, match=r"d.jsonl line 2: there is no column `part`, which `keep` looks at \(`part\?` may be missing\)"
    ):
        words(tmp_path, "files: d.jsonl, keep: {part: u}")


def test_rows_without_every_partner_are_dropped_or_have_gaps(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"id": 1, "q": "Q", "keys": ["k", "none"]}, {"id": 2, "q": "Q", "keys": ["k", "k"]}])
    write_jsonl(tmp_path / "j.jsonl", [{"key": "k", "a": "x"}])
    join = "files: d.jsonl, join: {files: j.jsonl, on: {left: keys, right: key}, otherwise: %s}"
    assert [(sample.id, sample.target) for sample in words(tmp_path, join % "drop")] == [("2", ["x", "x"])]
    assert [(sample.id, sample.target) for sample in words(tmp_path, join % "empty")] == [("1", ["x"]), ("2", ["x", "x"])]


def test_an_empty_list_of_answers_may_have_a_default(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"id": 1, "q": "Q", "a": []}, {"id": 2, "q": "Q", "a": ["x"]}])
    text = (WORDS % ("files: d.jsonl", "")).replace("{a}", "{a|default:unanswerable}")
    assert [sample.target for sample in declared(text, tmp_path).samples(tmp_path)] == [["unanswerable"], ["x"]]


@pytest.mark.parametrize(
    ("rows", "data", "said"),
    [
        (ROWS, 'count: {q: {of: "{a}", among: "{id}"}}', "there is a column `q` already"),
        ([{"id": 1, "q": "Q", "a": ["x", "y"]}], "each: a, gather: [id, q]", "there is no column `@item`"),
    ],
)
def test_columns_that_would_be_lost_are_told(rows: list[dict[str, Any]], data: str, said: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", rows)
    with pytest.raises(BenchError, match=said):
        declared((WORDS % (f"files: d.jsonl, {data}", "")).replace("{a}", "{@item}"), tmp_path).samples(tmp_path)


def test_where_rows_are_in_a_json_file_is_told(tmp_path: Path) -> None:
    write_json(tmp_path / "d.json", {"version": 2, "questions": ROWS})
    with pytest.raises(BenchError, match='d.json holds its rows at "questions"; `data.at` says where'):
        words(tmp_path, "files: d.json")
    assert len(words(tmp_path, "files: d.json, at: questions")) == 2


@pytest.mark.parametrize("folder", ["/tmp", "../x", "a/../b", "C:/x", "a\\\\b"])
def test_a_folder_that_leaves_the_data_root_is_refused_with_its_line(folder: str, tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 1)
    with pytest.raises(
        BenchError, match="my.yaml, line 3: `sample.folder` is .*, expected a folder or archive below the data root"
    ):
        words(tmp_path, "files: d.jsonl", f', image: "{{p}}", folder: "{folder}"')


def test_links_in_a_tar_are_no_columns(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "d.tar", "w") as archive:
        link = tarfile.TarInfo("0.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    write_tar(tmp_path / "e.tar", {"0.txt": b"Q"})
    for name, said in (("[de].tar", "there is no column `png`. There are: txt"),):
        text = f'name: my\ndata: {{files: "{name}"}}\nsample: {{question: "{{txt}}", target: x, image: "{{png}}"}}\nread: text\nmetric: accuracy\n'
        with pytest.raises(BenchError, match=said):
            declared(text, tmp_path).samples(tmp_path)


@pytest.mark.parametrize("more", ["", '  draw: {box: "{b}"}\n'])
def test_what_media_are_made_of_may_change(more: str, tmp_path: Path) -> None:
    kind = "image" if more else "cloud"
    write_jsonl(
        tmp_path / "d.jsonl",
        [{"id": n, "q": "Q", "a": "x", "m": f"m{n}.{'png' if more else 'txt'}", "b": [0, 0, 1, 1]} for n in range(3)],
    )
    text = f'name: my\ndata: {{files: d.jsonl}}\nsample:\n  question: Q\n  target: x\n  {kind}: "{{m}}"\n{more}read: text\nmetric: accuracy\n'
    task, hashes = declared(text, tmp_path), []
    for shade in (1, 2):
        for n in range(3):
            own = shade if n == 1 else 9
            (tmp_path / f"m{n}.png").write_bytes(png(own, (20 + own, 20)))
            (tmp_path / f"m{n}.txt").write_text(f"{own} 0 0\n1 1 1\n{own * 10} 0 0\n")
        hashes.append([sample.media[0].sha256 for sample in task.samples(tmp_path)])
    assert [one == other for one, other in zip(*hashes)] == [True, False, True]


@pytest.mark.parametrize(
    ("place", "told"),
    [("{x?|lower|default:none}", ["none", "none", "y"]), ("{x?|unless:nan|strip|default:none}", ["none", "none", "Y"])],
)
def test_a_default_stands_for_nothing_wherever_it_comes_from(place: str, told: list[str], tmp_path: Path) -> None:
    rows = [
        {"id": n, "q": "Q", "a": "x", **({"x": value} if value is not None else {})} for n, value in enumerate((None, "", "Y"))
    ]
    write_jsonl(tmp_path / "d.jsonl", rows)
    text = (WORDS % ("files: d.jsonl", "")).replace("{q}", place)
    assert [sample.question for sample in declared(text, tmp_path).samples(tmp_path)] == told


@pytest.mark.parametrize(
    ("name", "content"), [("d.csv", "id;q;a\n1;Q;x\n"), ("d.csv", "id\tq\ta\n1\tQ\tx\n"), ("d.tsv", "id,q,a\n1,Q,x\n")]
)
def test_a_table_with_other_marks_between_its_cells_is_told(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(BenchError, match=f"{name}: its first line is one column, .*; expected names parted by"):
        words(tmp_path, f"files: {name}")


def test_answers_that_are_objects_are_told_with_the_filter_for_them(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"id": 1, "q": "Q", "a": [{"answer": "x", "answer_id": 1}]}])
    with pytest.raises(BenchError, match=r"d.jsonl line 1: its target is .*\(filters: pluck, list, split\)"):
        words(tmp_path, "files: d.jsonl")
    text = (WORDS % ("files: d.jsonl", "")).replace("{a}", "{a|pluck:answer}")
    assert declared(text, tmp_path).samples(tmp_path)[0].target == ["x"]
