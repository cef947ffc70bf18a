"""The folder that a training writes, what it refuses before it has read anything, and what it says of itself."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from rich.console import Console

from lamm_bench.cli import main
from lamm_bench.errors import BenchError
from lamm_bench.keep.locks import hold
from lamm_bench.training import before
from lamm_bench.training.config.reading import read_preset
from lamm_bench.training.dry_run import dry_run
from lamm_bench.training.watch import curve

from .toys import toy_data
from .trainings import go, interrupt_after

ONE = "[{name: lamm, train: [projection, lora], epochs: 1, batch: 6, rate: 1.0e-2}]"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_data(tmp_path_factory.mktemp("data") / "root")


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_two_trainings_do_not_write_one_folder(root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    held = hold(tmp_path / "out")
    assert held is not None
    with pytest.raises(BenchError, match="another training writes to"):
        go(root, tmp_path / "out", stages=ONE)
    assert names(tmp_path / "out") == set()
    os.close(held)
    assert "config.json" in names(go(root, tmp_path / "out", stages=ONE))


def test_whoever_may_read_the_card_may_read_the_weights(root: Path, tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        out = go(root, tmp_path / "out", stages=ONE)
    finally:
        os.umask(mask)
    assert {oct(file.stat().st_mode & 0o777) for file in out.iterdir()} == {"0o640"}


def test_a_file_that_is_not_the_trainings_is_not_written_over(root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README.md").write_text("mine")
    with pytest.raises(BenchError, match="holds a README.md that the training would write over"):
        go(root, tmp_path / "out", stages=ONE)
    assert names(tmp_path / "out") == {"README.md"} and (tmp_path / "out" / "README.md").read_text() == "mine"


@pytest.mark.parametrize(("share", "left"), [("0.0001", "for the validation loss"), ("0.9999", "to learn from")])
def test_a_validation_of_nothing_is_refused_before_the_first_step(root: Path, tmp_path: Path, share: str, left: str) -> None:
    with pytest.raises(BenchError, match=f"data.held_out is {share}, which leaves none of them {left}: there are 15"):
        go(root, tmp_path / "out", stages=ONE, data__held_out=share, watch__final="best")
    assert not (tmp_path / "out").exists()


def test_what_is_known_from_the_start_leaves_nothing_behind(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for settings, said in (
        ({"watch.tensorboard": "true"}, "needs the extra `tensorboard`"),
        ({"watch.eval_every": "1", "watch.eval_tasks": "cifar11"}, "cifar11"),
        ({"model.llm.heads": "5"}, "model.llm: heads is 5, which does not divide the width of 32"),
        ({"model.image.heads": "3"}, "model.image: heads is 3"),
    ):
        with pytest.raises(BenchError, match=said):
            go(root, tmp_path / "out", **{key.replace(".", "__"): value for key, value in settings.items()})
        assert not (tmp_path / "out").exists()
    with pytest.raises(BenchError, match="is a file, expected a folder"):
        before.refuse(read_preset(root / "one.yaml"), root / "one.yaml")


def test_going_on_and_beginning_anew_exclude_each_other() -> None:
    for pair, said in (
        (("--resume", "--fresh"), "give one of them"),
        (("--dry-run", "--export-upstream", "x"), "--dry-run none"),
    ):
        result = CliRunner().invoke(main, ["train-baseline", *pair])
        assert result.exit_code == 2 and said in result.output and "Traceback" not in result.output


def test_a_training_that_goes_on_says_so(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 6)
        go(root, tmp_path / "out", save_every="2", stages=ONE.replace("epochs: 1", "epochs: 2"))
    heard = io.StringIO()
    out = go(
        root, tmp_path / "out", console=Console(file=heard, width=300), save_every="2", stages=ONE.replace("epochs: 1", "epochs: 2")
    )  # fmt: skip
    assert f"going on from the state in {out}: stage lamm, step 2" in heard.getvalue()
    assert "The last part of a training that was interrupted took" in (out / "README.md").read_text()


def test_random_encoders_that_nobody_trains_are_told(root: Path) -> None:
    assert "encoders (image, point_cloud) are random" in before.untrained(read_preset(root / "one.yaml"))
    assert not before.untrained(read_preset(root / "toy.yaml")) and not before.untrained(read_preset("smol"))


def test_only_long_trainings_are_compiled_of_themselves(root: Path) -> None:
    assert before.long_enough(read_preset("mini"), 257_187) and not before.long_enough(read_preset("mini"), 2_570)


def test_a_preset_on_a_base_has_its_own_licence(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("base: mini\nname: mine\n")
    (tmp_path / "said.yaml").write_text("base: mini\nname: said\nlicence: mine\n")
    assert read_preset("mini").licence.startswith("Apache")
    assert (read_preset(tmp_path / "mine.yaml").licence, read_preset(tmp_path / "said.yaml").licence) == ("", "mine")


def test_a_dry_run_divides_no_batch_that_must_stay_whole(root: Path) -> None:
    with pytest.raises(BenchError, match="stage encoders learns from whole batches"):
        dry_run(root / "toy.yaml", {}, root, 2, "A100")
    said = dry_run(root / "toy.yaml", {}, root, 1, "A100")
    assert "DeepSpeed" not in said
    assert said.splitlines()[-1].startswith("in all about ")


@pytest.mark.parametrize("steps", [1, 7, 400])
def test_short_and_long_curves_are_drawn(tmp_path: Path, steps: int) -> None:
    lines = [{"stage": "lamm", "answers": 1.0 / (step + 1)} for step in range(steps)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert curve.draw(tmp_path / "metrics.jsonl", tmp_path / "loss.png")
    assert (31, 119, 180) in {colour for _, colour in Image.open(tmp_path / "loss.png").getcolors(1 << 20)}  # type: ignore[union-attr]
    points = [(step, float(step)) for step in range(steps)]
    assert curve.smoothed(points, 0) == points
