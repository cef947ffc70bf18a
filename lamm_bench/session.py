"""A whole run: find data, settle its identity, ask every task, score, and leave a folder that says everything.

One broken image, one failing task or one missing meta file never stops the rest; what is missing is listed."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import __version__, media
from .answers import find_answers, read_answers
from .catalog import Catalog
from .data.locate import find_root, is_root
from .errors import BenchError, Stopped, unknown
from .pooling import Pool
from .recipe import Recipe
from .runner import Plan, ask, plan, why_not
from .scoring import Answered, Score, from_records, pooled, score
from .store import FORMAT, Run, digest, read_json
from .transforms import CONTROLS
from .types import FAILED, Adapter, Record, Sample, Task, to_json


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
    mode: str = "auto"  # lamm_bench.store.MODES


class Watcher:
    """Told what happens; the command line draws bars from it. Every method may be overridden."""

    def say(self, text: str) -> None: ...

    def begin(self, task: str, total: int) -> None: ...

    def tick(self, count: int) -> None: ...

    def end(self, task: str) -> None: ...


@dataclass
class Outcome:
    """What a run or a scoring has come to."""

    scores: list[Score] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)  # task -> why it was not asked (modality, recipe)
    unavailable: dict[str, str] = field(default_factory=dict)  # task -> why it could not be asked or scored
    failures: dict[str, str] = field(default_factory=dict)  # task -> how many samples have no answer, and why most of them
    rates: dict[str, float] = field(default_factory=dict)  # samples a second, where anything was asked now
    folder: Path | None = None

    @property
    def complete(self) -> bool:
        """Whether every expected sample of every task that could be asked has an answer."""
        failed = sum(score.counts[status] for score in self.scores for status in FAILED)
        return not self.unavailable and not failed

    def to_json(self, samples: bool = False) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "results": [score.to_json(samples) for score in self.scores],
            "skipped": self.skipped,
            "unavailable": self.unavailable,
        }


def load(tasks: Sequence[Task], root: Path, outcome: Outcome) -> list[tuple[Task, Sequence[Sample]]]:
    """The samples of every task whose meta file can be read; the others are listed with the reason."""
    loaded = []
    for task in tasks:
        try:
            loaded.append((task, task.samples(root)))
        except BenchError as error:
            outcome.unavailable[task.name] = str(error)
    if not loaded and outcome.unavailable:
        raise BenchError(
            next(iter(outcome.unavailable.values())) + ("" if len(tasks) == 1 else " (and no other task can be read)")
        )
    return loaded


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


def why_failed(records: Iterable[Record]) -> str:
    """How many records ended without an answer, with the reason that most of them share; empty when none did.

    >>> why_failed([Record("1", "model_error", None, "HTTP 500"), Record("2", "ok", None)])
    '1 of 2 samples failed: HTTP 500'
    """
    records = list(records)
    reasons = Counter(record.error or record.status for record in records if record.status in FAILED)
    if not reasons:
        return ""
    (reason, times), *others = reasons.most_common()
    failed = reasons.total()
    which = f"{times} of them: " if others else ""
    return f"{failed} of {len(records)} samples failed: {which}{' '.join(reason.split())[:300]}"


def score_task(
    catalog: Catalog, task: Task, samples: Sequence[Sample], answered: Mapping[str, Answered], protocols: Sequence[str]
) -> list[Score]:
    """The task under each protocol that it has."""
    return [
        score(task, protocol, samples, answered, keep_rows=in_pool(catalog, task, protocol))
        for protocol in protocols
        if protocol in task.protocols
    ]


def in_pool(catalog: Catalog, task: Task, protocol: str) -> bool:
    """Whether a pooled result needs this task's rows under this protocol."""
    return any(task.name in pool.tasks and protocol == pool.protocol for pool in catalog.pools)


def with_pools(data: Mapping[str, str], pools: Sequence[Pool]) -> dict[str, str]:
    """The digests of the tasks' data, and for each pooled result one made of its members'."""
    return {**data, **{pool.name: digest({name: data.get(name) for name in pool.tasks}) for pool in pools}}


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


def root_of(folders: Sequence[Path], given: Path | None, catalog: Catalog, say: Callable[[str], None]) -> Path:
    """Where to read the data of stored runs: where the user says, else where the first run met them if they are still the same,
    else as for a new run. The run's smallest task decides, since every task is compared with its digest later anyway."""
    manifest = Run.read(folders[0]).manifest
    for folder in folders[1:]:
        Run.read(folder)  # a folder that holds no run is told before data are looked for
    place = manifest.get("data_root")
    if given is None and place and is_root(Path(place)) and same_data(manifest, Path(place), catalog):
        say(f"data: {place}, where {folders[0]} met them; --data-root names others")
        return Path(place)
    return find_root(given, say)[0]


def same_data(manifest: Mapping[str, Any], root: Path, catalog: Catalog) -> bool:
    """Whether the run's smallest task that is known here has the same items and media under this root."""
    identity = manifest["identity"]
    known = [name for name in identity["data"] if name in catalog.tasks]
    if not known:
        return False
    name = min(known, key=lambda task: manifest["samples"].get(task, 0))
    try:
        work = plan(catalog.tasks[name], catalog.tasks[name].samples(root), identity["limit"], identity["seed"], None)
    except BenchError:
        return False
    return work.data == identity["data"][name]


def rescore(folder: Path, catalog: Catalog, root: Path, tasks: str, protocols: Sequence[str], watcher: Watcher) -> Outcome:
    """Scores a stored run again, without a model, from its records. Refuses data that the run was not asked about."""
    stored = Run.read(folder)
    identity = stored.manifest["identity"]
    known = [name for name in identity["data"] if name in catalog.tasks]
    chosen = [task for task in catalog.select_tasks(tasks) if task.name in known]
    if not chosen:
        raise BenchError(f"{folder} was not asked about {tasks}; it holds {', '.join(identity['data'])}")
    outcome = Outcome(folder=folder)
    for name in identity["data"]:
        if name not in catalog.tasks:
            outcome.unavailable[name] = "no task of this name is known here"
    for task, samples in load(chosen, root, outcome):
        watcher.begin(task.name, len(samples))
        work = plan(task, samples, identity["limit"], identity["seed"], identity["control"])
        if work.data != identity["data"][task.name]:
            outcome.unavailable[task.name] = (
                f"the data under {root} are not those of the run; name the run's data with --data-root"
            )
        else:
            records = stored.ledger(task.name).ended
            if reason := why_failed(records.values()):
                outcome.failures[task.name] = reason
            wanted = protocols or stored.manifest["protocols"]
            outcome.scores += score_task(catalog, task, work.samples, from_records(records), wanted)
        watcher.tick(len(work.samples))
        watcher.end(task.name)
    outcome.scores += pooled(catalog.pools, outcome.scores)
    return outcome


def score_answers(folder: Path, catalog: Catalog, root: Path, tasks: str, protocols: Sequence[str], watcher: Watcher) -> Outcome:
    """Scores upstream-format answer files. A named task without a file is listed; `all` takes the files that are there."""
    outcome = Outcome()
    files: dict[str, Path] = {}
    if not folder.is_dir():
        raise BenchError(f"{folder} is no folder; expected answer files such as Classification_CIFAR10.json in it")
    named = catalog.select_tasks(tasks)
    for task in named:
        path = find_answers(folder, task)
        if path is not None:
            files[task.name] = path
        elif tasks != "all":
            outcome.unavailable[task.name] = f"{folder / task.answer_files[0]}.json is missing"
    if not files:
        raise BenchError(f"{folder} holds no answer file of {tasks}; expected for instance {named[0].answer_files[0]}.json")
    for task, samples in load([task for task in named if task.name in files], root, outcome):
        watcher.begin(task.name, len(samples))
        try:
            answers = read_answers(files[task.name])
        except BenchError as error:
            outcome.unavailable[task.name] = str(error)
            continue
        for protocol in protocols:
            if protocol in task.protocols:
                answered, notes = answers.join(samples, protocol)
                (result,) = score_task(catalog, task, samples, answered, [protocol])
                outcome.scores.append(replace(result, notes=(*result.notes, *notes)))
        watcher.tick(len(samples))
        watcher.end(task.name)
    outcome.scores += pooled(catalog.pools, outcome.scores)
    return outcome
