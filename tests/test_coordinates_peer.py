"""The same answers through roboflow's `supervision` (0.31): eight families are read by both as the same boxes of the same classes.

It is no dependency; without it these are skipped. It reads forms of one family each, and no points."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamm_bench.read import Frame, Place, convention, read_boxes
from lamm_bench.read.conventions import Size
from lamm_bench.read.rendering import render
from lamm_bench.read.vocabulary import Lexicon

pytest.importorskip("supervision", reason="the package supervision is not installed")
from supervision.detection import vlm  # noqa: E402

NAMES = ("cat", "dog", "bird")
PETS = Lexicon(dict.fromkeys(NAMES, ())).vocabulary(())
Read = tuple[list[list[float]], list[str]]  # boxes in pixels, and their classes


def pair(found: Any, names: int = 2) -> Read:
    return np.asarray(found[0], dtype=float).tolist(), [str(name) for name in found[names]]


def deepseek(text: str, size: Size) -> Read:
    return pair(vlm.from_deepseek_vl_2(text, size))


def kosmos(text: str, size: Size) -> Read:
    """It takes the entities that the processor of transformers makes of a text."""
    from transformers.models.kosmos2.processing_kosmos2 import clean_text_and_extract_entities_with_bboxes

    cleaned, entities = clean_text_and_extract_entities_with_bboxes(f"<grounding>{text}")
    boxes, _, names = vlm.from_kosmos_2((cleaned, entities), size)
    return np.asarray(boxes, dtype=float).tolist(), [str(name) for name in names]


def florence(text: str, size: Size) -> Read:
    """Numbers by the post-processor of transformers, classes by where they stand."""
    import re

    import torch
    from transformers.models.florence2.processing_florence2 import Florence2PostProcessor

    own = Florence2PostProcessor.__new__(Florence2PostProcessor)
    own.quantize_bins = (1000, 1000)
    found = re.findall(r"([a-z]+)((?:<loc_\d+>){4})", text)
    boxes = [
        own.dequantize(torch.tensor([[int(n) for n in re.findall(r"\d+", tokens)]]), size)[0].tolist() for _, tokens in found
    ]
    return pair(vlm.from_florence_2({"<OD>": {"bboxes": boxes, "labels": [name for name, _ in found]}}, size), 1)


def moondream(text: str, size: Size) -> Read:
    data = json.loads(text)
    return np.asarray(vlm.from_moondream(data, size), dtype=float).tolist(), [each["label"] for each in data["objects"]]


PEERS: dict[str, Callable[[str, Size], Read]] = {
    "qwen2.5-vl": lambda text, size: pair(vlm.from_qwen_2_5_vl(text, Frame(convention("qwen2.5-vl"), size, size).size, size)),
    "qwen3-vl": lambda text, size: pair(vlm.from_qwen_3_vl(text, size)),
    "paligemma": lambda text, size: pair(vlm.from_paligemma(text, size)),
    "florence-2": florence,
    "deepseek-vl2": deepseek,
    "gemini": lambda text, size: pair(vlm.from_google_gemini_2_0(text, size)),
    "kosmos-2": kosmos,
    "moondream": moondream,
}
EDGE = st.floats(0.0, 0.5)
BOX = st.tuples(EDGE, EDGE, EDGE, EDGE).map(lambda e: (e[0], e[1], min(1.0, e[0] + 0.08 + e[2]), min(1.0, e[1] + 0.08 + e[3])))
PLACES = st.lists(st.tuples(st.sampled_from(NAMES), BOX), min_size=1, max_size=5)


@pytest.mark.parametrize("name", PEERS)
@settings(max_examples=60, deadline=None)
@given(PLACES, st.tuples(st.integers(64, 1500), st.integers(64, 1500)))
def test_both_read_the_same_boxes_of_the_same_classes(name: str, places: list[tuple[str, Any]], size: Size) -> None:
    own = Frame(convention(name), size, size)
    said = render([Place(label, box) for label, box in places], own)
    boxes, labels = PEERS[name](said, size)
    found = read_boxes(said, PETS, 4, own) or []
    assert [place.label for place in found] == [label.strip() for label in labels]
    pixels = [[number * size[n % 2] for n, number in enumerate(place.numbers)] for place in found]
    assert np.allclose(pixels, boxes, atol=1.01 if name == "florence-2" else 1e-3)  # Florence's are cut to whole pixels
