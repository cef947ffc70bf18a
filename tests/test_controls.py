"""Controls: what is shown in place of a sample's media, and how much of a score is lost by it."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.comparing import compare_runs
from lamm_bench.ask.corrupt.chain import apply, parse
from lamm_bench.ask.corrupt.options import another_order
from lamm_bench.ask.runner import plan
from lamm_bench.ask.transforms import swapped
from lamm_bench.media import is_blank
from lamm_bench.types import Media, Sample

from .commands import done, refusal


def sample(number: int, group: str, kind: str = "image") -> Sample:
    return Sample(str(number), "?", (Media(kind, f"/{group}", group),), 0, f"/{group}")


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.integers(0, 3), st.randoms())
def test_every_image_is_shown_in_place_of_another_and_none_of_its_own(groups: list[int], seed: int, random: Random) -> None:
    samples = [sample(number, f"g{group}") for number, group in enumerate(groups)]
    found = swapped(samples, seed)
    stands = {own.group: new.media[0] for own, new in zip(samples, found)}
    if len(set(groups)) == 1:
        assert all(is_blank(new.media[0]) for new in found)
    else:
        assert all(new.media[0].path != own.group and not is_blank(new.media[0]) for own, new in zip(samples, found))
        assert len({media.path for media in stands.values()}) == len(stands)  # each once
    assert [(new.id, new.question, new.target, new.group) for new in found] == [
        (s.id, s.question, s.target, s.group) for s in samples
    ]
    mixed = list(samples)
    random.shuffle(mixed)
    assert {s.group: s.media for s in swapped(mixed, seed)} == {s.group: s.media for s in found}


def test_media_are_swapped_with_their_kind_and_never_with_one_that_cannot_be_opened() -> None:
    samples = [sample(0, "a"), sample(1, "b"), sample(2, "c"), sample(3, "d", "point_cloud"), sample(4, "e", "point_cloud")]
    found = swapped(samples, 0, unusable={"2"})
    assert [one.media[0].path for one in found] == ["/b", "/a", "/c", "/e", "/d"]


@given(st.integers(2, 8), st.integers(0, 99))
def test_another_order_is_another_one(count: int, seed: int) -> None:
    order = another_order(count, Random(seed))
    assert sorted(order) == list(range(count)) != order


def test_the_truth_follows_options_in_another_order(mini_root: Path) -> None:
    task = load_catalog().tasks["scanqa"]
    moved = 0
    for one in task.samples(mini_root):
        worse = apply(one, parse("options_shuffled"), 0)
        assert worse.choices[worse.target] == one.choices[one.target] and sorted(worse.choices) == sorted(one.choices)
        assert worse == apply(one, parse("options_shuffled"), 0)
        moved += worse.choices != one.choices
    assert moved


def test_a_swapped_run_has_the_data_of_the_run_itself(mini_root: Path) -> None:
    task = load_catalog().tasks["cifar10"]
    one, other = (plan(task, task.samples(mini_root), 8, 0, control) for control in (None, "swapped"))
    assert one.data == other.data and all(a.media != b.media for a, b in zip(one.samples, other.samples))


@pytest.fixture(scope="module")
def controlled(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("controls")
    return folder, done(*words(folder, mini_root), "--json", folder / "told.json")


def words(folder: Path, root: Path) -> tuple[object, ...]:
    common = ("--tasks", "cifar10,scanqa", "--limit", "5", "--data-root", root)
    return ("run", "--model", "lamm", *common, "--controls", "--output", folder / "own")


def test_every_control_is_a_run_beside_and_its_gap_is_what_compare_says(controlled: tuple[Path, str], mini_root: Path) -> None:
    folder, said = controlled
    assert {path.parent.name for path in folder.glob("*/result.json")} == {
        "own",
        *(f"own-{name}" for name in ("blind", "swapped", "shuffled", "options", "rotation")),
    }
    gaps = json.loads((folder / "told.json").read_text())["controls"]
    assert gaps == json.loads((folder / "own/controls.json").read_text())["gaps"]
    assert {task: set(own) for task, own in gaps.items()} == {
        "cifar10": {"blind", "swapped", "shuffled"},
        "scanqa": {"blind", "swapped", "shuffled", "options", "rotation"},
    }
    told = compare_runs(folder / "own", folder / "own-blind", load_catalog(), mini_root, "all", "standard")
    for each in told.differences:
        own = gaps[each.task]["blind"]
        assert (own["gap"], own["p"], own["n"]) == (each.difference, each.p, each.n) and own["holm"] >= own["p"]
    assert gaps["cifar10"]["blind"]["gap"] > 30  # the baseline sees its miniature
    assert "from seeing" in said and "rotation" in said


def test_controls_go_on_where_they_stopped(controlled: tuple[Path, str], mini_root: Path) -> None:
    folder, said = controlled
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/records/*.jsonl")}
    again = done(*words(folder, mini_root))
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/records/*.jsonl")} == before
    table = "How much of the score"
    assert again[again.index(table) :].splitlines()[:6] == said[said.index(table) :].splitlines()[:6]


@pytest.mark.parametrize("more", [("--control", "blind"), ("--corrupt", "fog:1"), ("--shard", "1/2")])
def test_controls_of_controls_are_refused(more: tuple[str, ...], mini_root: Path, tmp_path: Path) -> None:
    assert "--controls asks the run as it is" in refusal(*words(tmp_path, mini_root), *more)
    assert not list(tmp_path.iterdir())


def test_a_task_of_one_image_is_said_to_have_none_to_swap(mini_root: Path, tmp_path: Path) -> None:
    done(
        "run",
        "--model",
        "majority",
        "--tasks",
        "cifar10",
        "--limit",
        "1",
        "--data-root",
        mini_root,
        "--controls",
        "--output",
        tmp_path / "own",
    )
    skipped = json.loads((tmp_path / "own/controls.json").read_text())["skipped"]
    assert skipped["swapped"] == {"cifar10": "there is no other image or room whose media could be shown"}
    assert not (tmp_path / "own-swapped").exists()
