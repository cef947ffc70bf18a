"""Plans: a room from above, from the front and from the side, over a grid that tells metres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.media.plans import SHEETS, SIZE, Scale, over, plans, step_of, under
from lamm_bench.media.renderings import Rendering, parse_render
from lamm_bench.remote.pictures import Pictures
from lamm_bench.types import Media

from .commands import lamm_bench

RED, BLUE, GRAY = (230, 10, 10), (10, 10, 230), (120, 120, 120)


def room() -> np.ndarray:
    """A floor of 6 x 4 m, and a red chest at x 1.2..1.8, y -1.5..-0.9, z 0..0.6 under a blue lamp at z 2."""
    rng = np.random.default_rng(0)
    floor = np.column_stack([rng.uniform(-3, 3, 9000), rng.uniform(-2, 2, 9000), np.zeros(9000)])
    chest = np.column_stack([rng.uniform(1.2, 1.8, 3000), rng.uniform(-1.5, -0.9, 3000), rng.uniform(0, 0.6, 3000)])
    lamp = np.column_stack([rng.uniform(1.4, 1.6, 500), rng.uniform(-1.3, -1.1, 500), np.full(500, 2.0)])
    parts = [(floor, GRAY), (chest, RED), (lamp, BLUE)]
    return np.concatenate([np.column_stack([xyz, np.tile(rgb, (len(xyz), 1))]) for xyz, rgb in parts]).astype(np.float32)


def metres(picture: Image.Image, colour: tuple[int, int, int], points: np.ndarray, right: int, up: int) -> Any:
    """Least and greatest place of a colour along both axes, read off the picture by its scale."""
    extents = [(float(points[:, axis].min()), float(points[:, axis].max())) for axis in (right, up)]
    step = step_of(max(high - low for low, high in extents))
    scale = Scale(*(tuple(edge(ends[n], step) for ends in extents) for n, edge in enumerate((under, over))))  # type: ignore[arg-type]
    rows, columns = np.nonzero((np.asarray(picture) == colour).all(axis=-1))
    (x0, y0), pixels = scale.place(*scale.low), scale.pixels
    across, upward = (columns - float(x0)) / pixels + scale.low[0], (float(y0) - rows) / pixels + scale.low[1]
    return [float(value) for value in (across.min(), across.max(), upward.min(), upward.max())]


@pytest.mark.parametrize("number, ends", [(0, (1.2, 1.8, -1.5, -0.9)), (1, (1.2, 1.8, 0.0, 0.6)), (2, (-1.5, -0.9, 0.0, 0.6))])
def test_metres_can_be_read_off_a_plan(number: int, ends: tuple[float, ...]) -> None:
    cloud = room()
    sheet = SHEETS[number]
    picture = plans(cloud)[number]
    assert picture.size == (SIZE, SIZE)
    assert metres(picture, RED, cloud[:, :3], sheet.right, sheet.up) == pytest.approx(ends, abs=0.03)


def test_from_above_the_lamp_hides_the_chest_and_no_order_of_points_shows() -> None:
    cloud = room()
    first = [picture.tobytes() for picture in plans(cloud)]
    shuffled = cloud[np.random.default_rng(1).permutation(len(cloud))]
    assert [picture.tobytes() for picture in plans(shuffled)] == first
    centre = metres(plans(cloud)[0], BLUE, cloud[:, :3], 0, 1)
    assert centre == pytest.approx((1.4, 1.6, -1.3, -1.1), abs=0.03)


@pytest.mark.parametrize(
    "cloud", [np.zeros((1, 3)), np.full((5, 6), 1e-9), np.array([[0, 0, 0], [1e6, 0, 0], [0, 1e-3, 5]], dtype=float)]
)
def test_odd_clouds_are_drawn_too(cloud: np.ndarray) -> None:
    assert [picture.size for picture in plans(cloud)] == [(SIZE, SIZE)] * 3


@pytest.mark.parametrize("text", ["0views", "13views", "plan", "plans+", "4views+3d", "views"])
def test_a_rendering_that_nobody_knows_is_one_sentence(text: str) -> None:
    with pytest.raises(BenchError, match="plans\\+4views"):
        parse_render(text)


def test_models_with_eyes_get_plans_before_views(tmp_path: Path) -> None:
    np.save(tmp_path / "room.npy", room())
    cloud = media.seal(Media("point_cloud", str(tmp_path / "room.npy")))
    both, alone = Pictures(rendering=parse_render("plans+2views")), Pictures(rendering=parse_render("2views"))
    assert len(both.urls(cloud)) == 5 and both.urls(cloud)[3:] == alone.urls(cloud)
    assert both.marks(cloud) != alone.marks(cloud)
    shown = media.rendered(cloud, Rendering(plans=True), tmp_path)
    assert len(shown) == 3 and all(media.image_size(one.path) == (SIZE, SIZE) for one in shown)
    with pytest.raises(MediaError, match="images have no plans"):
        Rendering(plans=True).of(media.modality("image"), cloud)


def test_a_3d_task_is_asked_of_a_model_with_eyes(tmp_path: Path, mini_root: Path) -> None:
    from .tiny_hf import TINY

    folder = TINY["llava"](tmp_path / "m")
    words = (
        "run",
        "--model",
        "hf-chat",
        "--set",
        f"model={folder}",
        "--set",
        "render=plans",
        "--limit",
        1,
        "--data-root",
        mini_root,
    )
    result = lamm_bench(*words, "--tasks", "scanrefer", "--output", tmp_path / "r")
    assert result.exit_code == 0 and "skipped" not in result.output, result.output
