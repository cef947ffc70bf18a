"""A run as lmms-eval's logs, and as an offline run of Weights & Biases."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from .commands import done, refusal


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, mini_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("logs") / "run"
    done("run", "--model", "chance", "--tasks", "svt,cifar10,fsc147", "--limit", 4, "--data-root", mini_root, "--output", folder)
    return folder


def test_lmms_evals_files_have_its_keys_and_our_figures(run: Path, mini_root: Path, tmp_path: Path) -> None:
    done("export", run, "--to", "lmms-eval", "--output", tmp_path / "out", "--data-root", mini_root)
    (folder,) = (tmp_path / "out").iterdir()
    (path,) = folder.glob("*_results.json")
    whole = json.loads(path.read_text())
    assert (
        whole["results"].keys() == whole["n-samples"].keys() == whole["higher_is_better"].keys() == {"svt", "cifar10", "fsc147"}
    )
    ours = {e["task"]: e for e in json.loads((run / "result.json").read_text())["results"] if e["protocol"] == "standard"}
    found = whole["results"]["cifar10"]
    metric = ours["cifar10"]["metrics"]["accuracy"]
    assert found["accuracy,none"] == pytest.approx(metric["value"] / 100)
    assert found["accuracy_stderr,none"] == pytest.approx((metric["ci95"][1] - metric["ci95"][0]) / 3.919928 / 100)
    assert whole["results"]["fsc147"]["MAE,none"] == ours["fsc147"]["metrics"]["MAE"]["value"], "an error is no share"
    assert whole["higher_is_better"]["fsc147"]["MAE"] is False and whole["n-samples"]["cifar10"]["effective"] == 4
    lines = [json.loads(line) for line in next(folder.glob("*_samples_cifar10.jsonl")).read_text().splitlines()]
    assert len(lines) == 4 and len({one["doc_id"] for one in lines}) == 4
    assert sum(one["accuracy"] for one in lines) / 4 == pytest.approx(found["accuracy,none"])
    needed = {"doc_id", "target", "filtered_resps", "doc_hash", "input"}
    assert all(
        needed <= one.keys() and isinstance(one["target"], str) and isinstance(one["filtered_resps"], list) for one in lines
    )
    assert "is there already" in refusal(
        "export", run, "--to", "lmms-eval", "--output", tmp_path / "out", "--data-root", mini_root
    )


def test_the_same_run_gives_the_same_bytes(run: Path, mini_root: Path, tmp_path: Path) -> None:
    for name in "ab":
        done("export", run, "--to", "lmms-eval", "--output", tmp_path / name, "--data-root", mini_root)
    files = [{p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*.json*")} for n in "ab"]
    assert files[0] == files[1] and len(files[0]) == 4
    words = ("export", run, "--to", "lmms-eval", "--output", tmp_path / "c", "--data-root", mini_root)
    assert "says nothing about a run" in refusal(*words, "--about", "url=x")


class Fake(types.ModuleType):
    """As much of wandb as is asked for: it writes a file where it is told to, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.told: dict[str, Any] = {}
        self.rows: list[tuple[Any, ...]] = []
        self.summary: dict[str, Any] = {}
        self.Settings = dict

    def Table(self, columns: list[str], **_: Any) -> Fake:  # noqa: N802
        self.columns = columns
        return self

    def add_data(self, *row: Any) -> None:
        self.rows.append(row)

    def init(self, **told: Any) -> Fake:
        self.told = told
        return self

    def log(self, _value: Any) -> None: ...

    def finish(self) -> None:
        folder = Path(self.told["dir"]) / "wandb" / "offline-run-1"
        folder.mkdir(parents=True)
        (folder / "run-1.wandb").write_bytes(b"kept")


def test_wandb_is_told_config_figures_and_samples_and_nothing_online(
    run: Path, mini_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    words = ("export", run, "--to", "wandb", "--data-root", mini_root, "--about", "project=mine")
    done(*words, "--output", tmp_path / "out")
    assert (tmp_path / "out/wandb/offline-run-1/run-1.wandb").read_bytes() == b"kept"
    assert fake.told["mode"] == "offline" and fake.told["project"] == "mine" and fake.told["config"]["recipe"] == "lamm/standard"
    ours = {(e["task"], e["protocol"]): e for e in json.loads((run / "result.json").read_text())["results"]}
    for (task, protocol), entry in ours.items():
        for name, metric in entry["metrics"].items():
            assert fake.summary[f"{task}/{protocol}/{name}"] == metric["value"]
    assert fake.summary["cifar10/standard/accuracy/ci95_low"] == ours["cifar10", "standard"]["metrics"]["accuracy"]["ci95"][0]
    assert len(fake.rows) == sum(entry["counts"]["expected"] for entry in ours.values()) and len(fake.rows[0]) == len(
        fake.columns
    )
    assert "no key of --about called 'porject'. Did you mean 'project'?" in refusal(
        *words, "--output", tmp_path / "no", "--about", "porject=x"
    )
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert "needs wandb: pip install" in refusal(*words, "--output", tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_wandb_itself_writes_an_offline_run(run: Path, mini_root: Path, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="the extra `wandb` is not here")
    done("export", run, "--to", "wandb", "--output", tmp_path / "out", "--data-root", mini_root)
    (file,) = (tmp_path / "out/wandb").glob("offline-run-*/run-*.wandb")
    assert file.stat().st_size > 1000 and b"cifar10" in file.read_bytes()
