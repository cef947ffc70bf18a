"""What is known of one picture or cloud, whatever form it was written in: the one noun between readers and kinds of dialogue.

Places are in the benchmark's units (reference 1.1): boxes, joints and points of pictures are fractions of width and height, boxes of
rooms are [x, y, z, l, w, h] in metres, centre and full extents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.media import modalities, modality

Box = tuple[float, ...]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Thing:
    """One object that was annotated. `box` has 4 numbers in pictures, 6 in rooms, and none where only the name is known."""

    label: str
    box: Box = ()
    crowd: bool = False  # a group whose members were not told apart (COCO's iscrowd): it has a place and no number


@dataclass(frozen=True, slots=True)
class Question:
    """A question with options; `text` is asked as it stands, its options included."""

    text: str
    options: tuple[str, ...]
    right: int


@dataclass(frozen=True, slots=True)
class Sought:
    """A description that fits one object, and the object's box."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one medium."""

    id: str
    source: str  # the plan's name for where it was read
    kind: str  # the modality's name
    path: str  # as what is made names it: `coco_images/1.jpg`
    file: str  # where it lies, absolute; it need not be there for dialogues to be made
    labels: tuple[str, ...] = ()  # of the whole medium
    fine: bool = False  # whether a label is one of closely related kinds (species, land uses)
    captions: tuple[str, ...] = ()
    things: tuple[Thing, ...] = ()
    relations: tuple[tuple[str, str, str], ...] = ()  # subject, predicate, object; an attribute has the predicate `is`
    joints: Mapping[str, Point] = field(default_factory=dict)
    points: tuple[Point, ...] = ()  # the middles of counted things
    counts: Mapping[str, int] = field(default_factory=dict)  # thing -> number; an empty name where only a question names it
    words: tuple[str, ...] = ()  # that are written in the picture
    traits: Mapping[str, str] = field(default_factory=dict)  # of a face: `smiling`: yes or no; `hair`: a colour
    questions: tuple[Question, ...] = ()
    sought: tuple[Sought, ...] = ()
    knowledge: Mapping[str, str] = field(default_factory=dict)  # label -> what is known of its kind at large
    lost: tuple[str, ...] = ()  # names of things whose places were refused: nobody knows how many there are; empty: any name
    asked: Mapping[str, str] = field(default_factory=dict)  # kind of task -> the source's own question

    def to_json(self) -> dict[str, Any]:
        """Only what is known."""
        return {one.name: plain(value) for one in fields(self) if (value := getattr(self, one.name)) not in ((), {}, False)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Facts:
        """The other way of `to_json`. Raises TypeError, KeyError or IndexError for an object of another form."""
        made = {name: value if name not in LISTS else LISTS[name](value) for name, value in data.items()}
        facts = cls(**made)
        named = (facts.id, facts.source, facts.kind, facts.path, facts.file)
        if not all(isinstance(text, str) for text in (*named, *(text for _, text in facts.texts()))):
            raise TypeError("a text is none")
        return facts

    @property
    def flat(self) -> bool:
        """Whether places in it are fractions of a picture."""
        return modality(self.kind).flat

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of a thing that is known here, in order of first mention."""
        related = [name for subject, _, other in self.relations for name in (subject, other)]
        return tuple(dict.fromkeys([*self.labels, *(t.label for t in self.things), *related, *filter(None, self.counts)]))

    def numbers(self) -> dict[str, int]:
        """How many there are of each thing, where every one of it was annotated by itself."""
        if "" in self.lost:
            return {name: number for name, number in self.counts.items() if name}
        crowds = {thing.label for thing in self.things if thing.crowd} | set(self.lost)
        found = Counter(thing.label for thing in self.things if thing.label not in crowds)
        return {**found, **{name: number for name, number in self.counts.items() if name}}

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text that strangers wrote, with the name of the field that it stands in."""
        yield from (("labels", label) for label in self.labels)
        yield from (("captions", caption) for caption in self.captions)
        yield from (("things", thing.label) for thing in self.things)
        yield from (("relations", part) for relation in self.relations for part in relation)
        yield from (("words", word) for word in self.words)
        yield from (("counts", name) for name in self.counts)
        yield from (("traits", value) for value in self.traits.values())
        yield from (("questions", text) for one in self.questions for text in (one.text, *one.options))
        yield from (("sought", one.text) for one in self.sought)
        yield from (("asked", text) for text in self.asked.values())
        yield from (("joints", name) for name in self.joints)
        yield from (("knowledge", text) for text in self.knowledge.values())


def plain(value: Any) -> Any:
    """A field as JSON."""
    if isinstance(value, Thing):
        return {"label": value.label, "box": list(value.box), **({"crowd": True} if value.crowd else {})}
    if isinstance(value, Question):
        return {"text": value.text, "options": list(value.options), "right": value.right}
    if isinstance(value, Sought):
        return {"text": value.text, "box": list(value.box)}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return value


LISTS: dict[str, Any] = {
    **dict.fromkeys(("labels", "captions", "words", "lost"), tuple),
    "things": lambda v: tuple(Thing(one["label"], tuple(one["box"]), one.get("crowd", False)) for one in v),
    "relations": lambda v: tuple((one[0], one[1], one[2]) for one in v),
    "joints": lambda v: {name: (point[0], point[1]) for name, point in v.items()},
    "points": lambda v: tuple((point[0], point[1]) for point in v),
    "questions": lambda v: tuple(Question(one["text"], tuple(one["options"]), one["right"]) for one in v),
    "sought": lambda v: tuple(Sought(one["text"], tuple(one["box"])) for one in v),
}


@lru_cache(maxsize=1)
def picture() -> str:
    """The modality of files that a public form means where it says images."""
    return next(one.name for one in modalities().values() if one.flat)


@lru_cache(maxsize=1)
def cloud() -> str:
    """The modality of scanned rooms and objects."""
    return next(one.name for one in modalities().values() if not one.flat and one.points is not None)


def merged(found: Iterable[Facts]) -> tuple[list[Facts], list[tuple[Facts, str]]]:
    """One `Facts` for each medium, in order of the first; and those that contradict what was known before, with what they say.

    What is listed adds up, the same thing said twice counts once; of what has one value and is said in two ways, neither is kept."""
    together: dict[tuple[str, str], Facts] = {}
    contested: dict[tuple[str, str], set[tuple[str, str]]] = {}
    refused: list[tuple[Facts, str]] = []
    for one in found:
        key = (one.kind, one.path)
        known = together.get(key)
        if known is None:
            together[key] = one
            continue
        for field_name, name, fault in contradictions(known, one):
            contested.setdefault(key, set()).add((field_name, name))
            refused.append((one, fault))
        together[key] = joined(known, one)
    for key, doubtful in contested.items():
        together[key] = without(together[key], doubtful)
    return list(together.values()), refused


def contradictions(known: Facts, more: Facts) -> Iterator[tuple[str, str, str]]:
    """What two annotations of one medium say against each other: field, name within it, and a sentence."""
    if known.labels and more.labels and known.fine == more.fine and set(known.labels) != set(more.labels):
        yield "labels", "", f"its label is {', '.join(more.labels)}, and {', '.join(known.labels)} in {known.id}"
    for name in ("traits", "counts", "joints"):
        one, other = getattr(known, name), getattr(more, name)
        for key in one.keys() & other.keys():
            if key and one[key] != other[key]:
                yield name, key, f"its {name} {key} is {other[key]}, and {one[key]} in {known.id}"


def without(facts: Facts, contested: Iterable[tuple[str, str]]) -> Facts:
    """The facts without what nobody can know."""
    for name, key in contested:
        value = getattr(facts, name)
        left: Any = () if name == "labels" else {own: said for own, said in value.items() if own != key}
        facts = replace(facts, **dict[str, Any]({name: left}))
    return facts


def joined(known: Facts, more: Facts) -> Facts:
    """Both, each thing once."""
    changed: dict[str, Any] = {"fine": known.fine or more.fine}
    for name in ("labels", "captions", "things", "relations", "points", "words", "questions", "sought", "lost"):
        changed[name] = added(getattr(known, name), getattr(more, name))
    for name in ("joints", "counts", "traits", "asked", "knowledge"):
        changed[name] = {**getattr(more, name), **getattr(known, name)}
    return replace(known, **changed)


def added(known: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    """The first list, and what of the second it lacks; a thing that a list has twice stays twice."""
    return known if known == more else (*known, *(one for one in more if one not in known))


def distinct(found: Sequence[Facts]) -> None:
    """Refuses ids that recur: dialogues are joined to them."""
    seen: set[str] = set()
    for one in found:
        if one.id in seen:
            raise BenchError(f"two media have the id {one.id}; give the sources of the plan names of their own (`as`)")
        seen.add(one.id)
