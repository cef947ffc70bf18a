"""Carries a plan out, stage after stage: facts, requests, answers, dialogues, checks, and what is written.

Stages that need no model are made anew whenever something before them has changed; answers of a model are asked for once and kept.
This wing knows no model: who asks is handed in (`Model`), as the command line does with `lamm_bench.judging.verdicts.ask`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, Stopped
from lamm_bench.keep.files import digest, request_digest, write_json, write_whole
from lamm_bench.keep.ledger import Ledger
from lamm_bench.media import is_there, modality
from lamm_bench.types import Generate, Response

from . import c4, pooling
from .card import as_text, card, wording
from .checks import among, check
from .decisions import decisions_in
from .dialogue import Dialogue, Verdict
from .facts import Facts, distinct, merged
from .folder import Folder, read_as
from .knowledge import described, informed
from .names import Names, aliases_in
from .others import Others
from .parsing import parsed
from .plan import Plan
from .prompting import Unit, units
from .readers import read
from .soundness import sound
from .stepwise import LEDGER, rounds_of
from .wordings import grown, pools

OF_LLM = ("C1", "C2", "C3")
META = "constructed.json"
UNREADABLE = ("form", "markup")  # what training could not read, or would read as another conversation: nobody can accept it
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Model:
    """A language model, for those who do not know any."""

    label: str
    fingerprint: str
    ask: Callable[
        [Sequence[tuple[str, Generate]], Ledger, Tick], None
    ]  # each answer is in the ledger before the next is looked at
    usage: Callable[[], Mapping[str, Any] | None] = lambda: None
    notes: Callable[[], Sequence[str]] = tuple  # what the card is to say of how was asked


@dataclass
class Watched:
    """Told how far it is."""

    say: Callable[[str], None] = lambda text: None
    begin: Callable[[str, int], None] = lambda name, total: None
    tick: Tick = lambda count: None
    end: Callable[[str], None] = lambda name: None


@dataclass
class Made:
    """What a construction has come to."""

    folder: Path
    card: dict[str, Any]
    unanswered: int = 0  # requests without an answer: to be asked when the same command is run again
    stopped: str = ""  # why asking ended early
    files: list[Path] = field(default_factory=list)


def construct(
    plan: Plan,
    out: Path,
    model: Model | None = None,
    limit: int | None = None,
    resume: bool = False,
    watcher: Watched | None = None,
) -> Made:
    """Everything that a plan asks for. Raises `BenchError` before anything is written where it cannot begin."""
    watcher = watcher or Watched()
    wanted = [kind for kind in plan.kinds if kind in OF_LLM]
    if (wanted or plan.pool) and model is None:
        what = ", ".join(wanted) or "`pool`"
        raise BenchError(
            f"{what} of the plan {plan.name} needs a language model; name one, as in --llm openai-chat --set model=gpt-4o-mini, or leave it out"
        )
    if "C2" in plan.kinds and not plan.knowledge:
        raise BenchError(f"C2 of the plan {plan.name} needs `knowledge`: files that describe labels, with `label` and `text`")
    if "C4" in plan.kinds:
        c4.tasks_named(str(plan.kinds["C4"]["tasks"]))
    aliases = aliases_in(plan.aliases)
    with Folder.open(out, plan.said, resume) as folder:
        work = Work(plan, folder, model, limit, watcher)
        facts, rejected = work.facts()
        names = Names.of(facts, aliases)
        by_id = {one.id: one for one in facts}
        made, verdicts = work.dialogues(facts)
        verdicts += work.checked(made, by_id, names)
        folder.write("dialogues.jsonl", (one.to_json() for one in made))
        folder.write(
            "checked.jsonl",
            ({"id": v.id, "kept": not v.reason, "reason": v.reason, "what": v.what, "by": v.by} for v in verdicts),
        )
        kept = {v.id for v in verdicts if not v.reason}
        files, notes = written(folder, [one for one in made if one.id in kept], by_id)
        if work.stopped:
            notes.append(f"not all was asked: {work.stopped}")
        data = card(
            plan,
            facts,
            rejected,
            made,
            verdicts,
            model.label if model else "",
            work.asked,
            folder.mark["spent"],
            [*work.notes, *notes, *(model.notes() if model else ())],
        )
        write_json(out / "card.json", data)
        write_whole(out / "card.md", as_text(data).encode("utf-8", "backslashreplace"))
        return Made(out, data, work.unanswered, work.stopped, files)


@dataclass
class Work:
    """One construction on its way."""

    plan: Plan
    folder: Folder
    model: Model | None
    limit: int | None
    watcher: Watched
    asked: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unanswered: int = 0
    stopped: str = ""
    entry: int | None = None  # of this construction among what was spent

    def facts(self) -> tuple[list[Facts], list[dict[str, Any]]]:
        """What is known of each medium, read once for the same plan and files."""
        named = [stamps(source.folder, source.options.values()) for source in self.plan.sources]
        made_of = [self.plan.digest, named, stamps(self.plan.folder, [str(path) for path in self.plan.knowledge]), wording()]
        if self.folder.stands("facts.jsonl", made_of) and self.folder.stands("rejected.jsonl", made_of):
            return read_as(self.folder.path / "facts.jsonl", Facts.from_json), read_as(
                self.folder.path / "rejected.jsonl", lambda row: {key: row[key] for key in ("source", "where", "reason", "what")}
            )
        rejected: list[dict[str, Any]] = []
        found: list[Facts] = []
        for source in self.plan.sources:
            found += read(source, rejecter(rejected, source.name))
        together, contrary = merged(found)
        for one, what in contrary:
            rejecter(rejected, one.source)(one.id, "contradiction", what)
        known = described(self.plan.knowledge, rejecter(rejected, "knowledge"))
        kept = []
        for one in together:
            reject = rejecter(rejected, one.source)
            if not self.plan.without_media and not is_there(one.file):
                reject(one.id, "no_media", f"{one.file} is missing")
            elif (fine := sound(informed(one, known), reject)) is not None:
                kept.append(fine)
        if not kept:
            reasons = ", ".join(f"{name} {count}" for name, count in Counter(row["reason"] for row in rejected).most_common())
            first = f"; the first: {rejected[0]['where']} {rejected[0]['what']}" if rejected else ""
            raise BenchError(
                f"the sources of the plan {self.plan.name} give nothing that can be used ({reasons or 'they are empty'}{first})"
            )
        distinct(kept)
        self.folder.write("facts.jsonl", (one.to_json() for one in kept), made_of)
        self.folder.write("rejected.jsonl", rejected, made_of)
        return kept, rejected

    def dialogues(self, facts: Sequence[Facts]) -> tuple[list[Dialogue], list[Verdict]]:
        """All dialogues, and verdicts on answers that hold none."""
        made: list[Dialogue] = []
        verdicts: list[Verdict] = []
        more = self.more_questions()
        told = [one for kind in OF_LLM if kind in self.plan.kinds for one in self.units(kind, facts, more)]
        self.keep_requests(told)
        flats = {one.id: one.flat for one in facts}
        for kind in self.plan.kinds:
            asked, said = self.said(kind, [one for one in told if one.kind == kind], flats)
            told = [*(one for one in told if one.kind != kind), *asked]
            for found in said:
                made += [found] if isinstance(found, Dialogue) else []
                verdicts += [found] if isinstance(found, Verdict) else []
            if kind == "C4":
                made += self.templated(facts, more)
        self.keep_requests(told)  # later rounds go by earlier answers
        return made, verdicts

    def keep_requests(self, told: Sequence[Unit]) -> None:
        """What a model is asked, word for word, in a file."""
        rows = (
            {"id": u.id, "kind": u.kind, "facts": u.facts, "request": request_digest(u.request), "messages": spelt(u.request)}
            for u in told
        )
        if told:
            self.folder.write("requests.jsonl", rows)

    def said(
        self, kind: str, wanted: Sequence[Unit], flats: Mapping[str, bool]
    ) -> tuple[Sequence[Unit], list[Dialogue | Verdict]]:
        """Everything that was asked of one kind, and of each unit that was answered its dialogue, or why there is none."""
        settings = self.plan.kinds[kind]
        if settings.get("one_at_a_time"):
            return rounds_of(wanted, int(settings["rounds"]), flats, partial(self.answers, kind, form=LEDGER))
        given = self.answers(kind, wanted) if wanted else {}
        return wanted, [parsed(one, given[one.id], flats[one.facts]) for one in wanted if one.id in given]

    def templated(self, facts: Sequence[Facts], more: Mapping[str, Sequence[str]]) -> list[Dialogue]:
        wordings = grown({name: lines for name, lines in more.items() if name != pooling.DESCRIBE})
        everything = list(dict.fromkeys(thing.label for one in facts for thing in one.things))[:1000]
        settings = self.plan.kinds["C4"]
        found = [d for one in facts for d in c4.dialogues(one, settings, wordings, self.plan.seed, everything)]
        return drawn(found, self.limit, self.plan.seed)

    def units(self, kind: str, facts: Sequence[Facts], more: Mapping[str, Sequence[str]]) -> list[Unit]:
        questions = [*pooling.prompts()["C3"]["questions"], *more.get(pooling.DESCRIBE, ())] if kind == "C3" else []
        found = list(units(kind, facts, self.plan.kinds[kind], self.plan.seed, questions))
        if not found:
            self.notes.append(f"no medium tells enough for {kind}")
        return drawn(found, self.limit, self.plan.seed)

    def more_questions(self) -> dict[str, list[str]]:
        """What a language model adds to the pools; nothing without `pool`."""
        if not self.plan.pool or self.model is None:
            return {}
        names = [name for name in pools() if "C4" in self.plan.kinds] + ([pooling.DESCRIBE] if "C3" in self.plan.kinds else [])
        found = pooling.grow(pools(), names, self.plan.pool, self.plan.seed, lambda asked: self.answers("pool", asked))
        write_json(self.folder.path / "pools.json", found)
        self.asked["pool"] = {**self.asked.get("pool", {}), "new": sum(len(one["new"]) for one in found.values())}
        return {name: one["new"] for name, one in found.items()}

    def answers(self, kind: str, asked: Sequence[Unit], form: str = "") -> dict[str, Response]:
        """What the model said to these; a model that stops leaves the rest without an answer. `form` is behind the ledger's name."""
        assert self.model is not None
        if not asked:
            return {}
        ledger = self.folder.ledger(self.model.fingerprint, f"{kind}{form}")
        self.watcher.begin(kind, len(asked))
        try:
            if not self.stopped:
                self.model.ask([(one.id, one.request) for one in asked], ledger, self.watcher.tick)
        except Stopped as stop:
            self.stopped = str(stop)
            self.watcher.say(f"{kind}: not all was asked: {stop}")
        finally:
            ledger.close()
            self.watcher.end(kind)
            self.account()
        found = {}
        for one in asked:
            said = ledger.said.get(one.id, {}).get(0)
            if said is not None and said[0] == request_digest(one.request):
                found[one.id] = said[1]
        missing = len(asked) - sum(r.error is None or r.status == "refused" for r in found.values())
        self.unanswered += missing
        known = self.asked.setdefault(kind, {"requests": 0, "answers": 0})
        known["requests"] += len(asked)
        known["answers"] += len(asked) - missing
        return found

    def account(self) -> None:
        """What this process has spent so far stands in the mark, one entry a process."""
        usage = self.model.usage() if self.model is not None else None
        if usage:
            spent = self.folder.mark["spent"]
            self.entry = len(spent) if self.entry is None else self.entry
            spent[self.entry :] = [dict(usage)]
            self.folder.save()

    def checked(self, made: Sequence[Dialogue], facts: Mapping[str, Facts], names: Names) -> list[Verdict]:
        """The verdict on each dialogue, in order: of each by itself, of each among the others, of a person."""
        verdicts = {one.id: check(one, facts[one.facts], names, self.plan.language) for one in made}
        spoken = [one for one in made if one.kind in OF_LLM and not verdicts[one.id].reason]
        if spoken:
            others = Others.among(list(facts.values()))
            verdicts |= {found.id: found for one in spoken if (found := others.check(one)) is not None}
        repeated = among([one for one in made if not verdicts[one.id].reason or one.kind in OF_LLM], facts, self.plan.near)
        verdicts |= {name: found for name, found in repeated.items() if not verdicts[name].reason}
        for name, decision in decisions_in(self.folder.path, {one.id: one for one in made}).items():
            if decision == "accept" and verdicts[name].reason in UNREADABLE:
                continue
            verdicts[name] = Verdict(name, "" if decision == "accept" else "person", "decided in review", "person")
        return list(verdicts.values())


def rejecter(rejected: list[dict[str, Any]], source: str) -> Callable[[str, str, str], None]:
    def reject(where: str, reason: str, what: str) -> None:
        rejected.append({"source": source, "where": where, "reason": reason, "what": what})

    return reject


def stamps(folder: Path, named: Iterable[Any]) -> list[Any]:
    """Size and time of change of every file that is named, so that a changed one is read again."""
    found: list[Any] = []
    for value in named:
        for name in value if isinstance(value, list) else [value]:
            path = folder / name if isinstance(name, str) else None
            if path is not None and path.exists():
                told = path.stat()
                found.append([str(name), told.st_size, told.st_mtime_ns])
    return found


def drawn(things: list[Any], limit: int | None, seed: int) -> list[Any]:
    """At most `limit` of them, drawn by their ids, in their order: 50 are among 100."""
    if limit is None or limit >= len(things):
        return things
    places = sorted(things, key=lambda one: digest([seed, one.id]))[:limit]
    chosen = {one.id for one in places}
    return [one for one in things if one.id in chosen]


def spelt(request: Generate) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in request.messages]


def written(folder: Folder, kept: Sequence[Dialogue], facts: Mapping[str, Facts]) -> tuple[list[Path], list[str]]:
    """LAMM's files of pictures and of rooms, with links to the media; what could not be linked is told."""
    files, notes = [], []
    for flat, top in ((True, "2D_Instruct"), (False, "3D_Instruct")):
        mine = [one for one in kept if facts[one.facts].flat is flat]
        path = folder.path / top / "meta_file" / META
        if not mine:
            path.unlink(missing_ok=True)
            continue
        items = [one.lamm(facts[one.facts], modality(facts[one.facts].kind).key) for one in mine]
        write_json(path, items)
        files.append(path)
        targets: dict[str, Path] = {}
        for one in mine:
            own = facts[one.facts]
            name, _, rest = own.path.partition("/")
            targets.setdefault(name, Path(own.file.removesuffix(rest).rstrip("/") if own.file.endswith(rest) else own.file))
        notes += [said for name, target in targets.items() if (said := folder.link(f"{top}/{name}", target))]
    return files, notes
