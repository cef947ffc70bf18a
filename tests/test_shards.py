"""Jobs that know nothing of each other: their folders together are the run of one process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.runner import cluster_of
from lamm_bench.ask.shares import Share
from lamm_bench.keep.runs import Run

from .commands import lamm_bench, refusal
from .test_spread import PLUGIN, go, records_of, same, scores_of

JOBS = 3


def run(root: Path, output: Path, *more: object, status: int = 0, model: str = "chance") -> str:
    words = ("--model", model, "--tasks", "svt,lsp,scanqa,sqaimage", "--data-root", root, "--output", output)
    result = lamm_bench("run", *words, *more)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture(scope="module")
def sharded(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, and the same in three shares."""
    folder = tmp_path_factory.mktemp("shards")
    run(mini_root, folder / "whole")
    for number in range(1, JOBS + 1):
        run(mini_root, folder / f"part{number}", "--shard", f"{number}/{JOBS}")
    return folder


def parts(folder: Path) -> list[Path]:
    return [folder / f"part{number}" for number in range(1, JOBS + 1)]


def test_shares_together_are_the_run_of_one_process(sharded: Path, mini_root: Path, tmp_path: Path) -> None:
    result = lamm_bench("merge", *parts(sharded), "--output", tmp_path / "merged")
    assert result.exit_code == 0, result.output
    same(sharded / "whole", tmp_path / "merged")
    before = records_of(tmp_path / "merged")
    run(mini_root, tmp_path / "merged")  # goes on, and finds nothing to do
    assert records_of(tmp_path / "merged") == before
    assert scores_of(tmp_path / "merged") == scores_of(sharded / "whole")


def test_every_sample_has_one_share_and_an_image_is_never_torn(mini_root: Path) -> None:
    task = load_catalog().tasks["svt"]
    samples = task.samples(mini_root)
    for sample in samples:
        assert sum(Share(number, 5).has(sample) for number in range(1, 6)) == 1
    for number in range(1, 6):
        mine = {cluster_of(sample) for sample in samples if Share(number, 5).has(sample)}
        assert not mine & {cluster_of(sample) for sample in samples if not Share(number, 5).has(sample)}


def test_a_share_is_scored_by_nobody_and_its_floor_is_that_of_the_whole_file(sharded: Path) -> None:
    for part in parts(sharded):
        assert not (part / "result.json").exists() and not (part / "scores").exists()
        assert set(records_of(part)) < set(records_of(sharded / "whole"))
    run_ = json.loads((sharded / "part1/share.json").read_text())
    assert run_["share"] == [1, JOBS]


def test_majority_in_shares_knows_all_samples(mini_root: Path, tmp_path: Path) -> None:
    run(mini_root, tmp_path / "whole", model="majority")
    for number in (1, 2):
        run(mini_root, tmp_path / f"part{number}", "--shard", f"{number}/2", model="majority")
    assert lamm_bench("merge", tmp_path / "part1", tmp_path / "part2", "--output", tmp_path / "merged").exit_code == 0
    same(tmp_path / "whole", tmp_path / "merged")


def test_a_missing_share_is_named_and_run_asks_what_is_left(sharded: Path, mini_root: Path, tmp_path: Path) -> None:
    result = lamm_bench("merge", sharded / "part3", sharded / "part1", "--output", tmp_path / "merged")
    assert result.exit_code == 3
    assert "of 3 shares these are not here, or not finished: 2" in result.output
    assert "samples are missing" in result.output
    run(mini_root, tmp_path / "merged")
    same(sharded / "whole", tmp_path / "merged")


def test_a_share_that_comes_later_is_merged_into_what_is_there(sharded: Path, tmp_path: Path) -> None:
    lamm_bench("merge", sharded / "part3", "--output", tmp_path / "merged")
    lamm_bench("merge", *parts(sharded), "--output", tmp_path / "merged")
    same(sharded / "whole", tmp_path / "merged")


def test_a_shared_folder_that_lags_costs_answers_only_until_it_has_caught_up(sharded: Path, tmp_path: Path) -> None:
    """Of the last share a file has come in half, two are not there yet, and then not even the manifest is whole."""
    late, merged = tmp_path / "part3", tmp_path / "merged"
    shutil.copytree(parts(sharded)[2], late)
    lines = (late / "records/svt.jsonl").read_bytes()
    (late / "records/svt.jsonl").write_bytes(lines[: len(lines) // 2 + 7])
    (late / "records/lsp.jsonl").unlink()
    (late / "share.json").unlink()
    seen = [*parts(sharded)[:2], late]
    result = lamm_bench("merge", *seen, "--output", merged)
    assert result.exit_code == 3 and "not here, or not finished: 3" in result.output and "samples are missing" in result.output
    manifest = (late / "manifest.json").read_bytes()
    (late / "manifest.json").write_bytes(manifest[: len(manifest) // 2])
    before = records_of(merged)
    assert str(late / "manifest.json") in refusal("merge", *seen, "--output", merged)
    assert records_of(merged) == before
    result = lamm_bench("merge", *parts(sharded), "--output", merged)
    assert result.exit_code == 0, result.output
    same(sharded / "whole", merged)


def test_of_two_folders_with_the_same_samples_the_first_that_ended_counts(tmp_path: Path) -> None:
    """The first has an error where the second has an answer; both were asked everything."""
    assert go(tmp_path, "failed", raises="Stopped").unavailable
    go(tmp_path, "whole")
    words = ("--plugin", PLUGIN, "--data-root", tmp_path / "data", "--output", tmp_path / "merged")
    result = lamm_bench("merge", tmp_path / "failed", tmp_path / "whole", *words)
    assert result.exit_code == 0, result.output
    same(tmp_path / "whole", tmp_path / "merged")


def test_a_model_error_is_taken_only_where_nobody_has_better(tmp_path: Path) -> None:
    go(tmp_path, "whole")
    go(tmp_path, "deadly", workers=1, deadly="5")
    words = ("--plugin", PLUGIN, "--data-root", tmp_path / "data")
    alone = lamm_bench("merge", tmp_path / "deadly", *words, "--output", tmp_path / "alone")
    assert alone.exit_code == 3 and "1 of 12 samples are missing" in alone.output
    assert Run.read(tmp_path / "alone").ledger("colours").ended["5"].status == "model_error"
    assert lamm_bench("merge", tmp_path / "deadly", tmp_path / "whole", *words, "--output", tmp_path / "both").exit_code == 0
    same(tmp_path / "whole", tmp_path / "both")


def test_workers_ask_a_share_as_one_process_does(sharded: Path, mini_root: Path, tmp_path: Path) -> None:
    run(mini_root, tmp_path / "part1", "--shard", f"1/{JOBS}", "--workers", "2")
    assert records_of(tmp_path / "part1") == records_of(sharded / "part1")


def test_shares_without_an_output_have_folders_of_their_own(
    mini_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("run", "--model", "chance", "--tasks", "svt", "--data-root", mini_root, "--shard")
    for number in (1, 2):
        assert lamm_bench(*words, f"{number}/2").exit_code == 0
        assert lamm_bench(*words, f"{number}/2", "--name", "mine").exit_code == 0
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert names[2:] == ["mine-1-of-2", "mine-2-of-2"] and names[0].endswith("-1-of-2") and names[0].startswith("chance-")


@pytest.mark.parametrize("shard", ["0/4", "5/4", "3", "a/b", "1/0", "-1/2"])
def test_a_share_that_cannot_be_is_one_sentence(shard: str) -> None:
    assert "expected I/N with I from 1 to N" in refusal("run", "--model", "oracle", "--tasks", "svt", "--shard", shard)


def test_what_cannot_be_merged_is_one_sentence(sharded: Path, mini_root: Path, tmp_path: Path) -> None:
    run(mini_root, tmp_path / "other", "--seed", "7")
    said = refusal("merge", sharded / "part1", tmp_path / "other", "--output", tmp_path / "merged")
    assert "holds another run than" in said and "(different: seed)" in said
    assert not (tmp_path / "merged").exists()
    assert "is one of the runs that are merged" in refusal("merge", sharded / "part1", "--output", sharded / "part1")
    assert "is no run folder" in refusal("merge", tmp_path, "--output", tmp_path / "merged")
    assert "holds another run (different: seed)" in refusal("merge", sharded / "part1", "--output", tmp_path / "other")
    said = refusal("run", "--model", "oracle", "--tasks", "svt", "--shard", "1/2", "--json", tmp_path / "a.json")
    assert "a share has no results" in said
