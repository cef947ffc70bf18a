"""The check of places: does a model give them in the convention that it declares? And the table behind `--measure coordinates`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

from lamm_bench import media
from lamm_bench.ask.coordinates import spoken_by
from lamm_bench.ask.instruction import fill
from lamm_bench.read import Convention, read_boxes, read_points
from lamm_bench.read.conventions import known
from lamm_bench.types import Generate, Media, Message, Response

from .measured import Measured, Sight, measure
from .patient import Patient
from .verdict import Check, Failed, NotApplicable, check

CHECKS: list[Check] = []

SIDES = (280, 640, 1200)  # the longer side, in pixels
SHAPES = ((1.0, 1.0), (1.0, 0.75), (0.625, 1.0), (1.0, 0.5))  # width and height in shares of it
COLOURS = {"red": (220, 30, 30), "green": (20, 150, 40), "blue": (30, 60, 220), "yellow": (240, 210, 20)}
PLAIN = "Find the {names} in the image and give its bounding box as [x1, y1, x2, y2]."
FEW = 6  # answers with a place, below which nothing is measured
TOKENS = 200


@dataclass(frozen=True)
class Shown:
    """A picture with one square in it."""

    media: Media
    thing: str
    box: tuple[float, float, float, float]  # in fractions of the picture
    size: tuple[int, int]


def draw(folder: Path, kind: str) -> list[Shown]:
    """Twelve pictures, the same ones each time."""
    found = []
    rng = Random("places")
    for number, (side, shape) in enumerate((side, shape) for side in SIDES for shape in SHAPES):
        width, height = (round(side * share) for share in shape)
        colour = list(COLOURS)[number % len(COLOURS)]
        edge = round(rng.uniform(0.25, 0.4) * min(width, height))
        left, top = round(rng.random() * (width - edge - 1)), round(rng.random() * (height - edge - 1))
        if abs(left / width - top / height) < 0.1:  # on the diagonal nothing tells which axis comes first
            left = round((left + width / 2) % max(1, width - edge - 1))
        picture = Image.new("RGB", (width, height), (225, 225, 225))
        ImageDraw.Draw(picture).rectangle((left, top, left + edge - 1, top + edge - 1), fill=COLOURS[colour])
        path = folder / f"square-{number}.png"
        picture.save(path)
        box = (left / width, top / height, (left + edge) / width, (top + edge) / height)
        found.append(Shown(media.seal(Media(kind, str(path))), f"{colour} square", box, (width, height)))
    return found


def question(shown: Shown, own: Convention) -> str:
    """In the words of the declared convention, where it has some."""
    sentence = own.boxes or own.points
    usual = fill(PLAIN, {"names": shown.thing})
    width, height = shown.size
    values = {"names": shown.thing, "question": usual, "width": str(width), "height": str(height)}
    return fill(sentence or PLAIN, values)


def sight_of(shown: Shown, response: Response) -> Sight | None:
    """What an answer says of a square; None where it gives no place."""
    places = read_boxes(response.text) or read_points(response.text)
    if not places or response.error is not None:
        return None
    x1, y1, x2, y2 = shown.box
    truth = shown.box if len(places[0].numbers) == 4 else ((x1 + x2) / 2, (y1 + y2) / 2)
    told = response.sizes[0] if response.sizes else ()
    sent = (told[0], told[1]) if len(told) >= 2 else shown.size
    return Sight(truth, places[0].numbers, shown.size, sent, (told[2], told[3]) if len(told) == 4 else None)


def look(p: Patient) -> tuple[Measured, Convention, int]:
    """Asks about the squares; what was measured, what was declared, and how many answers held a place."""
    p.needs_media()
    p.needs_prompt()
    kind = next((kind for kind in sorted(media.flats()) if p.takes(kind)), None)
    if kind is None:
        raise NotApplicable("it takes no pictures")
    declared = spoken_by(p.adapter)
    squares = draw(p.material.folder, kind)
    asked = [
        Generate((Message("user", (each.media, question(each, declared))),), max_new_tokens=TOKENS, sample=f"square-{n}")
        for n, each in enumerate(squares)
    ]
    sights = [sight for each, response in zip(squares, p.generate(asked)) if (sight := sight_of(each, response)) is not None]
    if len(sights) < FEW:
        raise NotApplicable(f"{len(sights)} of {len(squares)} answers about a coloured square give a place")
    return measure(sights, declared), declared, len(sights)


def setting_for(found: Measured, declared: Convention) -> str:
    """The `--set` line by which the same answers to the same words would be read as they are meant."""
    best, base = found.best, declared.name.partition(":")[0]
    if best.cells:
        return f"--set coordinates={speakers(found)[0]}"
    wanted, usual = best.convention, known()["fractions" if base == "none" else base]
    changes = [
        f"{key}={value:g}" if key == "scale" else f"{key}={value}"
        for key in ("scale", "axes", "frame")
        if (value := getattr(wanted, key)) != getattr(usual, key)
    ]
    if best.resize is not None and best.resize != usual.resize:
        changes += [
            f"factor={best.resize.factor}",
            f"min_pixels={best.resize.min_pixels}",
            f"max_pixels={best.resize.max_pixels}",
        ]
    if usual.middles:
        changes.append("middles=false")
    return f"--set coordinates={'fractions' if base == 'none' else base}{':' if changes else ''}{','.join(changes)}"


def speakers(found: Measured) -> list[str]:
    """The known conventions with these numbers; of 0 to 999 and 0 to 1000 both."""
    best = found.best.convention

    def same(own: Convention) -> bool:
        scale = abs(own.scale - best.scale) <= 0.002 * best.scale
        return scale and (own.axes, own.frame, own.cells, own.resize) == (best.axes, best.frame, best.cells, best.resize)

    return [own.name for own in known().values() if same(own) and own.name != "none"]


@check(CHECKS, "coordinates", "places are given in the convention that is declared")
def coordinates(p: Patient) -> str:
    found, declared, read = look(p)
    if found.right:
        return f"`{declared.name}` ({declared.said()}): {read} squares are {100 * found.declared:.1f} % of the picture off"
    if not found.clear:
        raise NotApplicable(
            f"{read} answers give places, but they follow the squares by no convention ({100 * found.best.error:.0f} % of the picture off)"
        )
    raise Failed(
        f"declared `{declared.name}` ({declared.said()}), measured {found.said()}: {read} squares are {100 * found.best.error:.1f} % "
        f"of the picture off by that, {100 * min(found.declared, 99.99):.0f} % by what is declared; {setting_for(found, declared)}"
    )


def table(found: Measured, declared: Convention) -> Sequence[tuple[str, str]]:
    """What `--measure coordinates` prints: names and values."""
    rows = [
        ("declared", f"{declared.name}: {declared.said()}"),
        ("declared, off by", f"{100 * found.declared:.1f} % of the picture" if found.declared < 1e6 else "cannot be applied"),
        ("measured", found.said() if found.clear else "no convention fits"),
        ("measured, off by", f"{100 * found.best.error:.1f} % of the picture"),
    ]
    if found.other is not None:
        rows.append(("next best", f"{found.other.convention.said()}, off by {100 * min(found.other.error, 99.99):.1f} %"))
    if found.right:
        rows.append(("verdict", "the declared convention is right"))
    elif found.clear:
        rows.append(("use", setting_for(found, declared)))
        rows += [("conventions with these numbers", ", ".join(names))] if (names := speakers(found)) else []
    return rows
