"""Any adapter behind an OpenAI-compatible address, so that every client of this field can talk with it (docs/serve.md)."""

from __future__ import annotations

from .asked import Parts, Refused
from .server import Served, serve

__all__ = ["Parts", "Refused", "Served", "serve"]
