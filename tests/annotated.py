"""Annotations of a few pictures and rooms in the forms in which they are published, and plans over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

CATEGORIES = [
    {"id": 1, "name": "person", "keypoints": ["nose", "left_eye", "right_eye"]},
    {"id": 2, "name": "dog"},
    {"id": 3, "name": ""},
]


def picture(path: Path, size: tuple[int, int] = (64, 48), colour: tuple[int, int, int] = (200, 30, 40)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def dump(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def coco(
    folder: Path, annotations: list[dict[str, Any]] | None = None, captions: list[tuple[int, str]] | None = None
) -> dict[str, Any]:
    """Two pictures: a person with two dogs, and a dog; a source of a plan over them."""
    images = [{"id": number, "file_name": f"{number}.png", "width": 64, "height": 48} for number in (1, 2)]
    for number in (1, 2):
        picture(folder / "pics" / f"{number}.png", colour=(40 * number, 90, 10))
    usual = [(1, 1, [4, 4, 20, 40]), (1, 2, [30, 20, 14, 20]), (1, 2, [46, 20, 14, 20]), (2, 2, [10, 10, 40, 30])]
    notes = [{"id": n, "image_id": i, "category_id": c, "bbox": b, "iscrowd": 0} for n, (i, c, b) in enumerate(usual)]
    dump(folder / "instances.json", {"images": images, "categories": CATEGORIES, "annotations": [*notes, *(annotations or [])]})
    told = captions or [(1, "A woman walks two brown dogs along the river."), (2, "A brown dog sleeps on a carpet.")]
    dump(
        folder / "captions.json",
        {"images": images, "annotations": [{"id": n, "image_id": i, "caption": t} for n, (i, t) in enumerate(told)]},
    )
    points = [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": [16, 12, 2, 10, 8, 2, 0, 0, 0], "bbox": [4, 4, 20, 40]}]
    dump(folder / "keypoints.json", {"images": images, "categories": CATEGORIES, "annotations": points})
    files = {"instances": "instances.json", "captions": "captions.json", "keypoints": "keypoints.json"}
    return {"reader": "coco", "media": "pics", "as": "coco", "licence": "CC BY 4.0", **files}


VOC = """<annotation><filename>a.png</filename><size><width>64</width><height>48</height></size>
<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>32</xmax><ymax>24</ymax></bndbox></object>{more}</annotation>"""


def voc(folder: Path, more: str = "") -> dict[str, Any]:
    picture(folder / "voc" / "a.png")
    (folder / "xml").mkdir(exist_ok=True)
    (folder / "xml" / "a.xml").write_text(VOC.replace("{more}", more))
    return {"reader": "voc", "media": "voc", "annotations": "xml", "as": "voc"}


def table(folder: Path, text: str = "file,kind\nb.png,water ouzel\n", **more: Any) -> dict[str, Any]:
    picture(folder / "birds" / "b.png")
    (folder / "labels.csv").write_text(text)
    return {
        "reader": "table",
        "file": "labels.csv",
        "media": "birds",
        "as": "birds",
        "columns": {"media": "file", "label": "kind"},
        **more,
    }


def genome(folder: Path) -> dict[str, Any]:
    picture(folder / "vg" / "7.jpg")
    things = [
        {"object_id": 1, "x": 2, "y": 2, "w": 20, "h": 20, "names": ["man"], "attributes": ["tall"]},
        {"object_id": 2, "x": 20, "y": 30, "w": 30, "h": 10, "names": ["bench"]},
        {"object_id": 3, "x": 60, "y": 30, "w": 90, "h": 10, "names": ["tree"]},
    ]
    told = [{"subject_id": 1, "predicate": "sits on", "object_id": 2}, {"subject_id": 1, "predicate": "near", "object_id": 3}]
    dump(folder / "graphs.json", [{"image_id": 7, "objects": things, "relationships": told}])
    dump(folder / "sizes.json", [{"image_id": 7, "width": 64, "height": 48}])
    return {"reader": "visual_genome", "graphs": "graphs.json", "sizes": "sizes.json", "media": "vg", "as": "vg"}


def cloud(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.random.default_rng(0).uniform(0, 2, (40, 6)).astype(np.float32))


def room(folder: Path) -> dict[str, Any]:
    """A room of two chairs and a table, the table turned by 45 degrees."""
    cloud(folder / "rooms" / "r1.npy")
    things = [
        {"id": "1", "label": "chair", "attributes": {"color": ["red"]}},
        {"id": "2", "label": "chair"},
        {"id": "3", "label": "table"},
    ]
    dump(folder / "objects.json", {"scans": [{"scan": "r1", "objects": things}]})
    dump(folder / "relations.json", {"scans": [{"scan": "r1", "relationships": [[1, 3, 15, "left of"], [1, 9, 2, "close by"]]}]})
    straight, turned = [1, 0, 0, 0, 1, 0, 0, 0, 1], [0.7071, 0.7071, 0, -0.7071, 0.7071, 0, 0, 0, 1]
    boxes = [
        {"objectId": number, "obb": {"centroid": [number, 1, 0.5], "axesLengths": [1, 1, 1], "normalizedAxes": axes}}
        for number, axes in ((1, straight), (2, straight), (3, turned))
    ]
    dump(folder / "scans" / "r1" / "semseg.v2.json", {"segGroups": boxes})
    named = {"objects": "objects.json", "relationships": "relations.json", "boxes": "scans"}
    return {"reader": "scene_graph", "media": "rooms", "as": "rooms", **named}


def shapes(folder: Path) -> dict[str, Any]:
    cloud(folder / "shapes" / "02691156_1a_40.npy")
    cloud(folder / "shapes" / "99999999_1a_40.npy")
    kinds = [
        {"synsetId": "00000001", "name": "vehicle", "children": ["02691156"]},
        {"synsetId": "02691156", "name": "airplane,aeroplane,plane", "children": []},
    ]
    dump(folder / "taxonomy.json", kinds)
    return {"reader": "taxonomy", "taxonomy": "taxonomy.json", "media": "shapes", "as": "shapes"}


def plan_of(folder: Path, *sources: dict[str, Any], kinds: Any = None, **more: Any) -> Path:
    """A plan file over these sources."""
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump({"name": "toys", "sources": list(sources), "kinds": kinds or {"C4": {}}, **more}))
    return path
