"""Encoded media that are kept: keyed by content and preprocessing, bounded, and never trusted when damaged."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.errors import BenchError
from lamm_bench.lamm.features import FeatureCache, FeatureFolder, weights_digest
from lamm_bench.types import Generate, Media, Message, Response

from .commands import done, refusal
from .toys import cloud, picture, toy_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_checkpoint(tmp_path_factory.mktemp("toy"))


def answers(adapter: Adapter, media: list[Media]) -> tuple[dict[int, Response], int]:
    """The answers, and how many media were encoded for them."""
    seen = []
    model = adapter.asker.model
    see = model.see
    model.see = lambda kind, inputs: seen.append(len(inputs)) or see(kind, inputs)
    try:
        asked = [Generate((Message("user", (one, "What is it?")),), max_new_tokens=5) for one in media]
        return dict(adapter.generate(asked)), sum(seen)
    finally:
        model.see = see


def test_equal_content_is_encoded_once_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    one = picture(tmp_path, "a.png", 1)
    shutil.copy(one.path, tmp_path / "b.png")
    copy = Media("image", str(tmp_path / "b.png"))
    sealed = replace(one, sha256=Adapter(checkpoint=str(folder)).asker.seer.key(one)[1])
    assert answers(Adapter(checkpoint=str(folder)), [one, copy, sealed])[1] == 1


def test_another_transform_or_a_blank_is_another_key(folder: Path, tmp_path: Path) -> None:
    adapter = Adapter(checkpoint=str(folder))
    one = picture(tmp_path, "a.png", 1, size=(30, 12))
    other = picture(tmp_path, "b.png", 1, size=(12, 30))
    keys = [adapter.asker.seer.key(media) for media in (one, replace(one, sha256="blank"), replace(other, sha256="blank"))]
    adapter.asker.transform = "crop"
    keys.append(adapter.asker.seer.key(one))
    assert len(set(keys)) == 4


def test_a_folder_keeps_features_between_runs(folder: Path, tmp_path: Path) -> None:
    media = [picture(tmp_path, "a.png", 1), cloud(tmp_path, "b.npy", 2)]
    kept = str(tmp_path / "features")
    plain, _ = answers(Adapter(checkpoint=str(folder)), media)
    assert answers(Adapter(checkpoint=str(folder), feature_cache=kept), media) == (plain, 2)
    assert answers(Adapter(checkpoint=str(folder), feature_cache=kept), media) == (plain, 0)
    assert answers(Adapter(checkpoint=str(folder), feature_cache=kept, dtype="bfloat16"), media)[1] == 2


@pytest.mark.parametrize("damage", ["empty", "half", "flipped", "foreign"])
def test_a_damaged_file_is_computed_again(folder: Path, tmp_path: Path, damage: str) -> None:
    media = [picture(tmp_path, "a.png", 1)]
    kept = tmp_path / "features"
    plain, _ = answers(Adapter(checkpoint=str(folder), feature_cache=str(kept)), media)
    (file,) = kept.glob("*/*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    damaged = {"empty": b"", "half": content[: len(content) // 2], "flipped": content, "foreign": b"GIF89a" * 50}
    file.write_bytes(damaged[damage])
    assert answers(Adapter(checkpoint=str(folder), feature_cache=str(kept)), media) == (plain, 1)
    assert answers(Adapter(checkpoint=str(folder), feature_cache=str(kept)), media) == (plain, 0)
    assert [path for path in kept.rglob("*") if path.name.endswith(".tmp")] == []


def test_other_weights_are_another_file(folder: Path, tmp_path: Path) -> None:
    media = [picture(tmp_path, "a.png", 1)]
    kept = str(tmp_path / "features")
    answers(Adapter(checkpoint=str(folder), feature_cache=kept), media)
    other = toy_checkpoint(tmp_path / "other", seed=5)
    assert answers(Adapter(checkpoint=str(other), feature_cache=kept), media)[1] == 1
    layer = torch.nn.Linear(2, 2)
    before = weights_digest(layer, "")
    layer.weight.data[0, 0] += 1
    assert weights_digest(layer, "") != before != weights_digest(layer, "other settings")


def test_a_folder_is_bounded_and_drops_what_was_used_longest_ago(tmp_path: Path) -> None:
    kept = FeatureFolder(tmp_path, limit=10_000)
    tokens = torch.zeros(10, 50)  # 2 kB
    for number in range(4):
        kept.put((str(number),), tokens)
        os.utime(kept.path((str(number),)), (number, number))
    assert kept.get(("0",)) is not None  # used just now
    kept.put(("4",), tokens)
    there = [number for number in range(5) if kept.get((str(number),)) is not None]
    assert 0 in there and 4 in there and 1 not in there
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors")) <= 10_000
    assert FeatureFolder(tmp_path, limit=10_000).bytes == kept.bytes


def test_precisions_come_back_as_they_were(tmp_path: Path) -> None:
    kept = FeatureFolder(tmp_path, limit=10_000)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        tokens = torch.randn(3, 4).to(dtype)
        kept.put((str(dtype),), tokens)
        found = kept.get((str(dtype),))
        assert found is not None and found.dtype == dtype and torch.equal(found, tokens)


def test_a_folder_that_cannot_be_written_is_told_before_the_run(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BenchError, match="cannot be written to"):
        Adapter(checkpoint=str(folder), feature_cache=str(tmp_path / "file")).fingerprint()


def test_a_disk_that_fills_up_costs_the_file_and_not_the_run(tmp_path: Path) -> None:
    kept = FeatureFolder(tmp_path / "kept", limit=10_000)
    shutil.rmtree(tmp_path / "kept")
    with pytest.warns(UserWarning, match="nothing more is kept"):
        kept.put(("a",), torch.zeros(3))
    assert kept.get(("a",)) is None


def test_memory_drops_the_least_recently_used() -> None:
    cache: FeatureCache[torch.Tensor] = FeatureCache(limit=100)
    for name in "abc":
        cache.put(name, torch.zeros(8))  # 32 bytes
    assert cache.get("a") is not None
    cache.put("d", torch.zeros(8))
    assert "a" in cache and "b" not in cache and cache.bytes == 96
    cache.clear()
    assert len(cache) == 0 and cache.bytes == 0


def test_the_command_line_keeps_features_in_a_folder(tmp_path: Path, mini_root: Path) -> None:
    words = ["run", "--model", "lamm", "--tasks", "svt", "--limit", "2", "--data-root", str(mini_root), "--device", "cpu"]
    words += ["--feature-cache", str(tmp_path / "kept"), "--output", str(tmp_path / "run")]
    done(*words)
    assert len(list((tmp_path / "kept").rglob("*.safetensors"))) == 2
    assert "model oracle has no feature cache; leave --feature-cache out" in refusal(
        "run", "--model", "oracle", "--feature-cache", "x"
    )
