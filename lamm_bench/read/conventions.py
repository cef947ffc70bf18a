"""Whose numbers are these? A model's convention of places is declared, asked for and recorded; nobody guesses it from what is said.

`conventions.yaml` holds what is known of each family, with its source. Conversion is one pure function (`Frame.fractions`), and
`render` is its other way."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import load_yaml

from .keyed import Named

FILE = Path(__file__).with_name("conventions.yaml")
FRACTIONS = "fractions"
STATED = "fractions-stated"  # for a model whose convention nobody knows: the sentence names the unit
Size = tuple[int, int]  # width and height in pixels


@dataclass(frozen=True, slots=True)
class Resize:
    """Qwen2-VL's: both sides multiples of `factor`, their product between the two bounds (transformers, qwen2_vl: smart_resize)."""

    factor: int
    min_pixels: int
    max_pixels: int

    def of(self, size: Size) -> Size:
        """
        >>> Resize(28, 3136, 12845056).of((640, 480)), Resize(28, 3136, 1003520).of((2000, 1000)), Resize(28, 3136, 10**7).of((20, 30))
        ((644, 476), (1400, 700), (56, 84))
        """
        sides = [round(side / self.factor) * self.factor for side in size]
        area, made = size[0] * size[1], sides[0] * sides[1]
        if made > self.max_pixels:
            shrink = math.sqrt(area / self.max_pixels)
            sides = [max(self.factor, math.floor(side / shrink / self.factor) * self.factor) for side in size]
        elif made < self.min_pixels:
            grow = math.sqrt(self.min_pixels / area)
            sides = [math.ceil(side * grow / self.factor) * self.factor for side in size]
        return sides[0], sides[1]


@dataclass(frozen=True, slots=True)
class Convention:
    """What a model's numbers mean, how it writes them, and how it is asked for them."""

    name: str
    scale: float = 1.0  # the number at the far edge of the picture; 0: pixels
    axes: Literal["xy", "yx"] = "xy"  # which comes first where no name says so
    frame: Literal["original", "sent", "resized", "padded"] = "original"  # padded: centred in a square
    middles: bool = False  # number n is the middle of bin n of `scale` bins, not its edge
    cells: bool = False  # numbers are those of cells of a grid; a box reaches from middle to middle of two (Kosmos-2)
    last: int = 0  # the largest number that can be written; 0: `scale`, or `scale` - 1 for bins and cells
    resize: Resize | None = None  # how a server resizes, where nobody else tells
    boxes: str = ""  # the sentence that asks for them; empty where the model was not taught to
    points: str = ""
    counts: str = ""  # asks for a count by pointing
    list: str = ", "  # between the names of what is asked for
    box: str = "{label} [{x1}, {y1}, {x2}, {y2}]"  # how one is written
    point: str = ""  # empty: as a box without extent, or [x, y] beside the label
    around: str = "{all}"
    between: str = "; "
    decimals: int = 4
    digits: int = 0  # of whole numbers with zeros in front
    special: bool = False  # its marks are special tokens, which decoding must keep

    @property
    def pixels(self) -> bool:
        return self.scale == 0

    @property
    def highest(self) -> float:
        """The largest number that means a place in the picture; 0 for pixels."""
        return float(self.last or (self.scale - 1 if self.middles or self.cells else self.scale))

    @property
    def own_words(self) -> bool:
        """Whether the model is asked in words of its own."""
        return self.boxes != "{question}"

    def asks(self, kind: str) -> str:
        """The sentence for `boxes`, `points` or `counts`; empty where there is none."""
        return str(getattr(self, kind)) if kind in ("boxes", "points", "counts") else ""

    def said(self) -> str:
        """Its numbers in a few words: `0 to 1000, y first`.

        >>> known()["gemini"].said(), known()["qwen2.5-vl"].said(), known()["shikra"].said()
        ('0 to 1000, y first', 'pixels of the picture as resized', '0 to 1, of the picture padded to a square')
        """
        of = {"original": "", "sent": " as sent", "resized": " as resized", "padded": " padded to a square"}[self.frame]
        scale = f"pixels of the {'original ' if not of else ''}picture{of}" if self.pixels else f"0 to {self.highest:g}"
        return scale + (f", of the picture{of}" if of and not self.pixels else "") + (", y first" if self.axes == "yx" else "")

    def to_json(self) -> dict[str, Any]:
        """What a manifest holds: everything that is not as usual."""
        usual = Convention("")
        told: dict[str, Any] = {}
        for own in fields(self):
            value = getattr(self, own.name)
            if value != getattr(usual, own.name):
                told[own.name] = (
                    {each.name: getattr(value, each.name) for each in fields(value)} if isinstance(value, Resize) else value
                )
        return told


@dataclass(frozen=True, slots=True)
class Frame:
    """A convention and the sizes of the picture that an answer is about."""

    convention: Convention
    original: Size | None = None
    sent: Size | None = None
    resized: Size | None = None

    @property
    def size(self) -> Size | None:
        """The size that the numbers refer to; None where nobody knows it."""
        kind = self.convention.frame
        if kind == "resized":
            return self.resized or (self.convention.resize.of(self.sent) if self.sent and self.convention.resize else None)
        return self.sent if kind == "sent" else self.original

    @property
    def known(self) -> bool:
        """Whether its numbers can be converted at all."""
        needed = self.convention.pixels or self.convention.frame == "padded"
        return not needed or (self.size is not None and min(self.size) > 0)

    def fractions(self, numbers: Sequence[float]) -> tuple[float, ...]:
        """A point (2 numbers) or box (4) as x first, in fractions of the original picture. Numbers outside of the range stay outside.

        >>> gemini, resized = Frame(known()["gemini"]), Frame(known()["qwen2.5-vl"], resized=(200, 100))
        >>> gemini.fractions((340, 120, 910, 560)), gemini.fractions(Named((120, 340))), resized.fractions((50, 50, 400, 100))
        ((0.12, 0.34, 0.56, 0.91), (0.12, 0.34), (0.25, 0.5, 2.0, 1.0))
        >>> Frame(known()["shikra"], (200, 100)).fractions((0.5, 0.5)), Frame(known()["kosmos-2"]).fractions((0, 0, 0, 0))
        ((0.5, 0.5), (0.0, 0.0, 0.03125, 0.03125))
        """
        own, size = self.convention, self.size
        values = list(numbers)
        if own.axes == "yx" and not isinstance(numbers, Named):
            values = [values[place ^ 1] for place in range(len(values))]
        if own.pixels:
            assert size is not None
            found = [value / size[place % 2] for place, value in enumerate(values)]
        else:
            found = (
                [value / own.scale for value in in_cells(values)]
                if own.cells
                else [(value + 0.5 * own.middles) / own.scale for value in values]
            )
        if own.frame == "padded":
            assert self.original is not None
            square = max(self.original)
            found = [
                (value * square - (square - self.original[place % 2]) / 2) / self.original[place % 2]
                for place, value in enumerate(found)
            ]
        return tuple(round(value, 12) for value in found)

    def numbers(self, place: Sequence[float]) -> tuple[float, ...]:
        """The other way: fractions of the original picture, x first, as the numbers that are said, still x first and unrounded."""
        own, size = self.convention, self.size
        values = list(place)
        if own.frame == "padded":
            assert self.original is not None
            square = max(self.original)
            values = [
                (value * self.original[n % 2] + (square - self.original[n % 2]) / 2) / square for n, value in enumerate(values)
            ]
        if own.pixels:
            assert size is not None
            return tuple(value * size[n % 2] for n, value in enumerate(values))
        return tuple(value * own.scale - 0.5 * (own.middles or own.cells) for value in values)


def in_cells(cells: Sequence[float]) -> list[float]:
    """Corners of a box between two cells, in cells: from middle to middle, or along their edges where they share a row or column
    (transformers, processing_kosmos2.py: patch_index_to_coordinate)."""
    if len(cells) == 2:
        return [cells[0] + 0.5, cells[1] + 0.5]
    x1, y1, x2, y2 = cells
    return [x1, y1, x2 + 1, y2 + 1] if x1 == x2 or y1 == y2 else [value + 0.5 for value in cells]


@lru_cache(maxsize=1)
def tables() -> tuple[Mapping[str, Convention], tuple[Mapping[str, Any], ...]]:
    """Conventions by name, and the families."""
    data = load_yaml(FILE)
    made = {}
    for name, told in data["conventions"].items():
        resize = {"resize": Resize(**told["resize"])} if "resize" in told else {}
        made[name] = Convention(name, **{**told, **resize})
    return made, tuple(data["families"])


def known() -> Mapping[str, Convention]:
    """All conventions by name."""
    return tables()[0]


def of_type(model_type: str) -> str | None:
    """The convention of a checkpoint's `model_type`; None where none is known.

    >>> of_type("qwen2_5_vl"), of_type("llava") is None
    ('qwen2.5-vl', True)
    """
    return next((line["convention"] for line in tables()[1] if model_type in line["types"]), None)


def of_name(model: str) -> str | None:
    """The convention of a model by what it is called; None where none is known.

    >>> of_name("Qwen/Qwen2.5-VL-7B-Instruct"), of_name("gemini-2.5-pro"), of_name("my-model") is None
    ('qwen2.5-vl', 'gemini', True)
    """
    plain = re.sub(r"[^a-z0-9]", "", model.casefold())
    return next((line["convention"] for line in tables()[1] if any(name in plain for name in line["names"])), None)


def speakers(name: str) -> list[str]:
    """The types and names of models that are known to speak a convention.

    >>> speakers("qwen2.5-vl")
    ['qwen2_5_vl', 'qwen25vl', 'qwen2_5_omni', 'qwen25omni']
    """
    lines = [line for line in tables()[1] if line["convention"] == name]
    return list(dict.fromkeys(one for line in lines for one in (*line["types"], *line["names"])))


NUMBERS = {"scale": float, "decimals": int, "digits": int, "last": int}
CHANGES = ("scale", "axes", "frame", "middles", "decimals", "factor", "min_pixels", "max_pixels")


def convention(text: str) -> Convention:
    """A convention by name, perhaps with changes: `qwen3-vl`, `fractions-stated:scale=1000,axes=yx`. Raises `BenchError`.

    >>> convention("pixels:frame=sent").said(), convention("qwen2.5-vl:max_pixels=1003520").resize.max_pixels
    ('pixels of the picture as sent', 1003520)
    """
    name, _, changes = text.strip().partition(":")
    if not name:
        raise BenchError("coordinates= names no convention; `lamm-bench list conventions` shows them")
    if name not in known():
        raise unknown("convention of coordinates", name, known())
    made = known()[name]
    if ":" in text and not changes.strip():
        raise BenchError(f"coordinates={text} names no change behind the colon; expected for instance {name}:scale=1000")
    for change in filter(None, (part.strip() for part in changes.split(","))):
        key, _, value = (part.strip() for part in change.partition("="))
        if key not in CHANGES:
            raise unknown(f"key of coordinates={text}", key, CHANGES)
        made = changed(made, key, value, text)
    own = made.resize
    if own is not None and not own.factor**2 <= own.max_pixels >= own.min_pixels:
        raise BenchError(f"coordinates={text}: max_pixels must hold a square of `factor` pixels, and be no less than min_pixels")
    return replace(made, name=text.strip()) if changes.strip() else made


def turned(form: str) -> str:
    """A written form with x and y in each other's places; one that names its numbers stays.

    >>> turned("{label} [{x1}, {y1}, {x2}, {y2}]"), turned('"x_min": {x1}')
    ('{label} [{y1}, {x1}, {y2}, {x2}]', '"x_min": {x1}')
    """
    if re.search(r"[xy](?:_min|1|)\"?[:=]", form):
        return form
    return re.sub(r"\{([xy])([12]?)\}", lambda found: "{" + ("y" if found[1] == "x" else "x") + found[2] + "}", form)


def changed(made: Convention, key: str, value: str, text: str) -> Convention:
    """One field of a convention made anew from the text of a setting."""
    allowed = {"axes": ("xy", "yx"), "frame": ("original", "sent", "resized", "padded"), "middles": ("true", "false")}
    if key in allowed:
        if value not in allowed[key]:
            raise unknown(f"value of {key} in coordinates={text}", value, allowed[key])
        if key == "axes" and value != made.axes:
            made = replace(made, box=turned(made.box), point=turned(made.point))
        return replace(made, **{key: value == "true" if key == "middles" else value})  # type: ignore[arg-type]
    try:
        number = float(value)
        if not math.isfinite(number) or number < 0 or (key != "scale" and number != int(number)):
            raise ValueError
    except ValueError:
        raise BenchError(f"{key}={value} in coordinates={text}: expected a number of at least 0") from None
    if key in ("factor", "min_pixels", "max_pixels"):
        if number < 1:
            raise BenchError(f"{key}={value} in coordinates={text}: expected at least 1")
        return replace(made, resize=replace(made.resize or Resize(28, 3136, 12845056), **{key: int(number)}))
    return replace(made, **{key: NUMBERS[key](number)})
