"""A drawing of lines, areas and words that is kept as SVG and as PNG (and as PDF), the same in all: there is nothing to install."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from lamm_bench.keep.files import write_whole

from .marks import Area, Dot, Point, Words
from .pdf import pdf

SCALE = 2  # pixels of the PNG for each unit
FINE = 2  # times as many while it is drawn, so that edges are smooth
SCREEN, PAPER = (".svg", ".png"), (".svg", ".png", ".pdf")  # endings of what is written
FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"


@dataclass
class Drawing:
    """Shapes in the order in which they are drawn; units are SVG's pixels, y grows downward."""

    width: int
    height: int
    title: str = ""  # what those are told who do not see it
    shapes: list[Area | Dot | Words] = field(default_factory=list)

    def area(self, points: Sequence[Point], **style: object) -> None:
        self.shapes.append(Area(tuple(points), **style))  # type: ignore[arg-type]

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        self.shapes.append(Area(tuple(points), line=colour, width=width, closed=False))

    def dot(self, at: Point, radius: float, fill: str) -> None:
        self.shapes.append(Dot(at, radius, fill))

    def words(self, at: Point, text: str, **style: object) -> None:
        self.shapes.append(Words(at, text, **style))  # type: ignore[arg-type]

    def svg(self) -> str:
        """The drawing as a file of its own, on white."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="img" font-family="{FONT}">\n<title>{html.escape(self.title)}</title>\n'
            f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        )
        return head + "".join(f"{as_svg(shape)}\n" for shape in self.shapes) + "</svg>\n"

    def png(self) -> bytes:
        """The same drawing as pixels."""
        scale = SCALE * FINE
        image = Image.new("RGB", (self.width * scale, self.height * scale), "white")
        for shape in self.shapes:
            paint(image, shape, scale)
        image = image.resize((self.width * SCALE, self.height * SCALE), Image.Resampling.LANCZOS)
        buffer = BytesIO()
        image.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def pdf(self) -> bytes:
        """The same drawing for a paper: vectors, its font embedded."""
        return pdf(self.width, self.height, self.title, self.shapes)

    def save(self, path: Path, paper: bool = False) -> list[Path]:
        """Writes `path` with the endings .svg and .png, for a `paper` .pdf too, each whole or not at all."""
        paths = paths_of(path, PAPER if paper else SCREEN)
        for one, data in zip(paths, (self.svg().encode(), self.png(), *([self.pdf()] if paper else []))):
            write_whole(one, data)
        return paths


def paths_of(path: Path, endings: Sequence[str]) -> list[Path]:
    """The files of one drawing. Only an ending of a figure is taken away: that of `llama-3.1` is a part of its name.

    >>> [each.name for each in paths_of(Path("llama-3.1"), SCREEN) + paths_of(Path("a.PDF"), SCREEN)]
    ['llama-3.1.svg', 'llama-3.1.png', 'a.svg', 'a.png']
    """
    whole = path.with_suffix("") if path.suffix.lower() in PAPER else path
    return [whole.with_name(whole.name + ending) for ending in endings]


def short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def as_svg(shape: Area | Dot | Words) -> str:
    """One element."""
    if isinstance(shape, Dot):
        return f'<circle cx="{short(shape.at[0])}" cy="{short(shape.at[1])}" r="{short(shape.radius)}" fill="{shape.fill}"/>'
    if isinstance(shape, Words):
        weight = ' font-weight="bold"' if shape.bold else ""
        place = f'x="{short(shape.at[0])}" y="{short(shape.at[1])}" text-anchor="{shape.anchor}" dominant-baseline="central"'
        return f'<text {place} font-size="{short(shape.size)}" fill="{shape.fill}"{weight}>{html.escape(shape.text)}</text>'
    points = " ".join(f"{short(x)},{short(y)}" for x, y in shape.points)
    name = "polygon" if shape.closed else "polyline"
    inner = f'fill="{shape.fill}" fill-opacity="{short(shape.opacity)}"' if shape.closed else 'fill="none"'
    return (
        f'<{name} points="{points}" {inner} stroke="{shape.line}" stroke-width="{short(shape.width)}" stroke-linejoin="round"/>'
    )


def paint(image: Image.Image, shape: Area | Dot | Words, scale: int) -> None:
    """One shape onto the pixels."""
    pen = ImageDraw.Draw(image)
    if isinstance(shape, Dot):
        (x, y), r = (shape.at[0] * scale, shape.at[1] * scale), shape.radius * scale
        pen.ellipse([x - r, y - r, x + r, y + r], fill=shape.fill)
    elif isinstance(shape, Words):
        font = ImageFont.load_default(shape.size * scale * 0.94)
        at = (shape.at[0] * scale, shape.at[1] * scale)
        edge = round(scale * 0.3) if shape.bold else 0
        anchor = {"start": "lm", "middle": "mm", "end": "rm"}[shape.anchor]
        pen.text(at, shape.text, fill=shape.fill, font=font, anchor=anchor, stroke_width=edge)
    else:
        points = [(x * scale, y * scale) for x, y in shape.points]
        if shape.closed and shape.fill != "none":
            mask = Image.new("L", image.size)
            ImageDraw.Draw(mask).polygon(points, fill=round(255 * shape.opacity))
            image.paste(ImageColor.getrgb(shape.fill), (0, 0), mask)
        if shape.line != "none":
            path = [*points, points[0], points[1]] if shape.closed else points
            pen.line(path, fill=shape.line, width=max(1, round(shape.width * scale)), joint="curve")
