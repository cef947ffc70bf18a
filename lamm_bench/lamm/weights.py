"""Where the tensors of a frozen encoder are: a file, a folder, or a hub id; read without running anything they hold."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lamm_bench.errors import BenchError
from lamm_bench.remote.hub import silence

NAMES = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
    "pytorch_model.bin.index.json",
)  # the first that is there is taken
SETTINGS = ("config.json", "preprocessor_config.json", "open_clip_config.json")
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def locate(weights: str, revision: str = "") -> Path:
    """The file or folder on this machine; a hub id is looked for in the cache, then downloaded."""
    path = Path(weights).expanduser()
    if path.exists():
        return path
    if HUB_ID.fullmatch(weights) and not weights.startswith((".", "~")):
        return from_hub(weights, revision)
    raise BenchError(f"the encoder weights {weights} are missing: no such file or folder, and not a hub id (owner/name)")


def from_hub(repo: str, revision: str) -> Path:
    """The folder of a hub repository's settings and first known weight file."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    def fetch(name: str, local: bool) -> Path | None:
        try:
            return Path(hf_hub_download(repo, name, revision=revision or None, local_files_only=local))
        except LocalEntryNotFoundError as error:
            if local:
                return None
            raise BenchError(
                f"the encoder weights {repo} are not in the cache, and the hub cannot be reached: {short(error)}"
            ) from None
        except EntryNotFoundError:
            return None
        except (HfHubHTTPError, ValueError, OSError) as error:
            raise BenchError(f"the encoder weights {repo} cannot be had from the hub: {short(error)}") from None

    for local in (True, False):
        if not local and (why := silence(repo, revision)):
            raise BenchError(f"the encoder weights {repo} are not in the cache, and the hub cannot be reached: {why}")
        for name in NAMES:
            found = fetch(name, local)
            if found is None:
                continue
            others = sorted(set(json.loads(found.read_text())["weight_map"].values())) if name.endswith(".json") else []
            if all(fetch(other, local) for other in others):
                for setting in SETTINGS:
                    fetch(setting, local)
                return found.parent
    raise BenchError(f"the hub repository {repo} holds none of {', '.join(NAMES)}")


def short(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def weight_files(path: Path) -> list[Path]:
    """The files that hold the tensors of a file or folder."""
    if path.is_file():
        return [path]
    for name in NAMES:
        file = path / name
        if file.is_file() and name.endswith(".index.json"):
            try:
                shards = sorted(set(json.loads(file.read_text(encoding="utf-8"))["weight_map"].values()))
            except (ValueError, KeyError, AttributeError) as error:
                raise BenchError(f"{file} is not an index of weight files: {error}") from None
            for shard in shards:
                if not (path / shard).is_file():
                    raise BenchError(f"{file} names {shard}, which is missing")
            return [path / shard for shard in shards]
        if file.is_file():
            return [file]
    alone = [file for pattern in ("*.safetensors", "*.pt", "*.pth", "*.bin") for file in sorted(path.glob(pattern))]
    if len(alone) != 1:
        held = ", ".join(file.name for file in alone) or "none"
        raise BenchError(f"{path} must hold one weight file of a known name ({', '.join(NAMES)}) or one alone; it holds: {held}")
    return alone


def tensors(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, Tensor]:
    """Those of a file or folder whose name is wanted. Nothing is ever unpickled but tensors and plain values."""
    out: dict[str, Tensor] = {}
    for file in weight_files(path):
        if file.suffix == ".safetensors":
            out.update(from_safetensors(file, wanted))
        else:
            held = state_of(from_torch(file), file)
            out.update({name: tensor for name, tensor in held.items() if wanted(name)})
    return out


def save_tensors(tensors: dict[str, Tensor], file: Path) -> None:
    """Writes a file that whoever may read its neighbours may read; the library's own are for their owner alone."""
    from safetensors.torch import save_file

    save_file(tensors, file, metadata={"format": "pt"})
    mask = os.umask(0)
    os.umask(mask)
    file.chmod(0o666 & ~mask)


def from_safetensors(file: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """The wanted tensors of a safetensors file; the others are not read from the disk."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as held:
            return {name: held.get_tensor(name) for name in held.keys() if wanted(name)}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BenchError(f"{file} cannot be read as safetensors (truncated or foreign): {error}") from None


def from_torch(file: Path) -> Any:
    """What `torch.save` wrote, as far as it is tensors, plain values and argparse's Namespace."""
    import torch

    if is_torchscript(file):
        raise BenchError(
            f"{file} is a TorchScript archive, which holds code; name the same weights as safetensors or as a hub id instead "
            "(openai/clip-vit-large-patch14 for OpenAI's ViT-L-14.pt)"
        )
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except Exception as error:  # a damaged archive fails in many ways inside of torch.load
        foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = (
            f"it holds a Python object, {foreign[1]}, which is never unpickled"
            if foreign
            else f"truncated or foreign ({short(error)})"
        )
        raise BenchError(f"{file} cannot be read as PyTorch weights: {reason}") from None


def is_torchscript(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def state_of(held: Any, file: Path) -> Mapping[str, Tensor]:
    """The tensors by name, wherever the usual containers put them; `module.` of data parallel training is dropped."""
    import torch

    for name in ("state_dict", "model"):
        if isinstance(held, Mapping) and isinstance(held.get(name), Mapping):
            held = held[name]
    if not isinstance(held, Mapping) or not any(isinstance(value, torch.Tensor) for value in held.values()):
        raise BenchError(f"{file} holds no tensors by name")
    return {str(name).removeprefix("module."): value for name, value in held.items() if isinstance(value, torch.Tensor)}


def settings(path: Path, name: str) -> dict[str, Any] | None:
    """One of the JSON files beside the weights, None if it is not there."""
    file = (path if path.is_dir() else path.parent) / name
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BenchError(f"{file} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise BenchError(f"{file} holds {type(found).__name__}, expected keys and values")
    return found


def sha256(path: Path) -> str:
    """Of the weight files, and of the settings beside them in a folder, by name and content."""
    files = weight_files(path)
    if path.is_dir():
        files = files + [file for name in SETTINGS if (file := path / name).is_file()]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        with file.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def fill(where: str, own: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Copies `found` into the tensors of the same names; one that is missing, unused or misshaped is an error naming it."""
    import torch

    for name, tensor in own.items():
        if name not in found:
            raise BenchError(f"{where} lacks the tensor '{name}'")
        if found[name].shape != tensor.shape:
            raise BenchError(
                f"{where}: the tensor '{name}' has shape {list(found[name].shape)}, the config asks for {list(tensor.shape)}"
            )
    left = sorted(set(found) - set(own))
    if left:
        raise BenchError(f"{where} holds the tensor '{left[0]}' that the encoder has no use for ({len(left)} such tensors)")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(found[name])
