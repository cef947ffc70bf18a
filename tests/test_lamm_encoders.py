"""Pictures and clouds on their way to the encoders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import CloudEncoder, ImageEncoder
from lamm_bench.lamm.images import pixels
from lamm_bench.lamm.point_cloud import MiniCloudEncoder, gather, thin
from lamm_bench.lamm.vision import MiniImageEncoder

from .toys import cloud, picture


def test_squash_keeps_the_whole_picture_and_crop_its_centre() -> None:
    image = Image.new("RGB", (60, 20), "white")
    image.paste("black", (20, 0, 40, 20))
    assert {pixels(image, name, 20).shape for name in ("squash", "crop")} == {(20, 20, 3)}
    assert pixels(image, "squash", 20)[10, 0].min() > 240  # the white edge is still there
    assert pixels(image, "crop", 20).max() < 60  # only the black middle is left


def test_an_unknown_transform_is_answered_with_the_nearest() -> None:
    with pytest.raises(BenchError, match="Did you mean 'squash'"):
        pixels(Image.new("RGB", (4, 4)), "sqash", 4)


def test_a_point_falls_into_its_cell_with_its_colour() -> None:
    config = CloudEncoder(low=(0.0, 0.0, 0.0), high=(8.0, 8.0, 2.0), cells=8, levels=2)
    grid = gather(np.array([[2.5, 5.5, 1.5, 255, 0, 127.5]], dtype=np.float32), config)
    assert grid.shape == (config.channels, 8, 8)
    assert grid[1, 5, 2] == np.float16(np.log(2)) and grid[:2].sum() == grid[1, 5, 2]
    assert [grid[2 + 2 * color + 1, 5, 2] for color in range(3)] == [0.5, -0.5, 0.0]
    assert grid[-1, 5, 2] == grid[-2, 5, 2] == 0.75


def test_points_outside_are_left_out_sideways_and_clamped_in_height() -> None:
    config = CloudEncoder(low=(0.0, 0.0, 0.0), high=(8.0, 8.0, 2.0), cells=8, levels=2)
    grid = gather(np.array([[9.0, 1, 1], [-0.1, 1, 1], [1, 1, 5], [1, 1, -3]], dtype=np.float32), config)
    assert np.isclose(grid[:2].sum(), 2 * np.log(2), atol=1e-2)


def test_thinning_is_a_clouds_own_and_keeps_the_order() -> None:
    points = np.arange(300, dtype=np.float32).reshape(100, 3)
    one = thin(points, 10, "a")
    assert (one == thin(points, 10, "a")).all() and not (one == thin(points, 10, "b")).all()
    assert (np.diff(one[:, 0]) > 0).all() and thin(points, 100, "a") is points


def test_encoders_give_their_tokens(tmp_path: Path) -> None:
    image, room = (
        ImageEncoder(size=32, widths=(4, 8), blocks=(0, 1), heads=2),
        CloudEncoder(cells=16, widths=(4, 8), blocks=(0, 1), heads=2),
    )
    for encoder, config, media in (
        (MiniImageEncoder(image), image, picture(tmp_path, "a.png")),
        (MiniCloudEncoder(room), room, cloud(tmp_path, "b.npy")),
    ):
        batch = encoder.eval().tensor([encoder.prepare(media, "squash")] * 2)
        with torch.no_grad():
            assert encoder(batch).shape == (2, config.tokens, config.width)


def squares_of(width: int, height: int, size: int) -> tuple[int, int]:
    """The place of torchvision's central square in the resized picture, by its own rules."""
    short = min(width, height)
    wide, high = int(size * width / short), int(size * height / short)
    return int(round((wide - size) / 2.0)), int(round((high - size) / 2.0))


@pytest.mark.parametrize(("width", "height"), [(60, 20), (20, 61), (33, 47), (100, 99), (8, 8)])
def test_the_crop_is_the_square_that_torchvision_cuts(width: int, height: int) -> None:
    noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image, short = Image.fromarray(noise), min(width, height)
    left, top = squares_of(width, height, 16)
    resized = image.resize((int(16 * width / short), int(16 * height / short)), Image.Resampling.BICUBIC)
    assert np.array_equal(pixels(image, "crop", 16), np.asarray(resized)[top : top + 16, left : left + 16])


def test_both_transforms_equal_torchvisions() -> None:
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")
    bicubic = transforms.InterpolationMode.BICUBIC
    stream = np.random.default_rng(0)
    for width, height in stream.integers(5, 300, (20, 2)).tolist():
        image = Image.fromarray(stream.integers(0, 256, (height, width, 3), dtype=np.uint8))
        cut = transforms.Compose([transforms.Resize(56, bicubic), transforms.CenterCrop(56)])
        for name, theirs in (("crop", cut), ("squash", transforms.Resize((56, 56), bicubic))):
            assert np.array_equal(pixels(image, name, 56), np.asarray(theirs(image))), (name, width, height)


def test_a_picture_of_one_line_is_cropped_without_a_picture_of_gigabytes() -> None:
    line = Image.new("RGB", (50_000, 1), (10, 200, 30))
    assert (pixels(line, "crop", 224) == (10, 200, 30)).all()
