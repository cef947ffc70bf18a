"""What a checkpoint's `config.json` says, as frozen dataclasses; unknown and missing keys are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_type_hints

import numpy as np

from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import load_json
from lamm_bench.media import many, modalities, modality, resolve

FORMAT = 1


@dataclass(frozen=True)
class ImageEncoder:
    """The miniature's image encoder: a residual convolutional trunk and transformer blocks (vision.py)."""

    kind: str = "mini"
    size: int = 112  # pixels of the square input
    widths: tuple[int, ...] = (32, 64, 128, 256)  # channels after each halving; the last is the width of the tokens
    blocks: tuple[int, ...] = (0, 1, 2, 2)  # residual blocks at each width
    layers: int = 2  # transformer blocks over the tokens
    heads: int = 4

    @property
    def tokens(self) -> int:
        return (self.size >> len(self.widths)) ** 2

    @property
    def width(self) -> int:
        return self.widths[-1]


@dataclass(frozen=True)
class CloudEncoder:
    """The miniature's cloud encoder: points gathered in a grid seen from above, then as for images (point_cloud.py)."""

    kind: str = "mini"
    low: tuple[float, ...] = (-4.0, -4.0, 0.0)  # metres; the corner of the box that the grid covers
    high: tuple[float, ...] = (4.0, 4.0, 2.8)
    cells: int = 64  # of the grid along x and along y
    levels: int = 6  # of the grid along z
    points: int = 40_000  # at most; more are thinned (reference 3.4)
    widths: tuple[int, ...] = (48, 96, 192)
    blocks: tuple[int, ...] = (1, 1, 1)
    layers: int = 2
    heads: int = 4

    @property
    def tokens(self) -> int:
        return (self.cells >> len(self.widths)) ** 2

    @property
    def width(self) -> int:
        return self.widths[-1]

    @property
    def channels(self) -> int:
        """Of each cell: count and mean colour at every level, and the highest and the mean point of the column."""
        return 4 * self.levels + 2

    def unit(self, middle: np.ndarray) -> np.ndarray:
        """Points [points, 2] in metres as shares of the grid, seen from above."""
        low, high = np.array(self.low[:2], np.float32), np.array(self.high[:2], np.float32)
        return (middle - low) / (high - low)


MOST = {"vocabulary": 10**7, "width": 10**5, "hidden": 10**6, "layers": 1000, "heads": 10**4, "window": 10**8}
"""Sizes that no language model has; a damaged config that asks for more would be built for hours before its weights are found missing."""


@dataclass(frozen=True)
class Llm:
    """A LLaMA-architecture language model (transformers' LlamaForCausalLM), embeddings tied."""

    kind: str = "mini"
    vocabulary: int = 1536
    width: int = 256
    hidden: int = 688  # of the feed-forward blocks
    layers: int = 4
    heads: int = 8
    window: int = 1024  # positions

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise BenchError(f"{name} of the language model is {getattr(self, name)}, expected at most {most:,}")


@dataclass(frozen=True)
class HubLlm:
    """A causal language model of transformers that lies elsewhere; its weights are not copied into the checkpoint."""

    path: str  # a folder (absolute, or relative to the checkpoint), a GGUF file, or a hub id: lmsys/vicuna-7b-v1.5
    kind: str = "transformers"
    gguf: str = ""  # the file of a hub repository of GGUF files
    revision: str = ""  # of a hub id: branch, tag or commit
    width: int = 0  # this and the next two are checked against the model; 0: not yet known (llm.measured)
    vocabulary: int = 0
    window: int = 0  # positions


LlmConfig: TypeAlias = Llm | HubLlm
"""Told apart by their `kind`; `mini` need not be named."""


@dataclass(frozen=True)
class Lora:
    """Low-rank adaptation (Hu et al. 2021); LAMM's are r 32, alpha 32, dropout 0.1 (reference 3.1)."""

    r: int = 16
    alpha: int = 16
    dropout: float = 0.0
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")


def encoder_config(kind: str, value: Any, where: str) -> Any:
    """The config of a modality's encoder, told apart by its `kind`; the modality's first need not be named. None stays None."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise BenchError(f"{where} is {value!r}, expected keys and values")
    encoders = modality(kind).encoders
    if not encoders:
        raise BenchError(
            f"{where}: the LAMM model has no encoder for {many(kind)}; their modality must name one (docs/extending.md)"
        )
    name = str(value.get("kind", next(iter(encoders))))
    if name not in encoders:
        raise unknown(f"kind of {where}", name, encoders)
    return read(resolve(encoders[name].config), value, where)  # type: ignore[arg-type]


BESIDE = {"beside": encoder_config}
"""Metadata of a field whose keys, names of modalities, stand beside the other keys in JSON and YAML; what reads their values."""


@dataclass(frozen=True)
class LammConfig:
    """Everything needed to build the model before its weights are read."""

    name: str
    llm: LlmConfig
    lora: Lora | None  # None: the language model is used as it is
    encoders: Mapping[str, Any] = field(default_factory=dict, metadata=BESIDE)  # modality -> the config of its encoder
    layout: str = "training"  # of LAYOUTS: the one that it was trained with
    licence: str = ""
    format: int = FORMAT
    notes: Mapping[str, Any] = field(default_factory=dict)  # how it was made: preset, data, versions

    @property
    def slots(self) -> dict[str, int]:
        """Tokens of each kind of media."""
        return {kind: encoder.tokens for kind, encoder in self.encoders.items()}


C = TypeVar("C")


def read(kind: type[C], data: Any, where: str) -> C:
    """A config dataclass from JSON or YAML data; an error names the key that is unknown, missing or of the wrong type.

    >>> read(Lora, {"rank": 8}, "lora")
    Traceback (most recent call last):
    lamm_bench.errors.BenchError: no key of lora called 'rank'. There are: alpha, dropout, r, targets
    """
    if not isinstance(data, Mapping):
        raise BenchError(f"{where} is {data!r}, expected keys and values")
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind) if "beside" not in f.metadata}  # type: ignore[arg-type]
    beside = {f.name: f.metadata["beside"] for f in fields(kind) if "beside" in f.metadata}  # type: ignore[arg-type]
    kinds = [name for name in modalities() if name not in known] if beside else []
    for key in data:
        if key not in known and key not in kinds:
            fault = unknown(f"key of {where}", str(key), [*known, *kinds])
            more = (
                " (if it is a modality of a plug-in, name its file with --plugin)"
                if beside and isinstance(data[key], Mapping | list)
                else ""
            )
            raise BenchError(f"{fault}{more}")
    values: dict[str, Any] = {}
    for name, parse in beside.items():
        found = {key: parse(key, data[key], f"{where}.{key}") for key in kinds if key in data}
        values[name] = {key: value for key, value in found.items() if value is not None}
    for name, f in known.items():
        if name in data:
            values[name] = value_of(hints[name], data[name], f"{where}.{name}")
        elif f.default is MISSING and f.default_factory is MISSING:
            raise BenchError(f"{where} lacks the key '{name}'")
    return kind(**values)


def value_of(hint: Any, value: Any, where: str) -> Any:
    """`value` checked against a type hint: scalars, tuples of scalars, mappings, dataclasses and None."""
    text = str(hint)
    options = getattr(hint, "__args__", ()) if "|" in text or "Optional" in text else (hint,)
    if type(None) in options and value is None:
        return None
    kinds = {option.kind: option for option in options if hasattr(option, "__dataclass_fields__") and hasattr(option, "kind")}
    if kinds:
        if not isinstance(value, Mapping):
            raise BenchError(f"{where} is {value!r}, expected keys and values")
        name = str(value.get("kind", next(iter(kinds))))  # the first kind of a union is the one that need not be named
        if name not in kinds:
            raise unknown(f"kind of {where}", name, kinds)
        return read(kinds[name], value, where)
    for option in options:
        if hasattr(option, "__dataclass_fields__"):
            return read(option, value, where)
        origin = getattr(option, "__origin__", None)
        if origin is tuple:
            if not isinstance(value, list | tuple):
                raise BenchError(f"{where} is {value!r}, expected a list")
            return tuple(value_of(option.__args__[0], item, f"{where}[{i}]") for i, item in enumerate(value))
        if origin is not None:  # a mapping
            if not isinstance(value, Mapping):
                raise BenchError(f"{where} is {value!r}, expected keys and values")
            inner = option.__args__[1]
            return {str(k): v if inner is Any else value_of(inner, v, f"{where}.{k}") for k, v in value.items()}
        if option is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if option is int and isinstance(value, float) and value.is_integer():
            return int(value)
        if option in (int, float, str, bool) and type(value) is option:
            return value
    names = " or ".join(getattr(o, "__name__", str(o)) for o in options if o is not type(None))
    raise BenchError(f"{where} is {value!r}, expected {names}")


def load(folder: Path) -> LammConfig:
    """`config.json` of a checkpoint folder."""
    file = folder / "config.json"
    if folder.is_file():
        raise BenchError(
            f"{folder} is a file; a checkpoint is a folder, and upstream's pytorch_model.pt becomes one with `checkpoint convert`"
        )
    if not file.exists():
        raise BenchError(f"{folder} is not a checkpoint: it has no config.json")
    data = load_json(file)
    if isinstance(data, dict) and "model_type" in data:
        raise BenchError(f"{folder} is a model of transformers ({data['model_type']}), not a checkpoint of LAMM")
    config = read(LammConfig, data, str(file))
    if config.format != FORMAT:
        raise BenchError(f"{file} has format {config.format}, expected {FORMAT}")
    return config


def dump(config: LammConfig) -> str:
    """The text of `config.json`: encoders stand beside the other keys, under the names of their modalities."""
    out: dict[str, Any] = {}
    for key, value in asdict(config).items():
        out |= value if key == "encoders" else {key: value}
    return json.dumps(out, indent=2, sort_keys=False) + "\n"
