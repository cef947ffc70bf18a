"""Every architecture that `hf-chat` is tried on, as tiny random checkpoints in the layout of its real ones."""

from __future__ import annotations

from .llava import LLAVAS
from .newer import NEWER
from .older import OLDER
from .others import OTHERS
from .parts import Family, build
from .qwen import QWENS
from .tiles import TILES

FAMILIES = {family.name: family for family in (*LLAVAS, *QWENS, *TILES, *OTHERS, *NEWER, *OLDER)}

__all__ = ["FAMILIES", "Family", "build"]
