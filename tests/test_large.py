"""Runs of very many samples: files are written while their content is made, and nothing of it differs."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lamm_bench.ask import carrying, session, stream
from lamm_bench.ask.options import Options
from lamm_bench.ask.outcome import Watcher
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import Entries, texts_of, write_json
from lamm_bench.measure import shown
from lamm_bench.measure.scoring import score
from lamm_bench.measure.shown import Answered, each_shown
from lamm_bench.measure.stats import gathered, table_of
from lamm_bench.types import Sample

from .fakes import ColourTask, Looker, catalog_with
from .test_finished import go
from .test_spread import scores_of


def drawn(rng: Random, depth: int) -> Any:
    """Any JSON value."""
    kind = rng.randint(0, 9 if depth > 0 else 2)
    if kind < 3:
        return rng.choice([None, True, False, 1, -2.5, 1e300, 0.1, "", "a\nb", "é\ud83d", '"\\ ,\n'])
    if kind < 6:
        return [drawn(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return {rng.choice(["a", "b\n", 1, 2.5, True, None, "ü"]): drawn(rng, depth - 1) for _ in range(rng.randint(0, 3))}


def lazily(rng: Random, value: Any) -> Any:
    """The same with entries that are made while they are written."""
    if not isinstance(value, dict):
        return value
    pairs = {key: lazily(rng, each) for key, each in value.items()}
    return Entries(iter(pairs.items())) if rng.random() < 0.5 else pairs


def test_a_file_that_is_written_in_pieces_has_the_bytes_of_one_that_is_written_at_once() -> None:
    rng = Random(0)
    for _ in range(2000):
        value = drawn(rng, 4)
        wanted = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        assert "".join(texts_of(value)) == wanted == "".join(texts_of(lazily(rng, value)))
    with pytest.raises(ValueError, match="Out of range"):
        "".join(texts_of({"a": [{"b": float("nan")}]}))


def test_what_goes_wrong_while_a_file_is_made_leaves_the_one_that_was_there(tmp_path: Path) -> None:
    write_json(tmp_path / "file", {"a": 1})

    def breaks() -> Any:
        yield "a", 2
        raise BenchError("it broke")

    with pytest.raises(BenchError, match="it broke"):
        write_json(tmp_path / "file", Entries(breaks()))
    assert [path.read_text() for path in tmp_path.iterdir()] == ['{\n "a": 1\n}\n']


@pytest.mark.parametrize("die_after", [None, 3])
def test_a_task_that_is_asked_some_samples_at_a_time_has_the_same_bytes(
    die_after: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path)
    monkeypatch.setattr(stream, "AT_ONCE", 4)
    (tmp_path / "data/2D_Benchmark/pics/2.png").rename(tmp_path / "away")
    lost = go(tmp_path, output=tmp_path / "lost")
    assert lost.scores[0].counts["media_error"] == 1 and lost.scores[0].counts["ok"] == 5
    (tmp_path / "away").rename(tmp_path / "data/2D_Benchmark/pics/2.png")
    catalog, options = catalog_with(ColourTask()), Options("looker", {}, tasks="colours", output=tmp_path / "some")
    looker = Looker(die_after=die_after)
    ticks: list[int] = []
    watcher = Watcher()
    monkeypatch.setattr(watcher, "tick", ticks.append, raising=False)
    if die_after is not None:
        with pytest.raises(KeyboardInterrupt):
            session.run(options, catalog, looker, tmp_path / "data", "test", watcher)
        looker.die_after = None
        ticks.clear()
    session.run(options, catalog, looker, tmp_path / "data", "test", watcher)
    assert sum(ticks) == len(looker.asked) == 6
    assert scores_of(tmp_path / "run") == scores_of(tmp_path / "some")


def test_samples_that_are_read_again_are_those_that_were_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = go(tmp_path)
    monkeypatch.setattr(carrying, "MANY", 1)
    many = go(tmp_path, output=tmp_path / "many")
    assert scores_of(tmp_path / "run") == scores_of(tmp_path / "many")
    for one, other in zip(few.scores, many.scores, strict=True):
        assert one.to_json(samples=True) == other.to_json(samples=True)


def test_a_table_that_grows_is_the_table_of_all_rows() -> None:
    rng = Random(0)
    for _ in range(200):
        rows = [
            {key: rng.choice([0, 1, 0.5, True]) for key in rng.sample("abcd", rng.randint(0, 4))}
            for _ in range(rng.randint(0, 6))
        ]
        table, keys = gathered(iter(rows))
        assert keys == sorted({key for row in rows for key in row})
        assert table.tobytes() == table_of(rows, keys).tobytes() and table.flags["C_CONTIGUOUS"]


def peak(task: ColourTask, count: int) -> int:
    """Bytes that scoring and writing down so many samples needs beside them, at most."""
    samples = [Sample(str(n), "Which colour?", (), "red", f"p{n}") for n in range(count)]
    answered = {one.id: Answered("red") for one in samples}
    gc.collect()
    tracemalloc.start()
    found = score(task, "standard", samples, answered, keep_rows=True)
    written = sum(len(piece) for piece in texts_of({"samples": Entries(each_shown(found.samples))}))
    bytes_ = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.metrics["accuracy"].value == 100.0 and written > 20 * count
    return bytes_


def test_what_is_kept_of_many_samples_is_made_while_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shown, "MANY", 10**9)
        held = peak(ColourTask(), 5000)
    assert peak(ColourTask(), 5000) < 0.8 * held and peak(ColourTask(), 5000) < 5000 * 800
