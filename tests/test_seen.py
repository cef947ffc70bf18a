"""The leaderboard tells what of a task's media a checkpoint was trained on, where a ledger says so, and nothing where none does."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.errors import BenchError
from lamm_bench.keep.seen import NAME, read_seen
from lamm_bench.show.board_formats import FORMATS, render
from lamm_bench.show.figures import read_runs
from lamm_bench.show.ranking import leaderboard

from .test_board import run_json

SEEN = {"format": 1, "source": "miniature", "tasks": {"cifar10": {"media": 5793, "seen": 312, "exact": 300, "near": 12}}}


def board_of(runs: Path, **options: Any) -> str:
    entries, warnings = read_runs(runs)
    return render(leaderboard(entries, warnings=warnings), options.pop("format", "table"), width=200, **options)


def runs_with(tmp_path: Path, place: str, ledger: Any) -> Path:
    """A run of a checkpoint with the ledger in the run's folder or in the checkpoint's, beside a run without one."""
    checkpoint = tmp_path / "mine"
    checkpoint.mkdir()
    run_json(tmp_path / "runs/a", model={"name": "lamm", "settings": {"checkpoint": str(checkpoint)}})
    run_json(tmp_path / "runs/b", model="other")
    (checkpoint if place == "checkpoint" else tmp_path / "runs/a").joinpath(NAME).write_text(
        ledger if isinstance(ledger, str) else json.dumps(ledger)
    )
    return tmp_path / "runs"


@pytest.mark.parametrize("place", ["run", "checkpoint"])
def test_every_form_of_the_board_has_it_beside_the_checkpoints_name(tmp_path: Path, place: str) -> None:
    runs = runs_with(tmp_path, place, SEEN)
    for form in ("table", "markdown"):
        lines = board_of(runs, format=form).splitlines()
        assert any("312 of 5,793" in line and "lamm" in line for line in lines)
        assert not any("5,793" in line and "other" in line for line in lines)
    assert "seen 312 of 5,793" in board_of(runs, detail=True)
    rows = list(csv.DictReader(io.StringIO(board_of(runs, format="csv"))))
    of_a = {(row["task"], row["media_seen"], row["media"]) for row in rows if row["model"].startswith("lamm")}
    assert of_a == {("cifar10", "312", "5793"), ("fsc147", "", "")}
    assert {row["media_seen"] for row in rows if row["model"].startswith("other")} == {""}


def test_without_a_ledger_no_form_speaks_of_it(tmp_path: Path) -> None:
    run_json(tmp_path / "runs/b", model="other")
    assert not any("seen in training" in board_of(tmp_path / "runs", format=form) for form in FORMATS if form != "csv")


@pytest.mark.parametrize(
    ("ledger", "fault"),
    [
        ({**SEEN, "source": "LAMM"}, "is about LAMM"),
        ("{", "seen.json"),
        ({"tasks": {}}, "no ledger"),
        ({**SEEN, "source": 5}, "source"),
        ({**SEEN, "tasks": {"cifar10": {"media": "many", "seen": 1}}}, "whole number"),
        ({**SEEN, "tasks": {"cifar10": {"media": 3, "seen": 4}}}, "more was seen"),
        ({**SEEN, "tasks": {"cifar10": 5}}, "expected an object"),
    ],
)
def test_a_ledger_of_other_data_or_form_is_told_and_costs_no_figure(tmp_path: Path, ledger: Any, fault: str) -> None:
    entries, warnings = read_runs(runs_with(tmp_path, "run", ledger))
    assert len(warnings) == 1 and fault in warnings[0]
    assert len([entry for entry in entries if entry.source.endswith("a")]) == 4 and not any(entry.seen for entry in entries)


def test_numbers_of_a_ledger_are_whole_and_not_below_nothing(tmp_path: Path) -> None:
    for value in (-1, True, 1.5, None):
        (tmp_path / NAME).write_text(json.dumps({**SEEN, "tasks": {"x": {"media": 3, "seen": value}}}))
        with pytest.raises(BenchError, match="whole number"):
            read_seen(tmp_path / NAME)


def test_where_media_of_the_training_could_not_be_read_it_is_the_least(tmp_path: Path) -> None:
    runs = runs_with(tmp_path, "run", {**SEEN, "unreadable": 7})
    assert "at least 312 of 5,793" in board_of(runs) and "seen at least 312 of 5,793" in board_of(runs, detail=True)


@pytest.mark.parametrize("odd", [-1, True, "many", None])
def test_the_number_of_unread_media_is_a_whole_number(odd: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps({**SEEN, "unreadable": odd}))
    with pytest.raises(BenchError, match="`unreadable` is"):
        read_seen(tmp_path / NAME)
