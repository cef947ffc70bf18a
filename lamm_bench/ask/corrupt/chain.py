"""What `--corrupt` says, and samples made worse by it.

`fog:3` (a corruption with its severity), several separated by commas and applied in order, `chef-images` and `chef-texts` (chains drawn
by item), `chef-files:images|texts|both` (the corrupted files that ChEF's authors released, where a task has some)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError, unknown
from lamm_bench.measure.stats import seed_of
from lamm_bench.media import Corruption, Modality
from lamm_bench.types import Media, Sample, Task

from .mixed import MIXES, OR
from .options import another_order, movable, question_part, reordered, rotated
from .texts import TEXTS

FILES = "chef-files"
PARTS = ("images", "texts", "both")
LEVELS = range(1, 6)
COUNTING = "counting"  # the kind of tasks that ask how many there are
OPTIONS: dict[str, Callable[[int, Random], Sequence[int]]] = {  # name -> the new order of so many
    "options_left": lambda count, _: rotated(count, left=True),
    "options_right": lambda count, _: rotated(count, left=False),
    "options_reverse": lambda count, _: range(count - 1, -1, -1),
    "options_shuffled": another_order,
}


@dataclass(frozen=True)
class Step:
    """One corruption of a chain."""

    name: str
    severity: int = 0  # 0: it has none
    part: str = ""  # of `chef-files`

    def __str__(self) -> str:
        return self.name + (f":{self.severity}" if self.severity else f":{self.part}" if self.part else "")


@dataclass(frozen=True)
class Chain:
    """All that is done to a sample, in order; nothing is false."""

    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        return ",".join(map(str, self.steps))

    @property
    def words(self) -> bool:
        """Whether it changes questions."""
        return any(
            step.name in TEXTS or step.name in OPTIONS or (step.name in MIXES and not MIXES[step.name].media)
            for step in self.steps
        )

    @property
    def files(self) -> str:
        """Which of ChEF's corrupted files are read; empty for none."""
        return next((step.part for step in self.steps if step.name == FILES), "")


def of_media() -> dict[str, list[Modality]]:
    """The corruptions of media by name, with the kinds that know them."""
    found: dict[str, list[Modality]] = {}
    for one in media.modalities().values():
        for name in one.corruptions:
            found.setdefault(name, []).append(one)
    return found


def parse(text: str | None) -> Chain:
    """Raises `BenchError` for an unknown corruption, with the nearest, and for a severity that it has not.

    >>> str(parse("fog:3, lower_case")), bool(parse("none"))
    ('fog:3,lower_case', False)
    """
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    if words == ["none"]:
        return Chain()
    steps = tuple(map(step_of, words))
    if sum(step.name == FILES for step in steps) > 1 or (steps and FILES in {step.name for step in steps[1:]}):
        raise BenchError(f"--corrupt {text}: {FILES} stands once, and first: the files are read, and then changed")
    return Chain(steps)


def step_of(word: str) -> Step:
    name, colon, severity = word.partition(":")
    if name == FILES:
        if severity not in PARTS:
            raise BenchError(f"--corrupt {word}: expected {FILES}:images, {FILES}:texts or {FILES}:both")
        return Step(name, part=severity)
    if name in MIXES or name in OPTIONS or (name in TEXTS and not TEXTS[name].graded):
        if colon:
            raise BenchError(f"--corrupt {word}: {name} has no severities; write {name}")
        return Step(name)
    known = {**TEXTS, **{each: kinds[0].corruptions[each] for each, kinds in of_media().items()}}
    if name not in known:
        raise unknown("corruption", name, [*known, *MIXES, *OPTIONS, FILES])
    if not known[name].graded:
        if colon:
            raise BenchError(f"--corrupt {word}: {name} has no severities; write {name}")
        return Step(name)
    if severity not in map(str, LEVELS):
        said = f"its severity is {severity!r}" if colon else "it needs a severity"
        raise BenchError(f"--corrupt {word}: {said}, expected 1 to 5, as in {name}:3")
    return Step(name, int(severity))


def left_out(chain: Chain) -> list[str]:
    """Sentences on what a chain lacks of that whose name it bears."""
    return [MIXES[step.name].left_out for step in chain.steps if step.name in MIXES and MIXES[step.name].left_out]


def why_not(task: Task, samples: Sequence[Sample], chain: Chain, taken: frozenset[str], own_words: bool = False) -> str | None:
    """Why a task is not asked with its samples made worse so, of a model that takes these modalities and may be asked for places in its
    own words; None when it is."""
    asks_for: str = getattr(task, "asks_for", "")
    if own_words and chain.words and asks_for:
        return "it is asked in the model's own words, which no corruption of questions changes"
    for step in chain.steps:
        reason = step_refused(task, samples, step, taken)
        if reason:
            return reason
    return None


def step_refused(task: Task, samples: Sequence[Sample], step: Step, taken: frozenset[str]) -> str | None:
    own = media.modality(task.modality)
    if step.name == FILES:
        if getattr(task, "corrupted", None) is None:
            return f"ChEF's authors released no corrupted files of {task.name}"
        return None
    if step.name in OPTIONS and not any(map(movable, samples)):
        return f"{step.name} turns the order of options, and {task.name} has none with letters"
    if step.name in MIXES:
        mix = MIXES[step.name]
        if not mix.media:
            return None
        one: Corruption | None = next(iter(own.corruptions.values()), None) if own.flat else None
        moves, cuts = mix.moves, mix.cuts
        made_for = next(kind for kind in media.modalities().values() if kind.flat).many
    elif step.name in TEXTS or step.name in OPTIONS:
        return None
    else:
        kinds = of_media().get(step.name, [])
        one = next((kind.corruptions[step.name] for kind in kinds if kind.name in reached(own, taken)), None)
        moves, cuts = one is not None and one.moves, one is not None and one.cuts
        made_for = " and ".join(kind.many for kind in kinds)
    if one is None:
        return f"{step.name} is made for {made_for}, and {task.name} shows {own.many}"
    if moves and own.parted is not None:
        return f"{step.name} moves things or cuts them away, and poses and boxes of {own.many} would not follow"
    if moves and speaks_of_places(task, samples):
        return f"{step.name} moves things or cuts them away, and {task.name} asks where they are: its truth would not follow"
    if cuts and counts_things(task):
        return f"{step.name} cuts things away, and {task.name} asks how many there are: its truth would not follow"
    return None


def counts_things(task: Task) -> bool:
    """Whether a task asks how many there are."""
    return bool(getattr(task, "asks_for", "") == "counts" or task.kind == COUNTING)


def reached(own: Modality, taken: frozenset[str]) -> set[str]:
    """The kinds whose corruptions reach what a model is shown of media of a kind: its own or those that it holds, and where the model
    does not take it, what it becomes."""
    if own.name in taken:
        return {own.name} if own.parted is None else {own.name, *own.becomes}
    return set([kind for kind in own.becomes if kind in taken][:1])


def speaks_of_places(task: Task, samples: Sequence[Sample]) -> bool:
    """Whether a task's truth is in coordinates: it says so, or its targets hold boxes or points."""
    told = getattr(task, "asks_for", "")
    return told in ("boxes", "points") or any(holds_places(sample.target) for sample in samples[:50])


def holds_places(target: Any) -> bool:
    """Whether a target has a list of two numbers or more, however deep.

    >>> holds_places([{"label": "cat", "bbox": [0.1, 0.2, 0.3, 0.4]}]), holds_places(["a cat", "a dog"]), holds_places(3)
    (True, False, False)
    """
    if isinstance(target, Mapping):
        return any(map(holds_places, target.values()))
    if not isinstance(target, Sequence) or isinstance(target, str):
        return False
    numbers = sum(isinstance(one, int | float) and not isinstance(one, bool) for one in target)
    return (numbers > 1 and numbers == len(target)) or any(map(holds_places, target))


def from_files(task: Task, samples: Sequence[Sample], chain: Chain, root: Path | None) -> list[Sample]:
    """The same samples from the corrupted files. Raises `BenchError` where these are missing, or lack one of them."""
    read = getattr(task, "corrupted", None)
    if read is None or root is None:
        raise BenchError(f"ChEF's authors released no corrupted files of {task.name}")
    found = {sample.id: sample for sample in read(root, chain.files)}
    missing = [sample.id for sample in samples if sample.id not in found]
    if missing:
        raise BenchError(f"{task.name}: the corrupted files have no item {missing[0]}; they are of another version of the data")
    return [replace(found[sample.id], group=sample.group) for sample in samples]


def apply(sample: Sample, chain: Chain, seed: int, shown: bool = True) -> Sample:
    """A sealed sample made worse. What is drawn depends on its id, its media's content and the seed alone. Media stay as they are
    without `shown`, as of those that cannot be opened."""
    steps: list[tuple[str, int]] = []
    for place, step in enumerate(chain.steps):
        mix = MIXES.get(step.name)
        drawn = mix.draw(Random(f"{seed}/{place}/{step.name}/{sample.id}")) if mix is not None else ((step.name, step.severity),)
        for number, (name, severity) in enumerate(drawn):
            if name in TEXTS or name in OPTIONS or OR in name:
                sample = reworded(sample, name.split(OR), severity, f"{seed}/{place}.{number}")
            elif name != FILES:
                steps.append((name, severity))
    return replace(sample, media=tuple(worse(one, steps, seed) for one in sample.media)) if steps and shown else sample


def worse(one: Media, steps: Sequence[tuple[str, int]], seed: int) -> Media:
    try:
        return media.corrupt(one, steps, seed)
    except MediaError:  # whoever opens it says what is wrong, and its own sample ends so
        return one


def reworded(sample: Sample, names: Sequence[str], severity: int, where: str) -> Sample:
    """With its question changed, by the first of these corruptions that finds something to change, or its options in another order."""
    if names[0] in OPTIONS:
        if not movable(sample):
            return sample
        return reordered(sample, OPTIONS[names[0]](len(sample.choices), Random(f"{where}/{names[0]}/{sample.id}")))
    before, question, behind = question_part(sample.question)
    for name in names:
        stream = np.random.default_rng(seed_of(where, name, sample.id))
        made = TEXTS[name].change(question, severity, stream)
        if made != question:
            return replace(sample, question=before + made + behind)
    return sample
