"""Frozen encoders' tokens on disk, read through memory maps: each image or cloud is encoded once, whatever trains on it.

Several trainings may share a folder. It holds for each kind of media and each process that wrote a pair of files: `image-0.bin`,
float16 tokens one media after the other, and `image-0.jsonl`, whose first line says which encoder made them and whose others say which file (by path,
size, time and sha256) stands in which row and what the row's bytes hash to. Rows are written before their lines, so a killed
run loses nothing but what it was writing."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import socket
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from lamm_bench.errors import BenchError
from lamm_bench.lamm.model import Lamm
from lamm_bench.media import seal
from lamm_bench.types import Media

BATCH = 64
FORMAT = 1


class FeatureCache(Mapping[Media, Tensor]):
    """Media -> float16 tokens [tokens, width]. `find` says what is there, `fill` computes the rest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[Media, tuple[Path, int, int]] = {}  # file, row, checksum
        self.maps: dict[Path, np.memmap[Any, Any]] = {}
        self.shapes: dict[str, tuple[int, int]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BenchError(f"--feature-cache {folder} cannot be made: {error.strerror or error}") from error

    def find(self, kind: str, encoder: nn.Module, config: Any, wanted: list[Media], half: bool) -> None:
        """Takes in the rows of `wanted` whose files are as they were; a cache of another encoder is an error."""
        self.shapes[kind] = (config.tokens, config.width)
        own = head_of(kind, encoder, config, half)
        asked = {one.path: one for one in wanted}
        for index in sorted(self.folder.glob(f"{kind}-*.jsonl")):
            lines = read_lines(index)
            if not lines:
                continue
            if lines[0] != own:
                differing = ", ".join(key for key in own if lines[0].get(key) != own[key])
                raise BenchError(
                    f"{index} was made by another encoder (its {differing} differs); use another --feature-cache, or delete it"
                )
            data = index.with_suffix(".bin")
            rows = data.stat().st_size // self.bytes(kind) if data.is_file() else 0
            for entry in lines[1:]:
                one = asked.get(entry["path"])
                if one is not None and entry["row"] < rows and unchanged(one, entry):
                    self.rows[one] = (data, entry["row"], entry["crc"])

    def fill(self, model: Lamm, prepared: Mapping[Media, np.ndarray], engine: Any, half: bool, console: Console) -> FeatureCache:
        """Encodes what is missing, each process its share; all processes then see all rows."""
        for kind, config in model.config.encoders.items():
            encoder = model.encoders[kind]
            own = [one for one in prepared if one.kind == kind]
            self.find(kind, encoder, config, own, half)
            missing = [one for one in own if one not in self.rows]
            if missing and engine.rank == 0:
                console.print(f"encoding {len(missing)} of {len(own)} {kind}s into {self.folder}", highlight=False)
            engine.gather(None)
            if missing:
                self.write(
                    kind, model, missing[engine.rank :: engine.world], prepared, head_of(kind, encoder, config, half), engine.rank
                )
            engine.gather(None)
            self.find(kind, encoder, config, own, half)
        return self

    @torch.no_grad()
    def write(
        self, kind: str, model: Lamm, media: list[Media], prepared: Mapping[Media, np.ndarray], head: dict[str, Any], rank: int
    ) -> None:
        """Appends rows, then their lines; a torn end of either file is cut off first."""
        model.eval()
        encoder: Any = model.encoders[kind]
        with own_file(self.folder, f"{kind}-{rank}") as index:
            self.append(index, model, encoder, media, prepared, head)

    def append(
        self,
        index: Path,
        model: Lamm,
        encoder: Any,
        media: list[Media],
        prepared: Mapping[Media, np.ndarray],
        head: dict[str, Any],
    ) -> None:
        """`write`, into files that nobody else writes to."""
        kind, data, lines = head["kind"], index.with_suffix(".bin"), read_lines(index)
        row = 1 + max((entry["row"] for entry in lines[1:]), default=-1)
        try:
            with data.open("ab") as tokens_file, index.open("a", encoding="utf-8") as index_file:
                tokens_file.truncate(row * self.bytes(kind))
                index_file.truncate(whole_lines(index))
                if not lines:
                    index_file.write(json.dumps(head) + "\n")
                for start in range(0, len(media), BATCH):
                    part = media[start : start + BATCH]
                    if hasattr(prepared, "ahead"):
                        prepared.ahead(media[start : start + 2 * BATCH])
                    with torch.autocast("cpu", torch.bfloat16, enabled=head["half"]):
                        inputs = encoder.tensor([prepared[one] for one in part]).to(model.device)
                        found = model.see(kind, inputs).half().cpu().numpy()
                    entries = []
                    for one, tokens in zip(part, found):
                        content = np.ascontiguousarray(tokens).tobytes()
                        tokens_file.write(content)
                        entries.append({**stamp(one), "sha256": seal(one).sha256, "row": row, "crc": zlib.crc32(content)})
                        row += 1
                    tokens_file.flush()
                    index_file.write("".join(json.dumps(entry) + "\n" for entry in entries))
                    index_file.flush()
        except OSError as error:
            raise BenchError(
                f"--feature-cache {self.folder} cannot be written: {error.strerror or error}; what it has is kept"
            ) from error

    def bytes(self, kind: str) -> int:
        return 2 * self.shapes[kind][0] * self.shapes[kind][1]

    def __getitem__(self, one: Media) -> Tensor:
        file, row, checksum = self.rows[one]
        tokens, width = self.shapes[one.kind]
        size = tokens * width
        if file not in self.maps or len(self.maps[file]) < (row + 1) * size:  # another training has written more since
            self.maps[file] = np.memmap(file, dtype=np.float16, mode="r")
        found = np.array(self.maps[file][row * size : (row + 1) * size])
        if zlib.crc32(found.tobytes()) != checksum:
            raise BenchError(f"{file}: row {row} is damaged ({one.path}); delete the cache and it is made again")
        return torch.from_numpy(found.reshape(tokens, width))

    def __iter__(self) -> Iterator[Media]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@contextlib.contextmanager
def own_file(folder: Path, name: str) -> Iterator[Path]:
    """An index that this process alone writes to: `image-0.jsonl`, or `image-0-2.jsonl` while another training writes to that.

    Where files cannot be locked, each process has one of its own name."""
    for number in itertools.count(1):
        index = folder / (f"{name}.jsonl" if number == 1 else f"{name}-{number}.jsonl")
        try:
            import fcntl

            handle = os.open(index, os.O_RDWR | os.O_CREAT, 0o666)
        except ImportError:
            yield folder / f"{name}-{os.getpid()}.jsonl"
            return
        except OSError as error:
            raise BenchError(
                f"--feature-cache {folder} cannot be written: {error.strerror or error}; what it has is kept"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        except OSError:
            index = folder / f"{name}-{socket.gethostname()}-{os.getpid()}.jsonl"
        try:
            yield index
        finally:
            os.close(handle)
        return


def head_of(kind: str, encoder: nn.Module, config: Any, half: bool) -> dict[str, Any]:
    """What must be equal for two encoders to say the same: format, settings, precision, weights."""
    digest = hashlib.sha256()
    for name, tensor in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    settings = json.loads(json.dumps(asdict(config)))
    return {"format": FORMAT, "kind": kind, "settings": settings, "half": half, "weights": digest.hexdigest()}


def stamp(one: Media) -> dict[str, Any]:
    """What a file looks like from outside."""
    found = Path(one.path).stat()
    return {"path": one.path, "size": found.st_size, "time": found.st_mtime_ns}


def unchanged(one: Media, entry: Mapping[str, Any]) -> bool:
    """Whether the file is the one that was encoded: by size and time, else by its content."""
    try:
        now = stamp(one)
    except OSError:
        return False
    if (now["size"], now["time"]) == (entry["size"], entry["time"]):
        return True
    return now["size"] == entry["size"] and seal(one).sha256 == entry["sha256"]


def whole_lines(index: Path) -> int:
    """Bytes of an index without its torn last line."""
    return index.read_bytes().rfind(b"\n") + 1


def read_lines(index: Path) -> list[dict[str, Any]]:
    """The entries of an index; a torn last line is no entry."""
    if not index.is_file():
        return []
    out = []
    whole, _, _ = index.read_bytes().rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n") if whole else (), 1):
        try:
            entry = json.loads(line)
            if number > 1 and not {"path", "size", "time", "sha256", "row", "crc"} <= entry.keys():
                raise ValueError
            out.append(entry)
        except (ValueError, AttributeError):
            raise BenchError(f"{index} is damaged at line {number}; delete the cache and it is made again") from None
    return out
