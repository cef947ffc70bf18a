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
from lamm_bench.ask.runner import why_not
from lamm_bench.ask.session import Options as RunOptions
from lamm_bench.ask.session import run
from lamm_bench.errors import BenchError
from lamm_bench.judging.session import Options as JudgeOptions
from lamm_bench.judging.session import judge
from lamm_bench.keep.files import storable
from lamm_bench.keep.runs import FORMAT, Run
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
    ready(options, wanted, catalog, adapter, root)
    folders: list[Path] = []
    missing: dict[str, str] = {}
    for number, leg in enumerate(wanted, 1):
        watcher.say(f"{leg.name}, {number} of {len(wanted)} runs")
        try:
            outcome = run(of_leg(leg, options), catalog, adapter, root, source, watcher)
        except BenchError as error:
            if not folders:  # what stops the first stops the others
                raise
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


def ready(options: Options, wanted: Sequence[Leg], catalog: Catalog, adapter: Adapter, root: Path) -> None:
    """Refuses, before anything is asked, sets that cannot be asked and folders that hold another model's or another way's runs."""
    for leg in wanted:
        recipe = catalog.recipe(leg.recipe, of_leg(leg, options).overrides)
        for name in leg.tasks:
            task = catalog.tasks.get(name)
            if task is not None and (reason := why_not(task, recipe, adapter)):
                raise BenchError(f"{name} cannot be asked for {leg.name}: {reason}")
            folder = getattr(task, "corrupted_folder", "") if leg.corrupt.startswith("chef-files") else None
            if folder is not None and not (folder and (root / folder).is_dir()):
                raise BenchError(
                    f"--corrupted-files: {root / folder if folder else name} is missing; without it corruptions are made on the fly"
                )
        held = options.output / leg.name
        if options.mode == "fresh" or not (held / "manifest.json").is_file():
            continue
        identity = Run.asked(held).manifest["identity"]
        told = {
            "recipe": identity["recipe"]["name"],
            "limit": identity["limit"],
            "seed": identity["seed"],
            "model": identity["model"]["name"],
        }
        asked = {"recipe": recipe.name, "limit": options.limit, "seed": options.seed, "model": options.model}
        other = [f"{key} {told[key]}" for key in told if told[key] != asked[key]]
        if other:
            raise BenchError(f"{held} was asked otherwise ({', '.join(other)}); choose another --output, or --fresh to ask anew")


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
    said = [figure for _, found in result.models for figure in found.values() if not figure.why.startswith("not asked")]
    if not said:
        raise BenchError(
            f"none of the {len(folders)} runs says anything of a desideratum; `lamm-bench desiderata --model NAME` asks for them"
        )
    return result
