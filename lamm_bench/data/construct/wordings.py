"""The pools of C4: questions and answers with places to fill in, from a small grammar and from what a language model added."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from lamm_bench.loading import load_yaml
from lamm_bench.read.vocabulary import numbers_of

CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
FIELD = re.compile(r"\{([a-zA-Z ]+)\}")
MOST = 2000  # wordings that one line may stand for: a check against typing errors


@dataclass(frozen=True)
class Pool:
    """The wordings of one kind of task."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    short: str
    items: tuple[str, ...] = ()  # how one of several things is told


def expanded(line: str) -> list[str]:
    """Every way through the choices of a line, in a fixed order.

    >>> expanded("(Count|Please count) the {things}(.|!)")
    ['Count the {things}.', 'Count the {things}!', 'Please count the {things}.', 'Please count the {things}!']
    """
    found = CHOICE.search(line)
    if found is None:
        return [" ".join(line.split())]
    return [way for choice in found[1].split("|") for way in expanded(line[: found.start()] + choice + line[found.end() :])][
        :MOST
    ]


@lru_cache(maxsize=1)
def pools() -> Mapping[str, Pool]:
    """All pools by the name of their task."""
    data: dict[str, dict[str, Any]] = load_yaml(Path(__file__).parent / "templates.yaml")

    def lines(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(way for line in entry.get(key, ()) for way in expanded(line)))

    return {
        name: Pool(lines(entry, "questions"), lines(entry, "answers"), entry["short"], lines(entry, "item"))
        for name, entry in data.items()
    }


def grown(more: Mapping[str, Sequence[str]]) -> dict[str, Pool]:
    """The pools with further questions; those that ask for other fields than the pool's own are not taken."""
    found = dict(pools())
    for name, lines in more.items():
        pool = found[name]
        wanted = fields_of(pool.questions[0])
        found[name] = replace(pool, questions=(*pool.questions, *(line for line in lines if fields_of(line) == wanted)))
    return found


def fields_of(line: str) -> frozenset[str]:
    """The places of a wording that are filled in.

    >>> sorted(fields_of("Where is the {joint} of {a label}?"))
    ['a label', 'joint']
    """
    return frozenset(FIELD.findall(line))


def filled(line: str, values: Mapping[str, str]) -> str:
    """A wording with its fields; what was put in is never looked at again."""
    return FIELD.sub(lambda found: values[found[1]], line)


def with_article(label: str) -> str:
    """
    >>> with_article("apple"), with_article("dog"), with_article("scissors"), with_article("sheep"), with_article("bus")
    ('an apple', 'a dog', 'scissors', 'a sheep', 'a bus')
    """
    if plural_already(label):
        return label
    return f"{'an' if label[:1].casefold() in 'aeiou' else 'a'} {label}"


def plural_already(label: str) -> bool:
    """Whether a name is a plural as it stands (`skis`, `scissors`, `people`)."""
    last = label.split()[-1].casefold() if label.split() else ""
    return last in (
        "people",
        "men",
        "women",
        "children",
        "scissors",
        "skis",
        "jeans",
        "trousers",
        "glasses",
        "stairs",
        "curtains",
    ) or (
        last.endswith("s")
        and len(last) > 3
        and not last.endswith(("ss", "us", "is", "as", "os"))
        and last[:-1] in numbers_of(last)
    )


def plural(label: str) -> str:
    """
    >>> plural("traffic light"), plural("bus"), plural("sheep"), plural("skis"), plural("knife")
    ('traffic lights', 'buses', 'sheep', 'skis', 'knives')
    """
    head, _, last = label.rpartition(" ")
    if not last or plural_already(label):
        return label
    forms = numbers_of(last.casefold())
    many = max(forms, key=lambda form: (form != last.casefold(), len(form)))
    return f"{head} {many if last.casefold() != many else last}".strip()


def numbered(number: int, label: str) -> str:
    """
    >>> numbered(1, "dog"), numbered(3, "dog"), numbered(0, "knife")
    ('1 dog', '3 dogs', '0 knives')
    """
    return f"{number} {label if number == 1 else plural(label)}"


def listed(parts: Sequence[str]) -> str:
    """
    >>> listed(["a cat"]), listed(["a cat", "a dog", "2 birds"])
    ('a cat', 'a cat, a dog and 2 birds')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
