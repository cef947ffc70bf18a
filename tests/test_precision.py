"""Which processors multiply in bfloat16, and that a user is told before waiting where one does not."""

from __future__ import annotations

import pytest
import torch

from lamm_bench.lamm import precision

from .commands import done


@pytest.mark.parametrize(
    ("allowed", "has", "fast"),
    [("", True, True), ("", False, False), ("AVX2", True, False), ("avx512_core_bf16", True, True), ("AVX512_CORE", True, False)],
)
def test_instructions_count_where_the_processor_has_them_and_they_are_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: str, has: bool, fast: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has, raising=False)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", allowed)
    assert precision.cpu_has_bfloat16() is fast
    assert bool(precision.hints_of("bfloat16", "cpu")) is not fast
    assert not precision.hints_of("float32", "cpu") and not precision.hints_of("bfloat16", "cuda")


def test_a_run_in_bfloat16_says_in_one_line_where_it_is_slow(monkeypatch: pytest.MonkeyPatch, mini_root, tmp_path) -> None:
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: False)
    words = ("--tasks", "cifar10", "--limit", "1", "--data-root", mini_root)
    said = done("run", "--model", "lamm", "--dtype", "bfloat16", *words, "--output", tmp_path / "slow")
    assert said.count("eight times slower than float32") == 1
    assert "eight times" not in (tmp_path / "slow/manifest.json").read_text()  # it is about this machine, not about the answers
