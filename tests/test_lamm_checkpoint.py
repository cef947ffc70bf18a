"""Every tensor of a checkpoint is accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lamm_bench.errors import BenchError
from lamm_bench.lamm import checkpoint
from lamm_bench.lamm.checkpoint import fingerprint, restore

from .toys import toy_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toy_checkpoint(tmp_path / "toy")


def change(file: Path, key: str, value: torch.Tensor | None) -> None:
    tensors = load_file(file)
    if value is None:
        tensors.pop(key)
    else:
        tensors[key] = value
    save_file(tensors, file)


def test_what_is_saved_comes_back(folder: Path, tmp_path: Path) -> None:
    model, _ = restore(folder)
    checkpoint.save(model, model.config, folder / "tokenizer.json", tmp_path / "again", torch.float32)
    assert fingerprint(tmp_path / "again") == fingerprint(folder)


def test_merging_lora_changes_no_logit(folder: Path) -> None:
    model, _ = restore(folder)
    ids = torch.arange(10)[None]
    with torch.no_grad():
        apart = model.llama(input_ids=ids).logits
        model.merge_lora()
        assert torch.allclose(model.llama(input_ids=ids).logits, apart, atol=1e-3)
    assert not any("lora" in name for name in model.state_dict())


def test_trained_tensors_have_upstreams_names(folder: Path) -> None:
    names = set(load_file(folder / "lamm.safetensors"))
    assert "llama_model.base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight" in names
    assert {name for name in names if name.startswith("llama_proj")} == {
        f"llama_proj.{kind}.{what}" for kind in ("image", "point_cloud") for what in ("weight", "bias")
    }
    assert len(names) == 2 * 4 * 2 + 4


def test_a_missing_tensor_is_named(folder: Path) -> None:
    change(folder / "lamm.safetensors", "llama_proj.image.bias", None)
    with pytest.raises(BenchError, match=r"lamm.safetensors lacks the tensor 'llama_proj.image.bias'"):
        restore(folder)


def test_an_unused_tensor_is_named(folder: Path) -> None:
    change(folder / "llm.safetensors", "model.layers.9.mlp.up_proj.weight", torch.zeros(1))
    with pytest.raises(BenchError, match=r"holds the tensor 'model.layers.9.mlp.up_proj.weight'"):
        restore(folder)


def test_a_misshaped_tensor_is_named_with_both_shapes(folder: Path) -> None:
    change(folder / "encoders.safetensors", "image.trunk.places", torch.zeros(5, 8))
    with pytest.raises(BenchError, match=r"'image.trunk.places' has shape \[5, 8\], config.json asks for \[16, 8\]"):
        restore(folder)


@pytest.mark.parametrize("file", checkpoint.FILES)
def test_a_truncated_file_is_one_sentence(folder: Path, file: str) -> None:
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BenchError, match=rf"{file} cannot be read as safetensors \(truncated or foreign\)"):
        restore(folder)


@pytest.mark.parametrize("file", ["llm.safetensors", "tokenizer.json", "config.json"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BenchError, match=file):
        restore(folder)


def test_a_key_of_the_config_that_is_unknown_is_answered_with_the_nearest(folder: Path) -> None:
    data = json.loads((folder / "config.json").read_text())
    data["llm"]["layer"] = data["llm"].pop("layers")
    (folder / "config.json").write_text(json.dumps(data))
    with pytest.raises(BenchError, match="no key of .*llm called 'layer'. Did you mean 'layers'"):
        restore(folder)


def test_a_config_of_a_later_format_is_refused(folder: Path) -> None:
    data = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**data, "format": 99}))
    with pytest.raises(BenchError, match="has format 99, expected 1"):
        restore(folder)


def test_the_fingerprint_changes_with_any_byte(folder: Path) -> None:
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    content = bytearray((folder / "llm.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "llm.safetensors").write_bytes(bytes(content))
    assert fingerprint(folder) != before


def test_weights_that_a_file_holds_are_not_drawn_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, ...]] = []
    for name in ("uniform_", "normal_"):
        real = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda t, *a, real=real, **k: (drawn.append(tuple(t.shape)), real(t, *a, **k))[1])
    model, _ = restore(folder)
    matrices = {tuple(p.shape) for p in (*model.encoders.parameters(), *model.llama_proj.parameters()) if p.ndim > 1}
    others = {tuple(p.shape) for p in model.llama_model.parameters()}
    assert len(matrices - others) > 5
    assert not (matrices - others) & set(drawn)
