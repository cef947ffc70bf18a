"""What a model is shown: one file per modality (`image.py`, `point_cloud.py`, `scene.py`), and what they share.

Whatever cannot be used is a `MediaError`: one sentence that names the file. `modality.py` says how to add a modality."""

from .cache import Cache, cache
from .descriptor import DESCRIPTOR_VERSION, descriptor
from .files import BLANK, SHUFFLED, blank, content, hash_ahead, is_blank, is_shuffled, seal, sha256, shuffle
from .image import GRAY, MAX_PIXELS, image_size, open_image, original
from .modality import (
    EncoderKind,
    Modality,
    Probe,
    by_key,
    flats,
    forget,
    learns,
    many,
    modalities,
    modality,
    ours,
    register,
    renderable,
    resolve,
)
from .opening import able, check, decoder_versions, instead, open_media, rendered
from .point_cloud import MAX_POINTS, open_cloud
from .scene import Frame, Scene, SceneObject, open_scene, save_scene

__all__ = [
    "BLANK",
    "DESCRIPTOR_VERSION",
    "GRAY",
    "MAX_PIXELS",
    "MAX_POINTS",
    "SHUFFLED",
    "Cache",
    "EncoderKind",
    "Frame",
    "Modality",
    "Probe",
    "Scene",
    "SceneObject",
    "able",
    "blank",
    "by_key",
    "cache",
    "check",
    "content",
    "decoder_versions",
    "descriptor",
    "flats",
    "forget",
    "hash_ahead",
    "image_size",
    "instead",
    "is_blank",
    "is_shuffled",
    "learns",
    "many",
    "modalities",
    "modality",
    "open_cloud",
    "open_image",
    "open_media",
    "open_scene",
    "original",
    "ours",
    "register",
    "renderable",
    "rendered",
    "resolve",
    "save_scene",
    "seal",
    "sha256",
    "shuffle",
]
