"""Whose numbers does a model speak? Measured: places of things that are known, least squares over scale, order and reference.

Twelve pictures of three sizes and four shapes tell apart what one picture never could: fractions from thousandths, thousandths from
pixels, pixels of the picture from those of a resized one, the picture from a square around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from lamm_bench.read.conventions import Convention, Frame, Resize, Size, known
from lamm_bench.read.keyed import Named

SCALES = (1.0, 100.0, 1000.0, 1024.0, 1120.0)  # that models are known to use; 999 is not to be told from 1000
CLOSE = 0.02  # of a scale: so near to a known one it is that one
RIGHT = 0.02  # median error, in fractions of the picture, at which a convention is right beyond doubt
SEEN = 0.12  # ... above which the answers do not follow the things at all
BETTER = 1.6  # times as far off must any other reading be, for the best to be told
MOSTLY = 0.8  # of twelve pictures: by chance, one of two equal readings is better on so many in 2 % of trials
FACTORS = (28, 32, 14, 16)  # of resizing processors: sides are multiples of them


@dataclass(frozen=True)
class Sight:
    """One answer about one thing of known place."""

    truth: tuple[float, ...]  # x first, in fractions of the picture; 4 of a box, 2 of a point
    said: tuple[float, ...]  # as many numbers, as they stand
    size: Size
    sent: Size
    resized: Size | None = None

    def frame(self, convention: Convention) -> Frame:
        return Frame(convention, self.size, self.sent, self.resized)

    @property
    def swapped(self) -> tuple[float, ...]:
        """The numbers x first, if y came first where no name said otherwise."""
        return self.said if isinstance(self.said, Named) else tuple(self.said[n ^ 1] for n in range(len(self.said)))


@dataclass(frozen=True)
class Reading:
    """One way to read the answers, and how far off they then are."""

    error: float  # median over the pictures of the mean distance along an axis, in fractions of the picture
    scale: float  # 0: pixels
    axes: str
    frame: str
    resize: Resize | None = None
    cells: bool = False

    @property
    def convention(self) -> Convention:
        return Convention("", self.scale, self.axes, self.frame, cells=self.cells, resize=self.resize)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Measured:
    """What the answers say, beside what was declared."""

    best: Reading
    other: Reading | None  # the best one that says something else
    declared: float  # the declared convention's median error; infinite where it cannot be applied
    worse: float  # the share of pictures on which that is farther off than the best, of those where they differ
    example: tuple[Size, Size] | None = None  # a picture's size, and the one its numbers refer to

    @property
    def right(self) -> bool:
        """Whether the answers are what was declared: no other reading is better by more than chance."""
        beaten = self.declared > 1.25 * self.best.error + 0.002 and self.worse >= MOSTLY
        return self.declared < SEEN and not beaten

    @property
    def clear(self) -> bool:
        """Whether they can be told from all other conventions."""
        return self.best.error < SEEN and (self.other is None or self.other.error > BETTER * max(self.best.error, 0.002))

    def said(self) -> str:
        """In a few words: `0 to 1000, y first`, `pixels of 1036 x 1372 where 2072 x 2744 was shown`."""
        own = self.best.convention.said()
        if self.best.frame == "resized" and self.example is not None:
            (width, height), (w, h) = self.example
            own = f"pixels of {w} x {h} where {width} x {height} was shown" + (", y first" if self.best.axes == "yx" else "")
        return own


def measure(sights: Sequence[Sight], declared: Convention) -> Measured:
    """The reading that fits the answers best. `sights` must not be empty."""
    found = sorted(readings(sights), key=unlikely)
    best = found[0]
    meaning = means(best, sights)
    other = next((one for one in found if not alike(meaning, means(one, sights))), None)
    each = [(error_of(sight, declared), error_of(sight, best.convention)) for sight in sights]
    apart = [error > other for error, other in each if abs(error - other) > 1e-6]  # a square is its own padded square
    own, worse = median(error for error, _ in each), sum(apart) / max(len(apart), 1)
    example = None
    if best.frame in ("sent", "resized") and best.scale == 0:
        frames = [sight.frame(best.convention) for sight in sights]
        example = next(
            ((sight.size, frame.size) for sight, frame in zip(sights, frames) if frame.size and frame.size != sight.size), None
        )
    return Measured(best, other, own, worse, example)


def unlikely(reading: Reading) -> tuple[float, bool, float]:
    """What decides between readings: the error, more of it for a scale that nobody is known to use; then the plainer reference."""
    strange = reading.scale not in (0.0, *SCALES) and not reading.cells
    return round(reading.error * (1.5 if strange else 1), 3), reading.frame != "original", reading.error


def means(reading: Reading, sights: Sequence[Sight]) -> list[tuple[float, ...]]:
    """What the answers are by a reading, in fractions of the pictures."""
    return [sight.frame(reading.convention).fractions(sight.said) for sight in sights]


def alike(one: Sequence[Sequence[float]], two: Sequence[Sequence[float]]) -> bool:
    """Whether two readings make about the same places of most answers: pixels before and after a slight resizing, say."""
    return median(float(np.mean(np.abs(np.subtract(a, b)))) for a, b in zip(one, two)) < RIGHT


def error_of(sight: Sight, convention: Convention) -> float:
    """The mean distance between the true and the said numbers, in fractions of the picture."""
    frame = sight.frame(convention)
    if not frame.known:
        return float("inf")
    return float(np.mean([abs(a - b) for a, b in zip(frame.fractions(sight.said), sight.truth)]))


def readings(sights: Sequence[Sight]) -> Iterator[Reading]:
    """Every reading with its error: each order, reference and the scale that fits it best."""
    for axes in ("xy", "yx"):
        for frame in ("original", "padded"):
            scale = fitted(sights, Convention("", axes=axes, frame=frame))
            if scale > 0:
                yield read_by(sights, Reading(0.0, named(scale), axes, frame))
        yield read_by(sights, Reading(0.0, 32.0, axes, "original", cells=True))
        for frame, resize in (
            ("original", None),
            ("sent", None),
            ("resized", None),
            *(("resized", one) for one in resizes(sights, axes)),
        ):
            made = Reading(0.0, 0.0, axes, frame, resize)
            if all(sight.frame(made.convention).known for sight in sights):
                yield read_by(sights, made)


def read_by(sights: Sequence[Sight], reading: Reading) -> Reading:
    error = median(error_of(sight, reading.convention) for sight in sights)
    return replace(reading, error=error)


def fitted(sights: Sequence[Sight], unit: Convention) -> float:
    """The scale by least squares, once over all answers and once more without those that are far off."""
    kept = list(sights)
    scale = 0.0
    for _ in range(3):
        truth = np.concatenate([sight.frame(unit).numbers(sight.truth) for sight in kept])
        said = np.concatenate([sight.said if unit.axes == "xy" else sight.swapped for sight in kept])
        scale = float(truth @ said / (truth @ truth)) if truth.any() else 0.0
        if scale <= 0:
            return 0.0
        errors = [error_of(sight, Convention("", scale=scale, axes=unit.axes, frame=unit.frame)) for sight in sights]
        kept = [sight for sight, error in zip(sights, errors) if error <= 2 * median(errors) + 1e-9]
    return scale


def named(scale: float) -> float:
    """The scale that is meant: a known one, where the fitted is close to it."""
    near = min(SCALES, key=lambda one: abs(scale / one - 1))
    return near if abs(scale / near - 1) < CLOSE else round(scale, 3 if scale < 10 else 0)


def resizes(sights: Sequence[Sight], axes: str) -> Iterator[Resize]:
    """Known rules of resizing, and those by which the answers themselves say that pictures were resized."""
    seen = {own.resize for own in known().values() if own.resize is not None}
    yield from seen
    sides = []
    for sight in sights:
        said = sight.said if axes == "xy" else sight.swapped
        each = [[said[n] / sight.truth[n] for n in range(axis, len(said), 2) if sight.truth[n] > 0] for axis in (0, 1)]
        if not all(each) or min(map(min, each)) <= 0:
            return
        sides.append((float(np.mean(each[0])), float(np.mean(each[1]))))
    areas = [w * h for w, h in sides]
    if min(areas) < 28 * 28:
        return
    for factor in FACTORS:
        for low in {3136, round(min(areas))}:
            yield Resize(factor, low, max(low, round(1.01 * max(areas))))
