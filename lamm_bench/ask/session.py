"""A whole run: find data, settle its identity, ask every task, score, and leave a folder that says everything.

One broken image, one failing task or one missing meta file never stops the rest; what is missing is listed."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench import __version__, media
from lamm_bench.errors import BenchError, Stopped, unknown
from lamm_bench.keep.files import digest, read_json
from lamm_bench.keep.runs import FORMAT, Run
from lamm_bench.measure.pooling import Pool
from lamm_bench.measure.scoring import Score, from_records, pooled
from lamm_bench.types import Adapter, to_json

from .catalog import Catalog
from .outcome import Outcome, Watcher, load, score_task, why_failed, with_pools
from .recipe import Recipe
from .runner import Plan, ask, plan, why_not
from .transforms import CONTROLS


@dataclass(frozen=True)
class Options:
    """What a user asks of a run."""

    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    tasks: str = "all"
    data_root: Path | None = None  # None: found, or the miniature
    recipe: str = "lamm/standard"
    protocols: tuple[str, ...] = ()  # empty: the recipe's
    limit: int | None = None
    seed: int = 0
    control: str | None = None
    output: Path | None = None
    mode: str = "auto"  # lamm_bench.keep.runs.MODES


def run(options: Options, catalog: Catalog, adapter: Adapter, root: Path, source: str, watcher: Watcher) -> Outcome:
    """Asks and scores. Raises `BenchError` before the first question if the run cannot begin."""
    recipe = catalog.recipe(options.recipe)
    if options.control and options.control not in CONTROLS:
        raise unknown("control", options.control, CONTROLS)
    outcome = Outcome()
    plans = []
    for task, samples in load(catalog.select_tasks(options.tasks), root, outcome):
        reason = why_not(task, recipe, adapter)
        if reason:
            outcome.skipped[task.name] = reason
        else:
            plans.append(plan(task, samples, options.limit, options.seed, options.control))
    if not plans:
        raise BenchError(
            "no task can be asked: " + "; ".join(f"{k}: {v}" for k, v in {**outcome.skipped, **outcome.unavailable}.items())
        )
    manifest = describe(options, recipe, adapter, plans, source, root)
    for sentence in manifest["model"].get("notes", ()):
        watcher.say(f"note: {sentence}")
    outcome.folder = options.output or Path("runs") / f"{options.model}-{digest(manifest['identity'], 8)}"
    opened = Run.start(outcome.folder, manifest, options.mode)
    try:
        for work in plans:
            outcome.scores += carry_out(work, recipe, adapter, opened, options, catalog, outcome, watcher)
        outcome.scores += pooled(catalog.pools, outcome.scores)
        finish(opened, manifest, outcome, catalog.pools, learnt(manifest, adapter, watcher))
    finally:
        account(opened, adapter, watcher)  # of an interrupted run too: what was spent was spent
        opened.close()
    return outcome


def account(opened: Run, adapter: Adapter, watcher: Watcher) -> None:
    """Keeps what an adapter with `usage` says it has used, one entry for each process that asked, in `usage.json`."""
    usage = getattr(adapter, "usage", None)
    now = usage() if usage is not None else None
    if now:
        path = opened.folder / "usage.json"
        opened.save("usage.json", [*(read_json(path) if path.exists() else []), now])
        watcher.say("used: " + ", ".join(f"{key} {value}" for key, value in now.items() if value and not isinstance(value, dict)))


def describe(
    options: Options, recipe: Recipe, adapter: Adapter, plans: Sequence[Plan], source: str, root: Path
) -> dict[str, Any]:
    """The manifest. `identity` is everything that may move an answer; two runs with the same identity are the same run."""
    return {
        "format": FORMAT,
        "identity": {
            "recipe": recipe.identity(),
            "model": {"name": options.model, "fingerprint": fingerprint(adapter)},
            "data": {work.task.name: work.data for work in plans},
            "limit": options.limit,
            "seed": options.seed,
            "control": options.control,
        },
        "model": {"name": options.model, "settings": to_json(dict(options.settings)), **noted(adapter)},
        "protocols": list(options.protocols or recipe.metric.protocols),
        "source": source,
        "data_root": str(root.resolve()),  # where they were met; not part of the identity, since data may move
        "samples": {work.task.name: len(work.samples) for work in plans},
        "versions": {"lamm-bench": __version__, **media.decoder_versions()},
    }


def noted(adapter: Adapter) -> dict[str, Any]:
    """What the adapter wants a reader of the manifest to know, if it has `notes`."""
    notes = getattr(adapter, "notes", ())
    return {"notes": [str(note) for note in notes]} if notes else {}


def learnt(manifest: Mapping[str, Any], adapter: Adapter, watcher: Watcher) -> list[str]:
    """What the adapter has noted since the run began, such as that memory ran out; told once."""
    before = manifest["model"].get("notes", ())
    found = [note for note in noted(adapter).get("notes", ()) if note not in before]
    for sentence in found:
        watcher.say(f"note: {sentence}")
    return found


def fingerprint(adapter: Adapter) -> str:
    """The adapter's own; a stranger's that fails is named in one sentence."""
    try:
        return str(adapter.fingerprint())
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(f"the fingerprint of model {adapter.name} cannot be taken: {type(error).__name__}: {error}") from error


def carry_out(
    work: Plan,
    recipe: Recipe,
    adapter: Adapter,
    opened: Run,
    options: Options,
    catalog: Catalog,
    outcome: Outcome,
    watcher: Watcher,
) -> list[Score]:
    """Asks and scores one task. A fault in it is kept in `errors/<task>.txt`, listed, and does not stop the others."""
    name = work.task.name
    watcher.begin(name, len(work.samples))
    ledger = opened.ledger(name, write=True)
    try:
        asked = ask(work, recipe, adapter, ledger, options.seed, watcher.tick)
        if asked.new:
            outcome.rates[name] = asked.new / max(asked.seconds, 1e-9)
    except Stopped as stop:
        outcome.unavailable[name] = f"not all was asked: {stop}"
        watcher.say(f"{name}: {outcome.unavailable[name]}")
    except (BenchError, KeyboardInterrupt):
        raise
    except Exception as error:
        (opened.folder / "errors").mkdir(exist_ok=True)
        (opened.folder / "errors" / f"{name}.txt").write_text(traceback.format_exc(), encoding="utf-8")
        outcome.unavailable[name] = f"{type(error).__name__}: {error} (errors/{name}.txt has the traceback)"
        watcher.say(f"{name}: {outcome.unavailable[name]}")
    finally:
        ledger.close()
        watcher.end(name)
    if reason := why_failed(ledger.ended.values()):
        outcome.failures[name] = reason
    scores = score_task(
        catalog, work.task, work.samples, from_records(ledger.ended), options.protocols or recipe.metric.protocols
    )
    opened.save(f"scores/{name}.json", {"task": name, "protocols": {s.protocol: {"samples": to_json(s.samples)} for s in scores}})
    return scores


def finish(opened: Run, manifest: Mapping[str, Any], outcome: Outcome, pools: Sequence[Pool], notes: Sequence[str] = ()) -> None:
    """Writes timing, with the notes of this process, and last the result, which is the same however the run went."""
    rates = {name: round(rate, 3) for name, rate in outcome.rates.items()}
    opened.save("timing.json", {"samples_per_second": rates, **({"notes": list(notes)} if notes else {})})
    head = {
        "model": {**manifest["model"], "fingerprint": manifest["identity"]["model"]["fingerprint"]},
        "identity": digest(manifest["identity"]),
        "recipe": manifest["identity"]["recipe"]["name"],
        "control": manifest["identity"]["control"],
        "limit": manifest["identity"]["limit"],
        "seed": manifest["identity"]["seed"],
        "source": manifest["source"],
        "data": with_pools(manifest["identity"]["data"], pools),
    }
    opened.save("result.json", {**outcome.to_json(), **head})
