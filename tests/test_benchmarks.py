"""The benchmarks run, with shapes so small that their figures mean nothing."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

FOLDER = Path(__file__).parents[1] / "benchmarks"


def benchmark(name: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *words])
    return importlib.import_module(name)


def test_inference_prints_its_ratios(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark("inference", monkeypatch, "--tiny").main()
    printed = capsys.readouterr().out
    assert len(re.findall(r"\d+\.\dx", printed)) == 10  # five rows, on the processor and on the wall
    assert re.findall(r"(\d+) of \1 answers equal", printed) == ["2", "2", "2"]
    assert all(float(worst) < 1e-4 for worst in re.findall(r"log-likelihood: (\S+)", printed))


def test_gpu_runs_small_shapes_on_the_cpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark("gpu", monkeypatch, "--tiny", "--batches", "1,3", "--new", "4", "--bandwidth", "10", "--peak", "0.1").main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if re.match(r" +\d+ ", line)]
    assert [row[0] for row in rows] == ["1", "3"] and all(int(row[2]) > 0 and row[6] == "%" for row in rows)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_gpu_says_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="needs a CUDA device, and PyTorch finds none here"):
        benchmark("gpu", monkeypatch).main()


def test_the_roofline_is_that_of_reading_and_of_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = benchmark("gpu", monkeypatch)
    model = module.random_lamm(module.SHAPES["tiny"], {})
    count, size = module.weights(model)
    per_token = 2 * 2 * 64 * size  # keys and values of two layers
    slow_memory = module.limits(model, 3, 10, 2, bandwidth=1.0, peak=1e30)
    assert slow_memory == pytest.approx(count * size + 3 * 11 * per_token)
    slow_computing = module.limits(model, 3, 10, 2, bandwidth=1e30, peak=1.0)
    assert slow_computing == pytest.approx(2 * count * 3 * 10 + 2 * count * 3)
