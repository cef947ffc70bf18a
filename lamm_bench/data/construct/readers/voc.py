"""PASCAL VOC's XML, one file a picture (Everingham et al. 2010): `annotations` is their folder, `media` that of the pictures.

Corners are pixels counted from 1, both included; with `list`, a text file of names, only those are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from lamm_bench.data.construct.facts import Facts, Thing, picture
from lamm_bench.data.construct.plan import Source
from lamm_bench.errors import BenchError
from lamm_bench.loading import decode, read_bytes, read_text

from . import Reject
from ._shared import fraction_box, name_in, within

DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,80}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
OPTIONS = ("media", "annotations", "list")


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    folder, media, listed = source.need("annotations"), source.need("media"), source.path("list", needed=False)
    if not folder.is_dir():
        raise BenchError(f"{source.where}: {folder} is no folder of XML files")
    if listed is not None:
        files = [folder / f"{line.split()[0]}.xml" for line in read_text(listed).splitlines() if line.strip()]
    else:
        files = sorted(folder.glob("*.xml"))
    if not files:
        raise BenchError(f"{source.where}: {folder} holds no XML files")
    for file in files:
        found = facts_of(source, media, file, reject)
        if found is not None:
            yield found


def facts_of(source: Source, media: Path, file: Path, reject: Reject) -> Facts | None:
    where = f"{source.name}:{file.stem}"
    try:
        text = as_declared(file)
        if "<!DOCTYPE" in text or "<!ENTITY" in text:  # neither belongs there, and entities may grow without end
            raise ElementTree.ParseError("it declares entities or a document type")
        root = ElementTree.fromstring(text)
    except (BenchError, ElementTree.ParseError) as error:
        reject(where, "form", f"cannot be read: {error}")
        return None
    name, size = within(root.findtext("filename") or f"{file.stem}.jpg"), (whole(root, "size/width"), whole(root, "size/height"))
    if name is None or min(size) <= 0:
        reject(where, "path" if name is None else "size", "its filename leaves the folder" if name is None else "has no size")
        return None
    things, lost = [], []
    for number, entry in enumerate(root.iter("object")):
        label = name_in(entry.findtext("name"))
        corners = [decimal(entry.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")]
        box = fraction_box([corners[0] - 1, corners[1] - 1, *corners[2:]], size)
        if not label or isinstance(box, str):
            lost.append(label)
            reject(f"{where}/object {number}", "box" if label else "category", str(box) if label else "has no name")
        else:
            things.append(Thing(label, box))
    if not things:
        reject(where, "no_annotation", "has no object that can be used")
        return None
    return Facts(
        where,
        source.name,
        picture(),
        f"{source.name}/{name}",
        str((media / name).absolute()),
        things=tuple(things),
        lost=tuple(lost),
    )


def as_declared(file: Path) -> str:
    """The text of an XML file in the encoding that its first line names; UTF-8, or by its mark, where it names none."""
    data = read_bytes(file)
    found = DECLARED.match(data)
    if found is not None and found[1].lower() not in (b"utf-8", b"utf-16"):
        try:
            return data.decode(found[1].decode("ascii"))
        except (LookupError, UnicodeError, ValueError):
            raise BenchError(f"{file} is not in the encoding {found[1].decode('ascii')} that it names") from None
    return decode(data, str(file))


def decimal(text: str | None) -> float:
    """A number; one that is none is not finite, and no box."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def whole(root: ElementTree.Element, path: str) -> int:
    value = decimal(root.findtext(path))
    return int(value) if 0 < value < 1e9 else 0
