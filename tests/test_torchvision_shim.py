"""A torchvision that was built for another torch, drawn small: it must not stop an import, and a healthy one is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lamm_bench.lamm.torchvision_shim import Finder, install

BROKEN = """
import torch
torch.library.register_fake("torchvision::nms")(lambda dets, scores, threshold: dets)
print("imported")
"""
ROOT = Path(__file__).parents[1]


def run(code: str, *folders: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([*map(str, folders), str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)


@pytest.fixture()
def broken(tmp_path: Path) -> Path:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(BROKEN)
    (tmp_path / "torchvision" / "_C.so").write_bytes(b"built for another torch")
    return tmp_path


def test_a_torchvision_that_does_not_fit_its_torch_can_be_imported(broken: Path) -> None:
    assert "operator torchvision::nms does not exist" in run("import torchvision", broken).stderr
    assert run("import lamm_bench, torchvision", broken).stdout == "imported\n"


def test_nothing_is_loaded_before_torchvision_is_asked_for(broken: Path) -> None:
    code = "import sys, lamm_bench; assert not {'torch', 'torchvision', 'numpy'} & set(sys.modules)"
    assert run(code, broken).returncode == 0


def test_the_finder_waits_for_one_name_and_is_put_in_once() -> None:
    assert Finder().find_spec("torch") is None
    install()
    install()
    assert sum(isinstance(finder, Finder) for finder in sys.meta_path) <= 1
