"""Scenes: a room as today's 3D models see it, in up to three parts, each with its provenance.

Most 3D language models are shown posed frames (3D-LLM, LLaVA-3D, Video-3D LLM, GPT4Scene) or segmented objects (LEO, Chat-Scene,
Grounded 3D-LLM), few the cloud alone; a task that has them says so, and a model that needs them is not asked without.

A scene is a JSON file beside its media, all paths relative to it:

    {"cloud": "scene0011.npy",
     "frames": [{"image": "0.jpg", "pose": [[...4x4...]], "intrinsics": [[...3x3...]], "depth": "0.png"}],
     "objects": [{"id": "3", "label": "chair", "box": [x, y, z, l, w, h], "points": "3.npy"}],
     "provenance": {"cloud": "ScanNet v2", "frames": "ScanNet v2, every 50th", "objects": "ground-truth masks"}}

`pose` leads from the camera (x right, y down, z forward) to the room, in metres; `box` is centre and extent along the room's axes.
`provenance` says where each part comes from (`objects`: "ground-truth masks" or "predicted by Mask3D"), because figures that
differ in it cannot be compared."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lamm_bench.errors import MediaError
from lamm_bench.types import Media

from . import plans
from .files import blank, content, open_file, sha256, shuffle
from .image import IMAGE, open_image
from .modality import Modality
from .opening import expect, open_media
from .point_cloud import POINT_CLOUD, from_sides, open_cloud

SCENE = "scene"
PARTS = ("cloud", "frames", "objects")
KEYS = frozenset({*PARTS, "provenance"})
MOST_BYTES = 64 * 2**20  # of the JSON


@dataclass(frozen=True)
class Frame:
    """A picture with where it was taken."""

    image: Media
    pose: tuple[tuple[float, ...], ...]  # [4][4]: camera to room, metres
    intrinsics: tuple[tuple[float, ...], ...]  # [3][3], pixels
    depth: Media | None = None  # 16-bit millimetres


@dataclass(frozen=True)
class SceneObject:
    """A segmented object."""

    id: str
    label: str = ""  # empty where nobody has said what it is
    box: tuple[float, ...] = ()  # x, y, z, l, w, h in metres; empty where only its points are known
    points: Media | None = None


@dataclass(frozen=True)
class Scene:
    """A room in the parts that it has."""

    cloud: Media | None = None
    frames: tuple[Frame, ...] = ()
    objects: tuple[SceneObject, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)  # part -> where it comes from

    @property
    def parts(self) -> frozenset[str]:
        """Those that it has."""
        return frozenset(part for part in PARTS if getattr(self, part))


def open_scene(media: Media) -> Scene:
    """The scene; a blank one has the same parts, all of them blank. Raises `MediaError`."""
    expect(media, SCENE)
    found = open_media(media)
    assert isinstance(found, Scene)
    return found


def decode(path: str) -> Scene:
    """The JSON, checked; its media are opened when somebody looks at them."""
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise MediaError(f"{path} is larger than {MOST_BYTES:,} bytes, which no scene needs")
        try:
            data = json.load(file)
        except (ValueError, RecursionError) as error:
            raise MediaError(f"{path} is not JSON ({str(error)[:100]})") from None
    if not isinstance(data, dict) or not data.keys() <= KEYS or not any(data.get(part) for part in PARTS):
        raise MediaError(f"{path} holds no scene; expected an object with some of the keys {', '.join(sorted(KEYS))}")
    base, provenance = Path(path).parent, data.get("provenance", {})
    texts = isinstance(provenance, dict) and all(isinstance(value, str) for value in provenance.values())
    if not texts or not set(PARTS) >= provenance.keys():
        raise MediaError(f"{path}: `provenance` is {str(provenance)[:60]}, expected a text for some of {', '.join(PARTS)}")
    for part in PARTS:
        if data.get(part) and not provenance.get(part):
            raise MediaError(f'{path}: `provenance` does not say where its {part} come from, such as "ground-truth masks"')
    frames = [frame_of(one, base, f"{path}: frame {number}") for number, one in enumerate(listed(data, "frames", path))]
    objects = [object_of(one, base, f"{path}: object {number}") for number, one in enumerate(listed(data, "objects", path))]
    cloud = inner(base, data["cloud"], POINT_CLOUD, path) if data.get("cloud") else None
    return Scene(cloud, tuple(frames), tuple(objects), dict(provenance))


def listed(data: Mapping[str, Any], key: str, path: str) -> list[Any]:
    found = data.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise MediaError(f"{path}: `{key}` is {str(found)[:60]}, expected a list of objects")
    return found


def inner(base: Path, relative: Any, kind: str, where: str) -> Media:
    """A media of the scene; its path must not leave the scene's folder."""
    if not isinstance(relative, str) or not relative or Path(relative).is_absolute() or ".." in Path(relative).parts:
        raise MediaError(f"{where}: {str(relative)[:60]!r} is no path within {base}")
    return Media(kind, str(base / relative))


def numbers(value: Any, shape: Sequence[int], where: str) -> Any:
    """Finite numbers of a shape, as nested tuples."""
    try:
        found = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.shape != tuple(shape) or not np.isfinite(found).all():
        raise MediaError(f"{where} is {str(value)[:60]}, expected finite numbers of shape {list(shape)}")
    return tuple(map(tuple, found.tolist())) if found.ndim == 2 else tuple(found.tolist())


def frame_of(one: Mapping[str, Any], base: Path, where: str) -> Frame:
    depth = inner(base, one["depth"], IMAGE, where) if one.get("depth") else None
    pose, intrinsics = (
        numbers(one.get(key), (side, side), f"{where}: `{key}`") for key, side in (("pose", 4), ("intrinsics", 3))
    )
    return Frame(inner(base, one.get("image"), IMAGE, where), pose, intrinsics, depth)


def object_of(one: Mapping[str, Any], base: Path, where: str) -> SceneObject:
    box = numbers(one["box"], (6,), f"{where}: `box`") if one.get("box") is not None else ()
    points = inner(base, one["points"], POINT_CLOUD, where) if one.get("points") else None
    if not box and points is None:
        raise MediaError(f"{where} has neither a box nor points")
    return SceneObject(str(one.get("id", "")), str(one.get("label", "")), box, points)


def save_scene(scene: Scene, path: Path) -> Media:
    """Writes the JSON beside its media, which must lie in or below the folder of `path`."""

    def name(media: Media | None) -> str | None:
        return str(Path(media.path).relative_to(path.parent)) if media is not None else None

    frames = [
        {"image": name(one.image), "pose": one.pose, "intrinsics": one.intrinsics, "depth": name(one.depth)}
        for one in scene.frames
    ]
    objects = [{"id": o.id, "label": o.label, "box": list(o.box) or None, "points": name(o.points)} for o in scene.objects]
    data = {"cloud": name(scene.cloud), "frames": frames, "objects": objects, "provenance": dict(scene.provenance)}
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return Media(SCENE, str(path))


def everything(scene: Scene) -> list[Media]:
    """All media of a scene."""
    found = [scene.cloud, *(one.image for one in scene.frames), *(one.depth for one in scene.frames)]
    return [one for one in (*found, *(one.points for one in scene.objects)) if one is not None]


def digest(path: str) -> str:
    """Of the JSON and of all that it leads to: a picture that changes makes another scene."""
    whole = hashlib.sha256(sha256(path).encode())
    for one in everything(decode(path)):
        whole.update(content(one).encode())
    return whole.hexdigest()


def hidden(path: str) -> Scene:
    """The same parts with nothing to see: blank pictures and clouds, boxes at the origin without labels."""
    scene = decode(path)
    frames = tuple(replace(one, image=blank(one.image), depth=one.depth and blank(one.depth)) for one in scene.frames)
    objects = tuple(SceneObject(one.id, "", (0.0,) * len(one.box), one.points and blank(one.points)) for one in scene.objects)
    return Scene(scene.cloud and blank(scene.cloud), frames, objects, scene.provenance)


def shuffled(scene: Scene, stream: np.random.Generator) -> Scene:
    """Frames in another order and each out of order itself, the cloud too, and each object's box another's."""
    frames = tuple(
        replace(scene.frames[at], image=shuffle(scene.frames[at].image)) for at in stream.permutation(len(scene.frames))
    )
    boxes = [scene.objects[at].box for at in stream.permutation(len(scene.objects))]
    objects = tuple(replace(one, box=box, points=one.points and shuffle(one.points)) for one, box in zip(scene.objects, boxes))
    return Scene(scene.cloud and shuffle(scene.cloud), frames, objects, scene.provenance)


def parted(scene: Scene, change: Callable[[Media], Media]) -> Scene:
    """Its cloud, its frames' pictures and its objects' points changed; depth, poses, boxes and labels stay."""
    frames = tuple(replace(one, image=change(one.image)) for one in scene.frames)
    objects = tuple(replace(one, points=one.points and change(one.points)) for one in scene.objects)
    return Scene(scene.cloud and change(scene.cloud), frames, objects, scene.provenance)


def describe(media: Media) -> str:
    """`cloud (ScanNet v2), 40 frames (every 50th), 23 objects (ground-truth masks)`."""
    scene = open_scene(media)
    counts = {"cloud": "cloud", "frames": f"{len(scene.frames)} frames", "objects": f"{len(scene.objects)} objects"}
    return ", ".join(f"{counts[part]} ({scene.provenance[part]})" for part in PARTS if part in scene.parts)


def pictures(media: Media, count: int) -> list[Any]:
    """`count` of the frames, evenly from first to last; of a scene without frames, views of its cloud."""
    scene = open_scene(media)
    if scene.frames:
        chosen = np.linspace(0, len(scene.frames) - 1, min(count, len(scene.frames))).round().astype(int)
        return [open_image(scene.frames[index].image) for index in dict.fromkeys(chosen.tolist())]
    if scene.cloud is None:
        raise MediaError(f"{media.path} has neither frames nor a cloud that could be shown as pictures")
    return from_sides(scene.cloud, count)


def points(media: Media) -> np.ndarray | None:
    """The points of its cloud, if it has one."""
    cloud = open_scene(media).cloud
    return open_cloud(cloud) if cloud is not None else None


def drawn_plans(media: Media) -> list[Any]:
    """Plans of its cloud. Raises `MediaError` without one."""
    found = points(media)
    if found is None:
        raise MediaError(f"{media.path} has no cloud that plans could be drawn of")
    return plans.plans(found)


def only_cloud(media: Media) -> tuple[Media, ...]:
    """The scene for models that take clouds alone."""
    cloud = open_scene(media).cloud
    if cloud is None:
        raise MediaError(f"{media.path} has no cloud, and the model takes nothing else of it")
    return (cloud,)


def only_frames(media: Media) -> tuple[Media, ...]:
    """The scene for models that take pictures alone."""
    scene = open_scene(media)
    if not scene.frames:
        raise MediaError(f"{media.path} has no frames, and the model takes nothing else of it")
    return tuple(one.image for one in scene.frames)


MODALITIES = (
    Modality(
        name=SCENE,
        many="scenes",
        key="scene",
        decode=decode,
        hidden=hidden,
        weigh=lambda scene: 1000 * (1 + len(scene.frames) + len(scene.objects)),
        one="a room scanned in 3D",
        digest=digest,
        shuffled=shuffled,
        parted=parted,
        describe=describe,
        picture=lambda media: pictures(media, 1)[0],
        points=points,
        views=pictures,
        most_views=64,
        plans=drawn_plans,
        plans_version=plans.VERSION,
        becomes={POINT_CLOUD: only_cloud, IMAGE: only_frames},
        parts=frozenset(PARTS),
        described=True,
    ),
)
