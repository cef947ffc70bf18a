"""COCO's files (https://cocodataset.org/#format-data): `instances`, `captions`, `keypoints`; `media` is the folder of the pictures.

Joints are told only of pictures with one person, where nobody can be mistaken for another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamm_bench.data.construct.facts import Facts, Thing, picture
from lamm_bench.data.construct.plan import Source
from lamm_bench.errors import BenchError

from . import Reject
from ._shared import fraction_box, fraction_point, mapping, name_in, objects, size_in, within

OPTIONS = ("media", "instances", "captions", "keypoints")
SEEN = 2  # a keypoint's third number: 0 not labelled, 1 hidden, 2 seen


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    given = {key: path for key in OPTIONS[1:] if (path := source.path(key, needed=False)) is not None}
    if not given:
        raise BenchError(f"{source.where}: none of instances, captions and keypoints is named")
    media = source.need("media")
    pictures: dict[int, dict[str, Any]] = {}
    told: dict[int, dict[str, Any]] = {}
    for key, file in given.items():
        data = mapping(file)
        for one in objects(file, data.get("images"), "`images`"):
            if isinstance(one.get("id"), int):
                pictures.setdefault(one["id"], one)
        kinds = {one.get("id"): one for one in objects(file, data.get("categories", []), "`categories`")}
        for note in objects(file, data.get("annotations"), "`annotations`"):
            owner = pictures.get(note.get("image_id"))  # type: ignore[arg-type]
            where = f"{source.name}:{file.stem}/{note.get('id')}"
            if owner is None:
                reject(where, "no_media", f"is about the picture {note.get('image_id')}, which is not in the file")
                continue
            take(key, note, owner, kinds, told.setdefault(owner["id"], {}), where, reject)
    for number, one in pictures.items():
        facts = whole(source, media, one, told.get(number, {}), reject)
        if facts is not None:
            yield facts


def take(
    key: str,
    note: dict[str, Any],
    owner: dict[str, Any],
    kinds: dict[Any, dict[str, Any]],
    told: dict[str, Any],
    where: str,
    reject: Reject,
) -> None:
    """Adds one annotation to what is told of its picture."""
    if key == "captions":
        caption = name_in(note.get("caption"))
        if caption:
            told.setdefault("captions", []).append(caption)
        else:
            reject(where, "empty", "has no caption")
        return
    size, kind = size_in(owner), kinds.get(note.get("category_id"))
    if size is None:
        reject(where, "size", "is about a picture whose width and height are not told")
        return
    if key == "keypoints":
        told["people"] = told.get("people", 0) + 1
        told["joints"] = joints(note, kind or {}, size)
        return
    label, box = name_in((kind or {}).get("name")), note.get("bbox")
    if not label:
        told.setdefault("lost", []).append("")
        reject(where, "category", f"is of the category {note.get('category_id')}, which has no name")
        return
    corners = [box[0], box[1], box[0] + box[2], box[1] + box[3]] if isinstance(box, list) and numbers(box) else []
    found = fraction_box(corners, size)
    if isinstance(found, str):
        told.setdefault("lost", []).append(label)
        reject(where, "box", found)
        return
    told.setdefault("things", []).append(Thing(label, found, bool(note.get("iscrowd"))))


def numbers(box: list[Any]) -> bool:
    return len(box) == 4 and all(isinstance(x, int | float) and not isinstance(x, bool) for x in box)


def joints(note: dict[str, Any], kind: dict[str, Any], size: tuple[int, int]) -> dict[str, tuple[float, float]]:
    """The joints that are seen, by their names with blanks."""
    names, flat = kind.get("keypoints"), note.get("keypoints")
    if not isinstance(names, list) or not isinstance(flat, list) or len(flat) != 3 * len(names):
        return {}
    found = {}
    for name, x, y, seen in zip(names, flat[0::3], flat[1::3], flat[2::3]):
        point = fraction_point([x, y], size) if seen == SEEN else "hidden"
        if not isinstance(point, str):
            found[str(name).replace("_", " ")] = point
    return found


def whole(source: Source, media: Path, one: dict[str, Any], told: dict[str, Any], reject: Reject) -> Facts | None:
    """All that is told of one picture; None where nothing is, or it has no usable name."""
    where = f"{source.name}:{one['id']}"
    name = within(one.get("file_name"))
    if name is None:
        reject(where, "path", f"its file_name {one.get('file_name')!r} is no path within {media}")
        return None
    single = told.get("people") == 1
    if not told.get("things") and not told.get("captions") and not (single and told.get("joints")):
        reject(where, "no_annotation", "has no annotation that can be used")
        return None
    return Facts(
        where,
        source.name,
        picture(),
        f"{source.name}/{name}",
        str((media / name).absolute()),
        captions=tuple(told.get("captions", ())),
        things=tuple(told.get("things", ())),
        joints=told.get("joints", {}) if single else {},
        lost=tuple(dict.fromkeys(told.get("lost", ()))),
    )
