"""Do the 95 % intervals hold the truth in 95 % of samples, and does `compare` find differences where there are none in at most 5 %?

Simulates clusters (images with their questions) from known truths and calls the code that runs use. Prints one table each.

    python benchmarks/coverage.py                  # about ten minutes on one core
    python benchmarks/coverage.py --trials 200     # a glance"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from lamm_bench.measure.calibration import bins_of, expected_error, interval
from lamm_bench.measure.intervals import paired, spread_of
from lamm_bench.measure.stats import f1, ratio
from lamm_bench.measure.sure import BINNINGS
from lamm_bench.types import Metric, Sums

ACCURACY = Metric("accuracy", ratio("right", "items"))
F1 = Metric("F1", f1("hits", "predicted", "expected"), n="expected")
MAE = Metric("MAE", ratio("error", "items", 1.0), "count", "lower")
COUNTS = (5, 10, 30, 100)
SHARES = (0.02, 0.1, 0.5, 0.8, 0.95)
NOMINAL = 93.0  # what counts as kept


def sizes_of(kind: str, clusters: int, stream: np.random.Generator) -> np.ndarray:
    """Questions of each image."""
    if kind == "one each":
        return np.ones(clusters, int)
    if kind == "ten each":
        return np.full(clusters, 10)
    if kind == "very unequal":
        return np.clip(np.round(stream.lognormal(1.5, 1.0, clusters)), 1, 200).astype(int)
    sizes = np.full(clusters, 5)
    sizes[0] = 5 * (clusters - 1)  # one image holds half
    return sizes


def right_of(share: float, sizes: np.ndarray, stream: np.random.Generator, within: float = 0.2) -> np.ndarray:
    """Right answers of each image; two questions about one image correlate by `within`."""
    spread = 1 / within - 1
    own = stream.beta(share * spread, (1 - share) * spread, len(sizes)) if sizes.max() > 1 else np.full(len(sizes), share)
    return stream.binomial(sizes, own)


def covered(metric: Metric, truth: float, draw: Callable[[], Sums], trials: int) -> float:
    """The share of trials, in percent, whose interval holds the truth; a trial without an interval is left out."""
    found = [spread_of(metric, draw()).ci95 for _ in range(trials)]
    known = [ends for ends in found if ends is not None]
    return 100 * float(np.mean([low - 1e-9 <= truth <= high + 1e-9 for low, high in known])) if known else float("nan")


def accuracy_cells(trials: int, stream: np.random.Generator) -> Iterator[tuple[str, float]]:
    """80 cells: four shapes, five shares, four numbers of images."""
    for kind in ("one each", "ten each", "very unequal", "one holds half"):
        for share in SHARES:
            for clusters in COUNTS:

                def draw(kind=kind, share=share, clusters=clusters) -> Sums:
                    sizes = sizes_of(kind, clusters, stream)
                    right = right_of(share, sizes, stream)
                    return Sums({"right": right.astype(float), "items": sizes.astype(float)})

                yield f"accuracy, {kind}, {100 * share:g} %, {clusters} images", covered(ACCURACY, 100 * share, draw, trials)


def boxes(hit: float, more: float, clusters: int, stream: np.random.Generator) -> Sums:
    """Detections: each image has some objects, each is found by chance; wrong boxes come at a rate."""
    own = np.clip(stream.beta(hit * 8 + 1e-9, (1 - hit) * 8, clusters), 0, 1)
    expected = 1 + stream.poisson(2, clusters)
    hits = stream.binomial(expected, own)
    return Sums(
        {
            "hits": hits.astype(float),
            "predicted": (hits + stream.poisson(more, clusters)).astype(float),
            "expected": expected.astype(float),
        }
    )


def f1_cells(trials: int, stream: np.random.Generator) -> Iterator[tuple[str, float]]:
    for hit, more in ((0.02, 2.0), (0.1, 1.5), (0.45, 1.7), (0.8, 0.6)):
        truth = 100 * 2 * 3 * hit / (3 * hit + more + 3)
        for clusters in COUNTS:
            draw = lambda hit=hit, more=more, clusters=clusters: boxes(hit, more, clusters, stream)  # noqa: E731
            yield f"F1, true {truth:.0f} %, {clusters} images", covered(F1, truth, draw, trials)


def error_cells(trials: int, stream: np.random.Generator) -> Iterator[tuple[str, float]]:
    for clusters in COUNTS:

        def draw(clusters=clusters) -> Sums:
            return Sums({"error": stream.lognormal(0, 1, clusters), "items": np.ones(clusters)})

        yield f"MAE, heavy tail (lognormal), {clusters} images", covered(MAE, float(np.exp(0.5)), draw, trials)


def null_cells(trials: int, stream: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Two models that are equally good: how often p < 0.05, in percent."""
    for clusters in (5, 8, 10, 20, 30, 100):
        for kind in ("one each", "ten each", "very unequal"):

            def both(kind=kind, clusters=clusters):
                sizes = sizes_of(kind, clusters, stream)
                hard = stream.beta(2, 2, clusters)
                sides = [
                    Sums({"right": stream.binomial(sizes, hard).astype(float), "items": sizes.astype(float)}) for _ in (0, 1)
                ]
                return ACCURACY, *sides

            yield f"accuracy, {kind}, {clusters} images", declared(both, trials)

        def talk(clusters=clusters):
            # equal true F1 by other means: one cautious, one talkative
            expected = 1 + stream.poisson(2, clusters)
            careful = stream.binomial(expected, 0.5)
            talkative = stream.binomial(expected, 0.8)
            more = 3 * 0.8 * (3 * 0.5 + 3) / (3 * 0.5) - 3 * 0.8 - 3  # so that 2 h / (h + w + e) is the same
            sides = [
                Sums(
                    {
                        "hits": h.astype(float),
                        "predicted": (h + stream.poisson(rate, clusters)).astype(float),
                        "expected": expected.astype(float),
                    }
                )
                for h, rate in ((careful, 0.0), (talkative, more))
            ]
            return F1, *sides

        yield f"F1, cautious against talkative, {clusters} images", declared(talk, trials)

        def tails(clusters=clusters):
            hard = stream.lognormal(0, 1, clusters)
            return MAE, *(Sums({"error": hard * stream.lognormal(0, 0.8, clusters), "items": np.ones(clusters)}) for _ in (0, 1))

        yield f"MAE, heavy tails, {clusters} images", declared(tails, trials)


def declared(both: Callable[[], tuple[Metric, Sums, Sums]], trials: int) -> float:
    return 100 * float(np.mean([paired(*both()).p < 0.05 for _ in range(trials)]))


def evidence_cells(trials: int, stream: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Gaps to a control, and calibration errors of 60 and 300 answers: how often the interval holds what is true, in percent."""
    for gap in (0.0, 0.1, 0.3):
        for rooms in (10, 25, 100):
            held = []
            for _ in range(trials):
                ease = stream.uniform(-0.2, 0.2, rooms)
                sides = [stream.binomial(4, np.clip(0.5 + sign * gap / 2 + ease, 0, 1)).astype(float) for sign in (1, -1)]
                own = paired(ACCURACY, *(Sums({"right": each, "items": np.full(rooms, 4.0)}) for each in sides))
                held.append(own.ci95 is not None and own.ci95[0] - 1e-9 <= 100 * gap <= own.ci95[1] + 1e-9)
            yield f"gap of {100 * gap:.0f} to a control, {rooms} rooms of four questions", 100 * float(np.mean(held))
    few = max(50, trials // 20)  # each has a bootstrap of its own
    for binning in BINNINGS:
        for off in (0.0, 0.05, 0.15):
            truth = expected_error(bins_of(*sure(400_000, off, stream), binning))
            for count in (60, 300):
                found = [interval(*sure(count, off, stream), np.arange(count), binning, number) for number in range(few)]
                held = [ends is not None and ends[0] <= truth <= ends[1] for ends in found]
                yield f"calibration error, {binning}, {count} answers, sure by {off} too much", 100 * float(np.mean(held))


def sure(count: int, off: float, stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and answers that are right less often by `off`."""
    confidence = 1 / (1 + np.exp(-stream.normal(0.8, 1, count)))
    return confidence, (stream.random(count) < np.clip(confidence - off, 0, 1)).astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(f"{asked.trials} trials a cell, seed {asked.seed}")
    for title, cells in (("accuracy", accuracy_cells), ("F1", f1_cells), ("error", error_cells), ("evidence", evidence_cells)):
        found = list(cells(asked.trials, np.random.default_rng(asked.seed)))
        for name, value in found:
            print(f"{value:6.1f} %  {name}{'' if value >= NOMINAL else '   <'}")
        kept = sum(value >= NOMINAL for _, value in found)
        print(
            f"{title}: {kept} of {len(found)} cells cover {NOMINAL:g} % or more; the least {min(value for _, value in found):.1f} %\n"
        )
    trials = max(100, asked.trials // 2)
    found = list(null_cells(trials, np.random.default_rng(asked.seed + 1)))
    for name, value in found:
        print(f"{value:6.1f} %  no difference, and p < 0.05: {name}")
    print(f"type I: the highest {max(value for _, value in found):.1f} % of {trials} trials")


if __name__ == "__main__":
    main()
