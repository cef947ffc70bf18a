"""`speed.compile` changes how fast a training is, not what it learns; where nothing can compile, `auto` goes on without."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest
import torch

from lamm_bench.errors import BenchError
from lamm_bench.lamm.checkpoint import restore
from lamm_bench.lamm.model import Lamm
from lamm_bench.training.stages import compiled

from .toys import toy_checkpoint, toy_data
from .trainings import WORDS, go, interrupt_after, steps, weights

CPU = torch.device("cpu")
LOSSES = ("answers", "anchors")
STAGE = WORDS.split("}, {")[0].replace("epochs: 3", "epochs: 1") + "}]"


@pytest.fixture
def model(tmp_path: Path) -> Lamm:
    return restore(toy_checkpoint(tmp_path / "toy"))[0]


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "missing", lambda: "no C++ compiler is there")


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_auto_goes_on_and_always_says_why(model: Lamm) -> None:
    assert not compiled.compile_llm(model, "auto", CPU, 1) and not compiled.is_compiled(model)
    with pytest.raises(BenchError, match="speed.compile is always.*no C\\+\\+ compiler is there; set it to auto or never"):
        compiled.compile_llm(model, "always", CPU, 1)


@pytest.mark.parametrize(("choice", "processes"), [("never", 1), ("auto", 2)])
def test_nothing_is_compiled_where_nobody_measured_it(model: Lamm, choice: str, processes: int) -> None:
    assert not compiled.compile_llm(model, choice, CPU, processes) and not compiled.is_compiled(model)


def test_each_set_of_instructions_has_a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code compiled for AVX-512 and taken from the cache on an AVX2 processor gave NaN."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    for kind in ("AVX512", "AVX2", "AVX2"):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda kind=kind: kind)
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
        for _ in range(2):  # once is enough, and twice is the same
            compiled.apart()
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / kind.lower())


@pytest.fixture(params=["aot_eager", "inductor"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What becomes of the traced graph: it is computed as it is; or it is compiled, most of a minute, in continuous integration's second round."""
    if request.param == "inductor":
        if not os.environ.get("LAMM_BENCH_LONG_TESTS"):
            pytest.skip("compiles for most of a minute; LAMM_BENCH_LONG_TESTS=1 runs it")
        if fault := compiled.missing():
            pytest.skip(f"torch.compile cannot be used here: {fault}")
    else:
        monkeypatch.setattr(compiled, "missing", lambda: "")
        monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))


@pytest.mark.usefixtures("backend")
def test_compiled_training_learns_the_same_and_resumes_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = toy_data(tmp_path / "data")
    eager = go(root, tmp_path / "eager", "toy.yaml", save_every="2", stages=STAGE)
    whole = go(root, tmp_path / "whole", "toy.yaml", save_every="2", stages=STAGE, speed__compile="always")
    for ours, theirs in zip(steps(whole), steps(eager), strict=True):
        assert [ours[name] for name in LOSSES if name in ours] == pytest.approx(
            [theirs[n] for n in LOSSES if n in theirs], abs=2e-3
        )
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 3)
        go(root, tmp_path / "killed", "toy.yaml", save_every="2", stages=STAGE, speed__compile="always")
    resumed = go(root, tmp_path / "killed", "toy.yaml", save_every="2", stages=STAGE, speed__compile="always")
    assert weights(resumed) == weights(whole)
