"""Every architecture: its checkpoint is built, examined by the doctor, and does what docs/architectures.md says. Runs in the long round."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.errors import BenchError

from .families import FAMILIES, build, matrix

PACKAGES = {"torchvision": ("torchvision",), "architectures": ("torchvision", "timm", "num2words")}
ROWS = {row[0]: row[: len(matrix.HEAD)] for row in matrix.told(matrix.PAGE.read_text(encoding="utf-8"))[0]}


def lacks(extra: str) -> list[str]:
    return [name for name in PACKAGES.get(extra, ()) if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_does_what_the_table_says(name: str, tmp_path: Path) -> None:
    if not os.environ.get("LAMM_BENCH_LONG_TESTS"):
        pytest.skip("examines for minutes; LAMM_BENCH_LONG_TESTS=1 runs it")
    if lacks(FAMILIES[name].extra):
        pytest.skip(f"needs {', '.join(lacks(FAMILIES[name].extra))}")
    adapter, findings = matrix.findings_of(build(FAMILIES[name], tmp_path / name))
    faults = {found.check: found.reason for found in findings.values() if found.verdict == "fail"}
    row = matrix.row_of(FAMILIES[name], adapter, findings)
    assert row == ROWS.get(row[0]), faults


def test_each_family_has_its_line_in_the_table_and_nearly_all_do_everything() -> None:
    assert len(ROWS) == len(FAMILIES) == len(matrix.EXAMPLES)
    whole = [row for row in ROWS.values() if row[2:5] == ("yes", "yes", "yes")]
    assert len(whole) >= 42


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.extra == "torchvision"])
def test_without_torchvision_one_sentence_names_the_extra(name: str, tmp_path: Path) -> None:
    if not lacks("torchvision"):
        pytest.skip("torchvision is installed")
    adapter = HfChat(str(build(FAMILIES[name], tmp_path / name)))
    with pytest.raises(BenchError, match=r"prepared by torchvision only: pip install .*'lamm-bench\[torchvision\]'"):
        adapter.fingerprint()
