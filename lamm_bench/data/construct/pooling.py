"""Self-instruct (Wang et al. 2023): a language model adds wordings to the pools of questions, and only what is new is taken in.

Each round shows it some of what is there, its own earlier wordings among them, and ends when a pool has grown by what the plan
asks for, or after `ROUNDS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from lamm_bench.measure.stats import seed_of
from lamm_bench.read.wrappers import values
from lamm_bench.types import Generate, Message, Response

from .near import new_ones
from .prompting import SEEDS, Unit, prompts
from .soundness import hostile
from .wordings import Pool, fields_of

ROUNDS = 4
SHOWN = 6  # requests that stand in one prompt (the paper: eight, six of them by people)
AT_ONCE = 10  # new ones that are asked for at a time
LONGEST = 200  # characters of a wording
DESCRIBE = "C3"
Answers = Callable[[Sequence[Unit]], Mapping[str, Response]]


def grow(
    pools: Mapping[str, Pool], names: Sequence[str], wanted: int, seed: int, answers: Answers
) -> dict[str, dict[str, list[str]]]:
    """What each pool gained (`new`), and what was said and not taken (`refused`)."""
    seeds = {name: list(pools[name].questions) if name != DESCRIBE else list(prompts()["C3"]["questions"]) for name in names}
    found: dict[str, dict[str, list[str]]] = {name: {"new": [], "refused": []} for name in names if seeds[name]}
    for number in range(ROUNDS):
        units = [
            unit(name, number, [*seeds[name], *found[name]["new"]], seed) for name in found if len(found[name]["new"]) < wanted
        ]
        for name, response in answers(units).items():
            take(found[name.split("/")[1]], seeds[name.split("/")[1]], response, wanted)
    return found


def unit(name: str, number: int, lines: Sequence[str], seed: int) -> Unit:
    """One request for new wordings of one pool."""
    label = f"pool/{name}/{number}"
    rng = Random(f"{seed}/{label}")
    shown = rng.sample(list(lines), min(SHOWN, len(lines)))
    asked = "\n".join(f"{place}. {line}" for place, line in enumerate(shown, 1))
    field = next(iter(sorted(fields_of(shown[0]))), "")
    system = prompts()["pool"]["system"].replace("{example}", f"{{{field}}}" if field else "{name}")
    messages = (Message("system", (system,)), Message("user", (f"{asked}\nWrite {AT_ONCE} new ones.",)))
    return Unit(label, "pool", name, Generate(messages, 600, temperature=0.7, seed=seed_of(str(seed), label) % SEEDS))


def take(found: dict[str, list[str]], seeds: Sequence[str], response: Response, wanted: int) -> None:
    """Adds what is new, has the same fields, and may be passed on."""
    lines = lines_in(response.text) if response.error is None and response.finish == "stop" else []
    fields = fields_of(seeds[0])
    sound = [line for line in lines if fields_of(line) == fields and len(line) <= LONGEST and hostile(line) is None]
    found["refused"] += [line for line in lines if line not in sound]
    kept, others = new_ones([*seeds, *found["new"]], sound)
    found["new"] += kept[: wanted - len(found["new"])]
    found["refused"] += others


def lines_in(text: str) -> list[str]:
    """The requests of an answer: a list of texts somewhere in its JSON, else its numbered lines.

    >>> lines_in('{"requests": ["Say what it is.", 3]}'), lines_in("1. Say what it is.\\n2) Name it!")
    (['Say what it is.'], ['Say what it is.', 'Name it!'])
    """
    for value in values(text):
        lists: list[Any] = [value, *value.values()] if isinstance(value, dict) else [value]
        for one in lists:
            if isinstance(one, list) and one:
                return [" ".join(line.split()) for line in one if isinstance(line, str) and line.strip()]
    numbered = [line.strip() for line in text.splitlines() if line.strip()[:1].isdigit()]
    return [said for line in numbered if (said := line.lstrip("0123456789").lstrip(".): ").strip())]
