"""Drawn runs for `view.py`: many questions about few pictures and one room, and two models that answer at once in sentences.

It is a plug-in, too: `lamm-bench run --plugin benchmarks/view_drawn.py --model first`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from lamm_bench.types import Generate, Response

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MODELS = {"first": 0.8, "second": 0.6}  # the share of their answers that is meant to be right
ASKED = "cifar10,fsc147,scannet"
POINTS = 200_000  # of the room
ROOMS = 10  # questions about it
WORDS = (
    "the of a in on picture image shows scene left right light dark small large grey green blue behind before near far it is there "
    "seems perhaps because background foreground object shape colour edge sky grass road water texture clearly blurred visible "
    "partly and with its I can see looks like something that stands close to another one which fills most of what was taken here"
).split()


class Drawn:
    """Answers a question by its sample's number: the truth, another class or number, or nothing that could be read."""

    modalities = frozenset({"image", "point_cloud"})

    def __init__(self) -> None:
        self.right = MODELS[self.name]

    name = ""

    def fingerprint(self) -> str:
        return self.name

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for place, request in enumerate(requests):
            kind, _, number = request.sample.rpartition("-")
            rng = Random(f"{self.name}/{request.sample}")
            if rng.random() < 0.03:
                yield place, Response(sentence(rng))
                continue
            true = int(number) if rng.random() < self.right else rng.randrange(1000)
            yield (
                place,
                Response(f"{sentence(rng)} {said(kind, true)}. {sentence(rng)}", "length" if rng.random() < 0.01 else "stop"),
            )


def said(kind: str, number: int) -> str:
    """What names the truth of a sample of that number."""
    if kind == "room":
        return json.dumps([{"label": "table", "bbox": box_of(number)}])
    return CLASSES[number % len(CLASSES)] if kind == "class" else f"There are {number % 50 + 1} of them"


def sentence(rng: Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(4, 22))).capitalize() + "."


class First(Drawn):
    name = "first"


class Second(Drawn):
    name = "second"


ADAPTERS = {"first": First, "second": Second}


def box_of(number: int) -> list[float]:
    """Centre and extents in metres of the thing that a question about the room asks for."""
    return [round(number % ROOMS * 0.5 - 2.5, 2), 0.0, 0.5, 0.8, 1.2, 0.9]


def draw(root: Path, samples: int, pictures: int, side: int = 640) -> None:
    """A data root in LAMM's layout: three fifths of the samples are classes, the others counts, and ten ask about one room."""
    flat, deep = root / "2D_Benchmark", root / "3D_Benchmark"
    for folder in (flat / "meta_file", flat / "pics", deep / "meta_file", deep / "rooms"):
        folder.mkdir(parents=True)
    for number in range(pictures):
        picture(number, side).save(flat / f"pics/{number}.jpg", quality=85)
    rooms = min(ROOMS, samples)
    classes = (samples - rooms) * 3 // 5
    first = [
        {
            "id": f"class-{n}",
            "image": f"pics/{n % pictures}.jpg",
            "query": "What is the category label of this image?",
            "label": CLASSES[n % 10],
        }
        for n in range(classes)
    ]
    second = [
        {
            "id": f"count-{n}",
            "image": f"pics/{n % pictures}.jpg",
            "query": f"How many {CLASSES[n % 10]}s are there in this image?",
            "num": n % 50 + 1,
        }
        for n in range(samples - rooms - classes)
    ]
    third = [
        {
            "id": f"room-{n}",
            "pcl": "rooms/room.npy",
            "query": "Which objects are in the room?",
            "object": [{"label": "table", "bbox": box_of(n)}],
        }
        for n in range(rooms)
    ]
    np.save(deep / "rooms/room.npy", room())
    written = ((flat, "Classification_CIFAR10", first), (flat, "Counting_FSC147", second), (deep, "Detection_ScanNet", third))
    for folder, name, items in written:
        (folder / f"meta_file/{name}.json").write_text(json.dumps(items), encoding="utf-8")


def picture(number: int, side: int) -> Image.Image:
    """Waves of light with some shapes before them, so that it takes as long to pack as a photograph."""
    rng, draw_of = np.random.default_rng(number), Random(number)
    y, x = np.mgrid[0 : side * 3 // 4, 0:side] / side
    waves = [np.sin(2 * np.pi * (a * x + b * y + c)) for a, b, c in rng.uniform(1, 9, (3, 3))]
    grain = rng.normal(0, 6, (*x.shape, 3))
    made = Image.fromarray(np.clip(128 + 60 * np.stack(waves, -1) + grain, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(made)
    for _ in range(number % 50 + 1):
        left, top = draw_of.randrange(side * 9 // 10), draw_of.randrange(side * 2 // 3)
        pen.ellipse((left, top, left + side // 16, top + side // 16), fill=tuple(draw_of.randbytes(3)))
    return made


def room(points: int = POINTS) -> np.ndarray:
    """A box of coloured walls [points, 6], metres and 0 to 255."""
    rng = np.random.default_rng(0)
    places = rng.uniform((-3, -2, 0), (3, 2, 2.5), (points, 3))
    wall = rng.integers(0, 4, points)
    places[wall == 0, 2] = rng.normal(0, 0.01, (wall == 0).sum())
    places[wall == 1, 0] = -3
    places[wall == 2, 1] = 2
    return np.hstack([places, np.clip((places + 3) * 42, 0, 255)]).astype(np.float32)
