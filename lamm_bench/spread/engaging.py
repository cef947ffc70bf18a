"""From what a user says of the workers to a fleet that has begun to load its model."""

from __future__ import annotations

from collections.abc import Mapping

from lamm_bench.errors import BenchError
from lamm_bench.types import Adapter

from .engines import PATIENCE, Engine, Wanted
from .fleet import Fleet, Model
from .places import seats
from .processes import Processes
from .ray_engine import Ray


def engaged(wanted: Wanted, model: Model, adapter: Adapter, plugins: Mapping[str, str]) -> Fleet:
    """The fleet of `--workers`. Raises `BenchError` for what cannot be meant, and for adapters that need no workers."""
    refuse_servers(adapter)
    fleet = Fleet(model, adapter, engine_of(wanted), plugins, wanted.patience, wanted.allow_mixed)
    fleet.crew.start()
    return fleet


def engine_of(wanted: Wanted) -> Engine:
    """The engine that was asked for. Raises `BenchError` where it is not installed or has no such places."""
    wanted.checked()
    if wanted.engine == "ray":
        return Ray.of(wanted)
    return Processes(seats(wanted.workers, wanted.gpus_per_worker))


def refuse_servers(adapter: Adapter) -> None:
    if hasattr(adapter, "base_url"):
        raise BenchError(
            f"--workers: {adapter.name} asks servers, many questions at a time, from one process; "
            "name several servers instead, as in --set base_url=http://a:8000/v1,http://b:8000/v1"
        )


__all__ = ["PATIENCE", "Model", "Wanted", "engaged"]
