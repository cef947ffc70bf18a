"""Upstream's `pytorch_model.pt` (reference 3.8) to a checkpoint folder of ours, and back.

The file holds what LAMM trains and nothing else: LoRA and one projection, 322 tensors for Vicuna 13B and 258 for 7B.
Upstream loads it with `strict=False`, so that a wrong prefix loads nothing in silence; here every key is accounted for."""

from __future__ import annotations

import re
import shutil
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from lamm_bench.errors import BenchError, unknown
from lamm_bench.media import modality

from .checkpoint import ENCODERS, PEFT, TRAINED, read_tensors
from .config import FORMAT, HubLlm, LammConfig, Lora, dump, encoder_config, load
from .digests import file_digest
from .layouts import LAYOUTS
from .llm import lora_shapes, measured, place_of, read_config
from .outside import NAMED, beside
from .weights import save_tensors

LORA_KEY = re.compile(rf"{re.escape(PEFT)}(.+)\.lora_[AB]\.default\.weight")
PROJECTION = "llama_proj"
DROPOUT = 0.1
"""Of upstream's LoRA in training (reference 3.1); of no consequence here, but part of what the checkpoint is."""
LICENCE = "CC BY-NC 4.0 (trained on LAMM's instruction data)"


@dataclass(frozen=True)
class Wish:
    """What a `pytorch_model.pt` does not say about itself."""

    llm: HubLlm
    media: str  # the name of a modality
    encoder: Any  # its config
    weights: Path | None = None  # a checkpoint folder whose encoder is taken over; None: the config says where they are
    alpha: int = 32  # of LoRA; upstream's (reference 3.1)
    layout: str = "training"
    name: str = ""


def read_pt(file: Path) -> dict[str, Tensor]:
    """The tensors of a `pytorch_model.pt`. Nothing but tensors and plain containers is ever unpickled."""
    if not file.is_file():
        raise BenchError(f"{file} is missing; expected upstream's pytorch_model.pt")
    try:
        held = torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a damaged archive fails in many ways inside of torch.load
        foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = f"it holds a Python object, {foreign[1]}, which is never unpickled" if foreign else "truncated or foreign"
        raise BenchError(f"{file} cannot be read as PyTorch weights ({reason})") from None
    if not isinstance(held, Mapping) or not held or not all(isinstance(value, Tensor) for value in held.values()):
        raise BenchError(f"{file} is not upstream's checkpoint: it holds {type(held).__name__}, expected tensors by name")
    return {str(name): tensor for name, tensor in held.items()}


def lora_of(tensors: Mapping[str, Tensor], file: Path) -> tuple[int, tuple[str, ...]]:
    """Rank and layer names of the LoRA tensors."""
    found = [(name, match[1].rsplit(".", 1)[-1]) for name in tensors if (match := LORA_KEY.fullmatch(name))]
    ranks = {int(tensors[name].shape[0]) for name, _ in found if ".lora_A." in name}
    if not found:
        keys = ", ".join(sorted(tensors)[:2])
        raise BenchError(f"{file} holds no LoRA tensors ({PEFT}...lora_A.default.weight); its keys are like {keys}")
    if len(ranks) != 1:
        raise BenchError(f"{file} holds LoRA tensors of ranks {sorted(ranks)}, expected one rank")
    return ranks.pop(), tuple(sorted({target for _, target in found}))


def account(tensors: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]], file: Path, llm: str) -> None:
    """Every tensor of the file is expected in its shape, and every expected one is there; else an error names the first."""
    for name, shape in expected.items():
        if name not in tensors:
            lacking = [key for key in expected if key not in tensors]
            raise BenchError(f"{file} lacks the tensor '{name}' that {llm} asks for ({len(lacking)} such tensors)")
        if tuple(tensors[name].shape) != shape:
            raise BenchError(
                f"{file}: the tensor '{name}' has shape {list(tensors[name].shape)}, {llm} asks for {list(shape)}; "
                "is it a language model of another size?"
            )
    left = sorted(set(tensors) - set(expected))
    if left:
        raise BenchError(f"{file} holds the tensor '{left[0]}' that {llm} has no place for ({len(left)} such tensors)")


def convert(file: Path, wish: Wish, output: Path) -> LammConfig:
    """Writes a checkpoint folder that the adapter `lamm` reads; a folder that is not empty is left alone."""
    if wish.layout not in LAYOUTS:
        raise unknown("layout", wish.layout, LAYOUTS)
    tensors = read_pt(file)
    rank, targets = lora_of(tensors, file)
    llm = measured(wish.llm)
    place = place_of(llm)
    expected: dict[str, tuple[int, ...]] = dict(lora_shapes(read_config(place), rank, targets, PEFT))
    expected[f"{PROJECTION}.weight"] = (llm.width, wish.encoder.width)
    expected[f"{PROJECTION}.bias"] = (llm.width,)
    account(tensors, expected, file, f"the language model {place} with the encoder {wish.encoder.kind}")
    path = str(Path(place.name).resolve() / place.gguf) if place.local else llm.path
    config = LammConfig(
        name=wish.name or file.resolve().parent.name,
        llm=replace(llm, path=path),
        lora=Lora(rank, wish.alpha, DROPOUT, targets),
        layout=wish.layout,
        licence=LICENCE,
        format=FORMAT,
        notes={"made by": "checkpoint convert", "upstream": {"file": file.name, "sha256": file_digest(file)}},
        encoders={wish.media: wish.encoder},
    )
    encoder = encoder_weights(wish)
    ours = {name.replace(f"{PROJECTION}.", f"{PROJECTION}.{wish.media}."): t.contiguous() for name, t in tensors.items()}
    with whole_folder(output) as folder:
        save_tensors(encoder, folder / ENCODERS)
        save_tensors(ours, folder / TRAINED)
        (folder / "config.json").write_text(dump(config), encoding="utf-8")
    return config


def encoder_called(media: str, name: str, settings: Mapping[str, str]) -> tuple[Any, Path | None]:
    """An encoder's config by its kind and settings, or that of a checkpoint folder, which then also has its weights.

    A kind goes before a folder of the same name."""
    kinds = modality(media).encoders
    if name not in kinds and (Path(name) / "config.json").is_file():
        if settings:
            raise BenchError(f"the encoder of {name} is what its config.json says; leave --encoder-set out")
        there = beside(load(Path(name)), Path(name).resolve()).encoders
        if media not in there:
            raise unknown(f"encoder in {name}", media, there)
        found = there[media]
        return found, None if getattr(found, "weights", "") else Path(name)
    data = {"kind": name, **{key: yaml.safe_load(text) for key, text in settings.items()}}
    for key in NAMED:
        if data.get(key) and Path(data[key]).expanduser().exists():  # the checkpoint may be used from another folder
            data[key] = str(Path(data[key]).expanduser().resolve())
    return encoder_config(media, data, "--encoder"), None


def encoder_weights(wish: Wish) -> dict[str, Tensor]:
    """The frozen encoder's tensors, empty when its config says where they lie."""
    if wish.weights is not None:
        prefix = f"{wish.media}."
        return {k: t for k, t in read_tensors(wish.weights / ENCODERS).items() if k.startswith(prefix)}
    if getattr(wish.encoder, "weights", ""):
        return {}
    raise BenchError(
        f"the weights of the encoder {wish.encoder.kind} are nowhere: upstream's file has none; name them "
        "(--encoder-set weights=PATH), or a checkpoint that holds them (--encoder FOLDER)"
    )


def export_upstream(folder: Path, file: Path, media: str = "") -> int:
    """Writes a checkpoint's LoRA and one projection as upstream's `pytorch_model.pt`; gives the number of tensors.

    Upstream has one projection: of a checkpoint with both kinds of media, `media` says which."""
    config = load(folder)
    kinds = list(config.encoders)
    if media and media not in kinds:
        raise unknown(f"kind of media in {folder}", media, kinds)
    if not media and len(kinds) != 1:
        raise BenchError(f"{folder} has projections for {' and '.join(kinds)}, upstream's file has one; name the media")
    kind = media or kinds[0]
    if config.lora is None:
        raise BenchError(f"{folder} has no LoRA; upstream's pytorch_model.pt is LoRA and a projection")
    out: OrderedDict[str, Tensor] = OrderedDict()
    for name, tensor in sorted(read_tensors(folder / TRAINED).items()):
        if not name.startswith(f"{PROJECTION}."):
            out[name] = tensor
        elif name.startswith(f"{PROJECTION}.{kind}."):
            out[name.replace(f"{PROJECTION}.{kind}.", f"{PROJECTION}.")] = tensor
    temporary = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(out, temporary)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BenchError(f"{file} cannot be written: {error.strerror or error}") from None
    return len(out)


@contextmanager
def whole_folder(output: Path) -> Iterator[Path]:
    """A folder that appears under its name only when it is complete; one that is there must be empty."""
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise BenchError(f"{output} is there already and not an empty folder; choose another --output")
    part = output.with_name(f".{output.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        if output.is_dir():
            output.rmdir()
        part.replace(output)
    except OSError as error:
        raise BenchError(f"{output} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
