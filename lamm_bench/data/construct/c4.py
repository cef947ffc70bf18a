"""C4, the dialogue about a vision task: true answers in templates (LAMM, section 3.1), without a language model.

One function a kind of task gives all that can be asked of some facts; `dialogues` deals it out into dialogues. What is drawn is
drawn by the facts' own id, so that neither order nor number of the others moves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lamm_bench.errors import unknown

from .dialogue import Dialogue, Turn
from .facts import Facts, Thing
from .wordings import Pool, filled, listed, numbered, plural, with_article

MOST_THINGS = 20  # that one answer lists; a picture with more is asked for fewer kinds of things, never for a part of one kind
ABSENT = 0.2  # share of counting questions about something that is not there


@dataclass(frozen=True)
class Asking:
    """What a kind of task draws from."""

    facts: Facts
    pools: Mapping[str, Pool]
    rng: Random
    style: str  # of answers: sentences, short or mixed
    own: float  # share of questions that are the source's own, where it has some
    everything: Sequence[str] = ()  # the names of all things in all facts, for questions about what is not there

    def question(self, pool: str, values: Mapping[str, str], asked: str = "") -> str:
        """A wording of the pool, or the source's own question."""
        own = self.facts.asked.get(asked or pool)
        if own is not None and (not self.pools[pool].questions or self.rng.random() < self.own):
            return own
        return filled(self.rng.choice(self.pools[pool].questions), values)

    @property
    def brief(self) -> bool:
        return self.style == "short" or (self.style == "mixed" and self.rng.random() < 0.5)

    def answer(self, pool: str, values: Mapping[str, str]) -> str:
        """The bare answer, or a sentence that holds it."""
        chosen = self.pools[pool].short if self.brief else self.rng.choice(self.pools[pool].answers)
        said = filled(chosen, values)
        return (
            said if said == values.get("caption") else said[:1].upper() + said[1:] if chosen != self.pools[pool].short else said
        )

    def turn(self, pool: str, values: Mapping[str, str], asked: str = "") -> Turn:
        return Turn(self.question(pool, values, asked), self.answer(pool, values))

    def list_of(self, pool: str, things: Sequence[Mapping[str, str]]) -> str:
        """Several things in one text, all told in the same way."""
        item = self.rng.choice(self.pools[pool].items)
        return listed([filled(item, values) for values in things])


def place(numbers: Sequence[float], least: int = 2) -> str:
    """A box or point in brackets; more digits where two would move a small box away from itself.

    >>> place((0.1, 0.25)), place((0.5, 0.5, 0.512, 0.52)), place((-0.001, 1.0, 2.0, 0.5, 0.5, 1.25))
    ('[0.10, 0.25]', '[0.500, 0.500, 0.512, 0.520]', '[0.00, 1.00, 2.00, 0.50, 0.50, 1.25]')
    """
    digits = least
    if len(numbers) == 4 and min(numbers[2] - numbers[0], numbers[3] - numbers[1]) < 0.05:
        digits += 1
    return f"[{', '.join(f'{value + 0.0:.{digits}f}'.replace('-0.' + '0' * digits, '0.' + '0' * digits) for value in numbers)}]"


def classification(ask: Asking) -> list[Turn]:
    facts = ask.facts
    if len(facts.labels) != 1:
        return []
    pool = "fine_grained_classification" if facts.fine else "classification" if facts.flat else "classification3d"
    return [ask.turn(pool, {"label": facts.labels[0], "a label": with_article(facts.labels[0])})]


def faces(ask: Asking) -> list[Turn]:
    found = []
    if said := ask.facts.traits.get("smiling"):
        values = {"yesno": said, "Yesno": said.capitalize(), "not": "" if said == "yes" else "not "}
        found.append(ask.turn("smiling", values))
    if colour := ask.facts.traits.get("hair"):
        found.append(ask.turn("hair", {"hair": colour}))
    return found


def shown_things(facts: Facts) -> list[Thing]:
    """The things with boxes that one answer can list: whole kinds, the rarest first where there are too many."""
    if facts.lost:
        return []
    placed = [thing for thing in facts.things if thing.box and not thing.crowd]
    if len(placed) <= MOST_THINGS:
        return placed
    kinds: dict[str, list[Thing]] = {}
    for thing in placed:
        kinds.setdefault(thing.label, []).append(thing)
    chosen: list[Thing] = []
    for kind in sorted(kinds.values(), key=len):
        chosen += kind if len(chosen) + len(kind) <= MOST_THINGS else []
    return [] if len(chosen) < len(placed) and any(thing.crowd for thing in facts.things) else [t for t in placed if t in chosen]


def detection(ask: Asking) -> list[Turn]:
    things = shown_things(ask.facts)
    if not things or len(things) < len(ask.facts.things):  # a list that leaves something out is no answer to "all"
        return []
    pool = "detection" if ask.facts.flat else "detection3d"
    told = [{"label": one.label, "a label": with_article(one.label), "box": place(one.box)} for one in things]
    return [ask.turn(pool, {"list": ask.list_of(pool, told)}, "detection")]


def counting(ask: Asking) -> list[Turn]:
    found = []
    numbers = ask.facts.numbers()
    absent = [name for name in ask.everything if name not in ask.facts.names]
    if ask.facts.things and absent and ask.rng.random() < ABSENT:
        numbers = {**numbers, ask.rng.choice(absent): 0}
    for name, number in numbers.items():
        values = {"things": plural(name), "number": str(number), "number of things": numbered(number, name)}
        values |= {"Number of things": values["number of things"], "There are": "There is" if number == 1 else "There are"}
        found.append(ask.turn("counting", values, "counting" if name in ask.facts.counts else "-"))
    if "" in ask.facts.counts and "counting" in ask.facts.asked:
        found.append(ask.turn("counting_own", {"number": str(ask.facts.counts[""])}, "counting"))
    return found


def keypoints(ask: Asking) -> list[Turn]:
    own = ask.facts.asked.get("keypoints")
    found = []
    for name, point in ask.facts.joints.items():
        values = {"joint": name, "point": place(point)}
        given = own.replace("{}", name) if own and "{}" in own and ask.rng.random() < ask.own else None
        question = given or filled(ask.rng.choice(ask.pools["keypoints"].questions), values)
        found.append(Turn(question, ask.answer("keypoints", values)))
    return found


def locating(ask: Asking) -> list[Turn]:
    facts, asked = ask.facts, ask.facts.asked.get("locating", "")
    if facts.points and asked:
        told = [{"point": place(point)} for point in facts.points[: MOST_THINGS + 1]]
        return (
            [Turn(asked, ask.answer("locating_own", {"list": ask.list_of("locating_own", told)}))]
            if len(told) <= MOST_THINGS
            else []
        )
    meant = [point for name, point in facts.joints.items() if name.split()[-1] in asked.casefold().split()]
    if meant:
        told = [{"point": place(point)} for point in meant]
        return [Turn(asked, ask.answer("locating_own", {"list": ask.list_of("locating_own", told)}))]
    things = shown_things(facts)
    if not facts.flat or not things or len(things) < len(facts.things):
        return []
    middles = [((t.box[0] + t.box[2]) / 2, (t.box[1] + t.box[3]) / 2) for t in things]
    told = [{"label": t.label, "a label": with_article(t.label), "point": place(p)} for t, p in zip(things, middles)]
    return [ask.turn("locating", {"list": ask.list_of("locating", told)})]


def ocr(ask: Asking) -> list[Turn]:
    words = ask.facts.words
    if not words:
        return []
    quoted = listed([f'"{word}"' for word in words])
    return [ask.turn("ocr", {"words": " ".join(words), "quoted": quoted})]


def vqa(ask: Asking) -> list[Turn]:
    found = []
    for one in ask.facts.questions:
        values = {"option": one.options[one.right], "letter": chr(65 + one.right)}
        found.append(Turn(one.text, ask.answer("vqa", values)))
    return found


def captioning(ask: Asking) -> list[Turn]:
    return [ask.turn("captioning", {"caption": ask.rng.choice(ask.facts.captions)})] if ask.facts.captions else []


def grounding(ask: Asking) -> list[Turn]:
    asked = [{"description": one.text, "box": place(one.box)} for one in ask.facts.sought]
    return [ask.turn("grounding3d", values) for values in asked]


TASKS: Mapping[str, tuple[Callable[[Asking], list[Turn]], str, str]] = {
    "classification": (classification, "classification", "classification3d"),
    "faces": (faces, "facial_classification", ""),
    "detection": (detection, "detection", "detection3d"),
    "counting": (counting, "counting", "VQA3D"),
    "keypoints": (keypoints, "keypoint_detection", ""),
    "locating": (locating, "locating", ""),
    "ocr": (ocr, "ocr", ""),
    "vqa": (vqa, "VQA", "VQA3D"),
    "captions": (captioning, "description", "description3d"),
    "grounding": (grounding, "", "visual_grounding3d"),
}
"""What can be asked, with the `task_type` (reference 4.2) of dialogues about pictures and about rooms."""


def tasks_named(text: str) -> list[str]:
    """The tasks of a plan's `tasks`. Raises `BenchError` for one that does not exist."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name != "all" and name not in TASKS:
            raise unknown("task of C4", name, ["all", *TASKS])
    return list(TASKS) if "all" in names else [name for name in TASKS if name in names]


def dialogues(
    facts: Facts, settings: Mapping[str, Any], pools: Mapping[str, Pool], seed: int, everything: Sequence[str] = ()
) -> Iterator[Dialogue]:
    """Every C4 dialogue about one medium: of each kind of task its turns in random order, `turns` of them at most in one."""
    for name in tasks_named(str(settings["tasks"])):
        make, flat_type, solid_type = TASKS[name]
        task_type = flat_type if facts.flat else solid_type
        if not task_type:
            continue
        if name == "classification" and facts.fine:
            task_type = "fine_grained_classification"
        rng = Random(f"{seed}/C4/{name}/{facts.id}")
        turns = make(Asking(facts, pools, rng, str(settings["style"]), float(settings["own_questions"]), everything))
        rng.shuffle(turns)
        most = int(settings["turns"])
        for number, start in enumerate(range(0, len(turns), most)):
            yield Dialogue(f"C4/{name}/{facts.id}/{number}", "C4", facts.id, task_type, tuple(turns[start : start + most]))
