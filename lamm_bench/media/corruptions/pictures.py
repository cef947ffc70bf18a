"""The corruptions of pictures with their constants for severities 1 to 5.

Plain names have ImageNet-C's constants (Hendrycks and Dietterich 2019, arXiv 1903.12261, and the authors' published code, whose lengths
are pixels of pictures of 224 x 224: here they grow with the shorter side). Names that begin with `chef/` have those of CIFAR-10-C,
as ChEF uses them on pictures of any size (reference 9.2). The four of the family `geometry` are ChEF's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.media.modality import Corruption

from . import blur, digital, noise, weather
from .pixels import scale_of

CHEF = "chef/"  # begins the names of those with ChEF's constants
IMAGENET_C, CIFAR_10_C = "ImageNet-C", "CIFAR-10-C's constants as ChEF uses them"

Rows = Sequence[Any]  # a constant, or several, for each severity


def graded(function: Callable[..., Image.Image], rows: Rows, family: str, source: str, fixed: bool, moves: bool) -> Corruption:
    """A corruption by a table of constants; `fixed`: lengths do not grow with the picture."""

    def change(image: Image.Image, severity: int, stream: np.random.Generator) -> Image.Image:
        row = rows[severity - 1]
        return function(image, stream, 1.0 if fixed else scale_of(image), *(row if isinstance(row, tuple) else (row,)))

    return Corruption(change, family, source=source, moves=moves)


# name -> family, ImageNet-C's function and constants, ChEF's function and constants
TABLE: dict[str, tuple[str, Callable[..., Image.Image], Rows, Callable[..., Image.Image], Rows]] = {
    "gaussian_noise": ("noise", noise.gaussian, (0.08, 0.12, 0.18, 0.26, 0.38), noise.gaussian, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot_noise": ("noise", noise.shot, (60, 25, 12, 5, 3), noise.shot, (500, 250, 100, 75, 50)),
    "impulse_noise": ("noise", noise.impulse, (0.03, 0.06, 0.09, 0.17, 0.27), noise.impulse, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "speckle_noise": ("noise", noise.speckle, (0.15, 0.2, 0.35, 0.45, 0.6), noise.speckle, (0.06, 0.1, 0.12, 0.16, 0.2)),
    "defocus_blur": (
        "blur",
        blur.defocus, ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
        blur.defocus, ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    ),
    "glass_blur": (
        "blur",
        blur.glass, ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        blur.glass_in_a_corner, ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    ),
    "motion_blur": (
        "blur",
        blur.motion, ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
        blur.motion, ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    ),
    "zoom_blur": (
        "blur",
        blur.zoom, ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
        blur.zoom_cubic, ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
    ),
    "gaussian_blur": ("blur", blur.gaussian, (1, 2, 3, 4, 6), blur.gaussian_and_colours, (0.4, 0.6, 0.7, 0.8, 1)),
    "snow": (
        "weather",
        weather.snow,
        (
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.2, 0.3, 2, 0.5, 12, 4, 0.7), (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65), (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
        weather.snow,
        (
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95), (0.1, 0.2, 1, 0.5, 10, 4, 0.9), (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85), (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ),
    ),
    "frost": (
        "weather",
        weather.frost, ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
        weather.frost, ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    ),
    "fog": (
        "weather",
        weather.fog, ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
        weather.fog_of_few_cells, ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)),
    ),
    "brightness": ("weather", weather.brightness, (0.1, 0.2, 0.3, 0.4, 0.5), weather.brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "spatter": (
        "weather",
        weather.spatter,
        (
            (0.65, 0.3, 4, 0.69, 0.6, 0), (0.65, 0.3, 3, 0.68, 0.6, 0), (0.65, 0.3, 2, 0.68, 0.5, 0),
            (0.65, 0.3, 1, 0.65, 1.5, 1), (0.67, 0.4, 1, 0.65, 1.5, 1),
        ),
        weather.spatter,
        (
            (0.62, 0.1, 0.7, 0.7, 0.5, 0), (0.65, 0.1, 0.8, 0.7, 0.5, 0), (0.65, 0.3, 1, 0.69, 0.5, 0),
            (0.65, 0.1, 0.7, 0.69, 0.6, 1), (0.65, 0.1, 0.5, 0.68, 0.6, 1),
        ),
    ),
    "contrast": ("digital", digital.contrast, (0.4, 0.3, 0.2, 0.1, 0.05), digital.contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "elastic": (  # 244 stands so in the published code
        "digital",
        digital.elastic,
        (
            (244 * 2, 244 * 0.7, 244 * 0.1), (244 * 2, 244 * 0.08, 244 * 0.2), (244 * 0.05, 244 * 0.01, 244 * 0.02),
            (244 * 0.07, 244 * 0.01, 244 * 0.02), (244 * 0.12, 244 * 0.01, 244 * 0.02),
        ),
        digital.elastic_small, ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    ),
    "pixelate": (
        "digital",
        digital.pixelate, (0.6, 0.5, 0.4, 0.3, 0.25),
        digital.pixelate_nearest, (0.95, 0.9, 0.85, 0.75, 0.65),
    ),
    "jpeg": ("digital", digital.jpeg, (25, 18, 15, 10, 7), digital.jpeg, (80, 65, 58, 50, 40)),
    "saturate": (
        "digital",
        digital.saturate, ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
        digital.saturate, ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
    ),
}  # fmt: skip
MOVING = frozenset({"elastic"})  # of these: those after which things stand elsewhere
CUTTING = frozenset({"centre_crop"})  # and those after which some are gone
GEOMETRY: dict[str, tuple[Callable[..., Image.Image], Rows]] = {
    "centre_crop": (digital.centre_crop, (0.98, 0.96, 0.94, 0.92, 0.90)),
    "resize_x": (digital.resize_x, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "resize_y": (digital.resize_y, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "rotate": (digital.rotate, (8, 16, 24, 32, 40)),
}

PICTURES: dict[str, Corruption] = {
    name: graded(function, rows, family, IMAGENET_C, False, name in MOVING)
    for name, (family, function, rows, _, _) in TABLE.items()
}
PICTURES |= {
    name: replace(graded(function, rows, "geometry", "ChEF", True, True), cuts=name in CUTTING)
    for name, (function, rows) in GEOMETRY.items()
}
PICTURES |= {
    f"{CHEF}{name}": graded(function, rows, f"{CHEF}{family}", CIFAR_10_C, True, name in MOVING)
    for name, (family, _, _, function, rows) in TABLE.items()
}

# of ChEF's chain: one of each of the first four families is drawn, and all of the last are done (reference 9.2)
FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(f"{CHEF}{name}" for name, row in TABLE.items() if row[0] == family)
    for family in ("noise", "blur", "weather", "digital")
} | {"geometry": tuple(GEOMETRY)}
