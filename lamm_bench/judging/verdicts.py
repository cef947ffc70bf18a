"""Asks a judge, and keeps every verdict: request hash and answer, append-only, to be resumed and replayed.

A verdict belongs to what was asked, word for word: when an answer changes, its verdict is asked for again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lamm_bench.ask.answering import advance, drive
from lamm_bench.keep.files import request_digest
from lamm_bench.keep.ledger import Ledger
from lamm_bench.types import Adapter, Flow, Generate, Prediction, Record, Response


@dataclass(frozen=True)
class Unit:
    """One question to the judge; `id` tells sample and vote, or sample and order."""

    id: str
    request: Generate


def verdict(unit: Unit) -> Flow[Prediction]:
    """A dialogue of one turn. What the verdict says is read when scores are made, so that another reading can be tried."""
    response = yield unit.request
    return Prediction(response.text)


def kept(ledger: Ledger, unit: Unit) -> Response | None:
    """What the judge has said to this very question; refusals count, errors are asked again."""
    said = ledger.said.get(unit.id, {}).get(0)
    if said is None or said[0] != request_digest(unit.request):
        return None
    return said[1] if said[1].error is None or said[1].status == "refused" else None


def ask(units: Sequence[Unit], judge: Adapter, ledger: Ledger, tick: Callable[[int], None] = lambda count: None) -> None:
    """Every unit without a verdict is asked; each verdict is in the ledger before the next is looked at."""
    todo = [unit for unit in units if kept(ledger, unit) is None]
    tick(len(units) - len(todo))
    flows = [verdict(unit) for unit in todo]
    standing = {number: request for number, flow in enumerate(flows) if (request := advance(flow, None)[0]) is not None}
    for (number, request, response), conclusion in drive(flows, standing, judge):
        status = "ok" if response.error is None else "judge_error"
        prediction = conclusion if isinstance(conclusion, Prediction) else None
        end = Record(todo[number].id, status, prediction, response.error)
        ledger.append(todo[number].id, 0, request_digest(request), response, end)
        ledger.said.setdefault(todo[number].id, {})[0] = (request_digest(request), response)
        tick(1)
    ledger.flush()


def responses(units: Sequence[Unit], ledger: Ledger) -> dict[str, Response]:
    """The judge's answers to these units, errors included; a unit that was never asked, or asked otherwise, is absent."""
    found = {}
    for unit in units:
        said = ledger.said.get(unit.id, {}).get(0)
        if said is not None and said[0] == request_digest(unit.request):
            found[unit.id] = said[1]
    return found


def text_of(given: Mapping[str, Response], unit: str) -> str | None:
    """The text of a verdict; None where the judge failed."""
    response = given[unit]
    return response.text if response.error is None else None
