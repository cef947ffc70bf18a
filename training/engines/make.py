"""An engine by name."""

from __future__ import annotations

from lamm_bench.errors import BenchError, unknown
from lamm_bench.training.config.preset import Preset

from .device import place
from .engine import ENGINES, Engine
from .plain import Plain


def make_engine(name: str, preset: Preset) -> Engine:
    """An engine by name; `auto` is DeepSpeed where a launcher has started several processes, else plain."""
    rank, world, _ = place()
    if name == "auto":
        name = "deepspeed" if world > 1 else "plain"
    if name == "plain":
        if world > 1:
            raise BenchError(f"--engine plain is one process, and a launcher started {world}; use --engine deepspeed")
        return Plain(preset)
    if name == "deepspeed":
        from .deepspeed_engine import DeepSpeed

        return DeepSpeed(preset)
    raise unknown("engine", name, ENGINES)
