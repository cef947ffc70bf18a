"""A whole judgement: whom to ask about what, kept in `judgements/<metric>-<judge>-<identity>/` of the run that is judged.

manifest.json       identity: metric, protocol, judge and its fingerprint, wording, seed, the runs
cases.json          who was to be judged, and the hash of each question; with the records enough to replay without judge or data
records/<task>.jsonl  every verdict the moment it is given, append-only
scores/<task>.json  each sample's value;  result.json  the numbers, in the form of a run's, so that leaderboards show them"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lamm_bench.ask import attendance
from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.session import account, fingerprint
from lamm_bench.errors import BenchError, Stopped
from lamm_bench.keep.files import digest, read_json, request_digest
from lamm_bench.keep.runs import FORMAT, Run
from lamm_bench.measure.scoring import Score
from lamm_bench.types import FAILED, Adapter, Response, to_json
from lamm_bench.version import __version__

from . import wording
from .agreement import between, ranking_against_metric, rating_against_metric, values_of
from .cases import Case, Cases, draw, dump, gather, undump
from .language import Language, fixed
from .ranking import MIX, Ranking
from .rating import Rating
from .verdicts import Unit, ask, responses

FOLDER = "judgements"
PROTOCOLS = ("standard", "classic")


@dataclass(frozen=True)
class Options:
    """What a user asks of a judgement."""

    run: Path
    judge: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    against: Path | None = None  # another run: ranking instead of rating
    tasks: str = "all"
    protocol: str = "standard"
    newlines: bool = False
    votes: int = 3
    temperature: float = 0.7
    limit: int | None = None  # answers of each task
    seed: int = 0
    mode: str = "auto"
    new_tokens: int | None = None  # of a verdict; None: the metric's own
    language: bool = False  # language performance: a chain of thought and its answer, graded together

    @property
    def metric(self) -> str:
        return "language" if self.language else "ranking" if self.against is not None else "rating"

    def method(self) -> dict[str, Any]:
        """The settings of the metric, as they stand in the identity."""
        tokens = {"new_tokens": self.new_tokens} if self.new_tokens is not None else {}
        if self.metric == "ranking":
            return {"classic": self.protocol == "classic", "newlines": self.newlines, "seed": self.seed, **tokens}
        return {"votes": self.votes, "temperature": self.temperature, "seed": self.seed, **tokens}


@dataclass
class Judgement:
    """What a judgement has come to."""

    folder: Path
    metric: str
    judge: str
    scores: list[Score] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)  # task -> what the judge said or failed with where no verdict came
    alarm: str = ""  # that workers have judged otherwise (ask/attendance.py)
    agreement: dict[str, Any] = field(default_factory=dict)  # with the metric, by task; with other judges, by name

    @property
    def complete(self) -> bool:
        return not self.unavailable and not any(score.counts[status] for score in self.scores for status in FAILED)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "metric": self.metric,
            "judge": self.judge,
            "results": [score.to_json() for score in self.scores],
            "skipped": {},
            "unavailable": self.unavailable,
            **({"alarm": self.alarm} if self.alarm else {}),
            "agreement": self.agreement,
        }


Method = Rating | Ranking | Language
METHODS: dict[str, type[Method]] = {"rating": Rating, "ranking": Ranking, "language": Language}


def method_of(metric: str, settings: Mapping[str, Any]) -> Method:
    return METHODS[metric](**settings)


def check(options: Options) -> None:
    """Refuses what does not fit together."""
    if options.protocol not in PROTOCOLS:
        raise BenchError(f"--protocol {options.protocol} is none of a judge's: {', '.join(PROTOCOLS)}")
    if options.language and options.against is not None:
        raise BenchError("language performance grades the reasoning of one run; leave --against out")
    if options.metric != "ranking" and options.protocol == "classic":
        raise BenchError("upstream published no way of rating; --protocol classic is for ranking, with --against RUN2")
    if options.newlines and options.protocol != "classic":
        raise BenchError("--classic-newlines repeats a fault of upstream's ranking; it needs --against RUN2 --protocol classic")
    if options.against is not None and options.against.resolve() == options.run.resolve():
        raise BenchError(f"{options.run} cannot be ranked against itself")


def judge(options: Options, catalog: Catalog, adapter: Adapter, root: Path, watcher: Watcher) -> Judgement:
    """Asks the judge and scores. Raises `BenchError` before the first question if it cannot begin."""
    check(options)
    found = gather(options.run, options.against, catalog, root, tasks_of(options, catalog))
    method = method_of(options.metric, options.method())
    manifest = describe(options, adapter, found)
    name = "".join(c if c.isalnum() else "-" for c in options.judge)
    folder = options.run / FOLDER / f"{options.metric}-{name}-{digest(manifest['identity'], 8)}"
    chosen = {task: drawn(options, task, cases) for task, cases in found.cases.items()}
    units = {task: method.units(found.tasks[task], cases) for task, cases in chosen.items()}
    opened = Run.start(folder, manifest, options.mode)
    result = Judgement(folder, options.metric, manifest["label"], unavailable=found.unavailable)
    keep = partial(attendance.keep, opened.folder, opened.save, adapter)
    try:
        attendance.at_once(adapter, keep)
        opened.save("cases.json", {task: stored(chosen[task], units[task]) for task in chosen})
        for task, cases in chosen.items():
            given = ask_about(task, units[task], adapter, opened, result, watcher)
            result.scores.append(method.score(task, protocol_name(manifest), cases, given))
            note_trouble(result, given)
        finish(opened, method, result, found.run, options.against)
    finally:
        keep()
        account(opened, adapter, watcher)
        opened.close()
    return result


def drawn(options: Options, task: str, cases: Sequence[Case]) -> list[Case]:
    """The answers of a task that are judged."""
    if not options.language:
        return draw(cases, share(options, task), options.seed, task)
    if not any(case.thought for case in cases):
        raise BenchError(
            f"{options.run} holds no chain of thought about {task}; language performance is judged of a run asked with "
            "--recipe desiderata/reasoning"
        )
    return fixed(cases)[: options.limit]


def tasks_of(options: Options, catalog: Catalog) -> str:
    """Ranking is about LAMM's nine data sets, whatever else a run holds."""
    if options.metric != "ranking":
        return options.tasks
    named = [task.name for task in catalog.select_tasks(options.tasks)]
    within = [name for name in named if name in MIX]
    outside = [name for name in named if name not in MIX]
    if not within or (outside and options.tasks != "all"):
        raise BenchError(f"LAMM's ranking has no {', '.join(outside)}; it is made of {', '.join(MIX)}")
    return ",".join(within)


def share(options: Options, task: str) -> int | None:
    """How many answers of a task are judged: its share of the mix, no more than --limit; None for all."""
    if options.metric == "rating":
        return options.limit
    return min(MIX[task], options.limit or MIX[task])


def describe(options: Options, adapter: Adapter, found: Cases) -> dict[str, Any]:
    """The manifest. The identity names the runs by their own, not by their folders."""
    runs = [run.manifest["identity"] for run in (found.run, found.against) if run is not None]
    model = options.settings.get("model", "")
    return {
        "format": FORMAT,
        "kind": "judgement",
        "identity": {
            "metric": options.metric,
            "method": options.method(),
            "judge": {"name": options.judge, "fingerprint": fingerprint(adapter)},
            "wording": wording.VERSION,
            "limit": options.limit,
            "tasks": sorted(found.cases),
            "runs": [digest(identity) for identity in runs],
        },
        "label": f"{options.judge} {model}".strip(),
        "against": os.path.relpath(options.against, options.run) if options.against is not None else None,  # both may move
        "against_model": found.against.manifest["model"]["name"] if found.against is not None else None,
        "settings": to_json(dict(options.settings)),
        "versions": {"lamm-bench": __version__},
    }


def protocol_name(manifest: Mapping[str, Any]) -> str:
    """Under which a leaderboard files these figures: never two metrics, judges or opponents under one."""
    identity = manifest["identity"]
    if identity["metric"] != "ranking":
        return f"{identity['metric']} by {manifest['label']}"
    classic = " (classic)" if identity["method"]["classic"] else ""
    return f"ranking{classic} by {manifest['label']} against {manifest['against_model']} {identity['runs'][1][:8]}"


def stored(cases: Sequence[Any], units: Sequence[Unit]) -> dict[str, Any]:
    return {"cases": dump(cases), "requests": {unit.id: request_digest(unit.request) for unit in units}}


def ask_about(
    task: str, units: Sequence[Unit], adapter: Adapter, opened: Run, result: Judgement, watcher: Watcher
) -> dict[str, Response]:
    """The verdicts of one task. A judge that stops leaves the rest missing, to be asked when the same command is run again."""
    watcher.begin(task, len(units))
    ledger = opened.ledger(task, write=True)
    try:
        ask(units, adapter, ledger, watcher.tick)
    except Stopped as stop:
        result.unavailable[task] = f"not all was judged: {stop}"
        watcher.say(f"{task}: {result.unavailable[task]}")
    finally:
        ledger.close()
        watcher.end(task)
    return responses(units, ledger)


def note_trouble(result: Judgement, given: Mapping[str, Response]) -> None:
    """One example of why the judge's answers about the last task came to nothing, so that nobody has to open the records."""
    score = result.scores[-1]
    failed = [name for name, values in score.samples.items() if values["status"] == "judge_error"]
    said = next((given[unit] for name in failed for unit in sorted(given) if unit.startswith(f"{name}/")), None)
    if said is not None:
        what = f"failed: {said.error}" if said.error is not None else f"said what is no verdict: {said.text!r}"
        short = what if len(what) <= 200 else what[:200] + " ..."
        result.troubles[score.task] = f"{len(failed)} judge errors; for instance the judge {' '.join(short.split())}"


def finish(opened: Run, method: Method, result: Judgement, run: Run, against: Path | None) -> None:
    """Pools, agreement, and the files; the result last."""
    protocol = protocol_name(opened.manifest)
    for score in result.scores:
        opened.save(f"scores/{score.task}.json", {"task": score.task, "samples": to_json(score.samples)})
    result.alarm = attendance.alarm(opened.folder)
    result.agreement = agreement(result, run.folder, against)
    result.scores += method.pool(protocol, result.scores)
    identity = run.manifest["identity"]
    head = {
        "model": {**run.manifest["model"], "fingerprint": identity["model"]["fingerprint"]},
        "identity": digest(opened.manifest["identity"]),
        "recipe": identity["recipe"]["name"],
        **{key: identity[key] for key in ("control", "corrupt", "limit", "seed") if key in identity},
        "source": run.manifest["source"],
        "data": identity["data"],
    }
    opened.save("result.json", {**result.to_json(), **head})


def agreement(result: Judgement, run: Path, against: Path | None) -> dict[str, Any]:
    """With the deterministic metric of each task, and with every other judgement of the same kind in this run."""
    found: dict[str, Any] = {"metric": {}, "judges": {}}
    mine = {score.task: values_of(score.samples) for score in result.scores}
    for task, values in mine.items():
        if against is None:
            found["metric"][task] = rating_against_metric(values, run, task) if result.metric != "ranking" else None
        else:
            found["metric"][task] = ranking_against_metric(values, run, against, task)
    for other in judgements(run):
        if other == result.folder or not comparable(other, result.folder):
            continue
        theirs = {path.stem: values_of(read_json(path)["samples"]) for path in sorted((other / "scores").glob("*.json"))}
        name = f"{read_json(other / 'manifest.json')['label']} ({other.name})"
        found["judges"][name] = between(flat(mine), flat(theirs), result.metric)
    return found


def flat(values: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, str], float]:
    """The values of all tasks in one mapping."""
    return {(task, name): value for task, of in values.items() for name, value in of.items()}


def comparable(other: Path, own: Path) -> bool:
    """Whether two judgements are of the same metric about the same runs."""
    a, b = (read_json(folder / "manifest.json")["identity"] for folder in (other, own))
    return (a["metric"], a["runs"]) == (b["metric"], b["runs"])


def judgements(run: Path) -> Iterator[Path]:
    """The folders of all judgements of a run, in name order."""
    for folder in sorted((run / FOLDER).iterdir()) if (run / FOLDER).is_dir() else []:
        if (folder / "manifest.json").is_file():
            yield folder


def replay(run: Path) -> list[Judgement]:
    """Every judgement of a run, scored again from its recorded verdicts: no judge, no data, no key."""
    judged = Run.read(run)
    found = []
    for folder in judgements(run):
        opened = Run.read(folder, kind="judgement")
        identity = opened.manifest["identity"]
        method = method_of(identity["metric"], identity["method"])
        against = run / opened.manifest["against"] if opened.manifest["against"] else None
        result = Judgement(folder, identity["metric"], opened.manifest["label"])
        for task, known in read_json(folder / "cases.json").items():
            said = opened.ledger(task).said
            given = {unit: steps[0][1] for unit, steps in said.items() if known["requests"].get(unit) == steps[0][0]}
            result.scores.append(method.score(task, protocol_name(opened.manifest), undump(known["cases"]), given))
            note_trouble(result, given)
        finish(opened, method, result, judged, against)
        found.append(result)
    if not found:
        raise BenchError(f"{run} holds no judgements to replay; make one with --judge NAME")
    return found
