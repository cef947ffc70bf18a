"""A task, an adapter and a data root that exist only for tests of the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.ask.catalog import Catalog, load_catalog
from lamm_bench.keep.ledger import signed
from lamm_bench.keep.runs import Run
from lamm_bench.measure.stats import ratio
from lamm_bench.task import read_items
from lamm_bench.types import Answer, Estimate, Generate, Media, Metric, Response, Row, Sample, Score

COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class ColourScorer:
    """Exact match of a colour word."""

    metrics: tuple[Metric, ...] = (Metric("accuracy", ratio("right", "items")),)

    def read(self, answer: Answer, sample: Sample) -> Any | None:
        return answer.strip().lower() if isinstance(answer, str) and answer.strip().lower() in COLOURS else None

    def score(self, sample: Sample, prediction: Any | None) -> Mapping[str, float]:
        return {"items": 1.0, "right": float(prediction == sample.target)}

    def show(self, sample: Sample, prediction: Any | None, stats: Mapping[str, float]) -> Mapping[str, Any]:
        return {"value": int(stats["right"])}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return {}


@dataclass(frozen=True)
class ColourTask:
    """Which colour is the image?"""

    name: str = "colours"
    kind: str = "classification"
    modality: Any = "image"
    groups: tuple[str, ...] = ("2d",)
    max_new_tokens: int = 8
    protocols: Mapping[str, Any] = field(default_factory=lambda: {"standard": ColourScorer()})

    @property
    def meta_files(self) -> tuple[str, ...]:
        return (f"2D_Benchmark/meta_file/{self.name}.json",)

    @property
    def answer_files(self) -> tuple[str, ...]:
        return (self.name,)

    def samples(self, root: Path) -> list[Sample]:
        found = []
        for item in read_items(root, self.meta_files):
            choices = tuple(item.texts("choices")) if "choices" in item.data else ()
            picture = item.media("image")
            found.append(Sample(item.id, item.text("query"), picture, item.text("label"), picture[0].path, choices))
        return found

    def oracle(self, sample: Sample, part: str = "") -> str:
        return str(sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return rng.choice(COLOURS)

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return max(COLOURS, key=lambda colour: sum(s.target == colour for s in samples))


def draw_root(root: Path, name: str = "colours", count: int = 9, choices: bool = False) -> Path:
    """A data root with `count` one-colour pictures."""
    (root / "2D_Benchmark/meta_file").mkdir(parents=True, exist_ok=True)
    (root / "2D_Benchmark/pics").mkdir(exist_ok=True)
    items = []
    for number in range(count):
        colour = COLOURS[number % 3]
        path = f"pics/{number}.png"
        Image.new("RGB", (4 + number, 4), colour).save(root / "2D_Benchmark" / path)
        items.append({"id": number, "image": path, "query": "Which colour?", "label": colour})
        if choices:
            items[-1] |= {"choices": list(COLOURS)}
    (root / f"2D_Benchmark/meta_file/{name}.json").write_text(json.dumps(items))
    return root


def catalog_with(*tasks: Any, **adapters: Callable[..., Any]) -> Catalog:
    """The real catalogue and what the test brings."""
    catalog = load_catalog()
    catalog.tasks |= {task.name: task for task in tasks}
    catalog.adapters |= adapters
    return catalog


@dataclass
class Looker:
    """An adapter that really looks: it names the colour of the picture's first pixel. Keeps what it was asked."""

    name: str = "looker"
    modalities: frozenset[str] = frozenset({"image"})
    batch_size: int = 4
    reverse: bool = False
    asked: list[Any] = field(default_factory=list)
    die_after: int | None = None  # raises KeyboardInterrupt after so many answers, as Ctrl-C would

    def fingerprint(self) -> str:
        return "looks"

    def answer(self, request: Generate) -> str:
        media = [part for message in request.messages for part in message.parts if isinstance(part, Media)]
        from lamm_bench.media import open_image

        pixel = np.asarray(open_image(media[0]))[0, 0]
        return "gray" if len(set(pixel.tolist())) == 1 else COLOURS[int(pixel.argmax())]

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        order = reversed(range(len(requests))) if self.reverse else range(len(requests))
        for number in order:
            if self.die_after is not None and len(self.asked) >= self.die_after:
                raise KeyboardInterrupt
            self.asked.append(requests[number])
            yield number, Response(self.answer(requests[number]))

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            self.asked.append(request)
            yield (
                number,
                Response(logprobs=tuple(-float(len(o)) for o in request.options), tokens=tuple(1 for _ in request.options)),
            )


def rewrite_records(run: Path, task: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Edits a run's records as if the run had been so: with the sums that belong to the new lines."""
    path = run / "records" / f"{task}.jsonl"
    lines = [{key: value for key, value in json.loads(line).items() if key != "sum"} for line in path.read_text().splitlines()]
    change(lines)
    path.write_bytes(b"".join(signed(line, f"{Run.read(run).seal}/{task}") for line in lines))
