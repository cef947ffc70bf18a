"""The Python face: what docs/python.md promises, light to import, and the same folders as the command line's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lamm_bench
from lamm_bench.api import Frame, as_frame

from .commands import done

ROOT = Path(__file__).parents[1]


def test_the_examples_of_the_page_run(mini_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAMM_BENCH_DATA", str(mini_root))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)
    assert len(blocks) == 4
    names: dict = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102 (our own page)
    assert len(names["frame"]) == 6 and names["comparison"].differences[0].task == "cifar10"
    assert len(names["wrong"]) + names["run"].scores["cifar10"]["accuracy"].value * 6 / 100 == 6


def test_importing_is_light() -> None:
    code = (
        "import sys, lamm_bench\n"
        "assert not {'torch', 'numpy', 'transformers', 'rich', 'click', 'lamm_bench.api'} & set(sys.modules)\n"
        "assert 'evaluate' in dir(lamm_bench) and callable(lamm_bench.evaluate)\n"
        "assert 'torch' not in sys.modules and 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    best = min(seconds() for _ in range(3))
    assert best < 0.05, best


def seconds() -> float:
    """What the import takes of a processor, whoever else computes there."""
    code = "import time; t = time.process_time(); import lamm_bench; print(time.process_time() - t)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True).stdout)


def test_ten_rows(mini_root: Path, tmp_path: Path) -> None:
    run = lamm_bench.evaluate("chance", tasks="cifar10", limit=4, data_root=mini_root, output=tmp_path / "run")
    assert len(run.frame()) == 4
    frame = run.frame(form="plain")
    assert isinstance(frame, Frame) and frame.shape == (4, len(frame.columns))
    assert set(frame["status"]) <= {"ok", "unread"} and frame.records()[0]["task"] == "cifar10"


def test_face_and_command_line_share_their_runs(mini_root: Path, tmp_path: Path) -> None:
    words = ("--model", "majority", "--tasks", "2d", "--limit", "3", "--data-root", mini_root)
    done("run", *words, "--output", tmp_path / "run")
    before = (tmp_path / "run/result.json").read_bytes()
    records = {path: path.read_bytes() for path in (tmp_path / "run/records").iterdir()}
    run = lamm_bench.evaluate("majority", tasks=["2d"], limit=3, data_root=str(mini_root), output=tmp_path / "run")
    assert (tmp_path / "run/result.json").read_bytes() == before
    assert {path: path.read_bytes() for path in records} == records  # nothing was asked again
    entry = json.loads(before)["results"][0]
    assert run.scores[entry["task"]].headline.value == next(iter(entry["metrics"].values()))["value"]
    assert run.under("classic").keys() and run.frame(protocol="classic", form="plain")["task"]


def test_settings_reach_the_adapter(mini_root: Path, tmp_path: Path) -> None:
    made = [
        lamm_bench.evaluate("chance", "cifar10", mini_root, settings={"seed": seed}, output=tmp_path / str(seed))
        for seed in (0, 7)
    ]
    assert made[0].manifest["identity"]["model"] != made[1].manifest["identity"]["model"]


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda root, out: lamm_bench.evaluate("chanse", "cifar10", root, output=out), "Did you mean 'chance'"),
        (lambda root, out: lamm_bench.evaluate("chance", "cifar", root, output=out), "cifar10"),
        (lambda root, out: lamm_bench.evaluate("chance", "cifar10", root, limit=0, output=out), "at least 1"),
        (lambda root, out: lamm_bench.evaluate("chance", "cifar10", out / "nowhere", output=out), "is no folder"),
        (lambda root, out: lamm_bench.load(out), "is no run|holds no"),
        (lambda root, out: lamm_bench.evaluate("chance", "svt", root, 2, output=out).frame("lsp"), "There are: svt"),
        (lambda root, out: lamm_bench.evaluate("chance", "svt", root, 2, output=out).under("clasic"), "Did you mean 'classic'"),
        (lambda root, out: lamm_bench.evaluate("chance", "svt", root, 2, output=out).frame(form="polars"), "There are: arrow"),
        (
            lambda root, out: lamm_bench.evaluate("chance", "svt", root, 2, output=out).frame(protocol="cheff"),
            "Did you mean 'chef'",
        ),
        (
            lambda root, out: lamm_bench.evaluate("chance", "svt", root, 2, protocols="clasic", output=out),
            "Did you mean 'classic'",
        ),
        (lambda root, out: lamm_bench.evaluate(None, "svt", root, output=out), "model is None"),
        (lambda root, out: lamm_bench.evaluate("chance", 5, root, output=out), "5 is no name"),
        (lambda root, out: lamm_bench.evaluate("chance", "svt", root, "10", output=out), "limit is '10'"),
        (lambda root, out: lamm_bench.evaluate("chance", "svt", root, True, output=out), "limit is True"),
        (lambda root, out: lamm_bench.evaluate("chance", "svt", root, seed="x", output=out), "seed is 'x'"),
        (lambda root, out: lamm_bench.evaluate("chance", "svt", root, output=5), "output=5 is no path"),
        (lambda root, out: lamm_bench.evaluate("chance", "svt", 7, output=out), "data_root=7 is no path"),
        (lambda root, out: lamm_bench.load(None), "None is no run folder"),
        (lambda root, out: lamm_bench.compare(None, out), "None is no run"),
    ],
)
def test_what_a_caller_can_mend_is_one_sentence(mini_root: Path, tmp_path: Path, call, fault: str) -> None:
    with pytest.raises(lamm_bench.BenchError, match=fault):
        call(mini_root, tmp_path / "run")


def test_frames_of_other_libraries(mini_root: Path, tmp_path: Path) -> None:
    run = lamm_bench.evaluate("chance", tasks="cifar10,lsp,fsc147", limit=2, data_root=mini_root, output=tmp_path / "run")
    pandas = pytest.importorskip("pandas")
    assert isinstance(run.frame(form="pandas"), pandas.DataFrame) and len(run.frame(form="pandas")) == 6
    pyarrow = pytest.importorskip("pyarrow")
    assert isinstance(run.frame(form="arrow"), pyarrow.Table) and run.frame(form="arrow").num_rows == 6


@pytest.mark.parametrize("form", ["pandas", "arrow"])
def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setitem(sys.modules, {"pandas": "pandas", "arrow": "pyarrow"}[form], None)
    with pytest.raises(lamm_bench.BenchError, match="form='plain' needs nothing"):
        as_frame({"a": [1]}, form)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        lamm_bench.evalute  # noqa: B018
    began = time.process_time()
    assert lamm_bench.__version__ and time.process_time() - began < 1


class Broken:
    """An adapter of which every answer is an error."""

    name, modalities = "../broken", frozenset({"image"})

    def fingerprint(self) -> str:
        return "1"

    def generate(self, requests):
        from lamm_bench.types import Response

        return ((number, Response(error="nothing", status="model_error")) for number, _ in enumerate(requests))


def test_what_nobody_answered_has_no_value_and_no_name_leaves_the_folder(
    mini_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = lamm_bench.evaluate(Broken(), "cifar10", mini_root, limit=2)
    assert run.folder.parent == Path("runs") and ".." not in str(run.folder)
    frame = run.frame("cifar10", form="plain")
    assert frame["status"] == ["model_error"] * 2 and frame["value"] == [None] * 2
