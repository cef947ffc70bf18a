"""Scene graphs as Visual Genome has them (Krishna et al. 2017): `graphs` (scene_graphs.json), `sizes` (image_data.json), `media`.

Names, attributes and relations; the files of the pictures are `<id>.jpg`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamm_bench.data.construct.facts import Facts, Thing, picture
from lamm_bench.data.construct.plan import Source
from lamm_bench.loading import load_json, shorten
from lamm_bench.task import is_numbers

from . import Reject
from ._shared import fraction_box, id_in, name_in, objects, parts, size_in, within

OPTIONS = ("graphs", "sizes", "media")


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    graphs, sizes, media = source.need("graphs"), source.need("sizes"), source.need("media")
    known = {id_in(one, "image_id"): size_in(one) for one in objects(sizes, load_json(sizes), "the file")}
    for graph in objects(graphs, load_json(graphs), "the file"):
        number = id_in(graph, "image_id")
        where, size, path = f"{source.name}:{number}", known.get(number), within(f"{number}.jpg")
        if not number or size is None or path is None:
            reject(where, "path" if path is None else "size", f"has no size in {sizes.name}, or no id that a file could have")
            continue
        things, names, relations, lost = told(graph, size, where, reject)
        for one in parts(graph, "relationships", where, reject):
            said = (
                names.get(id_in(one, "subject_id")),
                name_in(one.get("predicate")).casefold(),
                names.get(id_in(one, "object_id")),
            )
            if all(said):
                relations.append(said)
            else:
                reject(where, "relation", f"the relation {shorten(one.get('predicate'))} is between objects that are not there")
        if not things:
            reject(where, "no_annotation", "has no object that can be used")
            continue
        yield Facts(
            where,
            source.name,
            picture(),
            f"{source.name}/{path}",
            str((media / path).absolute()),
            things=tuple(things),
            relations=tuple(dict.fromkeys(relations)),
            lost=tuple(dict.fromkeys(lost)),
        )


def told(
    graph: dict[str, Any], size: tuple[int, int], where: str, reject: Reject
) -> tuple[list[Thing], dict[str, str], list[Any], list[str]]:
    """Objects with boxes, their names by id, their attributes as relations, and the names of those that were refused."""
    things: list[Thing] = []
    lost: list[str] = []
    names: dict[str, str] = {}
    attributes: list[tuple[str, str, str]] = []
    for one in parts(graph, "objects", where, reject):
        label, number = first_name(one), id_in(one, "object_id")
        sides = [one.get(key) for key in ("x", "y", "w", "h")]
        sound = is_numbers(sides, 4)
        box = fraction_box([sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3]], size) if sound else "it has no box"  # type: ignore[operator]
        if not label or isinstance(box, str):
            lost.append(label)
            reject(f"{where}/{number or '?'}", "box" if label else "category", str(box) if label else "has no name")
            continue
        names[number] = label
        things.append(Thing(label, box))
        listed = one.get("attributes")
        attributes += (
            [(label, "is", said) for word in listed if (said := name_in(word).casefold())] if isinstance(listed, list) else []
        )
    return things, names, attributes, lost


def first_name(one: dict[str, Any]) -> str:
    """The first of an object's `names`, or its `name`, as the first release has it.

    >>> first_name({"names": ["Man", "person"]}), first_name({"name": "dog"}), first_name({"names": "cat"}), first_name({"names": [3]})
    ('man', 'dog', 'cat', '')
    """
    value = one.get("names") or one.get("name")
    return name_in(value[0] if isinstance(value, list) else value).casefold()
