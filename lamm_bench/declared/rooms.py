"""ScanNet's rooms wherever they lie, and the boxes of their objects: as ScanRefer's script writes them, as ScanNet gives them out, or as
LAMM does (clouds only). Which one a task was shown is decided once and stands in its result, since their points are not the same.

Points and boxes are aligned with the room's axes by the matrix in the scene's own text file, as ScanRefer's
data/scannet/load_scannet_data.py does (commit 10f7114): a box is the extent of the object's vertices."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.loading import decode, parse_json, shorten

from .files import Files, Unusable
from .templates import Row


@dataclass(frozen=True)
class Kept:
    """One of the places where rooms lie; patterns below the data root, with `{room}` for the scene's name."""

    said: str  # in results
    cloud: str
    boxes: str = ""  # none: objects are not known


PLACES = (
    Kept(
        "ScanRefer's arrays (scannet_data/*_aligned_vert.npy)",
        "ScanNet/scannet_data/{room}_aligned_vert.npy",
        "ScanNet/scannet_data/{room}_aligned_bbox.npy",
    ),
    Kept(
        "ScanNet's own meshes (scans/*/*_vh_clean_2.ply, aligned by their .txt)",
        "ScanNet/scans/{room}/{room}_vh_clean_2.ply",
        "ScanNet/scans/{room}/{room}.aggregation.json",
    ),
    Kept("LAMM's arrays (3D_Benchmark/scannet_pcls/*.npy)", "3D_Benchmark/scannet_pcls/{room}.npy"),
)
ROOM = re.compile(r"scene\d{4}_\d{2}")


def place_of(files: Files) -> Kept:
    """The first place at which there is any room. Raises `BenchError` that names them all."""
    for place in PLACES:
        if files.found.get("rooms") == place or files.find(place.cloud.replace("{room}", "*")):
            files.found["rooms"] = place
            return place
    wanted = ", ".join(place.cloud.replace("{room}", "<scene>") for place in PLACES)
    raise BenchError(f"{files.root} holds no rooms of ScanNet; expected {wanted} (one of them)")


def cloud(files: Files, place: Kept, room: str) -> tuple[str, bytes | None]:
    """A room's cloud: its name below the root, and its bytes as an array where it must be made of a mesh. Raises `Unusable`."""
    if not ROOM.fullmatch(room):
        raise Unusable(f"{shorten(room)} is no scene of ScanNet, expected one such as scene0011_00")
    name = place.cloud.replace("{room}", room)
    if not name.endswith(".ply"):
        return name, None
    points = ply(files.read(name), name)
    return name, as_npy(aligned(points, files, room))


def aligned(points: np.ndarray, files: Files, room: str) -> np.ndarray:
    """[N, 3 or 6] along the room's axes; as they are where its text file names no matrix, as those of the test scenes."""
    name = f"ScanNet/scans/{room}/{room}.txt"
    said = decode(files.read(name), name)
    found = re.search(r"^axisAlignment = (.*)$", said, re.MULTILINE)
    if found is None:
        return points
    try:
        matrix = np.array([float(word) for word in found[1].split()]).reshape(4, 4)
    except ValueError:
        raise Unusable(f"axisAlignment in {name} is {shorten(found[1])}, expected 16 numbers") from None
    turned = points.astype(np.float64)
    turned[:, :3] = turned[:, :3] @ matrix[:3, :3].T + matrix[:3, 3]
    return turned.astype(np.float32)


def objects(files: Files) -> Iterator[Row]:
    """A row for every object of every room: `scene_id`, `object_id`, `label` where it is known, and `values`, its box [x, y, z, l, w, h]."""
    if "objects" in files.found:
        yield from files.found["objects"]
        return
    for place in PLACES:
        names = files.find(place.boxes.replace("{room}", "*")) if place.boxes else []
        if names:
            break
    else:
        wanted = ", ".join(place.boxes.replace("{room}", "<scene>") for place in PLACES if place.boxes)
        raise BenchError(f"{files.root} holds no objects of ScanNet's rooms; expected {wanted} (one of them)")
    made: list[Row] = []
    for name in names:
        own = boxes_of_array(files, name) if name.endswith(".npy") else boxes_of_mesh(files, name)
        try:
            for data in own:
                number = len(made) + 1
                made.append(Row(f"{name} object {data['object_id']}", number, {**data, "@row": number, "@file": name}))
        except Unusable as error:
            raise BenchError(f"{name} cannot be used: {error}") from None
    files.found["objects"] = made
    yield from made


def boxes_of_array(files: Files, name: str) -> Iterator[dict[str, Any]]:
    """Of `<scene>_aligned_bbox.npy`: a line holds centre, extents, class and the object's id."""
    try:
        table = np.load(io.BytesIO(files.read(name)), allow_pickle=False)
        if table.ndim != 2 or table.shape[1] != 8 or table.dtype.kind not in "fiu":
            raise ValueError(f"its shape is {list(table.shape)}")
    except Exception as error:  # NumPy parses headers as literals, which on damaged bytes fails in many ways
        raise Unusable(f"it is no array of numbers [objects, 8] ({str(error)[:80]})") from None
    room = PurePosixPath(name).name.partition("_aligned")[0]
    for line in table.tolist():
        yield {"scene_id": room, "object_id": round(line[7]), "values": line[:6]}


def boxes_of_mesh(files: Files, name: str) -> Iterator[dict[str, Any]]:
    """Of a scene's aggregation, segments and vertices."""
    room = PurePosixPath(name).name.removesuffix(".aggregation.json")
    folder = f"ScanNet/scans/{room}/{room}"
    mesh = f"{folder}_vh_clean_2.ply"
    points = aligned(ply(files.read(mesh), mesh), files, room)[:, :3]
    try:
        of_vertex = np.asarray(json_of(files, f"{folder}_vh_clean_2.0.010000.segs.json")["segIndices"], np.int64)
        groups = [(int(one["objectId"]), str(one["label"]), one["segments"]) for one in json_of(files, name)["segGroups"]]
        if of_vertex.shape != (len(points),):
            raise ValueError(f"{len(of_vertex):,} segments for {len(points):,} vertices")
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(f"it, its segments or its mesh are not as ScanNet writes them ({error})") from None
    names, own_segment = np.unique(of_vertex, return_inverse=True)
    owners = np.full(len(names), -1)
    for place, (_, _, segments) in enumerate(groups):
        owners[np.isin(names, segments)] = place  # a segment of two objects is the later one's, as in ScanRefer's script
    owner = owners[own_segment]
    for place, (number, label, _) in enumerate(groups):
        own = points[owner == place].astype(np.float64)
        if len(own):
            low, high = own.min(axis=0), own.max(axis=0)
            box = [*((low + high) / 2).tolist(), *(high - low).tolist()]
            yield {"scene_id": room, "object_id": number, "label": label, "values": box}


def json_of(files: Files, name: str) -> Any:
    return parse_json(decode(files.read(name), name), name)


# ------------------------------------------------------------------------------------------------ forms of clouds

TYPES = {
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
    "uchar": "u1",
    "uint8": "u1",
    "char": "i1",
    "int8": "i1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
}
CONVERTED = (".ply", ".txt")


def ply(data: bytes, name: str) -> np.ndarray:
    """The vertices of a mesh in binary PLY: float32 [N, 6] with colours 0-255, [N, 3] without. Raises `Unusable`."""
    head, mark, body = data[:65536].partition(b"end_header\n")
    lines = head.decode("ascii", "replace").split("\n")
    if not mark or lines[0].strip() != "ply" or "format binary_little_endian 1.0" not in (line.strip() for line in lines):
        raise Unusable(f"{name} is no mesh in binary PLY (little endian), as ScanNet's are")
    elements = [n for n, line in enumerate(lines) if line.startswith("element ")]
    words = lines[elements[0]].split() if elements else []
    if len(words) != 3 or words[1] != "vertex" or not words[2].isdecimal():
        raise Unusable(f"{name} does not begin with its vertices")
    end = elements[1] if len(elements) > 1 else len(lines)
    columns = [line.split() for line in lines[elements[0] + 1 : end] if line.startswith("property ")]
    if any(len(column) != 3 or column[1] not in TYPES for column in columns):
        raise Unusable(f"{name} has vertices of a kind that is not known")
    kind = np.dtype([(column[2], "<" + TYPES[column[1]]) for column in columns])
    count, first = int(words[2]), len(head) + len(mark)
    names = [own for own in ("x", "y", "z", "red", "green", "blue") if own in (kind.names or ())]
    if names[:3] != ["x", "y", "z"] or not count or len(data) < first + count * kind.itemsize:
        raise Unusable(f"{name} holds no vertices with x, y and z, or is cut off")
    table = np.frombuffer(data, kind, count, first)
    wanted = names if len(names) == 6 else names[:3]
    return np.stack([table[own].astype(np.float32) for own in wanted], axis=1)


def rows_of_numbers(data: bytes, name: str) -> np.ndarray:
    """A cloud as a text, a point a line: x, y and z. What follows (normals, in ModelNet40) is not looked at."""
    try:
        text = data.decode("ascii").replace(",", " ")
        table = np.loadtxt(io.StringIO(text), dtype=np.float64, ndmin=2)
        if table.shape[1] < 3 or not np.isfinite(table).all():
            raise ValueError("fewer than three finite numbers a line")
    except ValueError as error:
        raise Unusable(f"{name} is no table of points ({str(error)[:80]})") from None
    return table[:, :3].astype(np.float32)


def converted(data: bytes, name: str) -> bytes:
    """The bytes of an array for those of a mesh or a text."""
    return as_npy(ply(data, name) if name.endswith(".ply") else rows_of_numbers(data, name))


def as_npy(points: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(points, np.float32))
    return out.getvalue()
