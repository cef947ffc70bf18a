"""Media are decoded once, encoded once, and never by the wrong encoder."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from lamm_bench.errors import BenchError
from lamm_bench.training.data.feature_cache import FeatureCache, own_file
from lamm_bench.training.run import train
from lamm_bench.types import Media

from .toys import toy_data
from .trainings import weights


@pytest.fixture()
def root(tmp_path: Path) -> Path:
    return toy_data(tmp_path / "root")


def go(root: Path, out: Path, cache: Path | None = None, **settings: str) -> str:
    console = Console(file=io.StringIO(), width=300)
    given = {"stages.lamm.epochs": "1", **{key.replace("__", "."): value for key, value in settings.items()}}
    train(root / "one.yaml", out, given, data_root=root, console=console, feature_cache=cache)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_the_cache_changes_no_weight_and_is_used_again(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "plain")
    first = go(root, tmp_path / "a", tmp_path / "cache")
    again = go(root, tmp_path / "b", tmp_path / "cache")
    assert "encoding 10 of 10 images" in first and "encoding 5 of 5 point_clouds" in first and "encoding" not in again
    assert weights(tmp_path / "a") == weights(tmp_path / "b") == weights(tmp_path / "plain")


def test_features_of_each_step_are_the_kept_ones(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "kept")
    go(root, tmp_path / "fresh", speed__features="each_step", data__memory="0", data__workers="3")
    one, other = ([json.loads(x) for x in (tmp_path / n / "metrics.jsonl").read_text().splitlines()] for n in ("kept", "fresh"))
    for a, b in zip(one, other):
        assert a == pytest.approx(b, abs=2e-3)  # kept features are float16


def test_a_changed_picture_is_encoded_again_and_a_touched_one_is_not(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "a", tmp_path / "cache")
    (root / "2D_Instruct/media/1.png").touch()
    (root / "2D_Instruct/media/3.png").write_bytes((root / "2D_Instruct/media/4.png").read_bytes())
    assert "encoding 1 of 10 images" in go(root, tmp_path / "b", tmp_path / "cache")


def test_a_cache_of_another_encoder_is_refused(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "a", tmp_path / "cache")
    with pytest.raises(BenchError, match=r"image-0.jsonl was made by another encoder \(its weights differs\); use another"):
        go(root, tmp_path / "b", tmp_path / "cache", seed="7")


def test_a_torn_cache_is_mended_and_a_damaged_one_is_named(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    go(root, tmp_path / "a", cache)
    index, data = cache / "image-0.jsonl", cache / "image-0.bin"
    index.write_bytes(index.read_bytes()[:-30])  # killed while it wrote the last line
    assert "encoding 1 of 10 images" in go(root, tmp_path / "b", cache)
    content = bytearray(data.read_bytes())
    content[3] ^= 1
    data.write_bytes(bytes(content))
    with pytest.raises(BenchError, match=r"image-0.bin: row 0 is damaged .*delete the cache"):
        go(root, tmp_path / "c", cache)


def test_a_cache_for_encoders_that_learn_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="--feature-cache is for frozen encoders"):
        train(
            root / "toy.yaml",
            tmp_path / "o",
            data_root=root,
            console=Console(file=io.StringIO()),
            feature_cache=tmp_path / "cache",
        )


def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BenchError, match="--feature-cache .* cannot be made"):
        FeatureCache(tmp_path / "file" / "cache")


def test_unreadable_media_are_listed(root: Path, tmp_path: Path) -> None:
    (root / "2D_Instruct/media/3.png").write_bytes(b"broken")
    with pytest.raises(BenchError, match=r"1 of 15 media cannot be read; .*all are listed in .*unreadable.txt"):
        go(root, tmp_path / "a")
    assert "3.png" in (tmp_path / "a/unreadable.txt").read_text()
    assert "1 media cannot be read and are left out" in go(root, tmp_path / "b", data__max_bad="0.1")


def test_a_media_that_is_not_there_has_no_row(tmp_path: Path) -> None:
    assert Media("image", "x") not in FeatureCache(tmp_path / "cache")


def test_two_writers_of_one_cache_have_a_file_each(tmp_path: Path) -> None:
    with own_file(tmp_path, "image-0") as first, own_file(tmp_path, "image-0") as second:
        assert (first.name, second.name) == ("image-0.jsonl", "image-0-2.jsonl")
    with own_file(tmp_path, "image-0") as again:
        assert again.name == "image-0.jsonl"


def test_a_training_whose_cache_another_one_writes_to_is_undisturbed(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "plain")
    (tmp_path / "cache").mkdir()
    with own_file(tmp_path / "cache", "image-0") as held:
        held.write_text('{"torn')  # what the other one is just writing
        go(root, tmp_path / "a", tmp_path / "cache")
    assert (tmp_path / "cache/image-0-2.jsonl").is_file() and held.read_text() == '{"torn'
    assert "encoding" not in go(root, tmp_path / "b", tmp_path / "cache")
    assert weights(tmp_path / "plain") == weights(tmp_path / "a") == weights(tmp_path / "b")
