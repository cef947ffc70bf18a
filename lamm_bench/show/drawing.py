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
ENDINGS = (".svg", ".png", ".pdf")
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
        """Writes the files of `places(path, paper)`, each whole or not at all."""
        made = [self.svg().encode(), self.png(), *([self.pdf()] if paper else [])]
        named = places(path, paper)
        for place, data in zip(named, made, strict=True):
            write_whole(place, data)
        return named


def places(path: Path, paper: bool = False) -> list[Path]:
    """The files of a drawing: `path` with the endings .svg and .png, for a `paper` .pdf too. An ending of these three that it has
    already is taken off, and no other: `v1.2` is a name.

    >>> [str(place) for place in places(Path("v1.2"))], [str(place) for place in places(Path("forest.png"))]
    (['v1.2.svg', 'v1.2.png'], ['forest.svg', 'forest.png'])
    """
    plain = path.with_suffix("") if path.suffix in ENDINGS else path
    return [plain.with_name(plain.name + ending) for ending in (ENDINGS if paper else ENDINGS[:2])]


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
