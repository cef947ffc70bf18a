"""What the pictures of pages are made of: runs of a model that errs, pages, servers and figures over them, each made when it is first wanted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.data.locate import miniature
from lamm_bench.desiderata.legs import NAMES
from lamm_bench.serving import serve
from lamm_bench.show.demo import Demo
from lamm_bench.show.desiderata import published
from lamm_bench.show.hexagon import hexagon
from lamm_bench.show.view.server import watch
from lamm_bench.types import Generate, Media, Response

from .annotated import coco, plan_of, room
from .commands import done, lamm_bench
from .test_serve import Parrot
from .test_view import data_of

MODEL = Path(__file__).with_name("faces_model.py")
TASKS = "cifar10,voc2012,fsc147,lsp,scannet,sqaimage,flickr30k"
HARMS = "gaussian_noise,fog,jpeg,lower_case"


def done_at_least(*words: object) -> None:
    """A call that asks a model that errs: status 3 says that some samples have no answer."""
    result = lamm_bench(*words, "--quiet")
    assert result.exit_code in (0, 3), result.output


class Shower(Parrot):
    """Points at something in a sentence; every model at a place of its own."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def stream(self, request: Generate) -> Iterator[str | Response]:
        shown = [part for message in request.messages for part in message.parts if isinstance(part, Media)]
        words, off = request.messages[-1].text, self.number * 0.08
        if "explode" in words:
            yield Response(error="the model ran out of memory: 23.1 GiB were asked for, 2.4 GiB are free", status="model_error")
            return
        if shown and shown[0].kind != "image":
            text = f"There is a chair [{1 + off:.2f}, 1.00, 0.45, 0.60, 0.60, 0.90] and a table [{2.2 + off:.2f}, 2.10, 0.40, 1.20, 0.80, 0.75]."
        else:
            text = f"The house stands at [{0.22 + off:.2f}, {0.30 + off:.2f}, {0.58 + off:.2f}, 0.86], below a clear sky; its door is closed."
        yield from (f"{word} " for word in text.split(" "))
        yield Response(text)


class Made:
    """Everything below one folder; servers end with `close`."""

    def __init__(self, place: Path) -> None:
        self.place, self.open = place, ExitStack()

    def close(self) -> None:
        self.open.close()

    def run(self, name: str, right: float, *more: object) -> Path:
        """A run of the model that errs."""
        folder = self.place / "runs" / name
        done_at_least("run", "--plugin", MODEL, "--model", "fallible", "--set", f"right={right}", *more, "--output", folder)
        return folder

    @cached_property
    def runs(self) -> tuple[Path, Path]:
        asked = ("--tasks", TASKS, "--limit", 40)
        return self.run("careful", 0.8, *asked), self.run("hasty", 0.45, *asked)

    @cached_property
    def sure(self) -> Path:
        return self.run("sure", 0.8, "--tasks", "cifar10,sqaimage,ucmerced", "--limit", 60, "--recipe", "lamm/likelihood")

    @cached_property
    def view(self) -> str:
        return self.viewed("page", *self.runs)

    def viewed(self, name: str, *runs: Path) -> str:
        done("view", *runs, "--output", self.place / name)
        return (self.place / name / "index.html").as_uri()

    @cached_property
    def alone(self) -> str:
        return self.viewed("alone", self.sure)

    @cached_property
    def live(self) -> str:
        """Served runs: one that is half said, one that has not begun; their records grow no more."""
        places = [self.begun(run, share) for run, share in zip(self.runs, (0.6, 0.2))]
        return self.served(places)

    @cached_property
    def waiting(self) -> str:
        return self.served([self.begun(self.runs[0], 0.0, "waiting")])

    def begun(self, run: Path, share: float, name: str = "") -> Path:
        place = self.place / "begun" / (name or run.name)
        (place / "records").mkdir(parents=True)
        shutil.copy(run / "manifest.json", place)
        for file in (run / "records").glob("*.jsonl"):
            lines = file.read_bytes().splitlines(keepends=True)
            part = share if file.stem != "scannet" else 0.0
            (place / "records" / file.name).write_bytes(b"".join(lines[: int(len(lines) * part)]))
        return place

    def served(self, places: list[Path]) -> str:
        roots = [miniature()] * len(places)
        watching = self.open.enter_context(watch(places, roots, load_catalog(()), 320, pause=None))
        while watching.live.look(rest=0):
            pass
        assert not watching.live.trouble, watching.live.trouble
        return watching.url

    @cached_property
    def report(self) -> str:
        done("report", self.runs[1], "--out", self.place / "report.html", "--per-task", 8)
        return (self.place / "report.html").as_uri()

    @cached_property
    def sure_report(self) -> str:
        done("report", self.sure, "--out", self.place / "sure.html", "--per-task", 4)
        return (self.place / "sure.html").as_uri()

    @cached_property
    def review(self) -> str:
        told = [(1, "A woman walks two brown dogs along the river."), (2, "A dog sleeps."), (2, "A dog sleeps.")]
        place = self.place / "annotated"
        place.mkdir()
        plan = plan_of(place, coco(place, captions=told), room(place))
        shutil.copy(self.cloud, place / "rooms/r1.npy")
        done("data", "construct", plan, "--out", place / "out", "--review", "--quiet")
        return (place / "out/review.html").as_uri()

    @cached_property
    def demo(self) -> str:
        return self.talking({"first-model": Shower(0), "second-model": Shower(1)})

    @cached_property
    def demo_alone(self) -> str:
        return self.talking({"somebody/a-model-with-a-long-name-3B": Shower(0)})

    def talking(self, adapters: dict[str, Any]) -> str:
        return self.open.enter_context(serve(adapters, more=Demo(adapters))).url.removesuffix("v1")

    @cached_property
    def gradio(self) -> str:
        """The same demo as a Gradio app. Raises `BenchError` where Gradio is not installed."""
        from lamm_bench.show.demo.space import space

        app = space({"first-model": Shower(0), "second-model": Shower(1)})
        _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", ssr_mode=False, footer_links=[])
        self.open.callback(app.close)
        return str(url)

    def figure(self, name: str) -> str:
        """A figure as SVG; its PNG lies beside it where there is one."""
        place = self.place / "figures" / name
        place.parent.mkdir(exist_ok=True)
        if name == "hexagon":
            ours = [
                ("lamm (miniature)", [66.1, 51.2, 80.4, 42.0, 61.7, 33.3]),
                ("hasty (miniature)", [44.0, 49.5, 58.8, None, 50.2, 21.9]),
            ]
            hexagon([(who, dict(zip(NAMES, values))) for who, values in ours], list(published().items())).save(place)
        elif name == "reliability":
            done("plot", self.sure, "--kind", name, "--output", place)
        elif name == "robustness":
            words = (
                "--plugin",
                MODEL,
                "--model",
                "fallible",
                "--tasks",
                "cifar10,voc2012",
                "--limit",
                20,
                "--corruptions",
                HARMS,
            )
            done_at_least("robustness", *words, "--severities", "1,5", "--output", place.parent / "curves")
            shutil.copy(place.parent / "curves/robustness.svg", place.with_suffix(".svg"))
        elif name in ("samples", "seeds"):
            option = "--limit" if name == "samples" else "--seed"
            runs = [
                self.run(
                    f"{name}-{n}", 0.7, "--tasks", "cifar10,sqaimage", option, n, *(() if name == "samples" else ("--limit", 30))
                )
                for n in (10, 20, 40)
            ]
            done("plot", *runs, "--kind", name, "--output", place)
        else:
            done("plot", *self.runs, "--kind", name, "--output", place)
        return place.with_suffix(".svg").as_uri()

    def sample(self, task: str, which: int = 1) -> str:
        """The link to a sample of a task in the page over two runs."""
        assert self.view
        rows, meta = data_of(self.place / "page/data/rows-0.js"), data_of(self.place / "page/data/meta.js")
        number = [one["name"] for one in meta["tasks"]].index(task)
        own = [name for name, of in zip(rows["id"], rows["task"]) if of == number]
        return f"#samples&task={task}&open={task}%2F{own[which]}"

    def first(self, status: str) -> str:
        """The link to the first sample whose second run ended so."""
        assert self.view
        rows, meta = data_of(self.place / "page/data/rows-0.js"), data_of(self.place / "page/data/meta.js")
        at = rows["status1"].index(status)
        task = meta["tasks"][rows["task"][at]]["name"]
        return f"#samples&status={status}&open={task}%2F{rows['id'][at]}"

    @cached_property
    def photo(self) -> Path:
        """A house below a sky, as somebody might show it."""
        image = Image.new("RGB", (640, 420), (142, 186, 224))
        for colour, box in (
            ((96, 140, 84), (0, 330, 640, 420)),
            ((196, 164, 132), (150, 150, 380, 362)),
            ((92, 60, 44), (240, 260, 290, 362)),
        ):
            image.paste(colour, box)
        image.save(self.place / "house.png")
        return self.place / "house.png"

    @cached_property
    def cloud(self) -> Path:
        """A floor, two walls and something that stands about."""
        rng, parts = np.random.default_rng(0), []
        things = (
            ((0, 0, 0), (4, 3, 0.02), (146, 112, 84)),
            ((0, 0, 0), (0.02, 3, 2.2), (206, 200, 186)),
            ((0, 0, 0), (4, 0.02, 2.2), (188, 196, 204)),
            ((0.7, 0.6, 0), (1.3, 1.3, 0.9), (176, 62, 54)),
            ((1.7, 1.6, 0.6), (2.9, 2.5, 0.75), (214, 168, 96)),
        )
        for low, high, colour in things:
            points = rng.uniform(low, high, (2500, 3))
            parts.append(np.hstack([points, np.clip(rng.normal(colour, 9, (2500, 3)), 0, 255)]))
        np.save(self.place / "room.npy", np.vstack(parts).astype(np.float32))
        return self.place / "room.npy"
