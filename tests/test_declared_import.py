"""Imports of benchmark files: told where they are long, packed, made anew where they are damaged."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from lamm_bench.declared.importing import Importing
from lamm_bench.declared.store import Store

from .declared_kit import PLAIN, declared, items, png, write_jsonl, write_zip


class Hears:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.bars: list[tuple[str, int]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def begin(self, task: str, total: int) -> None:
        self.bars.append((task, total))

    def tick(self, count: int) -> None:
        self.bars[-1] = (self.bars[-1][0], self.bars[-1][1] - count)

    def end(self, task: str) -> None:
        self.said.append(f"end of {task}")


@pytest.mark.parametrize("known", [True, False])
def test_a_long_import_is_told_and_a_short_one_is_not(known: bool) -> None:
    for slow in (True, False):
        watcher = Hears()
        clock = count(0, 3 if slow else 0.01).__next__
        told = Importing("signs", "the cache", watcher, lambda: 30 if known else None, clock)
        for number in range(1, 31):
            told.row(number)
            told.row(number)  # a row of several samples
        told.end()
        assert bool(watcher.said) == slow
        if slow and known:
            assert watcher.bars == [("signs import", 0)] and watcher.said[-1] == "end of signs import"
        elif slow:
            assert (
                "once; an import that is broken off goes on" in watcher.said[0]
                and "rows of signs are imported" in watcher.said[1]
            )


def test_an_index_is_packed_and_a_damaged_one_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_zip(tmp_path / "images.zip", {f"{number}.png": png(number) for number in range(6)})
    write_jsonl(tmp_path / "q.jsonl", items())
    task = declared((PLAIN % "q.jsonl").replace('image: "{image}"', 'image: "{image}"\n  folder: images.zip'), tmp_path)
    assert task.bytes_in(tmp_path) == sum((tmp_path / name).stat().st_size for name in ("q.jsonl", "images.zip"))
    first = task.samples(tmp_path)
    (index,) = (tmp_path / "cache").rglob("index/*.gz")
    assert not list((tmp_path / "cache").rglob("index/*.part")) and not list((tmp_path / "cache").rglob("*.pack"))
    whole = index.read_bytes()
    for damage in (whole[:-4], whole[: len(whole) // 2], b"", b"junk", whole[:20] + b"\0\0\0" + whole[23:]):
        index.write_bytes(damage)
        assert task.samples(tmp_path) == first and index.read_bytes() == whole


def test_the_same_picture_may_be_imported_twice_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, real, others = Store(tmp_path), Path.replace, iter([None])

    def replace(path: Path, target: Path) -> Path:
        for _ in others:  # while this one is about to be put, another thread puts the same
            other = Thread(target=store.put, args=(png(1),))
            other.start()
            other.join()
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    path, sha = store.put(png(1))
    assert Path(path).read_bytes() == png(1) and Path(path).stem == sha
    assert [one.name for one in Path(path).parent.iterdir()] == [Path(path).name]
