"""The ledger of what a training has seen of a benchmark (`data verify --train ... --ledger`), and which one is a run's.

A run's ledger is the `seen.json` in its own folder, else the one in the folder of the checkpoint that its settings name: so that it goes
with a checkpoint, and a run of any other model can be given one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError

from .files import read_json

NAME = "seen.json"
FORMAT = 1


@dataclass(frozen=True)
class SeenMedia:
    """Of one task: how many of its media a training has had, by content or nearly, and how many questions about the same medium."""

    seen: int
    media: int
    near: int = 0
    same_question: int = 0
    least: bool = False  # whether some of the training's media could not be read, so that more may have been seen

    @property
    def text(self) -> str:
        """
        >>> SeenMedia(312, 5793).text, SeenMedia(0, 120, least=True).text
        ('seen 312 of 5,793', 'seen at least 0 of 120')
        """
        return f"seen {share_told([self])}"


def share_told(of: Sequence[SeenMedia]) -> str:
    """What was seen of the media of several tasks.

    >>> share_told([SeenMedia(1, 10), SeenMedia(2, 2000, least=True)])
    'at least 3 of 2,010'
    """
    least = "at least " if any(one.least for one in of) else ""
    return f"{least}{sum(one.seen for one in of):,} of {sum(one.media for one in of):,}"


def ledger_of(result: Mapping[str, Any], run: Path) -> Path | None:
    """The file of a run's ledger; None where it has none."""
    model = result.get("model")
    settings = model.get("settings") if isinstance(model, Mapping) else None
    named = settings.get("checkpoint") if isinstance(settings, Mapping) else None
    places = [run / NAME, *([Path(named).expanduser() / NAME] if isinstance(named, str) and named else [])]
    return next((place for place in places if place.is_file()), None)


def read_seen(path: Path) -> tuple[str, dict[str, SeenMedia]]:
    """The benchmark that a ledger is about, as runs call their data, and what was seen of each task.

    Raises BenchError for a file of another form; strangers send them."""
    data = read_json(path)
    if not isinstance(data, Mapping) or data.get("format") != FORMAT or not isinstance(data.get("tasks"), Mapping):
        raise BenchError(f"{path} is no ledger of what was seen; `data verify --train ... --ledger` writes one")
    source = data.get("source", "")
    if not isinstance(source, str):
        raise BenchError(f"{path}: `source` is {str(source)[:60]!r}, expected a text: the file is damaged or edited")
    unread = data.get("unreadable", 0)
    if isinstance(unread, bool) or not isinstance(unread, int) or unread < 0:
        raise BenchError(f"{path}: `unreadable` is {str(unread)[:60]!r}, expected a whole number: the file is damaged or edited")
    found = {}
    for name, one in data["tasks"].items():
        where = f"{path}: `tasks.{str(name)[:60]}`"
        if not isinstance(one, Mapping):
            raise BenchError(f"{where} is {str(one)[:60]!r}, expected an object: the file is damaged or edited")
        numbers = {key: one.get(key, 0) for key in ("seen", "media", "near", "same_question")}
        for key, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise BenchError(f"{where}.{key} is {str(value)[:60]!r}, expected a whole number: the file is damaged or edited")
        if max(numbers["seen"], numbers["near"]) > numbers["media"]:
            raise BenchError(f"{where}: more was seen ({numbers['seen']}) than there is ({numbers['media']})")
        found[str(name)] = SeenMedia(**numbers, least=unread > 0)
    return source, found
