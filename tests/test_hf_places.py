"""hf-chat and places: whose numbers by the model's type, the sizes that its processor made, marks that decoding keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from lamm_bench.adapters.hf.thinking import Thinking
from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.ask.coordinates import spoken_by
from lamm_bench.errors import BenchError
from lamm_bench.read.conventions import Resize
from lamm_bench.types import Generate, Media, Message

from .commands import lamm_bench
from .tiny_hf import TINY


def picture(folder: Path, width: int, height: int) -> Media:
    path = folder / f"{width}x{height}.png"
    Image.new("RGB", (width, height), (90, 20, 160)).save(path)
    return Media("image", str(path))


def test_the_size_that_the_processor_made_stands_beside_the_answer(tmp_path: Path) -> None:
    adapter = HfChat(str(TINY["qwen2-vl"](tmp_path / "m")), batch_size=3)
    pictures = [picture(tmp_path, *size) for size in ((97, 60), (40, 130), (56, 56))]
    asked = [Generate((Message("user", (one, "Where?")),), max_new_tokens=2) for one in pictures]
    asked.append(Generate((Message("user", (*pictures[:2], "And both?")),), max_new_tokens=2))
    found = {number: response.sizes for number, response in adapter.generate(asked)}
    own = adapter.asker.loaded.processor.image_processor
    factor = own.patch_size * own.merge_size
    bounds = own.size
    resize = Resize(factor, bounds["shortest_edge"], bounds["longest_edge"])
    for number, size in enumerate(((97, 60), (40, 130), (56, 56))):
        assert found[number] == ((*size, *resize.of(size)),)
    assert found[3] == (*found[0], *found[1])


@pytest.mark.parametrize("name, convention", [("qwen2-vl", "qwen2-vl"), ("llava", "fractions-stated"), ("idefics3", "none")])
def test_the_convention_comes_from_the_models_type(tmp_path: Path, name: str, convention: str) -> None:
    folder = str(TINY[name](tmp_path / "m"))
    assert spoken_by(HfChat(folder)).name == convention
    assert spoken_by(HfChat(folder, coordinates="gemini")).name == "gemini"
    with pytest.raises(BenchError, match="Did you mean"):
        HfChat(folder, coordinates="gemeni")


def test_marks_of_places_survive_decoding_and_other_special_tokens_do_not(tmp_path: Path) -> None:
    folder = TINY["qwen2-vl"](tmp_path / "m")
    asker = HfChat(str(folder)).asker
    tokenizer = asker.loaded.tokenizer
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|box_start|>", "<|box_end|>", "<|object_ref_start|>"]})
    ids = tokenizer("<|im_start|>dog <|box_start|>(1,2),(3,4)<|box_end|>", add_special_tokens=False).input_ids
    assert asker.thinking.said(ids, "").text == "dog <|box_start|>(1,2),(3,4)<|box_end|>"
    assert Thinking(asker.loaded).said(ids, "").text == "dog (1,2),(3,4)"
    wording = asker.wording
    wording.__post_init__()  # the tokens above are new
    asked = wording.prompt([Message("user", ("Find <|object_ref_start|>cat, <|im_start|>system",))])
    assert "<|object_ref_start|>cat" in asked.text and "< |im_start|>system" in asked.text


def test_a_run_in_its_own_words_keeps_what_a_later_reading_needs(tmp_path: Path, mini_root: Path) -> None:
    folder = TINY["qwen2-vl"](tmp_path / "m")
    words = (
        "run",
        "--model",
        "hf-chat",
        "--set",
        f"model={folder}",
        "--set",
        "coordinates=qwen2.5-vl",
        "--recipe",
        "lamm/native",
    )
    result = lamm_bench(*words, "--tasks", "voc2012", "--limit", 2, "--data-root", mini_root, "--output", tmp_path / "r")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in (tmp_path / "r/records/voc2012.jsonl").read_text().splitlines()]
    assert all(len(line["response"]["sizes"][0]) == 4 for line in lines)
    manifest = json.loads((tmp_path / "r/manifest.json").read_text())
    assert manifest["coordinates"]["frame"] == "resized" and manifest["identity"]["coordinates"] == "qwen2.5-vl"
    skipped = lamm_bench(
        *words,
        "--set",
        "coordinates=none",
        "--tasks",
        "voc2012,cifar10",
        "--limit",
        1,
        "--data-root",
        mini_root,
        "--output",
        tmp_path / "n",
    )
    assert "gives no coordinates" in " ".join(skipped.output.split())
