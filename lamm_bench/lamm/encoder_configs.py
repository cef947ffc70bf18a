"""What config.json says about frozen encoders that come from elsewhere: CLIP, other vision towers, EPCL.

`weights` names where an encoder's tensors are: a file, a folder, or a hub id such as `openai/clip-vit-large-patch14`. They
are then not stored in the checkpoint, and their sha256 is part of its fingerprint. Empty: `encoders.safetensors` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.errors import BenchError, unknown

from .images import CLIP_MEAN, CLIP_STD

LIBRARIES = ("transformers", "open_clip")
FEATURES = ("local", "global")
ACTIVATIONS = ("quick_gelu", "gelu")


def one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise unknown(what, value, known)


def divides(what: str, part: int, whole: int) -> None:
    if part < 1 or whole % part:
        raise BenchError(f"{what}: {whole} cannot be divided by {part}")


@dataclass(frozen=True)
class ClipTower:
    """CLIP's image tower (Radford et al. 2021). The sizes are those of ViT-L/14, LAMM's (reference 3.1)."""

    kind: str = "clip"
    weights: str = ""
    revision: str = ""  # of a hub id: branch, tag or commit
    library: str = "transformers"  # whose code runs it; both give the same tokens
    feature: str = "local"  # patch tokens of the last block before ln_post, class token left out; "global": one embedding
    size: int = 224  # pixels of the square input
    patch: int = 14
    hidden: int = 1024
    layers: int = 24
    heads: int = 16
    mlp: int = 4096
    embedding: int = 768  # width of the global embedding
    activation: str = "quick_gelu"  # OpenAI's; models trained by others use "gelu"
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD

    def __post_init__(self) -> None:
        one_of("library of a clip encoder", self.library, LIBRARIES)
        one_of("feature of a clip encoder", self.feature, FEATURES)
        one_of("activation of a clip encoder", self.activation, ACTIVATIONS)
        divides("patch and size of a clip encoder", self.patch, self.size)
        divides("heads and hidden of a clip encoder", self.heads, self.hidden)

    @property
    def tokens(self) -> int:
        return (self.size // self.patch) ** 2 if self.feature == "local" else 1

    @property
    def width(self) -> int:
        return self.hidden if self.feature == "local" else self.embedding


@dataclass(frozen=True)
class VisionTower:
    """Any other image tower of transformers (by its config) or open_clip (by its name there): SigLIP, DINOv2 ..."""

    size: int  # pixels of the square input; this and the next two are checked against the tower
    patch: int
    width: int
    kind: str = "tower"
    weights: str = ""
    revision: str = ""
    library: str = "transformers"
    architecture: Mapping[str, Any] = field(default_factory=dict)  # transformers' config.json, needed without `weights`
    name: str = ""  # of the architecture in open_clip: "ViT-B-16-SigLIP"
    feature: str = "local"  # patch tokens; "global": the tower's own pooled vector
    layer: int = 0  # 0: the tower's last hidden state, normalised; -1: what the last block gave, -2: the one before ...
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD

    def __post_init__(self) -> None:
        one_of("library of a tower encoder", self.library, LIBRARIES)
        one_of("feature of a tower encoder", self.feature, FEATURES)
        if self.patch < 1 or self.size < self.patch:
            raise BenchError(f"a tower encoder has patches of {self.patch} pixels in a picture of {self.size}")
        if self.layer > 0 or (self.layer and self.feature == "global"):
            raise BenchError("layer of a tower encoder counts from the end (-1 is the last block), and is for local features")
        if self.library == "open_clip" and not self.name:
            raise BenchError("a tower encoder of open_clip needs the name of its architecture: name: ViT-B-16-SigLIP")
        if self.library == "transformers" and not self.weights and "model_type" not in self.architecture:
            raise BenchError("a tower encoder of transformers needs `weights`, or its config with a model_type as `architecture`")

    @property
    def tokens(self) -> int:
        return (self.size // self.patch) ** 2 if self.feature == "local" else 1


@dataclass(frozen=True)
class Epcl:
    """EPCL: set abstraction, CLIP's frozen transformer, task tokens (Huang et al. 2022; sizes of reference 3.4).

    The lists have one entry for each level of set abstraction."""

    kind: str = "epcl"
    weights: str = ""  # upstream's .pth, or a file of safetensors with our names
    clip: str = ""  # where CLIP's blocks are when `weights` has none: as `ClipTower.weights`
    revision: str = ""
    points: int = 40_000  # at most; more are thinned with a stream of the cloud's own
    color: bool = False
    height: bool = False  # above the floor
    centres: tuple[int, ...] = (256,)
    radii: tuple[float, ...] = (0.2,)  # metres
    neighbours: tuple[int, ...] = (64,)
    widths: tuple[tuple[int, ...], ...] = ((64, 128, 1024),)  # of the shared layers
    place: int = 128  # hidden width of the position network
    task_tokens: int = 19  # ScanNet's
    task_network: str = ""  # what lies between two linear layers over the task tokens; empty: there are none
    layers: int = 24
    heads: int = 16
    mlp: int = 4096
    activation: str = "quick_gelu"
    rename: Mapping[str, str] = field(default_factory=dict)  # beginnings of names in `weights` -> what we should read instead

    def __post_init__(self) -> None:
        one_of("activation of an epcl encoder", self.activation, ACTIVATIONS)
        one_of("task_network of an epcl encoder", self.task_network, ("", "tanh", "relu", "gelu"))
        levels = {len(self.centres), len(self.radii), len(self.neighbours), len(self.widths)}
        if levels == {0} or len(levels) > 1 or not all(self.widths):
            raise BenchError("centres, radii, neighbours and widths of an epcl encoder must have one entry for each level")
        if min(*self.centres, *self.neighbours, self.points) < 1 or min(self.radii) <= 0:
            raise BenchError("centres, radii, neighbours and points of an epcl encoder must be above 0")
        if self.clip and not self.weights:
            raise BenchError("clip of an epcl encoder says what `weights` lacks, and `weights` is empty")
        divides("heads and width of an epcl encoder", self.heads, self.width)

    @property
    def tokens(self) -> int:
        return self.centres[-1]

    @property
    def width(self) -> int:
        return self.widths[-1][-1]

    @property
    def channels(self) -> int:
        """Of each point beside x, y and z."""
        return 3 * self.color + self.height
