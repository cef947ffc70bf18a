"""lamm-bench: the evaluation harness for multimodal language models, for images and point clouds.

    import lamm_bench

    run = lamm_bench.evaluate("lamm", tasks="cifar10", limit=10)
    run.scores["cifar10"]["accuracy"]   # an Estimate: value, ci95, n
    run.frame()                         # one row a sample

docs/python.md has more. Nothing heavy is loaded before one of these names is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .lamm.torchvision_shim import install as _install
from .version import __version__

if TYPE_CHECKING:
    from .api import Frame, Run, compare, evaluate, load
    from .errors import BenchError

__all__ = ["BenchError", "Frame", "Run", "__version__", "compare", "evaluate", "load"]

_install()  # before anything can import torchvision; a finder that costs nothing until then


def __getattr__(name: str) -> Any:
    """The Python face, loaded when it is first asked for (PEP 562)."""
    if name in ("Frame", "Run", "compare", "evaluate", "load"):
        from . import api

        return getattr(api, name)
    if name == "BenchError":
        from .errors import BenchError

        return BenchError
    raise AttributeError(f"module 'lamm_bench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
