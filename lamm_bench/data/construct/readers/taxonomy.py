"""Objects by a taxonomy as ShapeNet has it (Chang et al. 2015): `taxonomy` (taxonomy.json), `media`, the folder of their clouds.

A cloud belongs to the synset that its path begins with: `02691156/1a04...npy` or `02691156_1a04..._4096.npy`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lamm_bench.data.construct.facts import Facts, cloud
from lamm_bench.data.construct.plan import Source
from lamm_bench.errors import BenchError
from lamm_bench.loading import load_json

from . import Reject
from ._shared import name_in, objects

OPTIONS = ("taxonomy", "media", "ending")
SYNSET = re.compile(r"^(\d{8})[/_]")


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    file, media, ending = source.need("taxonomy"), source.need("media"), str(source.options.get("ending", ".npy"))
    if not media.is_dir():
        raise BenchError(f"{source.where}: {media} is no folder")
    known = {str(one.get("synsetId")): one for one in objects(file, load_json(file), "the file")}
    above = {str(child): number for number, one in known.items() for child in children(one)}
    for path in sorted(media.rglob(f"*{ending}")):
        name = path.relative_to(media).as_posix()
        where, found = f"{source.name}:{name}", SYNSET.match(name)
        label = first_name(known.get(found[1], {})) if found else ""
        if not label or found is None:
            reject(where, "category", "belongs to no synset of the taxonomy")
            continue
        over = tuple((label, "is a kind of", kind) for kind in kinds_above(found[1], known, above))
        yield Facts(where, source.name, cloud(), f"{source.name}/{name}", str(path.absolute()), labels=(label,), relations=over)


def children(one: Mapping[str, Any]) -> list[Any]:
    found = one.get("children")
    return found if isinstance(found, list) else []


def first_name(one: Mapping[str, Any]) -> str:
    """The first of a synset's names.

    >>> first_name({"name": "airplane,aeroplane,plane"})
    'airplane'
    """
    return name_in(str(one.get("name", "")).split(",")[0])


def kinds_above(number: str, known: Mapping[str, Mapping[str, Any]], above: Mapping[str, str]) -> list[str]:
    """The names of the synsets above one, the nearest first; a circle ends it."""
    found, seen = [], {number}
    while (number := above.get(number, "")) and number not in seen:
        seen.add(number)
        if name := first_name(known.get(number, {})):
            found.append(name)
    return found
