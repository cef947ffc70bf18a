"""Checkpoints whose encoders come from elsewhere: what is stored, what is named, and what tells them apart."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.errors import BenchError
from lamm_bench.lamm import checkpoint
from lamm_bench.lamm.clip import ClipEncoder
from lamm_bench.lamm.config import load
from lamm_bench.lamm.encoder_configs import ClipTower, Epcl
from lamm_bench.lamm.epcl import EpclEncoder
from lamm_bench.lamm.model import Lamm
from lamm_bench.lamm.weights import sha256
from lamm_bench.training.run import train
from lamm_bench.types import Generate, Message, Score

from .toys import cloud, picture, toy_checkpoint, toy_data

CLIP = ClipTower(size=16, patch=4, hidden=8, layers=1, heads=2, mlp=12, embedding=6)
EPCL = Epcl(
    points=100, centres=(6,), radii=(0.8,), neighbours=(4,), widths=((5, 8),), place=4, task_tokens=2, layers=1, heads=2, mlp=12
)


def weights_in(folder: Path, seed: int = 0) -> None:
    """clip/model.safetensors and epcl.safetensors with random weights."""
    from safetensors.torch import save_file

    (folder / "clip").mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        clip, epcl = ClipEncoder(replace(CLIP, feature="global")), EpclEncoder(EPCL)
        for parameter in (*clip.parameters(), *epcl.parameters()):
            parameter.data.normal_(std=0.3)
    save_file({k: v.contiguous() for k, v in clip.tower.state_dict().items()}, folder / "clip" / "model.safetensors")
    save_file(epcl.state_dict(), folder / "epcl.safetensors")


def with_encoders(folder: Path, image: ClipTower, point_cloud: Epcl) -> Path:
    """The toy's language model behind other encoders; projections and LoRA as random as everything else."""
    toy = toy_checkpoint(folder / "toy")
    config = replace(load(toy), encoders={"image": image, "point_cloud": point_cloud})
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = Lamm(config)
        model.add_lora(config.lora)
        for name, parameter in model.named_parameters():
            if not name.startswith("encoders."):
                parameter.data.normal_(std=0.3)
    made = folder / "made"
    checkpoint.save(model, config, toy / "tokenizer.json", made, torch.float32)
    return made


@pytest.fixture()
def named(tmp_path: Path) -> Path:
    """A checkpoint that names its encoders' weights."""
    weights_in(tmp_path)
    paths = {"image": str(tmp_path / "clip"), "point_cloud": str(tmp_path / "epcl.safetensors")}
    return with_encoders(tmp_path, replace(CLIP, weights=paths["image"]), replace(EPCL, weights=paths["point_cloud"]))


def said(folder: Path, tmp_path: Path, **options: Any) -> list[Any]:
    """Answers and likelihoods about a picture and a cloud."""
    adapter = Adapter(checkpoint=str(folder), device="cpu", **options)
    out: list[Any] = []
    for media in (picture(tmp_path, "p.png"), cloud(tmp_path, "c.npy")):
        messages = (Message("user", (media, "What is it?")),)
        out += [response.text for _, response in adapter.generate([Generate(messages, max_new_tokens=6)])]
        out += [response.logprobs for _, response in adapter.score([Score(messages, ("cat", "dog"))])]
    return out


def test_named_weights_are_not_stored_and_stored_ones_say_the_same(named: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    assert load_file(named / "encoders.safetensors") == {}
    model, _ = checkpoint.restore(named)
    config = replace(model.config, encoders={"image": replace(CLIP, weights=""), "point_cloud": replace(EPCL, weights="")})
    model.config = config
    checkpoint.save(model, config, named / "tokenizer.json", tmp_path / "stored", torch.float32)
    assert load_file(tmp_path / "stored" / "encoders.safetensors").keys() >= {"point_cloud.task.embedding"}
    assert said(named, tmp_path) == said(tmp_path / "stored", tmp_path)


def test_the_bytes_of_named_weights_are_part_of_the_fingerprint(named: Path, tmp_path: Path) -> None:
    before = checkpoint.fingerprint(named)
    assert before == checkpoint.fingerprint(named)
    weights_in(tmp_path, seed=1)
    after = checkpoint.fingerprint(named)
    assert after != before
    (tmp_path / "epcl.safetensors").unlink()
    with pytest.raises(BenchError, match="encoder weights .*epcl.safetensors are missing"):
        checkpoint.fingerprint(named)


def test_weights_that_lie_in_the_checkpoint_are_found_from_anywhere(
    named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = said(named, tmp_path)
    config = json.loads((named / "config.json").read_text())
    config["image"]["weights"], config["point_cloud"]["weights"] = "clip", "epcl.safetensors"
    shutil.move(tmp_path / "clip", named / "clip")
    shutil.move(tmp_path / "epcl.safetensors", named / "epcl.safetensors")
    (named / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    assert said(named, tmp_path) == expected


def test_weights_and_config_that_disagree_name_the_tensor(named: Path) -> None:
    config = json.loads((named / "config.json").read_text())
    config["image"]["layers"] = 2
    (named / "config.json").write_text(json.dumps(config))
    with pytest.raises(BenchError, match="lacks the tensor 'encoder.layers.1"):
        checkpoint.restore(named)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_runs_from_pixels_to_words(named: Path, tmp_path: Path, dtype: str) -> None:
    exact, half = said(named, tmp_path), said(named, tmp_path, dtype=dtype)
    for one, other in zip(exact[1::2], half[1::2]):
        assert other == pytest.approx(one, rel=0.1)


def test_the_miniature_runs_in_half_precision_too(tmp_path: Path) -> None:
    toy = toy_checkpoint(tmp_path / "toy")
    exact, half = said(toy, tmp_path), said(toy, tmp_path, dtype="bfloat16")
    for one, other in zip(exact[1::2], half[1::2]):
        assert other == pytest.approx(one, rel=0.1)


FROZEN = """# A toy behind frozen encoders.
name: toy
tokenizer: 400
data: {image: [2D_Instruct/meta_file/a.json], point_cloud: [3D_Instruct/meta_file/b.json], row_tokens: 160}
model:
  image: {kind: clip, weights: WEIGHTS/clip, size: 16, patch: 4, hidden: 8, layers: 1, heads: 2, mlp: 12, embedding: 6}
  point_cloud: {kind: epcl, weights: WEIGHTS/epcl.safetensors, points: 100, centres: [6], radii: [0.8], neighbours: [4],
                widths: [[5, 8]], place: 4, task_tokens: 2, layers: 1, heads: 2, mlp: 12}
  llm: {width: 32, hidden: 48, layers: 1, heads: 2, window: 256}
  lora: {r: 2, alpha: 2}
stages:
  - {name: lamm, train: [projection, lora], epochs: 1, batch: 4, rate: 1.0e-2}
"""


def test_lamms_own_stage_trains_behind_frozen_encoders(tmp_path: Path) -> None:
    weights_in(tmp_path)
    root = toy_data(tmp_path / "root")
    preset = root / "frozen.yaml"
    preset.write_text(FROZEN.replace("WEIGHTS", str(tmp_path)))
    before = sha256(tmp_path / "clip"), sha256(tmp_path / "epcl.safetensors")
    made = train(preset, tmp_path / "out", data_root=root, console=Console(file=io.StringIO()))
    losses = [json.loads(line)["answers"] for line in (made / "metrics.jsonl").read_text().splitlines()]
    assert len(losses) > 3 and all(loss < 20 for loss in losses)
    assert (sha256(tmp_path / "clip"), sha256(tmp_path / "epcl.safetensors")) == before
    assert len(said(made, tmp_path)) == 4
    preset.write_text(FROZEN.replace("WEIGHTS", str(tmp_path)).replace("[projection", "[encoders, projection"))
    with pytest.raises(BenchError, match="stages.lamm trains encoders, and model.image is a frozen encoder of kind clip"):
        train(preset, tmp_path / "not", data_root=root)
