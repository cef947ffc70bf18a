"""However a batch is shared out, a step is the same step."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lamm_bench.errors import BenchError
from lamm_bench.training.config.preset import Stage
from lamm_bench.training.config.reading import read_preset
from lamm_bench.training.data.plan import pace
from lamm_bench.training.data.shares import micros_of, padding, shares
from lamm_bench.training.engines.deepspeed_engine import free_port
from lamm_bench.training.engines.device import place
from lamm_bench.training.engines.make import make_engine
from lamm_bench.training.engines.plain import Plain
from lamm_bench.training.run import train
from lamm_bench.training.stages.trainer import Trainer

from .toys import toy_data
from .trainings import go, steps

HERE = Path(__file__).parents[1]
needs_deepspeed = pytest.mark.skipif(
    importlib.util.find_spec("deepspeed") is None, reason="the extra `deepspeed` is not installed"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_data(tmp_path_factory.mktemp("data") / "root")


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The metrics of one process that takes each batch whole."""
    return steps(go(root, tmp_path_factory.mktemp("whole") / "out", speed__micro="0"))


STAGES = (
    "[{name: projection, train: [projection], epochs: 0.5, batch: 6, rate: 1.0e-2},"
    " {name: lamm, train: [projection, lora], epochs: 1, batch: 6, rate: 1.0e-2},"
    " {name: polish, train: [projection], epochs: 1, batch: 6, rate: 1.0e-3}]"
)


def agree(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    assert len(one) == len(other) > 8
    for a, b in zip(one, other):
        assert a == pytest.approx(b, abs=2e-5)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=24), st.integers(1, 5), st.integers(1, 4))
def test_every_row_has_exactly_one_share(lengths: list[int], world: int, micro: int) -> None:
    everybody = shares(lengths, 24, world, micro)
    assert len(everybody) == world and {len(mine) for mine in everybody} == {micros_of(24, world, micro)}
    taken = sorted(i for mine in everybody for part in mine if not part.blank for i in part.rows)
    assert taken == list(range(len(lengths)))
    assert all(len(part.rows) <= micro for mine in everybody for part in mine)
    used = [padding(mine, lengths) for mine in everybody]
    assert sum(taken for taken, _ in used) == sum(lengths) and all(taken <= places for taken, places in used)


def test_rows_of_like_length_are_put_together() -> None:
    lengths = [10, 90, 11, 92, 12, 91, 13, 93]
    taken, places = padding(shares(lengths, 8, 1, 2)[0], lengths)
    assert 1 - taken / places < 0.02
    drawn = sum(2 * max(lengths[at : at + 2]) for at in range(0, 8, 2))
    assert 1 - taken / drawn > 0.4  # what pairs in the order drawn would waste


def test_accumulation_gives_the_losses_and_gradients_of_whole_batches(
    root: Path, whole: list[dict[str, Any]], tmp_path: Path
) -> None:
    agree(whole, steps(go(root, tmp_path / "two", speed__micro="2")))
    agree(whole, steps(go(root, tmp_path / "four", speed__micro="4")))


def test_one_process_makes_no_forward_pass_for_nothing(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last batch of an epoch is smaller than the others; many processes would fill it up with blank passes."""
    losses, learnt = Trainer.losses, []

    def counted(self: Trainer, stage: Stage, heads: Any, packs: Any, weights: Any, key: tuple[int, int]) -> Any:
        if key[1] >= 0:  # not of the validation
            learnt.append(len(packs))
        return losses(self, stage, heads, packs, weights, key)

    monkeypatch.setattr(Trainer, "losses", counted)
    out = go(root, tmp_path / "out", speed__micro="1", stages__lamm__epochs="1", data__held_out="0")
    assert learnt == [1] * 30 and len(steps(out)) == 6


def test_the_rate_is_deepspeeds_warmup_decay() -> None:
    """Values of WarmupDecayLR(total 100, warm-up 10) by its formula: iteration k - 1 at step k, log(k) / log(10)."""
    stage = Stage("s", ("lora",), 1, 1, 1.0, schedule="warmup_decay")
    rates = [pace(stage, step, 100) for step in range(100)]
    assert rates[:4] == pytest.approx([0.0, 0.0, 0.30103, 0.47712], abs=1e-5)
    assert rates[10] == pytest.approx(1.0) and rates[11] == 1.0 and rates[56] == pytest.approx(0.5)


@needs_deepspeed
@pytest.mark.parametrize("total", [30, 137, 400])
def test_the_rate_is_the_installed_deepspeeds(total: int) -> None:
    os.environ.setdefault("DS_ACCELERATOR", "cpu")
    from deepspeed.runtime.lr_schedules import WarmupDecayLR

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = WarmupDecayLR(optimizer, total, warmup_max_lr=1.0, warmup_num_steps=max(10, int(0.1 * total)))
    stage = Stage("s", ("lora",), 1, 1, 1.0, schedule="warmup_decay")
    for step in range(total):
        assert pace(stage, step, total) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9), step
        theirs.step()


def launched(words: list[str], out: Path) -> subprocess.CompletedProcess[str]:
    """`tests.launched` in two processes. Where a signal ended one of them (an abort inside gloo was seen once, nothing of it said), what
    it wrote is shown as a warning and the two are started once more: the test is about sums, which nobody came to."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port"]
    for attempt in range(2):
        command = [*launcher, free_port(), "-m", "tests.launched", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400)
        if attempt or not re.search(r"exitcode\s*: -(?:6|7|11) ", done.stderr):
            break
        warnings.warn(f"a process of the training was ended by a signal:\n{done.stderr}", stacklevel=2)
        shutil.rmtree(out, ignore_errors=True)
    return done


@needs_deepspeed
def test_two_processes_of_deepspeed_interrupted_and_resumed_train_several_stages_as_one_does(root: Path, tmp_path: Path) -> None:
    """ZeRO-3, which splits everything: weights, gradients and optimizer are put together again from two processes' shards.

    The third stage leaves LoRA as the second has made it, so the shards of its optimizer do not hold it."""
    whole = steps(go(root, tmp_path / "whole", speed__micro="0", stages=STAGES))
    out = tmp_path / "out"
    settings = ["parallel.zero=3", f"stages={STAGES}", "save_every=2"]
    done = launched([str(root / "one.yaml"), str(root), str(out), "23", *settings], out)
    assert done.returncode == 0, done.stderr
    assert "interrupted" in done.stdout and "shards/2-000002/zero_pp_rank_1" in done.stdout  # in the third stage
    agree(whole, steps(out))
    assert not (out / "shards").exists() and not (out / "state.pt").exists()


def test_deepspeed_that_is_not_installed_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deepspeed", None)
    with pytest.raises(BenchError, match=r"needs the extra `deepspeed` \(pip install"):
        make_engine("deepspeed", read_preset(root / "one.yaml"))


def test_plain_refuses_several_processes_and_nonsense(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = read_preset(root / "one.yaml")
    with pytest.raises(BenchError, match="no engine called 'plane'. Did you mean 'plain'"):
        make_engine("plane", preset)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(BenchError, match="plain is one process, and a launcher started 2"):
        make_engine("plain", preset)
    with pytest.raises(BenchError, match="must be numbers"):
        place({"RANK": "first"})


def test_float16_steps_that_overflow_are_counted_and_move_nothing(root: Path) -> None:
    engine = Plain(read_preset(root / "one.yaml"), device=torch.device("cpu"))
    layer = torch.nn.Linear(2, 1)
    engine.parameters, engine.clip = list(layer.parameters()), 1.0
    engine.optimizer = torch.optim.AdamW(engine.parameters)
    engine.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    before = layer.weight.detach().clone()
    engine.backward(layer(torch.full((1, 2), 1e38)).sum() * 1e3)
    engine.step(0.1)
    assert engine.skipped == 1 and torch.equal(layer.weight, before)
    engine.backward(layer(torch.ones(1, 2)).sum())
    engine.step(0.1)
    assert engine.skipped == 1 and not torch.equal(layer.weight, before)


def test_a_stage_of_questions_refuses_to_be_shared_out(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="stage encoders learns from whole batches .* needs one process and speed.micro=0"):
        train(root / "toy.yaml", tmp_path / "o", {"speed.micro": "2"}, data_root=root, console=Console(file=io.StringIO()))
