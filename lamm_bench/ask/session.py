"""A whole run: find data, settle its identity, ask every task, score, and leave a folder that says everything.

One broken image, one failing task or one missing meta file never stops the rest; what is missing is listed."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, Stopped, unknown
from lamm_bench.keep.files import Entries, read_json, storable
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import Score, pooled
from lamm_bench.measure.shown import MANY, each_shown
from lamm_bench.measure.sums import each_sum
from lamm_bench.task import options_unseen
from lamm_bench.types import Adapter, Sample, Task, to_json

from . import early, finished, seals
from .catalog import Catalog
from .coordinates import answers, foreign, hint, of_manifest, spoken
from .corrupt.chain import left_out, parse
from .corrupt.chain import why_not as why_not_worse
from .finished import Kept
from .finishing import finish
from .identity import Grown, circumstances, describe, fingerprint, noted, remember
from .options import Options, file_name
from .outcome import (
    Outcome,
    Watcher,
    in_pool,
    latencies,
    load,
    score_task,
    tell_damaged,
    tell_what_is_there,
    why_failed,
)
from .recipe import Recipe
from .runner import Asked, Plan, ask, many_objects, plan, why_not
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
    outcome, head = Outcome(), None
    with finished.watched(root) as read, many_objects():
        loaded = to_ask(options, catalog, recipe, adapter, root, outcome)
    try:
        works = early.unsealed(options, recipe, loaded)
        if (head := early.begin(options, works, manifest_of(options, recipe, adapter, works, catalog, root, source))) is not None:
            outcome.folder = head.opened.folder
            head.ask(recipe, adapter, options.seed, root, watcher)
            outcome.early = head.spent
        with finished.watched(root, read), nullcontext() if head is not None else seals.kept(root), many_objects():
            plans = planned(loaded, options, catalog, recipe, root, outcome)
        manifest = manifest_of(options, recipe, adapter, plans, catalog, root, source)
        if head is not None:
            manifest["model"] = head.opened.manifest["model"]  # what the adapter has noted since then moves no result
        tell_notes(options, recipe, adapter, plans, manifest, watcher)
        if head is not None:
            opened = head.seal(plans, manifest)
        else:
            folder = options.folder(manifest["identity"])
            opened = Run.start(folder, manifest, options.mode, Grown(folder, catalog, root, plans, options.name))
    except BaseException:
        if head is not None:
            leave(head.opened, adapter, watcher)
        raise
    outcome.folder = opened.folder
    try:
        if head is None:
            tell_what_is_there(opened, plans, watcher)
        with finished.watched(root, read):
            held = held_besides(opened, plans, catalog, root, outcome) if options.share is None else []
        watcher.expect(len(plans) + len(held))
        for work in in_order([*plans, *held], catalog):
            asking = None if work in held else adapter
            outcome.scores += carry_out(work, recipe, asking, opened, options, catalog, outcome, watcher)
        notes = learnt(opened.manifest, adapter, watcher)
        if options.share is not None:
            opened.save(FILE, options.share.told(outcome.skipped, outcome.unavailable, notes))
        else:
            outcome.scores += pooled(catalog.pools, outcome.scores)
            finish(opened, outcome, catalog.pools, notes)
            remember(opened, adapter)
            key = finished.key_of(options, catalog, recipe, adapter, root)
            finished.stamp(opened, key, outcome, catalog.select_tasks(options.tasks), [*plans, *held], read, root)
    finally:
        leave(opened, adapter, watcher)
    return outcome


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


def to_ask(
    options: Options, catalog: Catalog, recipe: Recipe, adapter: Adapter, root: Path, outcome: Outcome
) -> list[tuple[Task, Sequence[Sample]]]:
    """The tasks that can be asked, with all samples of their files. Raises `BenchError` where none of them can be read."""
    reasons = {task.name: (task, why_not(task, recipe, adapter)) for task in catalog.select_tasks(options.tasks)}
    outcome.skipped |= {name: reason for name, (_, reason) in reasons.items() if reason}  # whether its files are there or not
    asked = [task for task, reason in reasons.values() if not reason]
    loaded = load(asked, root, outcome, alone=len(asked) == len(reasons))
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
        raise BenchError(
            "no task can be asked: " + "; ".join(f"{k}: {v}" for k, v in {**outcome.skipped, **outcome.unavailable}.items())
        )
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


def carry_out(
    work: Plan,
    recipe: Recipe,
    adapter: Adapter | None,  # None: what was asked is scored, and nothing more is asked
    opened: Run,
    options: Options,
    catalog: Catalog,
    outcome: Outcome,
    watcher: Watcher,
) -> list[Score]:
    """Asks and scores one task. A fault in it is kept in `errors/<task>.txt`, listed, and does not stop the others."""
    name = work.task.name
    watcher.begin(name, len(work.samples if options.share is None else options.share.samples(work)))
    ledger = opened.ledger(name, write=adapter is not None)
    tell_damaged(name, ledger, watcher)
    try:
        if adapter is not None:
            put(work, recipe, adapter, ledger, options, outcome, watcher)
        else:
            watcher.tick(len(work.samples))
    except Stopped as stop:
        outcome.unavailable[name] = f"not all was asked: {stop}"
        watcher.say(f"{name}: {outcome.unavailable[name]}")
    except (BenchError, KeyboardInterrupt):
        raise
    except Exception as error:
        fault(opened, name, error, outcome, watcher)
    finally:
        ledger.close()
        watcher.end(name)
    if reason := why_failed(ledger.ended.values()):
        outcome.failures[name] = reason
    outcome.seconds[name] = latencies(ledger.ended.values())
    if options.share is not None:
        outcome.left += options.share.left(work, ledger)
        return []
    return scored(work, ledger, opened, options.protocols or recipe.metric.protocols, catalog, outcome, watcher)


def put(
    work: Plan, recipe: Recipe, adapter: Adapter, ledger: Ledger, options: Options, outcome: Outcome, watcher: Watcher
) -> None:
    """Asks what is left to ask of a task, and notes how it went."""
    mine = (lambda sample: True) if options.share is None else options.share.has
    asked = ask(work, recipe, adapter, ledger, options.seed, watcher.tick, mine)
    before = outcome.early.get(work.task.name, Asked())
    if asked.new + before.new:
        outcome.rates[work.task.name] = (asked.new + before.new) / max(asked.seconds + before.seconds, 1e-9)
    if asked.foreign:
        watcher.say(f"{work.task.name}: {asked.foreign} samples held answers to other questions than these, and were asked again")


def scored(
    work: Plan, ledger: Ledger, opened: Run, protocols: Sequence[str], catalog: Catalog, outcome: Outcome, watcher: Watcher
) -> list[Score]:
    """The task's scores, kept. A task that cannot read or count its answers loses its own figures and no other's."""
    name = work.task.name
    scores: list[Score] = []
    wanted = [protocol for protocol in protocols if protocol in work.task.protocols]
    many = len(work.samples) >= MANY

    def each() -> Iterator[tuple[str, Any]]:
        """Of each protocol what is kept; nothing of it stays behind but the score."""
        for protocol in wanted:
            (score,) = score_task(catalog, work.task, work.samples, found, [protocol], work.file, keep_rows=True)
            samples = Entries((sample, storable(to_json(told))) for sample, told in each_shown(score.samples))
            yield protocol, {"samples": samples, "sums": Entries((one, storable(sums)) for one, sums in each_sum(score.rows))}
            rows = score.rows if in_pool(catalog, work.task, protocol) else ()
            kept = Kept(opened.folder / "scores" / f"{name}.json", protocol) if many else score.samples
            scores.append(replace(score, samples=kept, rows=rows))
            del score, samples

    try:
        with many_objects():
            found = answers(ledger, work.samples, of_manifest(opened.manifest))
            opened.save(f"scores/{name}.json", {"task": name, "protocols": Entries(each())})
    except BenchError:
        raise
    except Exception as error:
        fault(opened, name, error, outcome, watcher)
        return []
    return scores


def fault(opened: Run, name: str, error: Exception, outcome: Outcome, watcher: Watcher) -> None:
    """Keeps a bug's traceback where its author finds it, and its sentence where the user does."""
    (opened.folder / "errors").mkdir(exist_ok=True)
    (opened.folder / "errors" / f"{name}.txt").write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
    said = " ".join(str(error).split())[:300]
    outcome.unavailable[name] = f"{type(error).__name__}: {said} (errors/{name}.txt has the traceback)"
    watcher.say(f"{name}: {outcome.unavailable[name]}")


__all__ = ["Options", "account", "file_name", "finish", "fingerprint", "run"]
