"""The leaderboard: only like is ranked with like, and a rank is as uncertain as the figures are."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lamm_bench.errors import BenchError
from lamm_bench.show.board import Board
from lamm_bench.show.board_brief import brief, print_brief
from lamm_bench.show.board_formats import FORMATS, print_board, render
from lamm_bench.show.figures import PUBLISHED, Entry, read_published, read_run, read_runs
from lamm_bench.show.leaderboard import show_leaderboard
from lamm_bench.show.ranking import leaderboard, rank


def entry(model: str = "a", value: float | None = 50.0, half: float | None = None, **more) -> Entry:
    ci = (value - half, value + half) if value is not None and half is not None else None
    return replace(Entry(model, "standard", "miniature", "cifar10", "accuracy", value, ci95=ci, digest="d1"), **more)


def places(entries) -> dict[str, tuple[int, int] | None]:
    return {row.entry.model: row.places for row in rank(entries)}


def run_json(folder: Path, model: Any = "lamm", **more) -> Path:
    """A run folder whose result has cifar10 under two protocols and fsc147 under one."""

    def metric(value, low, high, **extra):
        return {
            "value": value,
            "ci95": [low, high] if low is not None else None,
            "n": 100,
            "unit": "percent",
            "better": "higher",
            **extra,
        }

    counts = {"expected": 100, "ok": 90, "unread": 7, "truncated": 0, "refused": 0, "model_error": 1, "media_error": 2}
    data = {
        "format": 1,
        "model": {"name": model, "fingerprint": "f00"} if isinstance(model, str) else model,
        "identity": "1a2b3c",
        "recipe": "lamm/standard",
        "data": {"cifar10": "d1", "fsc147": "d2"},
        "source": "miniature",
        "results": [
            {
                "task": "cifar10",
                "protocol": "standard",
                "metrics": {"accuracy": metric(60.0, 50.0, 70.0), "balanced_accuracy": metric(58.0, 48.0, 68.0)},
                "counts": counts,
            },
            {"task": "cifar10", "protocol": "classic", "metrics": {"accuracy": metric(61.0, None, None)}, "counts": counts},
            {
                "task": "fsc147",
                "protocol": "standard",
                "metrics": {"mae": metric(2.5, 2.0, 3.0, unit="count", better="lower")},
                "counts": {"expected": 10, "ok": 10},
            },
        ],
    } | more
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(data))
    return folder / "result.json"


# laws of ranking


def test_clear_differences_give_clear_places():
    assert places([entry("a", 10, 1), entry("b", 50, 1), entry("c", 30, 1)]) == {"b": (1, 1), "c": (2, 2), "a": (3, 3)}


def test_overlapping_intervals_share_their_places():
    found = places([entry("a", 50, 5), entry("b", 52, 5), entry("c", 10, 1)])
    assert found == {"b": (1, 2), "a": (1, 2), "c": (3, 3)}


def test_overlap_is_not_passed_on_from_neighbour_to_neighbour():
    found = places([entry("a", 60, 5), entry("b", 53, 5), entry("c", 46, 5)])
    assert found == {"a": (1, 2), "b": (1, 3), "c": (2, 3)}


def test_the_smaller_error_is_the_better_one():
    rows = rank([entry("a", 9, 1, better="lower"), entry("b", 2, 1, better="lower")])
    assert [(row.entry.model, row.places) for row in rows] == [("b", (1, 1)), ("a", (2, 2))]


def test_papers_are_ranked_by_value_and_own_figures_without_intervals_not_at_all():
    three = [entry("a", 50, published=True), entry("b", 50, published=True), entry("c", 40, published=True)]
    assert places(three) == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    assert set(places([replace(one, published=False) for one in three]).values()) == {(1, 3)}


def test_touching_intervals_of_one_difference_are_told_apart_by_the_test_and_not_by_overlap():
    assert places([entry("a", 60, 5), entry("b", 52, 5)]) == {"a": (1, 1), "b": (2, 2)}  # they overlap; p is 0.03


def test_the_more_models_the_wider_their_places():
    alone = places([entry("a", 60, 5), entry("b", 52, 5)])
    among = places([entry("a", 60, 5), entry("b", 52, 5), *(entry(f"c{n}", 56, 5) for n in range(4))])
    assert alone["a"] == (1, 1) and among["a"] == (1, 6)


@pytest.mark.parametrize("name", ["recipe", "coordinates", "examples", "readers", "decoders"])
def test_what_was_asked_or_read_otherwise_is_never_ranked_together_and_the_reason_is_printed(name):
    both = [entry("a", 90, 1, conditions=((name, "x #1"),)), entry("b", 10, 1, conditions=((name, "y #2"),))]
    board = leaderboard(both)
    assert len(board.groups) == len(board.summaries) == 2
    assert all(row.places == (1, 1) for group in board.groups for row in group.rows)
    for format in ("table", "markdown"):
        shown = " ".join(render(board, format, 300).split()).replace("\\", "")
        assert f"not ranked together (standard · miniature): {name} differs (x | y)" in shown
        assert f"standard · miniature · {name} x" in shown
    assert f"{name} differs (x | y)" in " ".join(brief_text(board).split())
    assert json.loads(render(board, "json"))["reasons"] == list(board.reasons) and len(board.reasons) == 1
    assert "y #2" in render(board, "csv")


def test_the_version_of_our_readers_does_not_part_what_is_read_as_upstream_did():
    both = [entry("a", 9, 1, conditions=(("readers", "2"),)), entry("b", 1, 1, conditions=(("readers", "3"),))]
    assert len(leaderboard(both).groups) == 2
    assert len(leaderboard([replace(one, protocol="classic") for one in both]).groups) == 1


def test_above_chance_is_meant_over_the_tasks_that_all_have():
    svt = {"task": "svt", "digest": "d2", "chance": 0.0}
    board = leaderboard(
        [entry("a", 70, 1, chance=40.0), entry("b", 40, 1, chance=40.0), entry("a", 30, 1, **svt), entry("b", 10, 1, **svt)]
        + [entry("a", 9, 1, task="vqa", digest="d3", chance=1.0), entry("a", 5, 1, task="x", digest="d4")]
    )
    (table,) = board.summaries
    assert {model: (round(m.value, 6), m.tasks) for model, m in table.macro.items()} == {"a": (40, 2), "b": (5, 2)}
    assert "above chance" in render(board, "table") and "40.0 [" in render(board, "markdown").replace("\\", "")


def test_failed_and_reference_rows_have_no_place_and_take_none():
    rows = rank([entry("oracle", 100, reference=True), entry("a", 50), entry("b", None, status="failed")])
    assert [(row.entry.model, row.places) for row in rows] == [("a", (1, 1)), ("b", None), ("oracle", None)]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)), min_size=1, max_size=12),
    st.sampled_from(["higher", "lower"]),
    st.randoms(),
)
def test_places_hold_the_place_by_value_and_do_not_depend_on_the_order_of_results(figures, better, random):
    entries = [entry(f"m{number}", value, half, better=better) for number, (value, half) in enumerate(figures)]
    rows = rank(entries)
    for number, row in enumerate(rows, 1):
        assert row.places is not None and 1 <= row.places[0] <= number <= row.places[1] <= len(rows)
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert rank(shuffled) == rows


@pytest.mark.parametrize("difference", ["protocol", "data", "digest", "task", "metric"])
def test_what_differs_in_one_respect_is_never_ranked_together(difference):
    board = leaderboard([entry("a", 90, 1), replace(entry("b", 10, 1), **{difference: "other"})])
    assert len(board.groups) == 2
    assert all(group.rows[0].places == (1, 1) for group in board.groups)


def test_the_same_model_run_twice_is_told_apart_by_its_folder():
    board = leaderboard([entry("a", 1, source="runs/one"), entry("a", 2, source="runs/two")])
    assert [row.entry.model for row in board.groups[0].rows] == ["a @ two", "a @ one"]


def test_the_mean_rank_is_over_the_tasks_that_all_were_asked():
    other = {"task": "svt", "digest": "d2"}
    board = leaderboard([entry("a", 10, 1), entry("b", 90, 1), entry("a", 10, 1, **other), entry("c", 1, 1, reference=True)])
    (table,) = board.summaries
    assert table.shared == 1 and table.mean_ranks == {"a": 2.0, "b": 1.0} and table.models == ("b", "a", "c")


def test_a_task_that_failed_counts_as_the_last_place_and_a_skipped_one_does_not():
    svt = {"task": "svt", "digest": "d2"}
    both = [entry("a", 50, 1), entry("b", 40, 1), entry("a", 50, 1, **svt)]
    (failed,) = leaderboard([*both, entry("b", None, status="failed", **svt)]).summaries
    assert failed.mean_ranks == {"a": 1.0, "b": 2.0} and failed.shared == 2
    (skipped,) = leaderboard([*both, entry("b", None, status="skipped", **svt)]).summaries
    assert skipped.mean_ranks == {"a": 1.0, "b": 2.0} and skipped.shared == 1


# reading runs


def test_runs_are_found_at_any_depth_and_damaged_ones_are_warned_of(tmp_path):
    run_json(tmp_path / "a", "one")
    run_json(tmp_path / "b" / "c", "two")
    run_json(tmp_path / "a" / "old-1", "set aside")
    broken = {
        "torn": '{"format": 1, "resu',
        "format": '{"format": 7}',
        "list": "[]",
        "shape": '{"format": 1, "model": {"name": "x"}, "results": [{"task": "svt"}]}',
        "nan": '{"format": 1, "model": "x", "results": [{"task": "t", "protocol": "p", "metrics": {"m": {"value": NaN}}}]}',
        "deep": "[" * 100_000,
    }
    for name, text in broken.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(text)
    entries, warnings = read_runs(tmp_path)
    assert {e.model for e in entries} == {"one, lamm/standard", "two, lamm/standard"}
    assert len(warnings) == len(broken)
    assert all("\n" not in line and any(name in line for name in broken) for line in warnings)


def test_an_empty_or_missing_folder_has_no_results(tmp_path):
    assert read_runs(tmp_path) == ([], []) and read_runs(tmp_path / "none") == ([], [])


def test_a_run_keeps_its_counts_and_says_which_metric_is_the_headline(tmp_path):
    entries = read_run(run_json(tmp_path / "a"))
    assert [(e.task, e.protocol, e.metric, e.headline) for e in entries] == [
        ("cifar10", "standard", "accuracy", True),
        ("cifar10", "standard", "balanced_accuracy", False),
        ("cifar10", "classic", "accuracy", True),
        ("fsc147", "standard", "mae", True),
    ]
    first = entries[0]
    assert (first.value, first.ci95, first.n, first.digest, first.data) == (60.0, (50.0, 70.0), 100, "d1", "miniature")
    assert (first.expected, first.unread, first.failed) == (100, 7, 3)
    assert entries[3].better == "lower" and entries[3].unit == "count"


def test_a_pooled_result_is_ranked_only_with_those_of_the_same_data_and_counts_once(tmp_path):
    pooled = {
        "task": "binary-loc",
        "protocol": "classic",
        "metrics": {"june": {"value": 5.0}, "july": {"value": 6.0}},
        "counts": {},
    }
    run_json(tmp_path / "a", "one", results=[pooled, pooled])
    run_json(tmp_path / "b", "two", results=[pooled])
    run_json(tmp_path / "c", "three", results=[pooled], data={"cifar10": "other"})
    board = leaderboard(read_runs(tmp_path)[0], tasks=["binary-loc"])
    assert sorted((g.metric, *(row.entry.model[:3] for row in g.rows)) for g in board.groups) == [
        ("july", "one", "two"),
        ("july", "thr"),
        ("june", "one", "two"),
        ("june", "thr"),
    ]


def test_columns_stand_in_the_order_of_the_catalogue():
    entries = [entry("a", task=task, digest=task) for task in ("scanqa", "mine", "voc2012", "cifar10")]
    assert [column.task for column in leaderboard(entries).summaries[0].columns] == ["cifar10", "voc2012", "scanqa", "mine"]


@pytest.mark.parametrize(("model", "control"), [("oracle", None), ("chance", None), ("majority", None), ("lamm", "blind")])
def test_baselines_and_controls_are_references(tmp_path, model, control):
    assert all(e.reference for e in read_run(run_json(tmp_path / "a", model, control=control)))


def test_a_task_that_a_run_skipped_or_lost_stands_beside_the_others_without_a_place(tmp_path):
    run_json(tmp_path / "a", "one")
    run_json(tmp_path / "b", "two", skipped={"fsc147": "takes no images"}, unavailable={"svt": "is missing"}, results=[])
    entries, _ = read_runs(tmp_path)
    board = leaderboard(entries)
    (group,) = [g for g in board.groups if g.task == "fsc147"]
    assert [(row.entry.model, row.entry.status, row.places) for row in group.rows] == [
        ("one, lamm/standard", "", (1, 1)),
        ("two, lamm/standard", "skipped", None),
    ]
    assert "skipped" in render(board, "table") and not [g for g in board.groups if g.task == "svt"]


def judged(folder: Path, judge: str, value: float | None) -> None:
    """A judgement of run a about cifar10, as `lamm-bench judge` leaves it; without a figure where nothing could be read."""
    rating = {"value": value, "ci95": None, "n": 0, "unit": "score", "better": "higher", "note": "nothing was judged"}
    result = {"task": "cifar10", "protocol": f"rating by {judge}", "metrics": {"rating": rating}, "counts": {"expected": 6}}
    run_json(folder / "a/judgements" / judge, results=[result])


@pytest.mark.parametrize("format", ["table", "markdown", "brief"])
def test_what_nobody_has_a_figure_of_is_named_below_the_tables_and_is_no_table_or_column(tmp_path, format):
    judged(tmp_path, "grumbler", None)
    judged(tmp_path, "fair", 6.0)
    run_json(tmp_path / "b", unavailable={"fsc147": "is missing"})
    entries, _ = read_runs(tmp_path)
    board = leaderboard([replace(e, value=None) if e.task == "fsc147" else e for e in entries])
    assert [[column.task for column in table.columns] for table in board.summaries] == [["cifar10"]] * 3
    assert "rating by grumbler" in render(board, "csv") and "rating by grumbler" in render(board, "json")
    for detail in (False, True):
        shown = brief_text(board) if format == "brief" else render(board, format, 200, detail)
        assert "rating by fair" in shown and shown.count("rating by grumbler") == 1 and shown.count("fsc147") == 1
        assert "left out: cifar10 (rating by grumbler), fsc147 (standard); --format csv" in shown


def brief_text(board: Board) -> str:
    console = Console(width=200, file=io.StringIO(), color_system=None)
    console.print(brief(board))
    return console.file.getvalue()


def test_a_long_name_is_whole_and_a_piped_board_ends_without_blanks(tmp_path, capsys):
    long = {"name": "hf-chat", "settings": {"model": "/a/b/" + "c" * 60, "render": "4views"}}
    for folder, control in (("a", None), ("b", "blind")):
        run_json(tmp_path / folder, model=long, control=control)
    board = leaderboard(read_runs(tmp_path)[0])
    for show in (lambda: print_brief(board), lambda: print_board(board, "table")):
        show()
        shown = capsys.readouterr().out
        assert "control blind" in " ".join(shown.split()) and "…" not in shown
        assert all(line == line.rstrip() for line in shown.splitlines())


def test_settings_are_part_of_a_models_name(tmp_path):
    entries = read_run(run_json(tmp_path / "a", model={"name": "lamm", "settings": {"checkpoint": "mine"}}))
    assert entries[0].model == "lamm, checkpoint=mine, lamm/standard"


# showing


@pytest.fixture
def board(tmp_path):
    run_json(tmp_path / "a", "lamm")
    run_json(tmp_path / "b", "other", data={"cifar10": "d1", "fsc147": "d3"})
    run_json(tmp_path / "c", "oracle")
    entries, warnings = read_runs(tmp_path)
    return leaderboard([*entries, *read_published()], warnings=[*warnings, "skipped: x"])


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_shows_local_and_published_figures(board, format):
    text = render(board, format)
    assert "lamm, lamm/standard" in text and "LLaVA" in text and "miniature" in text and text.endswith("\n")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal_allows(board, width):
    lines = render(board, "table", width).splitlines()
    assert max(map(len, lines)) <= width


def test_data_that_differ_stand_in_columns_of_their_own(board):
    table = next(s for s in board.summaries if s.protocol == "standard")
    assert [(c.task, c.digest) for c in table.columns] == [("cifar10", "d1"), ("fsc147", "d2"), ("fsc147", "d3")]
    assert "fsc147 mae ↓ \\[d2]" in render(board, "markdown") and "fsc147 mae ↓ \\[d3]" in render(board, "markdown")
    assert "not ranked together (standard · miniature): other items were asked of fsc147 (10 [d2] | 10 [d3])" in board.reasons


def test_csv_and_json_hold_every_figure_with_its_places(board):
    count = sum(len(group.rows) for group in board.groups)
    lines = list(csv.DictReader(io.StringIO(render(board, "csv"))))
    data = json.loads(render(board, "json"))
    assert len(lines) == count == sum(len(group["rows"]) for group in data["groups"])
    mine = next(line for line in lines if line["model"] == "lamm, lamm/standard" and line["metric"] == "accuracy")
    assert (mine["value"], mine["ci_low"], mine["rank_first"], mine["rank_last"], mine["failed"]) == (
        "60.0",
        "50.0",
        "1",
        "2",
        "3",
    )
    assert data["warnings"] == ["skipped: x"]


def test_the_detail_lists_every_metric_of_a_task(board):
    for format in ("table", "markdown"):
        assert "balanced" not in render(board, format) and "balanced" in render(board, format, detail=True)
        assert "mean rank" in render(board, format) and "mean rank" not in render(board, format, detail=True)


def test_filters_keep_only_what_was_asked_for(board):
    entries = [row.entry for group in board.groups for row in group.rows]
    kept = leaderboard(entries, tasks=["cifar10"], protocols=["standard"])
    assert {(g.task, g.protocol) for g in kept.groups} == {("cifar10", "standard")}
    with pytest.raises(BenchError, match="Did you mean 'cifar10'"):
        leaderboard(entries, tasks=["cifar"])
    with pytest.raises(BenchError, match="Did you mean 'classic'"):
        leaderboard(entries, protocols=["clasic"])


def test_names_cannot_break_a_table_or_command_a_terminal(tmp_path):
    run_json(tmp_path / "a", "[bold]x|y\x1b[31m\n<b>")
    entries, _ = read_runs(tmp_path)
    shown = leaderboard(entries)
    for format in FORMATS:
        assert "\x1b" not in render(shown, format)
    assert "[bold]x|y" in render(shown, "table")
    text = render(shown, "markdown")
    for head, rule, row in zip(text.splitlines(), text.splitlines()[1:], text.splitlines()[2:]):
        if set(rule) == {"|", "-", " "}:
            assert head.count("|") == rule.count("|") == row.replace("\\|", "").count("|")
    assert "<b>" not in text


def test_the_command_prints_one_task_in_detail(tmp_path, capsys):
    run_json(tmp_path / "a")
    show_leaderboard(tmp_path, "table", "cifar10", "standard", published=False)
    shown = capsys.readouterr().out
    assert "balanced_accuracy" in shown and "fsc147" not in shown and "LLaVA" not in shown
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "result.json").write_text("{")
    show_leaderboard(tmp_path, "csv", None, None, published=True)
    printed = capsys.readouterr()
    assert "LLaVA" in printed.out and "warning" not in printed.out and "result.json" in printed.err


def test_no_results_is_said():
    assert "no results" in render(leaderboard([]), "table") and "no results" in render(leaderboard([]), "markdown")
    assert json.loads(render(leaderboard([]), "json"))["groups"] == []


# published figures (reference section 6)


def test_every_published_figure_has_the_form_that_the_readme_describes():
    for path in PUBLISHED.glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        assert set(data) == {"format", "source", "protocol", "data", "remarks", "rows"} and data["format"] == 1, path
        assert set(data["source"]) == {"paper", "where", "url", "date"} and all(data["source"].values()), path
        assert data["source"]["url"].startswith("https://") and data["rows"], path
        for row in data["rows"]:
            optional = {"status", "reference"} & set(row)
            assert set(row) - optional == {"model", "task", "metric", "value", "unit", "better", "note"}, row
            assert row["unit"] in ("percent", "count", "score") and row["better"] in ("higher", "lower"), row
            assert (row["value"] is None) == (row.get("status") == "failed"), row
            if row["value"] is not None:
                assert math.isfinite(row["value"]) and row["value"] >= 0, row
                assert row["unit"] != "percent" or row["value"] <= 100, row
        assert not [
            key for key, times in Counter((r["model"], r["task"], r["metric"]) for r in data["rows"]).items() if times > 1
        ], path


@pytest.mark.parametrize(
    ("model", "protocol", "task", "metric", "value"),
    [
        ("LLaVA", "classic", "cifar10", "accuracy", 60.83),  # 6.1
        ("mPLUG-owl", "classic", "voc2012", "recall@0.5", 0.158),
        ("MiniGPT-4", "classic", "ai2d", "accuracy", None),
        ("LAMM-13B", "classic", "fsc147", "mae", 46.88),
        ("LAMM-13B (June 2023)", "classic", "fsc147", "mae", 53.97),
        ("LAMM-13B", "classic", "celeba-smile", "accuracy", 57.60),
        ("LAMM-13B (NeurIPS 2023)", "classic", "celeba-smile", "accuracy", 57.50),
        ("LAMM-13B", "classic", "lsp", "pck@0.1", None),
        ("State of the art in June 2023", "specialist", "svt", "word_accuracy", 97.9),
        ("LAMM-13B, fine-tuned", "classic", "scanqa", "accuracy", 99.89),  # 6.2, 6.3
        ("LAMM-13B", "classic", "scannet", "recall@0.5", 8.2),
        ("LAMM-13B (June 2023)", "classic", "scannet", "recall@0.5", 9.3),
        ("LAMM-13B", "classic", "binary-loc", "july", 36.53),  # 6.4
        ("LAMM-13B", "classic", "binary-loc", "june", 31.2),
        ("LLaVA", "gpt-ranking", "gpt-ranking", "win_rate", 11),
        ("MiniGPT-4", "gpt-scoring", "gpt-scoring", "score", 7.28),
        ("LLaVA, reasoning only", "classic", "sqaimage", "accuracy", 35.44),  # 6.5
        ("Kosmos-2", "chef", "chef-mmbench", "vanilla_acc", 32.82),  # 6.6
        ("Random choice", "chef", "chef-omnibenchmark", "weighted accuracy", 10.94),
        ("InstructBLIP", "chef", "hallucination", "accuracy", 84.81),
        ("GPT-4V", "chef", "chef-scienceqa", "ACC", 96.67),
        ("VideoChat", "human-study", "video-generalisation", "score", 78.13),
        ("GPT-4V(ision) (Playground)", "official", "mmmu", "accuracy", 56.8),
        ("GPT-4V (September 2023)", "official", "hallusionbench", "qAcc", 28.79),
    ],
)
def test_published_values_are_those_of_the_papers(model, protocol, task, metric, value):
    found = [e for e in read_published() if (e.model, e.protocol, e.task, e.metric) == (model, protocol, task, metric)]
    assert [e.value for e in found] == [value]
    assert found[0].source and found[0].published


def test_every_table_of_the_reference_is_there_in_full():
    entries = read_published()
    size = Counter((e.protocol, e.data) for e in entries)
    assert size["chef", "ChEF scenarios, each with its default recipe"] == 10 * 9
    assert size["chef", "ChEF desiderata"] == 9 * 6
    assert size["chef", "30 samples each of ScienceQA and MMBench"] == 5 * 6
    zero_shot = [e for e in entries if e.data == "LAMM benchmark (full)" and e.task != "binary-loc"]
    assert Counter(e.model for e in zero_shot) == {
        "LLaVA": 11,
        "MiniGPT-4": 11,
        "mPLUG-owl": 11,
        "LAMM-13B": 14,
        "LAMM-13B (June 2023)": 14,
        "LAMM-13B (NeurIPS 2023)": 14,
    }


def test_the_june_and_july_versions_of_binary_loc_are_never_ranked_together():
    board = leaderboard(read_published(), tasks=["binary-loc"])
    assert {group.metric: len([r for r in group.rows if r.places]) for group in board.groups} == {"june": 4, "july": 1}


def test_a_faulty_published_file_is_named(tmp_path):
    (tmp_path / "x.json").write_text('{"format": 1, "rows": [{}]}')
    with pytest.raises(BenchError, match=r"x\.json"):
        read_published(tmp_path)
