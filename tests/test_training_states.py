"""A training that is killed loses nothing it had written, wherever it is killed; a full disk neither."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from lamm_bench.errors import BenchError
from lamm_bench.lamm.checkpoint import FILES, file_and_key
from lamm_bench.training.engines import state
from lamm_bench.training.stages.trainer import Trainer
from lamm_bench.training.watch import watcher as watch

from .toys import toy_data
from .trainings import go, interrupt_after, steps

HERE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_data(tmp_path_factory.mktemp("data") / "root")


def test_killed_by_sigkill_in_mid_run_and_resumed_is_undisturbed(root: Path, tmp_path: Path) -> None:
    whole, out = go(root, tmp_path / "whole", save_every="1", stages__lamm__epochs="6"), tmp_path / "out"
    words = ["--set", "save_every=1", "--set", "stages.lamm.epochs=6", "--engine", "plain"]
    verb = [
        "-m",
        "lamm_bench",
        "train-baseline",
        "--preset",
        str(root / "one.yaml"),
        "--data-root",
        str(root),
        "--output",
        str(out),
    ]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
        "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
    }
    child = subprocess.Popen([sys.executable, *verb, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    limit = time.monotonic() + 240
    while child.poll() is None and time.monotonic() < limit:
        if (out / "metrics.jsonl").is_file() and len((out / "metrics.jsonl").read_bytes().splitlines()) >= 3:
            break
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, (child.stderr.read() if child.stderr else b"").decode()[-2000:]
    assert not (out / "config.json").exists() and (out / "state.pt").exists()
    go(root, out, save_every="1", stages__lamm__epochs="6")
    assert {f: (out / f).read_bytes() for f in FILES} == {f: (whole / f).read_bytes() for f in FILES}
    assert steps(out) == steps(whole)


def test_the_last_states_are_kept_and_older_ones_deleted(root: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 20)
        go(
            root,
            tmp_path / "out",
            save_every="1",
            watch__keep="3",
            speed__micro="0",
            watch__validate_every="0",
            stages__lamm__epochs="9",
        )
    names = sorted(file.name for file in (tmp_path / "out").glob("*state*"))
    assert names == ["state-0-000018.pt", "state-0-000019.pt", "state.pt"]
    held = [torch.load(tmp_path / "out" / name, weights_only=True)["step"] for name in names]
    assert held == [18, 19, 20]
    (tmp_path / "out" / "state.pt").write_bytes(b"cut")
    with pytest.raises(BenchError, match="cannot be read .*copy state-0-000019.pt, which is older, over it"):
        go(root, tmp_path / "out", save_every="1", watch__keep="3", speed__micro="0", stages__lamm__epochs="9")


def test_a_full_disk_leaves_the_older_state_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "state.pt"
    state.write(file, {"step": 1})
    before = file.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(BenchError, match="No space left on device; the older state is untouched"):
        state.write(file, {"step": 2})
    assert file.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_a_state_of_another_world_or_engine_is_refused(tmp_path: Path) -> None:
    state.write(tmp_path / "state.pt", {"identity": "a", "engine": "deepspeed", "world": 4})
    with pytest.raises(BenchError, match=r"by the engine deepspeed in 4 process\(es\), and this is plain in 1"):
        state.read(tmp_path / "state.pt", "a")


def test_the_best_weights_are_those_with_the_least_validation_loss(root: Path, tmp_path: Path) -> None:
    """The losses are told, least at the third look: `best` gives what the weights were then, whatever the processor rounds."""
    said = iter((4.0, 3.0, 1.0, 2.0, 1.0, 5.0))
    seen: dict[float, dict[str, torch.Tensor]] = {}

    def told(trainer: Trainer, stage: object, index: int) -> float:
        loss = next(said)
        names = trainer.learnt(index)
        seen.setdefault(loss, {name: value.clone() for name, value in trainer.engine.weights(names).items()})
        return loss

    common = {"stages__lamm__epochs": "3", "watch__validate_every": "2", "watch__final": "best"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch, "validation_loss", told)
        best = go(root, tmp_path / "best", **common)
    checked = [(entry["step"], entry["validation"]) for entry in steps(best) if "validation" in entry]
    assert checked[:4] == [(1, 4.0), (3, 3.0), (5, 1.0), (7, 2.0)]
    assert not (best / "best.pt").exists()
    for name, then in seen[1.0].items():
        place = file_and_key(name)
        assert place is not None
        assert torch.equal(load_file(best / place[0])[place[1]], then.half()), name
    assert any(not torch.equal(then, seen[2.0][name]) for name, then in seen[1.0].items())  # the training did go on


def test_held_out_media_are_not_learnt_from_and_the_curve_is_drawn(root: Path, tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    out = go(root, tmp_path / "out", console=console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "lamm: 22 dialogues" in said and "validation loss" in said and "MFU" in said and "% padding" in said
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")
    card = (out / "README.md").read_text()
    assert "`2D_Instruct/meta_file/a.json`: sha256 " in card
    assert json.loads((out / "preset.json").read_text())["stages"][0]["rate"] == 0.01


def test_best_without_held_out_data_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="watch.final: best needs a validation loss"):
        go(root, tmp_path / "out", watch__final="best", data__held_out="0")


def test_no_flipped_bit_of_a_state_gives_other_weights(tmp_path: Path) -> None:
    weights = {"model": {"a": torch.arange(300.0), "b": torch.ones(7, dtype=torch.int64)}}
    state.write(tmp_path / "state.pt", {"identity": "x", **weights})
    whole = (tmp_path / "state.pt").read_bytes()
    for place in range(0, len(whole), 37):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        (tmp_path / "state.pt").write_bytes(flipped)
        try:
            found = state.read(tmp_path / "state.pt", "x")
        except BenchError as error:
            assert "state.pt" in str(error)
        else:
            assert all(torch.equal(found["model"][name], tensor) for name, tensor in weights["model"].items())


@pytest.mark.parametrize("killed", ["preset.json", "README.md"])
def test_a_training_killed_after_its_config_was_written_is_finished_by_the_same_command(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    whole = go(root, tmp_path / "whole")
    real = Path.write_text

    def dying(self: Path, *words: Any, **more: Any) -> int:
        if self.name == killed:
            raise KeyboardInterrupt
        return real(self, *words, **more)

    monkeypatch.setattr(Path, "write_text", dying)
    with pytest.raises(KeyboardInterrupt):
        go(root, tmp_path / "out")
    monkeypatch.undo()
    assert (tmp_path / "out/config.json").is_file()
    go(root, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {file.name for file in whole.iterdir()}
    for file in FILES:
        assert (tmp_path / "out" / file).read_bytes() == (whole / file).read_bytes()


def test_states_left_beside_a_finished_checkpoint_are_tidied_and_it_stays(root: Path, tmp_path: Path) -> None:
    out = go(root, tmp_path / "out")
    names = {file.name for file in out.iterdir()}
    (out / "state-0-000001.pt").write_bytes(b"left over by a death in the middle of tidying")
    (out / "best.pt").write_bytes(b"too")
    with pytest.raises(BenchError, match="already holds a finished checkpoint"):
        go(root, out)
    assert {file.name for file in out.iterdir()} == names
