"""A whole run: find data, settle its identity, ask every task, score, and leave a folder that says everything.

One broken image, one failing task or one missing meta file never stops the rest; what is missing is listed."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, Stopped, unknown
from lamm_bench.keep.files import digest, read_json, storable
from lamm_bench.keep.ledger import Ledger, count_ended
from lamm_bench.keep.manifest import asking_of
from lamm_bench.keep.runs import Run
from lamm_bench.measure.pooling import Pool
from lamm_bench.measure.scoring import Score, pooled
from lamm_bench.measure.sums import sums_of
from lamm_bench.task import options_unseen
from lamm_bench.types import Adapter, to_json

from . import finished, seals
from .catalog import Catalog
from .coordinates import answers, foreign, hint, of_manifest, spoken
from .corrupt.chain import left_out, parse
from .corrupt.chain import why_not as why_not_worse
from .identity import Grown, circumstances, describe, fingerprint, noted, remember
from .outcome import Outcome, Watcher, in_pool, latencies, load, score_task, why_failed, with_pools
from .recipe import Recipe
from .runner import Plan, ask, many_objects, plan, why_not
from .shares import FILE, Share
from .shots import shots_for, told_of
from .transforms import CONTROLS


@dataclass(frozen=True)
class Options:
    """What a user asks of a run."""

    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    tasks: str = "all"
    data_root: Path | None = None  # None: found, or the miniature
    recipe: str = "lamm/standard"
    overrides: tuple[str, ...] = ()  # of the recipe's settings: `instruction.prompt=3`
    protocols: tuple[str, ...] = ()  # empty: the recipe's
    limit: int | None = None
    seed: int = 0
    control: str | None = None
    corrupt: str = ""  # as `--corrupt` has it (ask/corrupt/chain.py)
    output: Path | None = None
    mode: str = "auto"  # lamm_bench.keep.runs.MODES
    share: Share | None = None  # of several jobs: only its samples are asked, and nothing is scored
    name: str = ""  # by which leaderboards show the run, and its folder is called where `output` names none
    command: tuple[str, ...] = ()  # that the manifest keeps

    @property
    def drawn(self) -> dict[str, Any]:
        """The part of the identity that says what is drawn, and how."""
        worse = str(parse(self.corrupt))
        return {"limit": self.limit, "seed": self.seed, "control": self.control, **({"corrupt": worse} if worse else {})}

    def folder(self, identity: Mapping[str, Any]) -> Path:
        """Where the run is kept."""
        if self.output is not None:
            return self.output
        which = self.share.folder if self.share is not None else ""
        if self.name:
            return Path("runs") / f"{file_name(self.name)}{which}"
        return Path("runs") / f"{file_name(self.model)}-{digest(identity, 8)}{which}"


def file_name(name: str) -> str:
    """A name that can be a folder's, whatever it holds.

    >>> file_name("../a/b c"), file_name("Qwen2-VL")
    ('-a-b-c', 'Qwen2-VL')
    """
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name)[:80].lstrip(".")


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
    with finished.watched(root) as read, seals.kept(root), many_objects():
        plans = planned(options, catalog, recipe, adapter, root, outcome, watcher)
    described = describe(options.model, options.settings, recipe, adapter, plans, options.drawn, catalog)
    examples = examples_told(plans, described)
    manifest = {
        **described,
        **({"examples": examples} if examples else {}),
        **({"name": options.name} if options.name else {}),
        "protocols": list(options.protocols or recipe.metric.protocols),
        "source": source,
        "data_root": str(root.resolve()),  # where they were met; not part of the identity, since data may move
        "asked": [circumstances(options.command, catalog, adapter)],  # one entry for each way in which processes have asked
    }
    if fallback := examples.get("fallback"):
        watcher.say(f"note: examples in context: {fallback}")
    for sentence in (
        *left_out(parse(options.corrupt)),
        *unseen(plans, recipe),
        *filter(None, places_sentences(recipe, adapter, manifest["protocols"])),
    ):
        watcher.say(f"note: {sentence}")
    for sentence in manifest["model"].get("notes", ()):
        watcher.say(f"note: {sentence}")
    outcome.folder = options.folder(manifest["identity"])
    grow = Grown(outcome.folder, catalog, root, plans, options.name)
    opened = Run.start(outcome.folder, manifest, options.mode, grow)
    try:
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
        remember(opened, adapter)
        account(opened, adapter, watcher)  # of an interrupted run too: what was spent was spent
        opened.close()
    return outcome


def planned(
    options: Options,
    catalog: Catalog,
    recipe: Recipe,
    adapter: Adapter,
    root: Path,
    outcome: Outcome,
    watcher: Watcher | None = None,
) -> list[Plan]:
    """The tasks that can be asked, with their samples. Raises `BenchError` when there is none."""
    reasons = {task.name: (task, why_not(task, recipe, adapter)) for task in catalog.select_tasks(options.tasks)}
    outcome.skipped |= {name: reason for name, (_, reason) in reasons.items() if reason}  # whether its files are there or not
    asked = [task for task, reason in reasons.values() if not reason]
    loaded = load(asked, root, outcome, len(asked) == len(reasons), watcher)
    chain, taken = parse(options.corrupt), frozenset(adapter.modalities)
    own_words = spoken(recipe, adapter).own_words
    refused = {task.name: why_not_worse(task, samples, chain, taken, own_words) for task, samples in loaded}
    outcome.skipped |= {name: reason for name, reason in refused.items() if reason}
    plans = [
        plan(task, samples, options.limit, options.seed, options.control, str(chain), root)
        for task, samples in loaded
        if not refused[task.name]
    ]
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


def tell_what_is_there(opened: Run, plans: Sequence[Plan], watcher: Watcher) -> None:
    """A run that goes on says what it found, and from when."""
    files = {work.task.name: opened.folder / "records" / f"{work.task.name}.jsonl" for work in plans}
    found = {name: count_ended(path) for name, path in files.items()}
    if not any(found.values()):
        return
    last = max(os.stat(files[name]).st_mtime for name, number in found.items() if number)
    begun = next((entry["date"] for entry in opened.manifest.get("asked", []) if "date" in entry), "an unknown day")
    expected = sum(len(work.samples) for work in plans)
    watcher.say(
        f"{opened.folder} holds {sum(found.values())} of {expected} answers, asked since {begun.replace('T', ' ')[:16]} "
        f"(the last of {datetime.fromtimestamp(last):%Y-%m-%d %H:%M}); they are not asked again"
    )


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
    if ledger.damaged:
        lines = ", ".join(map(str, ledger.damaged[:5])) + (" ..." if len(ledger.damaged) > 5 else "")
        watcher.say(
            f"{name}: {len(ledger.damaged)} lines of {ledger.path} are damaged or of another run (line {lines}); "
            f"they were moved to {ledger.path.stem}.damaged, and their samples are asked again"
        )
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
    mine = {} if options.share is None else {"mine": options.share.has}
    asked = ask(work, recipe, adapter, ledger, options.seed, watcher.tick, **mine)
    if asked.new:
        outcome.rates[work.task.name] = asked.new / max(asked.seconds, 1e-9)
    if asked.foreign:
        watcher.say(f"{work.task.name}: {asked.foreign} samples held answers to other questions than these, and were asked again")


def scored(
    work: Plan, ledger: Ledger, opened: Run, protocols: Sequence[str], catalog: Catalog, outcome: Outcome, watcher: Watcher
) -> list[Score]:
    """The task's scores, kept. A task that cannot read or count its answers loses its own figures and no other's."""
    name = work.task.name
    try:
        with many_objects():
            found = answers(ledger, work.samples, of_manifest(opened.manifest))
            scores = score_task(catalog, work.task, work.samples, found, protocols, work.file, keep_rows=True)
    except BenchError:
        raise
    except Exception as error:
        fault(opened, name, error, outcome, watcher)
        return []
    values = {s.protocol: {"samples": storable(to_json(s.samples)), "sums": storable(sums_of(s.rows))} for s in scores}
    opened.save(f"scores/{name}.json", {"task": name, "protocols": values})
    return [s if in_pool(catalog, work.task, s.protocol) else replace(s, rows=()) for s in scores]


def fault(opened: Run, name: str, error: Exception, outcome: Outcome, watcher: Watcher) -> None:
    """Keeps a bug's traceback where its author finds it, and its sentence where the user does."""
    (opened.folder / "errors").mkdir(exist_ok=True)
    (opened.folder / "errors" / f"{name}.txt").write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
    said = " ".join(str(error).split())[:300]
    outcome.unavailable[name] = f"{type(error).__name__}: {said} (errors/{name}.txt has the traceback)"
    watcher.say(f"{name}: {outcome.unavailable[name]}")


def worse_head(identity: Mapping[str, Any]) -> dict[str, Any]:
    """What a result says of corruptions; nothing of a run without any."""
    worse = identity.get("corrupt", "")
    lacking = left_out(parse(worse))
    return {**({"corrupt": worse} if worse else {}), **({"corrupt_notes": lacking} if lacking else {})}


def finish(opened: Run, outcome: Outcome, pools: Sequence[Pool], notes: Sequence[str] = ()) -> None:
    """Writes timing, with the notes of this process, and last the result, which is the same however the run went."""
    manifest = opened.manifest
    rates = {name: round(rate, 3) for name, rate in outcome.rates.items()}
    seconds = {name: values for name, values in outcome.seconds.items() if values}
    opened.save("timing.json", {"samples_per_second": rates, "seconds": seconds, **({"notes": list(notes)} if notes else {})})
    head = {
        **({"name": manifest["name"]} if manifest.get("name") else {}),
        "model": {**manifest["model"], "fingerprint": manifest["identity"]["model"]["fingerprint"]},
        "identity": digest(manifest["identity"]),
        "recipe": manifest["identity"]["recipe"]["name"],
        **({"coordinates": manifest["identity"]["coordinates"]} if manifest["identity"].get("coordinates") else {}),
        **({"examples": manifest["examples"]} if manifest.get("examples") else {}),
        "control": manifest["identity"]["control"],
        **worse_head(manifest["identity"]),
        "limit": manifest["identity"]["limit"],
        "seed": manifest["identity"]["seed"],
        "source": manifest["source"],
        "asking": asking_of(manifest),
        "data": with_pools(manifest["identity"]["data"], pools),
    }
    opened.save("result.json", storable({**outcome.to_json(), **head}))


__all__ = ["Options", "account", "fingerprint", "run"]
