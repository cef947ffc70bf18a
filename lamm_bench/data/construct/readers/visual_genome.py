"""Scene graphs as Visual Genome has them (Krishna et al. 2017): `graphs` (scene_graphs.json), `sizes` (image_data.json), `media`.

Names, attributes and relations; the files of the pictures are `<id>.jpg`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamm_bench.data.construct.facts import Facts, Thing, picture
from lamm_bench.data.construct.plan import Source
from lamm_bench.loading import load_json

from . import Reject
from ._shared import fraction_box, name_in, objects, size_in

OPTIONS = ("graphs", "sizes", "media")


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    graphs, sizes, media = source.need("graphs"), source.need("sizes"), source.need("media")
    known = {one.get("image_id"): size_in(one) for one in objects(sizes, load_json(sizes), "the file")}
    for graph in objects(graphs, load_json(graphs), "the file"):
        number = graph.get("image_id")
        where, size = f"{source.name}:{number}", known.get(number)
        if not isinstance(number, int) or size is None:
            reject(where, "size", f"has no size in {sizes.name}")
            continue
        things, names, relations, lost = told(graph, size, where, reject)
        for one in graph.get("relationships") or ():
            parts = (names.get(one.get("subject_id")), name_in(one.get("predicate")).casefold(), names.get(one.get("object_id")))
            if all(parts):
                relations.append(parts)
            else:
                reject(where, "relation", f"the relation {one.get('predicate')!r} is between objects that are not there")
        if not things:
            reject(where, "no_annotation", "has no object that can be used")
            continue
        path = f"{number}.jpg"
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
) -> tuple[list[Thing], dict[Any, str], list[Any], list[str]]:
    """Objects with boxes, their names by id, their attributes as relations, and the names of those that were refused."""
    things: list[Thing] = []
    lost: list[str] = []
    names: dict[Any, str] = {}
    attributes: list[tuple[str, str, str]] = []
    for one in graph.get("objects") or ():
        label = name_in((one.get("names") or [""])[0]).casefold()
        sides = [one.get(key) for key in ("x", "y", "w", "h")]
        sound = all(isinstance(side, int | float) and not isinstance(side, bool) for side in sides)
        box = fraction_box([sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3]], size) if sound else "it has no box"
        if not label or isinstance(box, str):
            lost.append(label)
            reject(f"{where}/{one.get('object_id')}", "box" if label else "category", str(box) if label else "has no name")
            continue
        names[one.get("object_id")] = label
        things.append(Thing(label, box))
        attributes += [(label, "is", said) for word in one.get("attributes") or () if (said := name_in(word).casefold())]
    return things, names, attributes, lost
