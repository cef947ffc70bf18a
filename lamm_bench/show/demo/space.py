"""The demo as a Gradio app, for those who know it and for Spaces (extra `demo`, with `constraints-demo.txt`: Gradio needs pillow < 13).

What is said, shown and read is what `demo` and `chat` do; only the page is Gradio's. An app of a Space is three lines:

    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.show.demo.space import launch
    launch({"lamm": load_catalog(()).adapter("lamm", {})})"""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from lamm_bench import media
from lamm_bench.ask.chat import Manner, Talk
from lamm_bench.errors import BenchError
from lamm_bench.media import GRAY
from lamm_bench.types import Adapter, Media

from . import places_in

COLOURS = ((255, 122, 26), (77, 141, 255))  # of the first model's places and of the second's, as in the other pages
POINTS = 60_000  # drawn of a cloud
ALONG = np.linspace(-0.5, 0.5, 120)  # points along the edge of a box
History = list[dict[str, str]]


def need() -> Any:
    """Gradio. Raises `BenchError` where it is not installed."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # it calls home otherwise
    try:
        import gradio
    except ImportError as error:
        raise BenchError(
            f"--gradio needs Gradio ({error}): in an environment of its own, pip install -c constraints-demo.txt '.[demo]'"
        ) from None
    return gradio


def launch(adapters: Mapping[str, Adapter], port: int | None = None) -> None:
    """Serves the app at this machine until Ctrl-C; on a Space, where its container listens."""
    app = space(adapters)
    app.launch(server_port=port or None, inbrowser=False, show_error=True, footer_links=[])


def space(adapters: Mapping[str, Adapter]) -> Any:
    """The app: something to show, one conversation for each model, and what their answers point at drawn back."""
    gr, names = need(), list(adapters)
    with gr.Blocks(title="lamm-bench demo", analytics_enabled=False) as app:
        talks = gr.State(None)
        with gr.Row():
            with gr.Column():
                file = gr.File(label="picture, or cloud (.npy)", file_types=["image", ".npy"], type="filepath")
                picture = gr.Image(label="picture", visible=False, interactive=False, type="pil", buttons=["fullscreen"])
                cloud = gr.Model3D(label="cloud", visible=False, interactive=False, display_mode="point_cloud")
            with gr.Column(), gr.Row():
                books = [gr.Chatbot(label=name, render_markdown=False, buttons=["copy"]) for name in names]
        words = gr.Textbox(label="ask about it", submit_btn=True)
        anew = gr.Button("begin anew")

        def show(path: str | None) -> list[Any]:
            begun = [Talk(adapter, Manner()) for adapter in adapters.values()]
            try:
                kind = kind_of(path) if path else ""
                for talk in begun:
                    if path:
                        talk.show(kind, path)
            except BenchError as error:
                raise gr.Error(str(error).replace(path or "", "the file")) from None
            return [begun, *drawn(gr, begun, [[] for _ in begun]), *([] for _ in names)]

        def say(words: str, talks: list[Talk] | None, *said: History) -> Iterator[list[Any]]:
            talks = talks or [Talk(adapter, Manner()) for adapter in adapters.values()]
            books, places = [[*book, {"role": "user", "content": html.escape(words, quote=False)}] for book in said], []
            for talk, book in zip(talks, books):
                book.append({"role": "assistant", "content": ""})
                text = ""
                for text in pieces(talk, words):
                    book[-1]["content"] = html.escape(text, quote=False)  # Gradio would read it as markup
                    yield [talks, gr.skip(), gr.skip(), *books]
                places.append(places_in(talk.adapter, text, size_of(talk)))
            yield [talks, *drawn(gr, talks, places), *books]

        # one at a time: a model answers one conversation after the other
        for begins in (file.change, anew.click, *(book.clear for book in books)):
            begins(show, file, [talks, picture, cloud, *books], concurrency_id="model", concurrency_limit=1)
        asked = words.submit(say, [words, talks, *books], [talks, picture, cloud, *books], concurrency_id="model")
        asked.then(lambda: "", None, words)
    return app


def pieces(talk: Talk, words: str) -> Iterator[str]:
    """The answer so far, as it grows; a failure as its sentence."""
    text = ""
    for piece in talk.say(words):
        if isinstance(piece, str):
            text += piece
        else:
            text = f"no answer: {piece.error}" if piece.error is not None else piece.text
        yield text


def kind_of(path: str) -> str:
    """The modality of a file. Raises `BenchError` where nothing here draws clouds."""
    flat = min(media.flats())
    if Path(path).suffix.lower() != ".npy":
        return flat
    return next((one.name for one in media.modalities().values() if one.points is not None), flat)


def shown_by(talk: Talk) -> Media | None:
    return talk.shown[0] if talk.shown else None


def size_of(talk: Talk) -> tuple[int, int] | None:
    """Width and height of the picture; None of a cloud, or where nothing is shown."""
    one = shown_by(talk)
    return media.image_size(one.path) if one is not None and one.kind in media.flats() else None


def drawn(gr: Any, talks: Sequence[Talk], places: Sequence[Sequence[Any]]) -> list[Any]:
    """Picture and cloud with the places of the latest answers; what is not shown is hidden."""
    one = shown_by(talks[0])
    if one is None:
        return [gr.update(value=None, visible=False), gr.update(value=None, visible=False)]
    points = media.modality(one.kind).points
    cloud = points(one) if points is not None else None
    if cloud is None:
        return [gr.update(value=pointed(one, places), visible=True), gr.update(value=None, visible=False)]
    return [gr.update(value=None, visible=False), gr.update(value=written(gr, with_boxes(cloud, places)), visible=True)]


def pointed(one: Media, places: Sequence[Sequence[Any]]) -> Image.Image:
    """The picture with boxes and points, small ones enlarged so that lines do not hide them."""
    draw = media.modality(one.kind).picture
    assert draw is not None  # a flat modality has one
    image = draw(one).convert("RGB")
    times = max(1, 420 // max(image.size))
    image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    pen, (wide, high) = ImageDraw.Draw(image), image.size
    for found, colour in zip(places, COLOURS):
        for label, numbers in found:
            ends = [value * side for value, side in zip(numbers, (wide, high, wide, high))]
            if len(ends) == 2:
                pen.circle(ends, max(4, wide / 100), fill=colour)
            elif len(ends) == 4:
                pen.rectangle(
                    [min(ends[0::2]), min(ends[1::2]), max(ends[0::2]), max(ends[1::2])],
                    outline=colour,
                    width=max(2, wide // 200),
                )
            pen.text(
                (ends[0] + 4, ends[1] + 2),
                label,
                fill=colour,
                stroke_width=2,
                stroke_fill=(0, 0, 0),
                font_size=max(14, wide / 32),
            )
    return image


def with_boxes(cloud: np.ndarray, places: Sequence[Sequence[Any]]) -> np.ndarray:
    """A cloud [N, >= 3] as [M, 6], with the edges of boxes (centre and extents in metres) as points of their model's colour."""
    some = cloud[:: max(1, -(-len(cloud) // POINTS))]
    colours = some[:, 3:6] if some.shape[1] >= 6 else np.full((len(some), 3), GRAY)
    parts = [np.hstack([some[:, :3], np.clip(colours, 0, 255)])]
    for found, colour in zip(places, COLOURS):
        for _, numbers in found:
            if len(numbers) == 6:
                edges = np.array(numbers[:3]) + frame() * np.array(numbers[3:])
                parts.append(np.hstack([edges, np.broadcast_to(colour, (len(edges), 3))]))
    return np.vstack(parts).astype(np.float32)


def frame() -> np.ndarray:
    """Points along the twelve edges of a cube of side 1 around the origin, [M, 3]."""
    found = []
    for axis in range(3):
        for one in (-0.5, 0.5):
            for other in (-0.5, 0.5):
                edge = np.empty((len(ALONG), 3))
                edge[:, axis], edge[:, (axis + 1) % 3], edge[:, (axis + 2) % 3] = ALONG, one, other
                found.append(edge)
    return np.vstack(found)


def written(gr: Any, cloud: np.ndarray) -> str:
    """A cloud [N, 6] as binary PLY (Turk 1994) with z up turned to y up, as Babylon.js has it, in Gradio's own folder of files."""
    from tempfile import NamedTemporaryFile

    kind = np.dtype([(axis, "<f4") for axis in "xyz"] + [(colour, "u1") for colour in ("red", "green", "blue")])
    rows = np.empty(len(cloud), kind)
    turned = (cloud[:, 0], cloud[:, 2], -cloud[:, 1])
    for name, values in zip(kind.names or (), (*turned, *cloud[:, 3:6].T)):
        rows[name] = values
    names = "".join(f"property {'float' if name in 'xyz' else 'uchar'} {name}\n" for name in kind.names or ())
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(rows)}\n{names}end_header\n"
    folder = Path(gr.utils.get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, suffix=".ply", delete=False) as file:
        file.write(head.encode() + rows.tobytes())
    return file.name


__all__ = ["launch", "need", "space"]
