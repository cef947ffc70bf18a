"""The command line in narrow terminals, on full disks, with names that are too long: still a table, or one sentence."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.cli import main
from lamm_bench.show.plain import put
from lamm_bench.show.shelves import shelf_table

from .commands import lamm_bench


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "words", [["--help"], ["run", "--help"], ["--version"], ["list", "tasks"], ["leaderboard", "--format", "csv"]]
)
def test_a_full_disk_is_one_sentence(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-m", "lamm_bench", *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2 and ended.stderr == "lamm-bench: cannot use standard output: No space left on device\n"


@pytest.mark.parametrize(
    "words",
    [
        ("score", "{long}"),
        ("report", "{long}"),
        ("compare", "{long}", "{long}"),
        ("leaderboard", "--results", "{long}"),
        ("show", "svt", "--data-root", "{long}"),
        ("data", "verify", "--data-root", "{long}"),
        ("run", "--model", "chance", "--data-root", "{long}"),
        ("run", "--model", "chance", "--tasks", "svt", "--data-root", "{root}", "--output", "{long}"),
        ("run", "--model", "chance", "--recipe", "{long}.yaml"),
        ("run", "--model", "chance", "--plugin", "{long}.py"),
        ("run", "--model", "scripted", "--set", "answers={long}"),
        ("chat", "--question-file", "{long}"),
        ("judge", "{long}", "--replay"),
    ],
)
def test_a_name_that_is_too_long_is_one_sentence(words: tuple[str, ...], mini_root: Path) -> None:
    result = lamm_bench(*(word.format(long="y" * 300, root=mini_root) for word in words))
    assert result.exit_code == 2 and "File name too long" in result.stderr and result.stderr.count("\n") == 1, result.output


def test_help_tells_every_verb_whole_in_80_columns() -> None:
    context = main.make_context("lamm-bench", [], resilient_parsing=True)
    for name, verb in main.commands.items():
        assert verb.short_help and len(verb.get_short_help_str(60)) <= 60 and not verb.get_short_help_str(60).endswith("..."), (
            name
        )
    assert context.command is main


def test_file_names_of_tasks_are_never_cut() -> None:
    catalog = load_catalog()
    for width in (80, 160, 200):
        console = Console(file=io.StringIO(), width=width)
        console.print(shelf_table(catalog, "tasks", width))
        told = "".join(console.file.getvalue().split())  # type: ignore[attr-defined]  # the longest go on in a second line
        assert all("".join(task.meta_files[0].split()) in told for task in catalog.tasks.values())


def test_piped_tables_have_no_blanks_at_line_ends() -> None:
    console = Console(file=io.StringIO(), width=80)
    put(lambda width: shelf_table(load_catalog(), "recipes", width), console)
    assert all(line == line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def test_a_narrow_table_says_what_it_leaves_out(mini_root: Path, tmp_path: Path) -> None:
    from lamm_bench.ask.outcome import Watcher
    from lamm_bench.ask.rescoring import rescore
    from lamm_bench.show.tables import result_table

    lamm_bench("run", "--model", "chance", "--tasks", "svt", "--data-root", mini_root, "--output", tmp_path / "r")
    outcome = rescore(tmp_path / "r", load_catalog(), mini_root, "all", (), Watcher())
    assert "left out here: classic, chef, majority, oracle" in str(result_table(outcome, 80).caption)
    assert result_table(outcome, 200).caption is None


def test_a_recipe_that_names_its_tasks_asks_those(mini_root: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "two.yaml"
    recipe.write_text(
        "scenario: {tasks: [svt, cifar10]}\ninstruction: {}\ninferencer: {name: direct}\nmetric: {protocols: [standard]}\n"
    )
    words = ("run", "--model", "chance", "--recipe", recipe, "--data-root", mini_root)
    result = lamm_bench(*words, "--output", tmp_path / "a")
    assert result.exit_code == 0 and "skipped" not in result.output
    (tmp_path / "data/2D_Benchmark").mkdir(parents=True)
    for folder in (mini_root / "2D_Benchmark").iterdir():
        os.symlink(folder, tmp_path / "data/2D_Benchmark" / folder.name)  # no clouds at all
    words = ("run", "--model", "chance", "--recipe", recipe, "--data-root", tmp_path / "data")
    result = lamm_bench(*words, "--tasks", "all", "--output", tmp_path / "b")
    assert result.exit_code == 0 and result.output.count("skipped, recipe") == 1 and "MISSING" not in result.output


def test_a_run_with_a_name_is_called_so_and_lies_under_it(
    mini_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("run", "--model", "chance", "--data-root", mini_root, "--name", "my: first/../run")
    assert lamm_bench(*words, "--tasks", "svt").exit_code == 0
    assert lamm_bench(*words, "--tasks", "svt,cifar10").exit_code == 0
    (folder,) = (tmp_path / "runs").iterdir()
    result = json.loads((folder / "result.json").read_text())
    assert result["name"] == "my: first/../run" and {entry["task"] for entry in result["results"]} == {"svt", "cifar10"}
    assert "my: first/../run" in lamm_bench("leaderboard", "--no-published", "--format", "csv").output


def test_a_folder_of_runs_names_those_in_it(mini_root: Path, tmp_path: Path) -> None:
    lamm_bench("run", "--model", "chance", "--tasks", "svt", "--data-root", mini_root, "--output", tmp_path / "runs/one")
    result = lamm_bench("score", tmp_path / "runs")
    assert result.exit_code == 2 and "name one of those in it: one" in result.stderr


def test_data_that_moved_are_never_replaced_by_others(mini_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from .fakes import draw_root

    root = draw_root(tmp_path / "data")
    (root / "2D_Benchmark/meta_file/OCR_SVT.json").write_text(
        '[{"id": 1, "image": "pics/0.png", "query": "?", "word_list": ["A"]}]'
    )
    lamm_bench("run", "--model", "chance", "--tasks", "svt", "--data-root", root, "--output", tmp_path / "r")
    root.rename(tmp_path / "elsewhere")
    for words in (("score", tmp_path / "r"), ("report", tmp_path / "r"), ("compare", tmp_path / "r", tmp_path / "r")):
        result = lamm_bench(*words)
        assert result.exit_code == 2 and "which is not there; name where they are now with --data-root" in result.stderr
        assert lamm_bench(*words, "--data-root", tmp_path / "elsewhere").exit_code == 0
    monkeypatch.setenv("LAMM_BENCH_DATA", str(tmp_path / "elsewhere"))
    result = lamm_bench("score", tmp_path / "r")
    assert result.exit_code == 0 and "elsewhere, the same that" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("run", "--model", "chance", "--tasks", "svt", "--data-root", "{mini}", "--output", "{file}"),
            "it is a file, expected a folder",
        ),
        (("train-baseline", "--dry-run", "--output", "{file}"), "is a file, expected a folder"),
        (("run", "--model", "chance", "--plugin", "nowhere.py"), "--plugin nowhere.py is missing: expected a Python file"),
        (("publish", "nowhere"), "nowhere is no folder"),
        (("plot", "runs/none", "--output", "{folder}"), "is a folder; name a file in it"),
    ],
)
def test_what_is_no_folder_or_no_file_is_said_so_at_once(mini_root, tmp_path, words, said):
    (tmp_path / "file").touch()
    put = {"mini": mini_root, "file": tmp_path / "file", "folder": tmp_path}
    result = lamm_bench(*(word.format(**put) for word in words))
    assert result.exit_code == 2 and said in " ".join(result.output.split()), result.output
    assert (tmp_path / "file").read_bytes() == b""
