"""A sample as a card: picture with what was drawn on it, question, answer, ground truth, values and status."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lamm_bench.errors import MediaError
from lamm_bench.media import modality
from lamm_bench.types import FAILED, Answer, Media, Sample

from .gather import Shown, value_of
from .pictures import PackedCloud, packed_cloud, thumbnail
from .shapes import Shape, shapes_of
from .text import esc, figure

LONG_NUMBER = re.compile(r"\d+\.\d{4,}")
LONGEST_VALUE = 80  # characters
LETTERS = 20  # a label is so high a share of the picture: 14 pixels in a card
READINGS = (
    "boxes",
    "points",
    "words",
    "tokens",
    "predicted",
)  # what scorers say of their reading, the fullest first; places are drawn
SAID_ABOVE = (*READINGS, "value")
TONES = {"ok": "good", "unread": "odd", "truncated": "odd", "refused": "odd"} | dict.fromkeys(FAILED, "bad")


class Drawn(Protocol):
    """What is drawn on a picture or into a cloud."""

    @property
    def true_shapes(self) -> Sequence[Shape]: ...
    @property
    def answer_shapes(self) -> Sequence[Shape]: ...


def card(task: str, shown: Shown, clouds: dict[str, PackedCloud]) -> str:
    """One `<article>`; clouds are put into `clouds` once, however many samples show them."""
    sample = shown.sample
    picture = "".join(media_html(medium, shown, clouds) for medium in sample.media)
    seconds = f" · {shown.seconds:.2f} s" if shown.seconds else ""
    word, tone = verdict(shown)
    return (
        f'<article class="card" data-task="{esc(task)}" data-status="{esc(shown.status)}">'
        f'<div class="top"><b>{esc(sample.id)}</b><span class="pill {tone}">{esc(word)}</span>'
        f'<span class="value">{esc(figure(value_of(shown.values), 3))}</span></div>'
        f"{picture}<dl>"
        f"{row('asked', esc(shown.asked) or question(sample), 'asked')}{row('answer', answer_html(shown.answer, shown.error), 'said')}"
        f"{row('read as', reading(shown))}"
        f"{row('right', answer_html(rounded(shown.truth), None), 'truth')}</dl>"
        f"{thoughts_html(shown.thoughts)}{dialogue_html(shown.dialogue)}{values_html(shown.values, seconds)}</article>"
    )


def verdict(shown: Shown) -> tuple[str, str]:
    """What stands at the top of a card, and its tone: green is for what is right, not for what could be read."""
    value = value_of(shown.values)
    if shown.status != "ok":
        return shown.status, TONES.get(shown.status, "odd")
    if not shown.share:
        return "read", "plain"
    return ("right", "good") if value >= 1 else ("wrong", "bad") if value <= 0 else ("in part", "odd")


def reading(shown: Shown) -> str:
    """What the reader took from the answer; nothing where that is drawn, or where the answer says just that."""
    values = shown.values
    took = next((values[key] for key in READINGS if key in values), None)
    if isinstance(took, list | tuple) and took and all(isinstance(each, dict) for each in took):
        took = [f"{each.get('label') or 'without a class'} {place_of(each)}".strip() for each in took]
    if took is None or shown.status != "ok" or isinstance(took, dict):
        return ""
    text = ", ".join(map(str, took)) if isinstance(took, list | tuple) else figure(took, 3)
    said = shown.answer if isinstance(shown.answer, str) else ""
    return "" if text.strip().casefold() == said.strip().casefold() else esc(text)


def place_of(each: Mapping[str, Any]) -> str:
    """The numbers of a box or point that was read, in fractions of the picture."""
    numbers = each.get("bbox") or each.get("point") or ()
    return f"[{', '.join(figure(float(number), 2) for number in numbers)}]" if numbers else ""


def row(name: str, value: str, tone: str = "") -> str:
    return f'<dt>{name}</dt><dd class="{tone}">{value}</dd>' if value else ""


def question(sample: Sample) -> str:
    """The question, and the options that are not in its text already."""
    options = [option for option in sample.choices if option not in sample.question]
    asked = sample.question.replace("{}", "‹" + ", ".join(sample.parts) + "›", 1) if sample.parts else sample.question
    text = asked + "".join(f"\n• {option}" for option in options)
    return esc(text.strip())


def answer_html(answer: Answer | None, error: str | None) -> str:
    """One text, or one for each part; then why there is none."""
    shown = ""
    if isinstance(answer, str):
        shown = esc(answer) if answer.strip() else "<i>empty</i>"
    elif answer is not None:
        shown = "<br>".join(f"<small>{esc(part)}</small> {esc(text)}" for part, text in answer.items())
    return shown + (f'<span class="error">{esc(error)}</span>' if error else "")


def rounded(answer: Answer | None) -> Answer | None:
    """The oracle's answer with three decimals at most; it uses as many as it takes to be perfect.

    >>> rounded("cat [0.123456, 0.5]")
    'cat [0.123, 0.5]'
    """
    if answer is None or isinstance(answer, str):
        return answer and LONG_NUMBER.sub(lambda match: f"{float(match.group()):.3f}", answer)
    return {part: str(rounded(text)) for part, text in answer.items()}


def thoughts_html(thoughts: Sequence[str]) -> str:
    """What was thought, folded: it is no answer, and often longer than all the rest."""
    if not thoughts:
        return ""
    told = "".join(f"<li>{esc(text)}</li>" for text in thoughts)
    what = "the thought" if len(thoughts) == 1 else f"{len(thoughts)} thoughts"
    return f'<details class="thought"><summary>{what} before the answer</summary><ol>{told}</ol></details>'


def dialogue_html(responses: Sequence[str]) -> str:
    if not responses:
        return ""
    turns = "".join(f"<li>{esc(text)}</li>" for text in responses)
    return f"<details><summary>{len(responses)} responses</summary><ol>{turns}</ol></details>"


def values_html(values: Mapping[str, Any], seconds: str) -> str:
    texts = {key: json.dumps(value) if isinstance(value, list | dict) else figure(value, 3) for key, value in values.items()}
    # what is drawn need not be read, nor what is longer than the card
    told = {key: text for key, text in texts.items() if key not in SAID_ABOVE}
    pairs = [f"{key} {text}" for key, text in told.items() if len(text) <= LONGEST_VALUE and not shapes_of(values[key])]
    return f'<p class="values">{esc(" · ".join(pairs))}{seconds}</p>' if pairs or seconds else ""


def media_html(medium: Media, shown: Drawn, clouds: dict[str, PackedCloud]) -> str:
    """The picture with its overlay, or why it cannot be shown."""
    try:
        own = modality(medium.kind)
        key = f"{medium.path} {medium.sha256}"  # a file may be corrupted in several ways
        points = own.points(medium) if own.points is not None and key not in clouds else None
        if points is not None:
            clouds[key] = packed_cloud(points)
        if key in clouds:
            return cloud_html(list(clouds).index(key), shown)
        if own.picture is None:
            return f'<p class="broken">{esc(own.many)} cannot be drawn: {esc(medium.path)}</p>'
        return image_html(medium, shown) + (own.element(medium) if own.element is not None else "")
    except MediaError as error:
        return f'<p class="broken">{esc(error)}</p>'


def image_html(medium: Media, shown: Drawn) -> str:
    """A thumbnail under an SVG whose unit is one pixel of the original."""
    small = thumbnail(medium)
    style = ' class="tiny"' if small.small else ""
    drawn = overlay(shown.true_shapes, "truth", small.width, small.height) + overlay(
        shown.answer_shapes, "said", small.width, small.height
    )
    cover = f'<svg viewBox="0 0 {small.width} {small.height}" preserveAspectRatio="none">{drawn}</svg>' if drawn else ""
    name = medium.path.rsplit("/", 1)[-1]
    return f'<figure title="{esc(name)}, {small.width} x {small.height}" style="--shape:{small.width / small.height:.4f}"><img{style} src="{small.url}" alt="{esc(name)}">{cover}</figure>'


def overlay(shapes: Sequence[Shape], who: str, width: int, height: int) -> str:
    """Boxes as rectangles and points as circles; whoever says `x1 > x2` gets the rectangle all the same."""
    unit = max(width, height)
    parts = []
    for shape in shapes:
        title = f"<title>{'right' if who == 'truth' else 'answer'}: {esc(shape.label or 'place')}</title>"
        numbers = [min(max(value, -1.0), 2.0) for value in shape.numbers]
        if len(numbers) == 2:
            radius = unit / (64 if who == "truth" else 90)
            parts.append(
                f'<circle class="{who}" cx="{numbers[0] * width:.2f}" cy="{numbers[1] * height:.2f}" r="{radius:.2f}">{title}</circle>'
            )
        elif len(numbers) == 4:
            left, right = sorted((numbers[0] * width, numbers[2] * width))
            top, bottom = sorted((numbers[1] * height, numbers[3] * height))
            line = top + unit / LETTERS if who == "truth" else bottom - unit / 90  # so that two labels of one thing stand apart
            parts.append(
                f'<rect class="{who}" x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" height="{bottom - top:.2f}">{title}</rect>'
                f'<text class="{who}" x="{left + unit / 90:.2f}" y="{line:.2f}" font-size="{unit / LETTERS:.2f}">{esc(shape.label)}</text>'
            )
    return "".join(parts)


def cloud_html(number: int, shown: Drawn) -> str:
    """A canvas for page.js: which cloud, and the boxes to draw in it."""
    boxes = [
        [who, shape.label[:40], [round(value, 4) for value in shape.numbers]]
        for who, shapes in (("truth", shown.true_shapes), ("said", shown.answer_shapes))
        for shape in shapes
        if len(shape.numbers) == 6
    ]
    data = json.dumps(boxes)
    return (
        f'<figure class="cloud"><canvas width="600" height="440" data-cloud="{number}" data-boxes="{esc(data, len(data))}"></canvas>'
        '<figcaption>drag to turn · <button type="button" data-view="top">top</button>'
        '<button type="button" data-view="side">side</button> <button type="button" data-view="in">+</button>'
        '<button type="button" data-view="out">-</button></figcaption></figure>'
    )
