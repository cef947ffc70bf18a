"""What can be wrong with the boxes, joints and points of a meta file's item (keys and units: reference 1.1).

Items whose keys have another form are passed over: the task itself refuses those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lamm_bench.loading import shorten
from lamm_bench.task import is_numbers

SLACK = 1e-6  # boxes were divided by the image size and written as decimals
PIXELS = 1.0  # joints may be marked on the last pixel's far edge


def faults_2d(item: Mapping[str, Any], size: tuple[int, int]) -> Iterator[str]:
    """Faults of normalised boxes [x1, y1, x2, y2], of joints and of points in pixels of an image of `size` (width, height)."""
    for number, thing in enumerate(listed(item.get("object"))):
        box: Any = thing.get("bbox") if isinstance(thing, Mapping) else None
        if is_numbers(box, 4):
            yield from (f"`object` {number}: box {shorten(box)} {what}" for what in box_faults(box))
    for key in ("gt_joints", "points"):
        outside = [point for point in listed(item.get(key)) if is_numbers(point, 2, least=2) and not on_image(point, size)]
        if outside:
            first = shorten(outside[0])
            yield f"`{key}`: {len(outside)} outside the image of {size[0]} x {size[1]} pixels, the first {first}"


def box_faults(box: list[float]) -> Iterator[str]:
    x1, y1, x2, y2 = box
    if x1 >= x2 or y1 >= y2:
        yield "has no area; expected x1 < x2 and y1 < y2"
    if min(box) < -SLACK or max(box) > 1 + SLACK:
        yield "reaches outside the image; expected numbers from 0 to 1"


def on_image(point: list[float], size: tuple[int, int]) -> bool:
    return -PIXELS <= point[0] <= size[0] + PIXELS and -PIXELS <= point[1] <= size[1] + PIXELS


def faults_3d(item: Mapping[str, Any], points: np.ndarray | None) -> Iterator[str]:
    """Faults of boxes [cx, cy, cz, l, w, h] in metres, measured against a cloud of shape [N, 3] if there is one."""
    for name, box in boxes_3d(item):
        centre, extent = np.array(box[:3]), np.array(box[3:])
        if extent.min() <= 0:
            yield f"{name}: box {shorten(box)} has no volume; expected three extents above 0"
        elif points is not None and not np.any(np.all(np.abs(points - centre) <= extent / 2 + SLACK, axis=1)):
            yield f"{name}: box {shorten(box)} holds no point of the cloud"


def boxes_3d(item: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """Every 3D box of an item with its name: ScanNet's list of objects, ScanRefer's one box under either key."""
    for key in ("object", "gt_bbox"):
        value: Any = item.get(key)
        if is_numbers(value, 6):
            yield f"`{key}`", list(value)
            continue
        for number, thing in enumerate(listed(value)):
            box: Any = thing.get("bbox") if isinstance(thing, Mapping) else thing
            if is_numbers(box, 6):
                yield f"`{key}` {number}", list(box)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
