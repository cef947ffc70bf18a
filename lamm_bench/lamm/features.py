"""What the frozen encoders said about media, kept so that each image or cloud is encoded once.

`FeatureCache` keeps in memory, `FeatureFolder` on disk between runs; both are bounded in bytes and drop the least recently
used first. A file of the folder is named by a hash over content, preprocessing and the encoder's weights, so a folder may
serve many models and many processes at once; a file that is damaged counts as absent."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from lamm_bench.errors import BenchError

FORMAT = "lamm-bench features 1"


class HasBytes(Protocol):
    @property
    def bytes(self) -> int: ...


V = TypeVar("V", bound="Tensor | HasBytes")


class FeatureCache(Generic[V]):
    """Least recently used values are dropped once all together are larger than `limit` bytes; the last one stays.

    A limit of 0 keeps nothing at all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._kept: OrderedDict[Hashable, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable) -> V | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, value: V) -> None:
        if not self.limit:
            return
        if key in self._kept:
            self.bytes -= size(self._kept.pop(key))
        self._kept[key] = value
        self.bytes += size(value)
        while self.bytes > self.limit and len(self._kept) > 1:
            self.bytes -= size(self._kept.popitem(last=False)[1])

    def clear(self) -> None:
        self._kept.clear()
        self.bytes = 0


def size(value: Tensor | HasBytes) -> int:
    return value.element_size() * value.nelement() if isinstance(value, Tensor) else value.bytes


def weights_digest(encoder: nn.Module, settings: str) -> str:
    """sha256 over an encoder's settings and tensors, names and precision included."""
    digest = hashlib.sha256(f"{FORMAT}\n{settings}\n".encode())
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(raw(tensor))
    return digest.hexdigest()


def raw(tensor: Tensor) -> bytes:
    """The bytes of a tensor of any precision."""
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


class FeatureFolder:
    """Encoder tokens as safetensors files `ab/abcdef....safetensors`, each with the hash of its own content."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._full = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise BenchError(f"feature_cache={folder}: the folder cannot be written to: {error.strerror or error}") from None
        self.bytes = sum(entry.st_size for entry, _ in self._files())

    def path(self, key: Iterable[str]) -> Path:
        name = hashlib.sha256("\n".join(key).encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / name[:2] / f"{name}.safetensors"

    def get(self, key: Iterable[str]) -> Tensor | None:
        """The tokens, or None when there are none or they are damaged."""
        from safetensors import SafetensorError, safe_open

        path = self.path(key)
        try:
            with safe_open(path, framework="pt") as file:
                tokens: Tensor = file.get_tensor("tokens")
                told = (file.metadata() or {}).get("sha256")
        except (OSError, SafetensorError):
            return None
        if told != hashlib.sha256(raw(tokens)).hexdigest():
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used just now: the last to be dropped
        return tokens

    def put(self, key: Iterable[str], tokens: Tensor) -> None:
        """Written whole or not at all. A disk that is full costs the file, not the run."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        path = self.path(key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        tokens = tokens.detach().cpu().contiguous()
        try:
            path.parent.mkdir(exist_ok=True)
            old = path.stat().st_size if path.exists() else 0
            save_file({"tokens": tokens}, temporary, metadata={"sha256": hashlib.sha256(raw(tokens)).hexdigest()})
            self.bytes += temporary.stat().st_size - old
            temporary.replace(path)
        except (OSError, SafetensorError) as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            if not self._full:
                warnings.warn(f"feature_cache={self.folder}: nothing more is kept there: {error}", stacklevel=2)
            self._full = True
            return
        if self.bytes > self.limit:
            self._drop()

    def _files(self) -> list[tuple[os.stat_result, Path]]:
        found = []
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*.safetensors"):
            with contextlib.suppress(OSError):  # another process may have dropped it
                found.append((path.stat(), path))
        return found

    def _drop(self) -> None:
        """Removes the least recently used files until a tenth of the room is free."""
        files = sorted(self._files(), key=lambda entry: entry[0].st_mtime_ns)
        self.bytes = sum(entry.st_size for entry, _ in files)
        for entry, path in files[:-1]:  # the newest stays, however large
            if self.bytes <= 0.9 * self.limit:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            self.bytes -= entry.st_size
