"""What pages tell of a run beside its scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def facts_of(manifest: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Name and value of what a run is; None where it is not so asked."""
    model = manifest["model"]
    settings = " ".join(f"{key}={value}" for key, value in model.get("settings", {}).items())
    return {
        "model": f"{model['name']} {settings}".strip(),
        "recipe": result.get("recipe"),
        "coordinates": result.get("coordinates"),
        "data": result.get("source"),
        "limit": result.get("limit"),
        "control": result.get("control"),
        "corrupted by": result.get("corrupt"),
        "seed": result.get("seed"),
        "identity": result.get("identity"),
        "readers": result.get("readers"),
        "versions": ", ".join(f"{key} {version}" for key, version in manifest.get("versions", {}).items()),
    }
