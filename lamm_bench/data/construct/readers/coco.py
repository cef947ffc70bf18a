"""COCO's files (https://cocodataset.org/#format-data): `instances`, `captions`, `keypoints`; `media` is the folder of the pictures.

Joints are told only of pictures with one person, where nobody can be mistaken for another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lamm_bench.data.construct.facts import Facts, Thing, picture
from lamm_bench.data.construct.plan import Source
from lamm_bench.errors import BenchError
from lamm_bench.loading import shorten
from lamm_bench.task import is_numbers

from . import Reject
from ._shared import fraction_box, fraction_point, id_in, mapping, name_in, objects, size_in, within

OPTIONS = ("media", "instances", "captions", "keypoints")
SEEN = 2  # a keypoint's third number: 0 not labelled, 1 hidden, 2 seen


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    given = {key: path for key in OPTIONS[1:] if (path := source.path(key, needed=False)) is not None}
    if not given:
        raise BenchError(f"{source.where}: none of instances, captions and keypoints is named")
    media = source.need("media")
    pictures: dict[str, dict[str, Any]] = {}
    doubtful: set[str] = set()
    told: dict[str, dict[str, Any]] = {}
    for key, file in given.items():
        data = mapping(file)
        doubtful |= enter(pictures, objects(file, data.get("images"), "`images`"), f"{source.name}:{file.stem}", reject)
        kinds = kinds_in(objects(file, data.get("categories", []), "`categories`"))
        for note in objects(file, data.get("annotations"), "`annotations`"):
            name = id_in(note, "image_id")
            where = f"{source.name}:{file.stem}/{id_in(note, 'id') or '?'}"
            if name not in pictures:
                reject(where, "no_media", f"is about the picture {shorten(note.get('image_id'))}, which is not in the file")
                continue
            take(key, note, pictures[name], kinds, told.setdefault(name, {}), where, reject)
    for name, one in pictures.items():
        facts = whole(source, media, name, one, told.get(name, {}), reject) if name not in doubtful else None
        if facts is not None:
            yield facts


def enter(pictures: dict[str, dict[str, Any]], images: Iterable[dict[str, Any]], where: str, reject: Reject) -> set[str]:
    """Adds pictures by their ids; the ids under which two different ones stand, so that nobody knows which of them is told of."""
    doubtful = set()
    for number, one in enumerate(images):
        name = id_in(one, "id")
        known = pictures.setdefault(name, one) if name else one
        if not name:
            reject(f"{where}/image {number}", "form", f"its id is {shorten(one.get('id'))}, expected a number or a text")
        elif any(key in one and known.get(key, one[key]) != one[key] for key in ("file_name", "width", "height")):
            doubtful.add(name)
            told = (shorten(each.get("file_name")) for each in (known, one))
            reject(f"{where}/image {number}", "contradiction", f"two different pictures have the id {name}: {', '.join(told)}")
    return doubtful


def kinds_in(categories: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Categories by id; one that has two names has none."""
    found: dict[str, dict[str, Any]] = {}
    for one in categories:
        known = found.setdefault(id_in(one, "id"), one)
        if known.get("name") != one.get("name"):
            found[id_in(one, "id")] = {}
    return found


def take(
    key: str,
    note: dict[str, Any],
    owner: dict[str, Any],
    kinds: dict[str, dict[str, Any]],
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
    size, kind = size_in(owner), kinds.get(id_in(note, "category_id"))
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
        reject(where, "category", f"is of the category {shorten(note.get('category_id'))}, which has no name, or two")
        return
    found: tuple[float, ...] | str = f"the box {shorten(box)} is not four numbers"
    if isinstance(box, list) and is_numbers(box, 4):
        found = fraction_box([box[0], box[1], box[0] + box[2], box[1] + box[3]], size)
    if isinstance(found, str):
        told.setdefault("lost", []).append(label)
        reject(where, "box", found)
        return
    told.setdefault("things", []).append(Thing(label, found, note.get("iscrowd") not in (None, 0, "0", "")))


def joints(note: dict[str, Any], kind: dict[str, Any], size: tuple[int, int]) -> dict[str, tuple[float, float]]:
    """The joints that are seen, by their names with blanks."""
    names, flat = kind.get("keypoints"), note.get("keypoints")
    if not isinstance(names, list) or not isinstance(flat, list) or len(flat) != 3 * len(names):
        return {}
    found = {}
    for name, x, y, seen in zip(names, flat[0::3], flat[1::3], flat[2::3]):
        point = fraction_point([x, y], size) if seen in (SEEN, str(SEEN)) else "hidden"
        if not isinstance(point, str) and (said := name_in(name).replace("_", " ").strip()):
            found[said] = point
    return found


def whole(source: Source, media: Path, number: str, one: dict[str, Any], told: dict[str, Any], reject: Reject) -> Facts | None:
    """All that is told of one picture; None where nothing is, or it has no usable name."""
    where = f"{source.name}:{number}"
    name = within(one.get("file_name"))
    if name is None:
        reject(where, "path", f"its file_name {shorten(one.get('file_name'))} is no path within {media}")
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
