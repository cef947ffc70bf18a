"""In whose numbers a run asks for places, and by whose it is read: the recipe says whether in LAMM's fractions or in the model's own.

A task that wants places has `places(sample, part)`: `boxes`, `points` or `counts`, and the names of the things; never the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.keep.ledger import Ledger
from lamm_bench.measure.scoring import Answered, from_records
from lamm_bench.read import Convention, Frame, convention
from lamm_bench.read.conventions import FRACTIONS, STATED, Resize, Size
from lamm_bench.read.rendering import places_of, render
from lamm_bench.types import Adapter, Media, Sample, Task

from .instruction import Prompt, fill
from .recipe import Recipe

NATIVE = "native"
LONGER = 2  # times the tokens that a task grants: JSON and tags need more of them than brackets


def hint(recipe: Recipe, asked: Convention) -> str:
    """A sentence for a run that asks natively a model whose own words nobody knows; empty for others."""
    if recipe.instruction.coordinates != NATIVE or asked.name != STATED:
        return ""
    return (
        "nobody has told in whose numbers this model gives places, so it is asked for fractions with the unit named; "
        "`doctor --measure coordinates` measures it, --set coordinates=NAME declares it"
    )


def foreign(asked: Convention, protocols: Sequence[str]) -> str:
    """A sentence where protocols are asked for that read fractions only; empty for others."""
    others = [name for name in protocols if name != "standard"]
    if not others or (asked.scale == 1 and asked.axes == "xy" and asked.frame == "original"):
        return ""
    return f"{' and '.join(others)} read places as upstream did, in fractions of the picture: under `{asked.name}` their figures of boxes and points mean nothing"


def spoken(recipe: Recipe, adapter: Adapter | None) -> Convention:
    """The convention that a recipe asks in: its own, or that of the model. Raises `BenchError` for one that nobody knows."""
    named = recipe.instruction.coordinates
    return spoken_by(adapter) if named == NATIVE else convention(named)


def spoken_by(adapter: Adapter | None) -> Convention:
    """What an adapter declares: `coordinates`, or where that is empty what it knows of its model (`speaks`); else fractions."""
    return convention(str(getattr(adapter, "coordinates", "") or getattr(adapter, "speaks", "") or FRACTIONS))


@dataclass(frozen=True)
class Wording:
    """Asks for places in the words of a convention."""

    convention: Convention
    seen: Any = None  # of an adapter: the size in which it sends a picture; None: the picture's own

    def prompt(self, task: Task, sample: Sample, part: str, usual: Prompt) -> Prompt:
        """The opening of a dialogue: the usual one, or the convention's sentence without a system message."""
        kind, names = wanted(task, sample, part)
        sentence = self.convention.asks(kind)
        if not sentence or not self.convention.own_words:
            return usual
        values = {"names": self.convention.list.join(names), "question": usual.question, **self.sides(sample, sentence)}
        return Prompt(usual.reworded(fill(sentence, values)).messages[-1:])

    def sides(self, sample: Sample, sentence: str) -> dict[str, str]:
        """Width and height of the picture as the model gets it, where a sentence names them."""
        picture = first_picture(sample)
        if "{width}" not in sentence or picture is None:
            return {}
        sent = self.seen is not None and self.convention.frame == "sent"
        try:
            size = self.seen(picture) if sent else media.image_size(picture.path)
        except MediaError:
            return {}  # whoever opens the picture says what is wrong with it, and that sample alone ends so
        return {"width": str(size[0]), "height": str(size[1])}

    def answer(self, task: Task, sample: Sample, truth: str) -> str:
        """A perfect answer in the convention's own form, where it is asked for places in its own words."""
        if not self.convention.own_words or getattr(task, "asks_for", "") not in ("boxes", "points"):
            return truth
        picture = first_picture(sample)
        sent = self.convention.frame == "sent" and self.seen is not None and picture is not None
        try:
            sizes = [tuple(self.seen(picture))] if sent else []
        except MediaError:
            sizes = []
        return render(places_of(truth), frame_of(sample, self.convention, sizes))

    def tokens(self, task: Task, sample: Sample) -> int:
        """New tokens that an answer is granted."""
        kind, _ = wanted(task, sample, sample.parts[0] if sample.parts else "")
        return task.max_new_tokens * (LONGER if self.convention.asks(kind) and self.convention.own_words else 1)


def wanted(task: Task, sample: Sample, part: str) -> tuple[str, Sequence[str]]:
    """What kind of places a task asks for, and of what; an empty kind for tasks that ask for none."""
    own = getattr(task, "places", None)
    return own(sample, part) if own is not None else ("", ())


def why_no_places(task: Task, asked: Convention) -> str | None:
    """Why a task cannot be asked in a convention: the model was not taught to give what it wants."""
    kind = getattr(task, "asks_for", "")
    if kind in ("boxes", "points") and not asked.asks(kind):
        said = f"no {kind}" if asked.boxes or asked.points else "no coordinates"
        return f"by its convention `{asked.name}` the model gives {said}; --set coordinates=NAME names another"
    return None


def first_picture(sample: Sample) -> Media | None:
    return next((one for one in sample.media if one.kind in media.flats()), None)


def declared(asked: Convention) -> dict[str, Any]:
    """What a manifest says of the convention: nothing of LAMM's own."""
    return {} if asked.name == FRACTIONS else {"coordinates": asked.to_json()}


def of_manifest(manifest: Mapping[str, Any]) -> Convention | None:
    """The convention by which a run's answers are read; None for fractions. Raises `BenchError` for an edited one."""
    told = manifest.get("coordinates")
    if told is None:
        return None
    try:
        resize = {"resize": Resize(**told["resize"])} if "resize" in told else {}
        return Convention(**{**told, **resize})
    except (TypeError, KeyError):
        raise BenchError("manifest.json: `coordinates` is no convention: the file is damaged or edited") from None


def answers(ledger: Ledger, samples: Sequence[Sample], asked: Convention | None) -> Mapping[str, Answered]:
    """Stored records as answers, each with the frame by which its places are read."""
    found = from_records(ledger.ended)
    if asked is None:
        return found
    return framed(found, samples, asked, ledger.sizes)


def framed(
    found: Mapping[str, Answered], samples: Sequence[Sample], asked: Convention, sizes: Mapping[str, Sequence[Sequence[int]]]
) -> dict[str, Answered]:
    """The answers with their frames. Sizes of pictures are looked up only where the convention's numbers need them."""
    needed = asked.pixels or asked.frame == "padded"
    made = dict(found)
    for sample in samples:
        if sample.id in made:
            own = frame_of(sample, asked, sizes.get(sample.id, ())) if needed else Frame(asked)
            made[sample.id] = replace(made[sample.id], frame=own)
    return made


def frame_of(sample: Sample, asked: Convention, sizes: Sequence[Sequence[int]]) -> Frame:
    """The frame of one sample: the first picture's own size, as it was sent (as it is, where nobody says) and as a processor made it."""
    original = original_size(sample)
    told = tuple(sizes[0]) if sizes else ()
    sent: Size | None = (told[0], told[1]) if len(told) >= 2 else original
    return Frame(asked, original, sent, (told[2], told[3]) if len(told) == 4 else None)


def original_size(sample: Sample) -> Size | None:
    """Width and height of the sample's picture; None where it cannot be read."""
    picture = first_picture(sample)
    try:
        return media.image_size(picture.path) if picture is not None else None
    except MediaError:
        return None
