"""Lets a torchvision that was built for another torch be imported, as far as it works without its compiled part.

open_clip needs torchvision. The builds on the package index are linked against CUDA; beside a CPU torch their compiled part
cannot be loaded, and then `import torchvision` stops at an operator that was never declared, taking transformers and peft
with it. `install` costs nothing until somebody asks for torchvision; only then, and only if the compiled part cannot be
loaded, are the two missing operators declared. A torchvision that fits its torch is left alone."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

COMPILED = ("_C.so", "_C_stable.so")
OPERATORS = ("nms", "qnms")  # those that torchvision registers a fake for at import
_declared: list[Any] = []  # a library's operators live as long as its object


class Finder:
    """Sits first on `sys.meta_path`, waits for `torchvision`, and then goes away."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "torchvision":
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        found = PathFinder.find_spec(name)
        if found is not None and found.submodule_search_locations:
            declare_missing(Path(next(iter(found.submodule_search_locations))))
        return None  # the ordinary finders go on from here


def declare_missing(folder: Path) -> None:
    """Declares the operators where the compiled part is there and cannot be loaded."""
    import torch

    there = [file for name in COMPILED if (file := folder / name).is_file()]
    try:
        for file in there:
            torch.ops.load_library(str(file))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in OPERATORS:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)


def install() -> None:
    if "torchvision" not in sys.modules and not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
