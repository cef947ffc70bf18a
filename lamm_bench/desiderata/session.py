"""Asks a model for its desiderata: one ordinary run a leg, in folders side by side, then the judge, then the figures.

Everything is kept as runs keep it, so the same command goes on where it stopped, and `desiderata FOLDER` makes the figures again
without the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.session import Options as RunOptions
from lamm_bench.ask.session import run
from lamm_bench.errors import BenchError
from lamm_bench.judging.session import Options as JudgeOptions
from lamm_bench.judging.session import judge
from lamm_bench.keep.files import storable
from lamm_bench.keep.runs import FORMAT
from lamm_bench.read import READERS
from lamm_bench.types import Adapter

from .figures import figures
from .gathering import Model, gather
from .legs import LANGUAGE, NAMES, POPE, SETS, Leg, Way, legs
from .relative import Figure


@dataclass(frozen=True)
class Options:
    """What a user asks of the verb."""

    model: str
    output: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    want: tuple[str, ...] = NAMES
    sets: tuple[str, ...] = SETS
    pope: tuple[str, ...] = POPE
    way: Way = field(default_factory=Way)
    limit: int | None = None
    seed: int = 0
    mode: str = "auto"
    name: str = ""
    command: tuple[str, ...] = ()


@dataclass
class Result:
    """The figures of every model, and what could not be had."""

    models: list[tuple[Model, dict[str, Figure]]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # leg -> why something of it was not asked
    want: Sequence[str] = NAMES

    @property
    def complete(self) -> bool:
        """Whether every figure that was wanted is there; one that has no meaning (a model near chance) is not wanting."""
        return not self.missing and not any(
            found[name].standard is None and not found[name].details for _, found in self.models for name in self.want
        )

    def to_json(self) -> dict[str, Any]:
        models = [
            {
                "model": model.name,
                "fingerprint": model.fingerprint,
                **model.drawn,
                "source": model.source,
                "desiderata": {name: figure.to_json() for name, figure in found.items()},
                "unavailable": model.unavailable,
            }
            for model, found in self.models
        ]
        return dict(storable({"format": FORMAT, "readers": READERS, "models": models, "missing": self.missing}))


def ask(
    options: Options, catalog: Catalog, adapter: Adapter, root: Path, source: str, watcher: Watcher
) -> tuple[list[Path], dict[str, str]]:
    """Runs every leg; gives their folders, and what was not asked in which with the reason. A leg that cannot begin costs no other.

    Raises `BenchError` where none can."""
    wanted = legs(options.want, options.sets, options.pope, options.way)
    folders: list[Path] = []
    missing: dict[str, str] = {}
    for number, leg in enumerate(wanted, 1):
        watcher.say(f"{leg.name}, {number} of {len(wanted)} runs")
        try:
            outcome = run(of_leg(leg, options), catalog, adapter, root, source, watcher)
        except BenchError as error:
            missing[leg.name] = str(error)
            watcher.say(f"{leg.name}: NOT ASKED, {error}")
            continue
        folders += [outcome.folder] if outcome.folder is not None else []
        told = {**outcome.skipped, **outcome.unavailable, **outcome.failures}
        if told:
            missing[leg.name] = "; ".join(f"{name}: {why}" for name, why in told.items())
    if not folders:
        raise BenchError(next(iter(missing.values()), "nothing was asked"))
    return folders, missing


def of_leg(leg: Leg, options: Options) -> RunOptions:
    """A leg as a run."""
    return RunOptions(
        model=options.model,
        settings=options.settings,
        tasks=",".join(leg.tasks),
        recipe=leg.recipe,
        overrides=tuple(f"{path}={value}" for path, value in leg.overrides.items()),
        limit=options.limit,
        seed=options.seed,
        output=options.output / leg.name,
        mode=options.mode,
        name=options.name,
        command=options.command,
        corrupt=leg.corrupt,
    )


@dataclass(frozen=True)
class Judge:
    """Who grades language performance."""

    name: str
    adapter: Adapter
    settings: Mapping[str, Any]
    votes: int = 6


def have_judged(options: Options, who: Judge, catalog: Catalog, root: Path, watcher: Watcher) -> str:
    """Lets the judge grade the reasoning leg, where there is one; gives the reason why verdicts are missing."""
    folder = options.output / "reasoning"
    if LANGUAGE not in options.want or not (folder / "manifest.json").is_file():
        return ""
    try:
        judgement = judge(
            JudgeOptions(folder, who.name, who.settings, votes=who.votes, language=True), catalog, who.adapter, root, watcher
        )
    except BenchError as error:
        return str(error)
    return "; ".join(f"{task}: {why}" for task, why in {**judgement.unavailable, **judgement.troubles}.items())


def evaluate(folders: Sequence[Path], catalog: Catalog, root: Path, say: Callable[[str], None]) -> Result:
    """The figures of every model that the folders hold legs of. No model is needed."""
    result = Result()
    for model in gather(folders, catalog, root):
        for where, why in model.unavailable.items():
            say(f"{where}: left out, {why}")
        if model.legs:
            result.models.append((model, figures(model)))
    if not result.models:
        raise BenchError(f"none of the {len(folders)} runs is a leg of a desideratum")
    return result
