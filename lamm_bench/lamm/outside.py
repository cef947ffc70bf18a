"""Encoders whose weights are named by the config, and are therefore not in the checkpoint's folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .config import LammConfig
from .weights import locate, sha256

NAMED = ("weights", "clip")


def outside(config: LammConfig) -> tuple[str, ...]:
    """How the names of tensors begin that are neither stored in the checkpoint nor expected there."""
    return tuple(f"encoders.{kind}." for kind, encoder in config.encoders.items() if getattr(encoder, "weights", ""))


def beside(config: LammConfig, folder: Path) -> LammConfig:
    """The same config, with weights that lie in the checkpoint's own folder found there from anywhere."""
    changed: dict[str, Any] = {}
    for kind, encoder in config.encoders.items():
        found = {
            name: str(folder / value)
            for name in NAMED
            if (value := getattr(encoder, name, "")) and not Path(value).is_absolute() and (folder / value).exists()
        }
        if found:
            changed[kind] = replace(encoder, **found)
    return replace(config, encoders={**config.encoders, **changed}) if changed else config


def outside_digests(config: LammConfig) -> Iterator[str]:
    """For each of them one line that tells its bytes from all others; part of the model's fingerprint."""
    for kind, encoder in config.encoders.items():
        for name in NAMED:
            if getattr(encoder, "weights", "") and (value := getattr(encoder, name, "")):
                yield f"{kind} {name} {sha256(locate(value, getattr(encoder, 'revision', '')))}\n"
