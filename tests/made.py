"""Small benchmark folders made in a test, so that laws hold without any data set: every task, its meta file, its images."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

JOINTS = 14
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
UCMERCED = ["baseballdiamond", "forest", "tenniscourt", "storagetanks", "buildings", "denseresidential"]
VOC = ["aeroplane", "cat", "diningtable", "person", "tvmonitor"]
SCANNET = ["bed", "chair", "showercurtrain", "curtain", "garbagebin"]
WORDS = ["HOTEL", "Cafe", "O'Neil's", "No.9", "&", "24HR", "3-5", "OPEN"]


def box2d(rng: Random) -> list[float]:
    x, y = sorted((rng.random(), rng.random())), sorted((rng.random(), rng.random()))
    return [x[0], y[0], x[1], y[1]]


def box3d(rng: Random) -> list[float]:
    return [rng.uniform(-4, 4) for _ in range(3)] + [rng.uniform(0.05, 3) for _ in range(3)]


def joints(rng: Random, size: tuple[int, int]) -> list[list[float]]:
    return [[rng.uniform(0, size[0]), rng.uniform(0, size[1]), 1.0] for _ in range(JOINTS)]


def own_fields(task: str, rng: Random, size: tuple[int, int]) -> dict[str, Any]:
    """The keys of one item that belong to its task."""
    several = range(rng.randint(1, 5))
    options = rng.sample(["cell", "cell wall", "root", "10", "100", "sample A", "a lamp."], rng.randint(2, 6))
    return {
        "cifar10": lambda: {"label": rng.choice(CIFAR10)},
        "ucmerced": lambda: {"label": rng.choice(UCMERCED)},
        "celeba-smile": lambda: {"attr": rng.choice(["1", "-1"])},
        "celeba-hair": lambda: {"attr": rng.choice(["Black", "Blond", "Brown", "Gray"])},
        "voc2012": lambda: {"object": [{"label": rng.choice(VOC), "bbox": box2d(rng)} for _ in several]},
        "locating-voc2012": lambda: {"object": [{"label": rng.choice(VOC), "bbox": box2d(rng)} for _ in several]},
        "scannet": lambda: {"object": [{"label": rng.choice(SCANNET), "bbox": box3d(rng)} for _ in several]},
        "scanrefer": lambda: {rng.choice(["object", "gt_bbox"]): box3d(rng)},
        "sqaimage": lambda: {"gt_choices": options, "gt_choice": rng.randrange(len(options))},
        "ai2d": lambda: {"gt_choices": options, "gt_choice": rng.randrange(len(options))},
        "scanqa": lambda: {"gt_choices": options, "gt_choice": rng.randrange(len(options))},
        "flickr30k": lambda: {
            "sentences": [f"A {rng.choice(CIFAR10)} stands near a {rng.choice(CIFAR10)} on grass." for _ in range(5)]
        },
        "fsc147": lambda: {"num": rng.choice([0, 1, 7, 12, 99, 1234])},
        "svt": lambda: {"word_list": [rng.choice(WORDS) for _ in several]},
        "lsp": lambda: {"gt_joints": joints(rng, size), "query": "Where is the {}?"},
        "locating-lsp": lambda: {"gt_joints": joints(rng, size)},
        "locating-fsc147": lambda: {
            "points": [[rng.uniform(0, size[0]), rng.uniform(0, size[1])] for _ in range(rng.randint(1, 14))]
        },
    }[task]()


def make_file(root: Path, task: Any, seed: int = 0, items: int = 20) -> Path:
    """Writes a meta file and its images; the path of the file."""
    rng = Random(f"{seed}/{task.name}")
    file = root / task.meta_files[0]
    file.parent.mkdir(parents=True, exist_ok=True)
    base = file.parent.parent
    entries = []
    for number in range(items):
        size = (rng.randint(20, 90), rng.randint(20, 90))
        entry: dict[str, Any] = {"id": number, "query": "What is this?", **own_fields(task.name, rng, size)}
        if task.modality == "image":
            entry["image"] = f"{task.name}_{number}.png"
            Image.new("L", size).save(base / entry["image"])
        else:
            entry["pcl"] = f"./scannet_pcls/scene{number // 3:04d}_{number % 3:02d}.npy"
        entries.append(entry)
    file.write_text(json.dumps(entries), encoding="utf-8")
    return file
