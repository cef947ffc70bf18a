"""The loss curve as a picture, drawn with Pillow: there is nothing to install and nothing to look up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

SIZE = (960, 480)
EDGE = (70, 24, 20, 46)  # pixels left, top, right, bottom
COLOURS = ((31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189))


def draw(metrics: Path, picture: Path) -> bool:
    """Every stage's loss after the others', smoothed where there are many steps, and the validation loss as circles; false without steps."""
    entries = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    losses, checked, names = gather(entries)
    if not losses:
        return False
    values = [value for _, value, _ in losses] + [value for _, value in checked]
    low, high = min(values), max(values)
    high = high if high > low else low + 1

    def at(step: float, value: float) -> tuple[float, float]:
        x = EDGE[0] + (SIZE[0] - EDGE[0] - EDGE[2]) * step / max(1, losses[-1][0])
        return x, EDGE[1] + (SIZE[1] - EDGE[1] - EDGE[3]) * (high - value) / (high - low)

    image = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(image)
    pen.text(
        (EDGE[0], 4), "loss of the answers (of the questions, where encoders learn), by step; circles: validation", fill="black"
    )
    for part in range(5):
        value = low + (high - low) * part / 4
        pen.line([at(0, value), at(losses[-1][0], value)], fill=(225, 225, 225))
        pen.text((8, at(0, value)[1] - 6), f"{value:.3g}", fill="black")
        step = round(losses[-1][0] * part / 4)
        pen.text((at(step, low)[0] - 10, SIZE[1] - EDGE[3] + 8), str(step), fill="black")
    for number, name in enumerate(names):
        own = [(step, value) for step, value, stage in losses if stage == name]
        colour = COLOURS[number % len(COLOURS)]
        if len(own) == 1:
            x, y = at(*own[0])
            pen.ellipse([x - 2, y - 2, x + 2, y + 2], fill=colour)
        pen.line([at(*point) for point in own], fill=tuple(180 + (c * 75) // 255 for c in colour), width=1)
        pen.line([at(*point) for point in smoothed(own, min(25, len(own) // 10))], fill=colour, width=3)
        pen.text((EDGE[0] + 140 * number, SIZE[1] - 20), f"{name}: {own[-1][1]:.3f}", fill=colour)
    for step, value in checked:
        x, y = at(step, value)
        pen.ellipse([x - 4, y - 4, x + 4, y + 4], outline="black", width=2)
    image.save(picture)
    return True


def gather(entries: Sequence[dict[str, Any]]) -> tuple[list[tuple[int, float, str]], list[tuple[int, float]], list[str]]:
    """Step counted over all stages, loss and stage; step and validation loss; the stages in order."""
    losses: list[tuple[int, float, str]] = []
    checked: list[tuple[int, float]] = []
    for entry in entries:
        if "validation" in entry:
            checked.append((max(0, len(losses) - 1), entry["validation"]))
        elif (loss := entry.get("answers", entry.get("asked"))) is not None:
            losses.append((len(losses), loss, entry["stage"]))
    return losses, checked, list(dict.fromkeys(name for _, _, name in losses))


def smoothed(points: Sequence[tuple[int, float]], reach: int) -> list[tuple[int, float]]:
    """Each point's mean with its neighbours."""
    out = []
    for index, (step, _) in enumerate(points):
        near = points[max(0, index - reach) : index + reach + 1]
        out.append((step, sum(value for _, value in near) / len(near)))
    return out
