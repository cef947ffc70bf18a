"""Scene graphs of rooms as 3DSSG has them over 3RScan (Wald et al. 2020): `objects`, `relationships`, and `media`, the folder of clouds.

`boxes` is a folder with `<scan>/semseg.v2.json`, whose oriented boxes become the axis-aligned ones around them; `pattern` is the name
of a cloud's file, `{scan}.npy` unless it says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamm_bench.data.construct.facts import Facts, Thing, cloud
from lamm_bench.data.construct.plan import Source
from lamm_bench.errors import BenchError
from lamm_bench.task import is_numbers

from . import Reject
from ._shared import id_in, mapping, name_in, objects, parts, within

OPTIONS = ("objects", "relationships", "boxes", "media", "pattern")


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    file, media = source.need("objects"), source.need("media")
    related, boxes = relations_of(source.path("relationships", needed=False)), source.path("boxes", needed=False)
    pattern = source.options.get("pattern", "{scan}.npy")
    if not isinstance(pattern, str) or "{scan}" not in pattern:
        raise BenchError(f"{source.where}: `pattern` is {pattern!r}, expected a file name with {{scan}} in it")
    for scan in objects(file, mapping(file).get("scans"), "`scans`"):
        name = str(scan.get("scan", ""))
        where, path = f"{source.name}:{name}", within(pattern.replace("{scan}", name))
        if not name or path is None:
            reject(where, "path", "has no name that a file could have")
            continue
        placed = boxes_of(boxes / name / "semseg.v2.json", where, reject) if boxes is not None else {}
        names, things, told, lost = {}, [], [], []
        for one in objects(file, scan.get("objects"), f"`objects` of {name}"):
            label, number = name_in(one.get("label")), str(one.get("id"))
            if not label:
                lost.append("")
                reject(f"{where}/{number}", "category", "has no name")
                continue
            names[number] = label
            things.append(Thing(label, placed.get(number, ())))
            told += [(label, "is", word) for word in attributes(one)]
        told += [(names[a], said, names[b]) for a, said, b in related.get(name, ()) if a in names and b in names]
        if not things:
            reject(where, "no_annotation", "has no object that can be used")
            continue
        if boxes is not None:
            lost += [thing.label for thing in things if not thing.box]
        yield Facts(
            where,
            source.name,
            cloud(),
            f"{source.name}/{path}",
            str((media / path).absolute()),
            things=tuple(things),
            relations=tuple(dict.fromkeys(told)),
            lost=tuple(dict.fromkeys(lost)),
        )


def attributes(one: dict[str, Any]) -> list[str]:
    """Colours, shapes, materials and states, in the file's order."""
    found = one.get("attributes")
    values = found.values() if isinstance(found, dict) else ()
    return [said for group in values if isinstance(group, list) for word in group if (said := name_in(word))]


def relations_of(file: Path | None) -> dict[str, list[tuple[str, str, str]]]:
    """scan -> subject, predicate, object, by their ids."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for scan in objects(file, mapping(file).get("scans"), "`scans`") if file is not None else ():
        listed = scan.get("relationships")
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, list) and len(one) == 4 and name_in(one[3]):
                found.setdefault(str(scan.get("scan")), []).append((str(one[0]), name_in(one[3]), str(one[1])))
    return found


def boxes_of(file: Path, where: str, reject: Reject) -> dict[str, tuple[float, ...]]:
    """Axis-aligned boxes by object id: around an oriented box, half an extent is the sum of |axis| x half length (Ericson 2004, 4.4)."""
    try:
        groups = parts(mapping(file), "segGroups", where, reject)
    except BenchError as error:
        reject(where, "boxes", str(error))
        return {}
    found = {}
    for group in groups:
        obb = group.get("obb")
        centre, lengths, axes = (
            obb.get(key) if isinstance(obb, dict) else None for key in ("centroid", "axesLengths", "normalizedAxes")
        )
        if centre and lengths and axes and is_numbers(centre, 3) and is_numbers(lengths, 3) and is_numbers(axes, 9):
            extents = [sum(abs(axes[3 * axis + side]) * lengths[axis] for axis in range(3)) for side in range(3)]
            if min(extents) > 0:
                found[str(group.get("objectId", group.get("id")))] = tuple(round(value, 4) for value in (*centre, *extents))
                continue
        reject(f"{where}/{id_in(group, 'id') or '?'}", "box", "has no box with a volume")
    return found
