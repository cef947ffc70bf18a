"""A whole run: find data, settle its identity, ask every task, score, and leave a folder that says everything.

One broken image, one failing task or one missing meta file never stops the rest; what is missing is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.keep.files import canonical, read_json
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import pooled
from lamm_bench.task import options_unseen
from lamm_bench.types import Adapter, Sample, Task, to_json

from . import ahead, claiming, early, finished, seals
from .attendance import at_once
from .carrying import Carrier, streams
from .catalog import Catalog
from .coordinates import foreign, hint, spoken
from .corrupt.chain import left_out, parse
from .corrupt.chain import why_not as why_not_worse
from .finishing import finish
from .identity import Grown, circumstances, describe, fingerprint, noted, remember
from .options import Options, file_name
from .outcome import Outcome, Watcher, load, tell_what_is_there, together
from .recipe import Recipe
from .runner import Plan, many_objects, plan, why_not
from .shares import FILE
from .shots import shots_for, told_of
from .transforms import CONTROLS


def run(options: Options, catalog: Catalog, adapter: Adapter, root: Path, source: str, watcher: Watcher) -> Outcome:
    """Asks and scores. Raises `BenchError` before the first question if the run cannot begin."""
    recipe = catalog.recipe(options.recipe, options.overrides)
    if options.control and options.control not in CONTROLS:
        raise unknown("control", options.control, CONTROLS)
    if (before := finished.found(options, catalog, recipe, adapter, root)) is not None:
        watcher.say(
            f"{before.folder} holds all answers and their scores; they are not asked again, for nothing has changed since"
        )
        return before
    outcome = Outcome()
    opened, plans, read = begun(options, catalog, recipe, adapter, root, source, outcome, watcher)
    outcome.folder = opened.folder
    watcher.detail(f"run folder {outcome.folder}; asked: {canonical(opened.manifest['asked'][-1])}")
    try:
        with finished.watched(root, read):
            held = held_besides(opened, plans, catalog, root, outcome) if options.share is None else []
        watcher.expect(len(plans) + len(held))
        protocols, seed = options.protocols or recipe.metric.protocols, options.seed
        carrier = Carrier(recipe, adapter, opened, protocols, seed, options.share, catalog, outcome, watcher)
        # of many workers it is kept at once that other versions answer, or otherwise: this process may be killed before the run's end
        at_once(adapter, partial(remember, opened, adapter), anew=not outcome.early)
        in_turn = in_order([*plans, *held], catalog)
        claimed = claiming.carry(carrier, in_turn, options)
        for stream in () if claimed else streams(in_turn, adapter):
            outcome.scores += carrier.carry(stream, [work.task.name for work in held])
        notes = learnt(opened.manifest, adapter, watcher)
        if options.share is not None:
            opened.save(FILE, {**options.share.told(outcome.skipped, outcome.unavailable, notes), **claimed})
        else:
            outcome.scores += pooled(catalog.pools, outcome.scores)
            finish(opened, outcome, catalog.pools, notes)
            remember(opened, adapter)
            key = finished.key_of(options, catalog, recipe, adapter, root)
            finished.stamp(opened, key, outcome, catalog.select_tasks(options.tasks), [*plans, *held], read, root)
    finally:
        leave(opened, adapter, watcher)
    return outcome


def begun(
    options: Options,
    catalog: Catalog,
    recipe: Recipe,
    adapter: Adapter,
    root: Path,
    source: str,
    outcome: Outcome,
    watcher: Watcher,
) -> tuple[Run, list[Plan], finished.Opened]:
    """The run with its tasks, and which files of data were read. A large one is asked meanwhile (ahead.py, early.py)."""
    head = None
    asked = able(options, catalog, recipe, adapter, outcome)
    first = ahead.tasks_of(options, recipe, adapter, root, asked)
    try:
        read_all = partial(to_ask, options, recipe, adapter, root, asked, outcome)
        if (head := begun_ahead(options, recipe, adapter, first, catalog, root, source)) is not None:
            outcome.folder = head.opened.folder
            with finished.watched(root) as read:
                loaded = ahead.ask(head, first, recipe, adapter, options.seed, root, watcher, read_all)
        else:
            with finished.watched(root) as read, many_objects():
                loaded = read_all(watcher)
        works = early.unsealed(options, recipe, loaded)
        manifest = manifest_of(options, recipe, adapter, works, catalog, root, source)
        if head is not None:
            head.settle(works, manifest)
        else:
            head = early.begin(options, works, manifest)
        if head is not None:
            outcome.folder = head.opened.folder
            head.ask(recipe, adapter, options.seed, root, watcher)
            outcome.early = head.spent
        with finished.watched(root, read), nullcontext() if head is not None else seals.kept(root), many_objects():
            plans = planned(loaded, options, catalog, recipe, root, outcome)
        del loaded, works  # many samples need not lie in memory twice, with and without their hashes
        manifest = manifest_of(options, recipe, adapter, plans, catalog, root, source)
        if head is not None:
            manifest["model"] = head.opened.manifest["model"]  # what the adapter has noted since then moves no result
        tell_notes(options, recipe, adapter, plans, manifest, watcher)
        if head is not None:
            opened = head.seal(plans, manifest)
        else:
            folder = options.folder(manifest["identity"])
            opened = Run.start(folder, manifest, options.mode, Grown(folder, catalog, root, plans, options.name))
            tell_what_is_there(opened, plans, watcher)
    except BaseException:
        if head is not None:
            leave(head.opened, adapter, watcher)
        raise
    return opened, plans, read


def begun_ahead(
    options: Options, recipe: Recipe, adapter: Adapter, first: Sequence[Task], catalog: Catalog, root: Path, source: str
) -> early.Early | None:
    """A run that is asked while its files are read; None where they are read first."""
    works = [Plan(task, (), {}, "") for task in first]
    return early.begin(options, works, manifest_of(options, recipe, adapter, works, catalog, root, source), large=True)


def leave(opened: Run, adapter: Adapter, watcher: Watcher) -> None:
    """Keeps what was used and lets others write; of an interrupted run too, for what was spent was spent."""
    try:
        remember(opened, adapter)
        account(opened, adapter, watcher)
    finally:
        opened.close()


def manifest_of(
    options: Options, recipe: Recipe, adapter: Adapter, plans: Sequence[Plan], catalog: Catalog, root: Path, source: str
) -> dict[str, Any]:
    """What the run's folder says of it; nothing where nothing is asked."""
    if not plans:
        return {}
    described = describe(options.model, options.settings, recipe, adapter, plans, options.drawn, catalog)
    examples = examples_told(plans, described)
    return {
        **described,
        **({"examples": examples} if examples else {}),
        **({"name": options.name} if options.name else {}),
        "protocols": list(options.protocols or recipe.metric.protocols),
        "source": source,
        "data_root": str(root.resolve()),  # where they were met; not part of the identity, since data may move
        "asked": [circumstances(options.command, catalog, adapter)],  # one entry for each way in which processes have asked
    }


def tell_notes(
    options: Options, recipe: Recipe, adapter: Adapter, plans: Sequence[Plan], manifest: Mapping[str, Any], watcher: Watcher
) -> None:
    """What a user should know of how is asked."""
    fallback = manifest.get("examples", {}).get("fallback")
    for sentence in (
        *([f"examples in context: {fallback}"] if fallback else []),
        *left_out(parse(options.corrupt)),
        *unseen(plans, recipe),
        *filter(None, places_sentences(recipe, adapter, manifest["protocols"])),
        *manifest["model"].get("notes", ()),
    ):
        watcher.say(f"note: {sentence}")


def able(options: Options, catalog: Catalog, recipe: Recipe, adapter: Adapter, outcome: Outcome) -> list[Task]:
    """The tasks that this model can be asked under this recipe; the others are listed, whether their files are there or not."""
    reasons = {task.name: (task, why_not(task, recipe, adapter)) for task in catalog.select_tasks(options.tasks)}
    outcome.skipped |= {name: reason for name, (_, reason) in reasons.items() if reason}
    return [task for task, reason in reasons.values() if not reason]


def to_ask(
    options: Options, recipe: Recipe, adapter: Adapter, root: Path, asked: Sequence[Task], outcome: Outcome, watcher: Watcher
) -> list[tuple[Task, Sequence[Sample]]]:
    """Those of the tasks that can be asked, with all samples of their files. Raises `BenchError` where none of them can be read.

    May run in a thread of its own, beside questions: it asks the adapter nothing."""
    loaded = load(asked, root, outcome, not outcome.skipped, watcher)
    chain, taken = parse(options.corrupt), frozenset(adapter.modalities)
    own_words = spoken(recipe, adapter).own_words
    refused = {task.name: why_not_worse(task, samples, chain, taken, own_words) for task, samples in loaded}
    outcome.skipped |= {name: reason for name, reason in refused.items() if reason}
    return [(task, samples) for task, samples in loaded if not refused[task.name]]


def planned(
    loaded: Sequence[tuple[Task, Sequence[Sample]]],
    options: Options,
    catalog: Catalog,
    recipe: Recipe,
    root: Path,
    outcome: Outcome,
) -> list[Plan]:
    """The tasks with their samples sealed. Raises `BenchError` when there is none."""
    chain = str(parse(options.corrupt))
    plans = [plan(task, samples, options.limit, options.seed, options.control, chain, root) for task, samples in loaded]
    plans = with_shots(plans, recipe, catalog, options.control, outcome)
    if not plans:
        reasons_told = together({**outcome.skipped, **outcome.unavailable})
        raise BenchError("no task can be asked: " + "; ".join(f"{names}: {reason}" for names, reason in reasons_told))
    return plans


def with_shots(plans: Sequence[Plan], recipe: Recipe, catalog: Catalog, control: str | None, outcome: Outcome) -> list[Plan]:
    """The tasks with what chooses their examples; those whose file has none are skipped with the reason."""
    if not recipe.instruction.examples.count:
        return list(plans)
    choose, found = shots_for(recipe.instruction.examples, catalog.embedder, control), []
    for work in plans:
        shots = choose(work.task, work.file)
        if reason := shots.why_not:
            outcome.skipped[work.task.name] = reason
        else:
            found.append(replace(work, shots=shots))
    return found


def examples_told(plans: Sequence[Plan], described: dict[str, Any]) -> dict[str, Any]:
    """What manifest and result say of the examples. By what texts or pictures were compared is part of the run's identity."""
    shots = plans[0].shots
    if shots is None:
        return {}
    own: Any = shots.embedder
    told = to_json(told_of(shots.examples, fingerprint(own) if own is not None else ""))
    if "compared_by" in told:
        described["identity"]["compared_by"] = told["compared_by"]
    return dict(told)


def places_sentences(recipe: Recipe, adapter: Adapter, protocols: Sequence[str]) -> list[str]:
    """What a user should know of the numbers in which places will be asked for."""
    asked = spoken(recipe, adapter)
    return [hint(recipe, asked), foreign(asked, protocols)]


def unseen(plans: Sequence[Plan], recipe: Recipe) -> list[str]:
    """Of tasks with options that the model will not see."""
    if "{options}" in recipe.instruction.template:
        return []
    blind = {work.task.name: sum(map(options_unseen, work.samples)) for work in plans}
    return [
        f"{name}: the questions of {number} samples do not tell their options; a recipe with {{options}} in its template shows them"
        for name, number in blind.items()
        if number
    ]


def held_besides(opened: Run, plans: Sequence[Plan], catalog: Catalog, root: Path, outcome: Outcome) -> list[Plan]:
    """The tasks that the run was asked about before and are not named now: they are scored, so that its result stays whole."""
    identity = opened.manifest["identity"]
    named = [work.task.name for work in plans]
    held = []
    for name in identity["data"]:
        if name in named or name in outcome.unavailable:
            continue
        work = None
        if name in catalog.tasks:
            loaded = load([catalog.tasks[name]], root, outcome, alone=False)
            drawn = (identity["limit"], identity["seed"], identity["control"], identity.get("corrupt", ""), root)
            work = next((plan(t, s, *drawn) for t, s in loaded), None)
        if work is not None and work.data == identity["data"][name]:
            held.append(work)
            outcome.skipped.pop(name, None)
        else:
            outcome.unavailable.setdefault(name, "it was asked before, and its task or data are not here now")
    return held


def in_order(plans: Sequence[Plan], catalog: Catalog) -> list[Plan]:
    """In the catalogue's order, however the run grew."""
    place = {task.name: number for number, task in enumerate(catalog.ordered())}
    return sorted(plans, key=lambda work: place.get(work.task.name, len(place)))


def account(opened: Run, adapter: Adapter, watcher: Watcher) -> None:
    """Keeps what an adapter with `usage` says it has used, one entry for each process that asked, in `usage.json`."""
    usage = getattr(adapter, "usage", None)
    now = usage() if usage is not None else None
    if now:
        path = opened.folder / "usage.json"
        opened.save("usage.json", [*(read_json(path) if path.exists() else []), now])
        watcher.say("used: " + ", ".join(f"{key} {value}" for key, value in now.items() if value and not isinstance(value, dict)))


def learnt(manifest: Mapping[str, Any], adapter: Adapter, watcher: Watcher) -> list[str]:
    """What the adapter has noted since the run began, such as that memory ran out; told once."""
    before = manifest["model"].get("notes", ())
    found = [note for note in noted(adapter).get("notes", ()) if note not in before]
    for sentence in found:
        watcher.say(f"note: {sentence}")
    return found


__all__ = ["Options", "account", "file_name", "finish", "fingerprint", "run"]
