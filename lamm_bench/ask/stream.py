"""Tasks as streams of requests: what of them is open, and the asking itself. Several short ones may be one stream (carrying.py)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lamm_bench.keep.ledger import Ledger
from lamm_bench.types import Adapter, Job, Record, Sample

from .coordinates import Wording, spoken
from .fitting import exampled, fitted
from .recipe import Recipe
from .runner import Dialogue, Plan, as_asked, flow_of, many_objects, replayed, talk, tell

AT_ONCE = 8192  # samples whose dialogues are open together: their prompts need some kilobytes each


@dataclass
class Asked:
    """What asking did, for the progress bar and the timing file."""

    new: int = 0  # samples that ended now
    kept: int = 0  # samples that had ended before
    foreign: int = 0  # samples that had ended after other questions than these: asked again
    seconds: float = 0.0  # of several tasks in one stream: the stream's, by the share of their answers' seconds


@dataclass
class Opened:
    """A task, or a part of one, whose dialogues stand where its ledger leaves them."""

    job: Job
    ledger: Ledger
    tick: Callable[[int], None]
    asked: Asked
    dialogues: list[Dialogue]

    @property
    def left(self) -> list[Dialogue]:
        return [one for one in self.dialogues if not one.ended]


def silent(count: int) -> None:
    """Tells nobody how it goes."""


def opened(
    work: Plan,
    recipe: Recipe,
    adapter: Adapter,
    ledger: Ledger,
    seed: int,
    tick: Callable[[int], None] = silent,
    samples: Sequence[Sample] | None = None,  # about which of the plan's is asked; None: about all
    told: Sequence[Sample] | None = None,  # what the adapter is told of the task's samples; None: those of `work`
    asked: Asked | None = None,  # goes on with what was counted of the task before
) -> Opened:
    """The dialogues about every sample that has not ended, for `ask`; what cannot be asked ends here.

    A sample that ended as `model_error` is asked again: the next attempt may find the server or the memory it lacked. So is one
    whose answers are to other questions than those that would be asked now."""
    asked, samples = asked or Asked(), work.samples if samples is None else samples
    with many_objects():
        dialogues = dialogues_of(samples, work, recipe, adapter, ledger, seed, asked)
    tick(len(samples) - len(dialogues))
    several = any(sample.parts for sample in samples)  # one question for each part, which all begin alike
    goes_on = several or getattr(recipe.inferencer_for(work.task.name), "goes_on", True)
    shown = work.samples if told is None else told
    if recipe.scenario.draws == "upstream":
        shown = [as_asked(recipe, work.task, sample) for sample in shown]
    job = Job(work.task, shown, recipe.scenario.image_transform, recipe.instruction.layout, seed, goes_on)
    return Opened(job, ledger, tick, asked, dialogues)


def dialogues_of(
    samples: Sequence[Sample], work: Plan, recipe: Recipe, adapter: Adapter, ledger: Ledger, seed: int, asked: Asked
) -> list[Dialogue]:
    """The dialogues about some samples that are not at their end. Those that cannot be asked end here."""
    usable, unfit = fitted([sample for sample in samples if sample.id not in work.unusable], adapter)
    usable, shots = exampled(usable, work.shots, adapter, unfit)
    unusable = {sample.id: work.unusable[sample.id] for sample in samples if sample.id in work.unusable}
    for name, reason in {**unusable, **unfit}.items():
        ended = ledger.ended.get(name)
        if ended is not None and ended.status == "media_error":
            asked.kept += 1
        else:
            ledger.append(name, 0, "", None, Record(name, "media_error", None, reason))
            asked.new += 1
    wording = Wording(spoken(recipe, adapter), getattr(adapter, "seen", None))
    dialogues = []
    for sample in usable:
        ended = ledger.ended.get(sample.id)
        dialogue = replayed(flow_of(recipe, work.task, sample, seed, wording, shots.get(sample.id, ())), sample, ledger)
        if ended is not None and ended.status != "model_error":
            if dialogue.over:
                asked.kept += 1
                ledger.said.pop(sample.id, None)  # nobody asks for it again, and it is most of what a ledger holds
                continue
            asked.foreign += 1
        dialogues.append(dialogue)
    return dialogues


def ask(tasks: Sequence[Opened], adapter: Adapter, introduce: bool = True) -> None:
    """Asks what is left of one task, or of several as one stream of requests; each response is in its ledger before the next is
    looked at. May be called again after an error: it goes on where that came. Without `introduce` the adapter knows the tasks."""
    left = [one for one in tasks if one.left]
    for one in left if introduce else ():
        tell(adapter, replace(one.job, goes_on=any(other.job.goes_on for other in left)))
    begun = time.monotonic()  # by now a model is loaded, which is no part of how fast it answers
    dialogues = [(one, dialogue) for one in left for dialogue in one.left]
    worked = dict.fromkeys(map(id, left), 0.0)
    try:
        for number in talk([dialogue for _, dialogue in dialogues], adapter) if dialogues else ():
            one, dialogue = dialogues[number]
            one.asked.new += 1
            worked[id(one)] += dialogue.seconds
            one.tick(1)
    finally:
        seconds, all_of_them = time.monotonic() - begun, sum(worked.values())
        for one in left:
            one.asked.seconds += seconds * (worked[id(one)] / all_of_them if all_of_them else 1 / len(left))
    for one in tasks:
        one.ledger.flush()


def ask_alone(
    work: Plan,
    recipe: Recipe,
    adapter: Adapter,
    ledger: Ledger,
    seed: int,
    tick: Callable[[int], None] = silent,
    samples: Sequence[Sample] | None = None,
    told: Sequence[Sample] | None = None,
    asked: Asked | None = None,
    introduce: bool = True,
) -> Asked:
    """`opened` and `ask` of one task, of which few dialogues are open at a time. `asked` counts on, also where an error ends it."""
    asked, samples = asked or Asked(), work.samples if samples is None else samples
    for start in range(0, len(samples), AT_ONCE):
        one = opened(work, recipe, adapter, ledger, seed, tick, samples[start : start + AT_ONCE], told, asked)
        ask([one], adapter, introduce)
        introduce = introduce and not one.dialogues
    ledger.flush()
    return asked
