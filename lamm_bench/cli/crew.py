"""`--workers`: a model in several processes instead of this one, for every verb that asks a model many questions (docs/scale.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lamm_bench.errors import BenchError

from .options import WORKER_OPTIONS


def engage(asked: Mapping[str, Any], name: str, settings: dict[str, Any], adapter: Any, catalog: Any, watcher: Any) -> Any:
    """The workers that `--workers` wants, which begin to load the model `name`; None without it. Raises `BenchError` for what cannot be meant."""
    named = {option: asked[option] for option in WORKER_OPTIONS if asked[option] is not None}
    if asked["workers"] is None:
        if named:
            raise BenchError(f"--{next(iter(named)).replace('_', '-')} is about workers; add --workers N, or leave it out")
        return None
    from lamm_bench.spread.engaging import Model, Wanted, engaged

    wanted = Wanted(asked["workers"], **named)
    fleet = engaged(wanted, Model(name, settings, tuple(catalog.plugin_files)), adapter, catalog.plugin_files)
    watcher.aside = fleet.shown
    return fleet


def refuse_workers(asked: Mapping[str, Any], why: str) -> None:
    """Raises `BenchError` where workers are named and nobody is asked; `why` is the end of the sentence."""
    said = next((name for name in ("workers", *WORKER_OPTIONS) if asked[name] is not None), None)
    if said is not None:
        raise BenchError(f"--{said.replace('_', '-')} is about asking a model, and {why}; leave it out")


@contextmanager
def crewed(
    asked: Mapping[str, Any], name: str, settings: dict[str, Any], adapter: Any, catalog: Any, watcher: Any, tell: bool = False
) -> Iterator[Any]:
    """What is asked: the workers, who are gone afterwards, or the adapter itself. With `tell` what became of the workers is told at the
    end, as runs do by themselves."""
    fleet = engage(asked, name, settings, adapter, catalog, watcher)
    try:
        yield fleet or adapter
        for sentence in fleet.events() if fleet is not None and tell else ():
            watcher.say(f"note: {sentence}")
    finally:
        if fleet is not None:
            fleet.close()
