"""A LAMM model small enough for a test, with random weights, and a few dialogues to train it on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image

from lamm_bench.lamm import checkpoint
from lamm_bench.lamm.config import CloudEncoder, ImageEncoder, LammConfig, Llm, Lora
from lamm_bench.lamm.model import Lamm
from lamm_bench.lamm.tokenizer import MiniTokenizer, train_tokenizer
from lamm_bench.types import Media, Message

IMAGE, CLOUD = Media("image", "/a.png"), Media("point_cloud", "/b.npy")
TALK = (
    Message("system", ("Look.",)),
    Message("user", (IMAGE, "What is it?")),
    Message("assistant", ("A cat",)),
    Message("user", ("Which colour?",)),
    Message("assistant", ("black",)),
)
"""A dialogue of two turns about an image that nobody opens."""

TEXTS = [
    "cat [0.10, 0.20]; dog [0.30, 0.95]",
    "chair [-1.24, 0.50, 2.00]",
    "### Human: Assistant: <Img></Img> What is it? HOTEL 12",
]
CONFIG = LammConfig(
    name="toy",
    llm=Llm(vocabulary=0, width=32, hidden=48, layers=2, heads=2, window=256),
    lora=Lora(r=4, alpha=8),
    encoders={
        "image": ImageEncoder(size=16, widths=(4, 8), blocks=(0, 1), layers=1, heads=2),
        "point_cloud": CloudEncoder(cells=8, levels=2, widths=(4, 8), blocks=(1, 1), layers=1, heads=2),
    },
)

PRESET = """# A toy.
name: toy
precision: float32
save_every: 3
tokenizer: 400
data: {image: [2D_Instruct/meta_file/a.json], point_cloud: [3D_Instruct/meta_file/b.json], share: media, row_tokens: 120,
       mirror: [counting]}
model:
  image: {size: 16, widths: [4, 8], blocks: [0, 1], layers: 1, heads: 2}
  point_cloud: {cells: 8, levels: 2, widths: [4, 8], blocks: [0, 1], layers: 1, heads: 2}
  llm: {width: 32, hidden: 48, layers: 1, heads: 2, window: 256}
  lora: {r: 2, alpha: 2, dropout: 0.1}
stages:
  - {name: language, train: [llm], media: false, epochs: 0.5, batch: 4, rate: 1.0e-3}
  - name: encoders
    train: [encoders, projection, llm]
    epochs: 2
    batch: 4
    rate: 1.0e-3
    asked: 0.1
    places: 0.1
    spots: 0.1
    evenness: 0.5
    augment: {light: 0.1, noise: 2.0, shift: 1, drop: 0.1}
  - {name: lamm, train: [projection, lora], epochs: 2, batch: 4, rate: 1.0e-3, schedule: linear}
"""

ONE_STAGE = """# LAMM's stage alone, on frozen random encoders: what several processes can train.
name: one
precision: float32
save_every: 4
tokenizer: 400
unused: zero
data: {image: [2D_Instruct/meta_file/a.json], point_cloud: [3D_Instruct/meta_file/b.json], turns: sequential, row_tokens: 1,
       held_out: 0.2}
model:
  image: {size: 16, widths: [4, 8], blocks: [0, 1], layers: 1, heads: 2}
  point_cloud: {cells: 8, levels: 2, widths: [4, 8], blocks: [0, 1], layers: 1, heads: 2}
  llm: {width: 32, hidden: 48, layers: 1, heads: 2, window: 256}
  lora: {r: 2, alpha: 2, dropout: 0.0}
stages:
  - {name: lamm, train: [projection, lora], epochs: 2, batch: 6, rate: 1.0e-2, schedule: warmup_decay}
speed: {micro: 2}
watch: {validate_every: 5, keep: 2}
"""


def picture(folder: Path, name: str, seed: int = 0, size: tuple[int, int] = (24, 20)) -> Media:
    """A small picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return Media("image", str(folder / name))


def cloud(folder: Path, name: str, seed: int = 0) -> Media:
    """A small cloud with colours."""
    stream = np.random.default_rng(seed)
    points = np.concatenate([stream.uniform(-2, 2, (200, 3)), stream.integers(0, 255, (200, 3))], axis=1)
    np.save(folder / name, points.astype(np.float32))
    return Media("point_cloud", str(folder / name))


def toy_checkpoint(folder: Path, seed: int = 0) -> Path:
    """A checkpoint with random weights, LoRA's included, in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    train_tokenizer(TEXTS * 3, 420, folder / "tokenizer.json")
    config = replace(CONFIG, llm=replace(CONFIG.llm, vocabulary=len(MiniTokenizer(folder / "tokenizer.json"))))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Lamm(config)
        model.add_lora(config.lora)
        for parameter in model.parameters():
            parameter.data.normal_(std=0.3)
    checkpoint.save(model, config, folder / "tokenizer.json", folder, torch.float32)
    return folder


def toy_data(root: Path, count: int = 10) -> Path:
    """Instruction data of both modalities in LAMM's layout; the preset is beside it as `toy.yaml`."""
    stream = Random(0)
    items: dict[str, list[dict[str, object]]] = {"image": [], "pcl": []}
    for base, kind in (("2D_Instruct", "image"), ("3D_Instruct", "pcl")):
        folder = root / base / "media"
        folder.mkdir(parents=True)
        (root / base / "meta_file").mkdir()
        for index in range(count if kind == "image" else count // 2):
            name = f"{index}.{'png' if kind == 'image' else 'npy'}"
            (picture if kind == "image" else cloud)(folder, name, index)
            said = [("What is it?", stream.choice(["cat", "dog"])), ("Where?", f"[{stream.random():.2f}, {stream.random():.2f}]")]
            talk = [{"from": who, "value": text} for turn in said for who, text in zip(("human", "gpt"), turn)]
            items[kind].append({"id": str(index), kind: f"media/{name}", "conversations": talk, "task_type": "detection"})
            short = [{"from": "human", "value": "<image>\nHow many?"}, {"from": "gpt", "value": str(index)}]
            items[kind].append({"id": f"c{index}", kind: f"media/{name}", "conversations": short, "task_type": "counting"})
    (root / "2D_Instruct/meta_file/a.json").write_text(json.dumps(items["image"]), encoding="utf-8")
    (root / "3D_Instruct/meta_file/b.json").write_text(json.dumps(items["pcl"]), encoding="utf-8")
    (root / "toy.yaml").write_text(PRESET, encoding="utf-8")
    (root / "one.yaml").write_text(ONE_STAGE, encoding="utf-8")
    return root
