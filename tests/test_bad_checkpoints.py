"""Checkpoints, devices and language models that cannot be used, from the command line: one sentence, and no folder is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lamm_bench.adapters.lamm import Lamm
from lamm_bench.errors import BenchError

from .commands import refusal
from .hub_toys import toy_hub_checkpoint, toy_llm
from .toys import toy_checkpoint


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_checkpoint(tmp_path_factory.mktemp("sound") / "toy")


def change(folder: Path, find: str, replacement: str) -> None:
    file = folder / "config.json"
    text = file.read_text()
    assert find in text
    file.write_text(text.replace(find, replacement))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "is not a checkpoint: it has no config.json"),
    "foreign": (lambda f: (f / "config.json").write_text('{"model_type": "llama"}'), "is a model of transformers (llama)"),
    "no JSON": (lambda f: (f / "config.json").write_text('{"kind"'), "config.json is not JSON: Expecting ':'"),
    "unknown key": (lambda f: change(f, '"licence"', '"license"'), "called 'license'. Did you mean 'licence'"),
    "no weights": (lambda f: (f / "lamm.safetensors").unlink(), "is not a whole checkpoint: lamm.safetensors"),
    "truncated": (
        lambda f: (f / "lamm.safetensors").write_bytes(bytes(range(100))),
        "lamm.safetensors cannot be read as safetensors",
    ),
    "another width": (lambda f: change(f, '"width": 32', '"width": 64'), "has shape [32, 8], config.json asks for [64, 8]"),
    "another rank": (lambda f: change(f, '"r": 4', '"r": 8'), "has shape [4, 32], config.json asks for [8, 32]"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").write_text("{}"), "tokenizer.json is not a tokenizer"),
}


def asked(folder: Path, root: Path, output: Path) -> str:
    words = ("--tasks", "svt", "--limit", "1", "--data-root", root, "--output", output)
    return refusal("run", "--model", "lamm", "--set", f"checkpoint={folder}", *words)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_checkpoint_that_cannot_be_loaded_is_named_and_no_run_is_begun(
    fault: str, sound: Path, mini_root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(sound, folder)
    breaks, sentence = FAULTS[fault]
    breaks(folder)
    assert sentence in asked(folder, mini_root, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_in_place_of_the_folder_is_told_how_to_become_one(sound: Path, mini_root: Path, tmp_path: Path) -> None:
    assert "is a file; a checkpoint is a folder" in asked(sound / "lamm.safetensors", mini_root, tmp_path / "run")


def test_a_language_model_without_a_chat_template_is_told_which_layouts_need_none(mini_root: Path, tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", toy_llm(tmp_path / "llm", template=None))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "layout": "chat-template"}))
    assert "this one has none: use the layout vicuna-v0 or llama2" in asked(folder, mini_root, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("device", "there", "sentence"),
    [
        ("cuda", 0, "PyTorch finds no CUDA device here; use device=cpu"),
        ("cuda:1", 0, "PyTorch finds no CUDA device here; use device=cpu"),
        ("cuda:2", 2, "device=cuda:2: there is no such CUDA device; PyTorch finds 2, counted from cuda:0"),
        ("cuda:x", 2, "no device called 'cuda:x'"),
        ("cuda7", 2, "no device called 'cuda7'"),
        ("cpu:0", 0, "no device called 'cpu:0'"),
        ("gpu", 2, "no device called 'gpu'. Did you mean 'cpu'"),
    ],
)
def test_a_device_that_is_not_there_is_named(device: str, there: int, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    with pytest.raises(BenchError, match="device") as raised:
        Lamm(device=device).chosen_device()
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("device", "there", "chosen"), [("auto", 0, "cpu"), ("auto", 1, "cuda"), ("cuda:1", 2, "cuda:1"), ("cpu", 2, "cpu")]
)
def test_a_device_that_is_there_is_taken(device: str, there: int, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    assert Lamm(device=device).chosen_device() == chosen


def test_a_million_layers_are_refused_at_once(sound: Path, mini_root: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(sound, tmp_path / "checkpoint")
    config = json.loads((tmp_path / "checkpoint/config.json").read_text())
    config["llm"]["layers"] = 10**6
    (tmp_path / "checkpoint/config.json").write_text(json.dumps(config))
    assert "layers of the language model is 1000000" in asked(tmp_path / "checkpoint", mini_root, tmp_path / "run")
    hub = toy_hub_checkpoint(tmp_path / "hub", toy_llm(tmp_path / "llm"))
    own = json.loads((tmp_path / "llm/config.json").read_text())
    (tmp_path / "llm/config.json").write_text(json.dumps({**own, "num_hidden_layers": 10**6, "n_layer": 10**6}))
    assert "num_hidden_layers 1000000" in asked(hub, mini_root, tmp_path / "run")
