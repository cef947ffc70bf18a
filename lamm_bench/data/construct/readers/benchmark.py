"""Meta files of the benchmark (reference 1.1): `files`, or all of `root`'s; `miniature` is one that is drawn with a seed of its own.

What an entry tells is known by its keys, so that files of one's own in that form are read as upstream's are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lamm_bench.data.construct.facts import Facts, Question, Sought, Thing
from lamm_bench.data.construct.plan import Source
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.loading import id_text, load_json, shorten
from lamm_bench.media import by_key, image_size
from lamm_bench.task import is_numbers

from . import Reject
from ._shared import fraction_point, name_in, within

OPTIONS = ("root", "files", "miniature")
FOLDERS = ("2D_Benchmark", "3D_Benchmark")
ASKED = {
    "Classification": "classification", "Fine-grained_Classification": "fine_grained_classification", "Detection": "detection",
    "Caption": "captioning", "Counting": "counting", "OCR": "ocr", "Keypoints_Detection": "keypoints", "Keypoints_Dectection": "keypoints",
    "Locating": "locating",
}  # fmt: skip
JOINTS = (
    "right ankle", "right knee", "right hip", "left hip", "left knee", "left ankle", "right wrist", "right elbow",
    "right shoulder", "left shoulder", "left elbow", "left wrist", "neck", "head top",
)  # fmt: skip
"""LSP's order (reference 1.11)."""

DESCRIBED = re.compile(r"\bdescription:\s*(?P<text>.+)$", re.I | re.S)
BOX_OF = re.compile(r"\bbox\b[^.?!]*\bof (?P<text>(?:the|a|an) [^.?!]+)[.?!]?$", re.I)


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    files = files_of(source)
    several = len({file.stem for file in files}) < len(files)
    for file in files:
        data = load_json(file)
        if not isinstance(data, list):
            raise BenchError(f"{file} holds {type(data).__name__}, expected a list of objects")
        seen: set[str] = set()
        for index, entry in enumerate(data):
            name = id_text(entry.get("id", index)) if isinstance(entry, dict) else None
            told = f"{file.parent.name if several else ''}{file.stem}/{name if name and name not in seen else f'#{index}'}"
            seen.add(name or "")
            where = f"{source.name}:{told}"
            if not isinstance(entry, dict):
                reject(where, "form", f"is {shorten(entry)}, expected an object")
                continue
            one = facts_of(file, entry, source, where, reject)
            if one is not None:
                yield one


def files_of(source: Source) -> list[Path]:
    """The meta files of a source."""
    drawn = source.options.get("miniature")
    if drawn is not None:
        from lamm_bench.data.mini import ensure

        if not isinstance(drawn, int) or isinstance(drawn, bool) or drawn < 1:
            raise BenchError(
                f"{source.where}: `miniature` is {shorten(drawn)}, expected a seed from 1 on; 0 is the benchmark's own, which nobody may learn"
            )
        root = ensure(("test",), seed=drawn)
    else:
        root = source.need("root")
    named = source.options.get("files")
    if named is None:
        found = sorted(path for folder in FOLDERS for path in (root / folder / "meta_file").glob("*.json"))
        if not found:
            raise BenchError(f"{source.where}: {root} holds neither 2D_Benchmark/meta_file nor 3D_Benchmark/meta_file with files")
        return found
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named) or not named:
        raise BenchError(f"{source.where}: `files` is {shorten(named)}, expected a list of paths below {root}")
    return [root / name for name in named]


def facts_of(file: Path, entry: Mapping[str, Any], source: Source, where: str, reject: Reject) -> Facts | None:
    """One entry; None where it was refused."""
    kinds = by_key(tuple(entry))
    path = within(entry[kinds[0].key]) if kinds else None
    if path is None:
        reject(where, "path", "names no media within its folder" if kinds else "has no media")
        return None
    base = file.parent.parent
    bare = Facts(where, source.name, kinds[0].name, f"{source.name}/{path}", str((base / path).absolute()))
    try:
        told = {**places(bare, entry), **said(file, bare, entry)}
    except (Refused, MediaError) as fault:
        reject(where, "media" if isinstance(fault, MediaError) else "form", str(fault))
        return None
    if not told:
        reject(where, "no_annotation", "has no key that tells what is there")
        return None
    return replace(bare, asked=asked_of(file, entry, told), **told)


class Refused(Exception):
    """An entry whose annotation has another form."""


def places(bare: Facts, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Boxes, joints and points."""
    found: dict[str, Any] = {}
    size = 4 if bare.flat else 6
    value = entry.get("object", entry.get("gt_bbox"))
    if value is not None:
        if is_numbers(value, 6) and not bare.flat:
            found["sought"] = (Sought(description(entry.get("query")), tuple(value)),)
        elif isinstance(value, list) and all(isinstance(t, dict) and is_numbers(t.get("bbox"), size) for t in value):
            found["things"] = tuple(Thing(name_in(thing.get("label")), tuple(thing["bbox"])) for thing in value)
        else:
            raise Refused(f"`object` is {shorten(value)}, expected objects with `label` and `bbox` of {size} numbers")
    for key, field in (("gt_joints", "joints"), ("points", "points")):
        if key in entry:
            if not bare.flat or not isinstance(entry[key], list):
                raise Refused(f"`{key}` is {shorten(entry[key])}, expected a list of points in pixels of a picture")
            pixels = image_size(bare.file)
            points = [fraction_point(point, pixels) if isinstance(point, list) else "is no point" for point in entry[key]]
            if key == "gt_joints":
                if len(points) != len(JOINTS):
                    raise Refused(f"`gt_joints` has {len(points)} entries, expected LSP's {len(JOINTS)}")
                found[field] = {name: point for name, point in zip(JOINTS, points) if not isinstance(point, str)}
            else:
                wrong = next((point for point in points if isinstance(point, str)), None)
                if wrong is not None:
                    raise Refused(wrong)
                found[field] = tuple(points)
    return {key: value for key, value in found.items() if value}


def said(file: Path, bare: Facts, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Labels, captions, numbers, words, faces and questions."""
    found: dict[str, Any] = {}
    if "label" in entry:
        found |= {"labels": (text_at(entry, "label"),), "fine": file.stem.startswith("Fine-grained")}
    if "sentences" in entry:
        found["captions"] = texts_at(entry, "sentences")
    if "word_list" in entry:
        found["words"] = texts_at(entry, "word_list")
    if "num" in entry:
        number = entry["num"]
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise Refused(f"`num` is {shorten(number)}, expected a whole number from 0 on")
        found["counts"] = {"": number}
    if "attr" in entry:
        attr = text_at(entry, "attr")
        found["traits"] = {"smiling": {"1": "yes", "-1": "no"}[attr]} if attr in ("1", "-1") else {"hair": attr.casefold()}
    if "gt_choice" in entry:
        options, right = texts_at(entry, "gt_choices"), entry["gt_choice"]
        if isinstance(right, bool) or not isinstance(right, int) or not 0 <= right < len(options):
            raise Refused(f"`gt_choice` is {shorten(right)}, expected the place of one of {len(options)} options")
        found["questions"] = (Question(text_at(entry, "query"), options, right),)
    return found


def asked_of(file: Path, entry: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, str]:
    """The entry's own question, under the kind of task that it asks."""
    query = entry.get("query")
    if not isinstance(query, str) or not query.strip() or "questions" in told or "sought" in told:
        return {}
    if "traits" in told:
        return {next(iter(told["traits"])): query}
    kind = next((ASKED[stem] for stem in sorted(ASKED, key=len, reverse=True) if file.stem.startswith(f"{stem}_")), None)
    if kind is None and "counts" in told:
        kind = "counting"  # only its question says what was counted
    return {kind: query} if kind else {}


def description(query: Any) -> str:
    """The description of the object in a question of ScanRefer's kind; the question itself where its form is another.

    >>> description("Find it and give its box. Description: The brown chair."), description("Give the box [x, y, z, l, w, h] of the red sofa.")
    ('The brown chair.', 'the red sofa')
    """
    text = query if isinstance(query, str) else ""
    found = DESCRIBED.search(text) or BOX_OF.search(text)
    return found["text"].strip() if found else text.strip()


def text_at(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"`{key}` is {shorten(value)}, expected a text")
    return value.strip()


def texts_at(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one.strip() for one in value):
        raise Refused(f"`{key}` is {shorten(value)}, expected a list of texts")
    return tuple(one.strip() for one in value)
