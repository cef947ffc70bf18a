"""Workers that hang, lag, lie or see other files: a fleet of scripted workers and a clock that only the test moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamm_bench.errors import BenchError
from lamm_bench.media import seal
from lamm_bench.spread.fleet import Fleet, Model
from lamm_bench.spread.leases import ALONE, TOGETHER, Call, lease_size
from lamm_bench.spread.wire import line_of, pack, unpack, versions
from lamm_bench.spread.worker import Worker
from lamm_bench.types import Generate, Media, Message, Response

from .fakes import Looker, draw_root
from .test_leases import call_of, question

PATIENCE = 100.0


@dataclass
class Puppet:
    """A worker that says what the test says."""

    heard: Callable[[bytes], None]
    told: list[dict[str, Any]] = field(default_factory=list)
    gone: bool = False

    def send(self, line: bytes) -> None:
        self.told.append(json.loads(line))

    def say(self, **message: Any) -> None:
        self.heard(line_of(message))

    def hello(self, **other: Any) -> None:
        values = {"modalities": ["image"], **other.pop("values", {})}
        told = {
            "fingerprint": "1",
            "values": values,
            "has": [],
            "versions": versions(),
            "plugins": {},
            "hardware": {"machine": "x"},
        }
        self.say(hello=pack({**told, **other}), pid=1)

    @property
    def lease(self) -> dict[str, Any]:
        return [one for one in self.told if "lease" in one][-1]

    def answer(self, texts: dict[int, str] | None = None, end: bool = True) -> None:
        """Every question of its last lease by its sample's name, but for `texts` by place."""
        asked = unpack(self.lease["requests"])
        said = [[place, pack(Response((texts or {}).get(place, f"about {one.sample}")))] for place, one in enumerate(asked)]
        self.say(parts=self.lease["lease"], answers=said)
        if end:
            self.say(end=self.lease["lease"], notes=[], usage=None)

    def status(self) -> str:
        return "was ended by signal 9"

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        self.gone = True

    stop = close


@dataclass
class Stage:
    """The engine of puppets."""

    count: int
    puppets: list[Puppet] = field(default_factory=list)

    @property
    def seats(self) -> list[dict[str, str]]:
        return [{}] * self.count

    def start(self, seat: int, heard: Callable[[bytes], None]) -> Puppet:
        self.puppets.append(Puppet(heard))
        return self.puppets[-1]

    def close(self) -> None: ...


class Play:
    """A fleet on a stage, and the clock."""

    def __init__(self, workers: int, **more: Any) -> None:
        self.now, self.stage = 0.0, Stage(workers)
        self.fleet = Fleet(Model("m"), Looker(), self.stage, patience=PATIENCE, clock=lambda: self.now, **more)
        self.fleet.crew.start()

    def all_say_hello(self, **values: Any) -> None:
        for one in self.stage.puppets:
            one.hello(values=values)
        self.fleet.pump(wait=False)

    def begun(self, *requests: Generate) -> Call:
        """A call whose first leases are out."""
        call = Call("generate", requests, {}, self.fleet.hello["values"].get("exact", True))
        self.fleet._calls.append(call)
        self.fleet.hand_out()
        return call

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.fleet.pump(wait=False)
        self.fleet.hand_out()


def questions(count: int) -> list[Generate]:
    return [question(str(number), f"{number}.png") for number in range(count)]


def said(call: Call) -> dict[int, str]:
    return {number: response.text for number, response in call.ready}


def test_what_a_silent_worker_has_is_lent_again_and_its_late_answer_is_compared() -> None:
    play = Play(2)
    play.all_say_hello(exact=True)
    call = play.begun(*questions(16))
    hung, quick = play.stage.puppets
    quick.answer()
    play.later(PATIENCE - 1)
    play.later(1)  # its copy or its own next lease: all that was out is with the one who answers
    assert "1 silent" in play.fleet.shown() and not hung.gone
    while not call.over:
        quick.answer()
        play.later(0)
    assert said(call) == {number: f"about {number}" for number in range(16)}
    hung.answer({0: "something else"}, end=False)
    play.later(0)
    assert "silent" not in play.fleet.shown().replace("leases", "")  # it has said something
    notes = play.fleet.events()
    assert any(note.startswith("a worker was silent for 100 seconds") for note in notes)
    play.fleet._jobs = 1
    assert any("ALARM: 1 request was" in note for note in play.fleet.notes)


def test_a_late_answer_that_says_the_same_is_no_alarm_and_the_worker_works_on() -> None:
    play = Play(1)
    play.all_say_hello()
    call = play.begun(*questions(3))
    (slow,) = play.stage.puppets
    play.later(PATIENCE)
    assert call.waiting == 3
    slow.answer()
    play.later(0)
    assert call.over and call.waiting == 0 and len(call.ready) == 3
    assert play.fleet.shown() == "1/1 workers" and not call.differing and not slow.gone


def test_a_worker_that_is_slow_but_speaks_is_left_in_peace() -> None:
    play = Play(1)
    play.all_say_hello()
    call = play.begun(*questions(5))
    (slow,) = play.stage.puppets
    for place in range(5):
        play.later(PATIENCE - 1)
        slow.say(parts=slow.lease["lease"], answers=[[place, pack(Response("yes"))]])
        play.later(0)
    assert call.over and not list(play.fleet.events())


def test_one_that_stays_silent_is_ended_and_replaced_and_a_question_that_silences_all_is_an_error() -> None:
    play = Play(1)
    play.all_say_hello()
    call = play.begun(*questions(1))
    rounds = 0
    while not call.over:
        rounds += 1
        play.later(PATIENCE)
        play.later(PATIENCE)
        assert play.stage.puppets[-2].gone
        play.stage.puppets[-1].hello()
        play.later(0)
    ((_, response),) = call.ready
    assert response.status == "model_error"
    assert response.error == f"a worker said nothing for 100 seconds while it was asked this alone, {ALONE} times"
    assert rounds == TOGETHER + ALONE


def test_the_driver_waits_no_longer_than_until_the_next_silence() -> None:
    play = Play(1)
    assert play.fleet.until_silence() is None  # a model may take as long as it likes to load
    play.all_say_hello()
    play.begun(*questions(1))
    play.now += 30
    assert play.fleet.until_silence() == PATIENCE - 30


def test_models_that_may_answer_otherwise_raise_no_alarm() -> None:
    call = call_of(2, 2)
    call.may_copy = False
    lease = call.lend(1, 0, 8)
    assert lease is not None
    call.expire(lease, "is silent")
    again = call.lend(2, 1, 8)
    assert again is not None and again.numbers == (0, 1)
    call.take(again, 0, Response("yes"))
    call.take(lease, 0, Response("no"))
    assert not call.differing and len(call.ready) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32))
def test_whoever_is_silent_dies_or_comes_back_every_request_ends_once(count: int, pictures: int, workers: int, seed: int) -> None:
    rng, call, number, ended = Random(seed), call_of(count, pictures), 0, []
    out: dict[int, Any] = {}
    for _ in range(4000):
        if call.over:
            break
        for one in [one for one in range(workers) if one not in out]:
            number += 1
            lease = call.lend(number, one, lease_size(call.waiting, workers, 4)) if call.waiting else None
            if (lease := lease or call.copy(number, one)) is not None:
                out[one] = lease
        one = rng.choice(list(out))
        lease, left = out[one], [place for place, asked in enumerate(out[one].numbers) if asked in out[one].left]
        chance = rng.random()
        if chance < 0.03 and not lease.expired:
            call.expire(lease, "said nothing")
        elif chance < 0.06:
            call.lost(out.pop(one), "died")
            call.homeless(one)
        elif chance < 0.08:
            call.returned(out.pop(one))
        elif left:
            call.take(lease, left[0], Response(f"answer {lease.numbers[left[0]]}"))
        else:
            call.end(out.pop(one))
        ended += [asked for asked, _ in call.ready]
        call.ready.clear()
        assert call.waiting == len(call._free) <= len(call._open)
    assert call.over and sorted(ended) == list(range(count)) and not call.differing


def test_workers_of_other_versions_are_refused_or_recorded() -> None:
    other = {**versions(), "pillow": "1.0"}
    strict = Play(2)
    strict.stage.puppets[0].hello()
    strict.stage.puppets[1].hello(versions=other)
    strict.fleet.pump(wait=False)
    assert strict.stage.puppets[1].gone and strict.fleet.shown() == "1/2 workers"
    assert any("was refused: pillow there is 1.0, here" in note for note in strict.fleet.events())
    mixed = Play(2, allow_mixed=True)
    mixed.stage.puppets[0].hello()
    mixed.stage.puppets[1].hello(versions=other)
    mixed.fleet.pump(wait=False)
    assert mixed.fleet.shown() == "2/2 workers"
    assert {"count": 1, "hardware": {"machine": "x"}, "versions": other} in mixed.fleet.workers_told()
    mixed.stage.puppets[0].hello(fingerprint="2")  # another model is never mixed
    mixed.fleet.pump(wait=False)
    assert mixed.stage.puppets[0].gone


def sealed(root: Path, number: int) -> Generate:
    shown = seal(Media("image", str(root / f"2D_Benchmark/pics/{number}.png")))
    return Generate((Message("user", (shown, "What?")),), sample=str(number))


def test_a_worker_refuses_content_that_is_not_what_it_is_asked_about(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []

    class Pipe:
        def write(self, line: bytes) -> None:
            lines.append(json.loads(line))

    worker = Worker(Pipe())
    worker.adapter = Looker()
    root = draw_root(tmp_path, count=3)
    asked = [sealed(root, number) for number in range(3)]
    worker.obey({"lease": 1, "kind": "generate", "requests": pack(asked)})
    assert {list(line)[0] for line in lines} == {"parts", "end"}
    assert sum(len(line.get("answers", ())) for line in lines) == 3
    other = root / "2D_Benchmark/pics/1.png"
    later = Worker(Pipe())
    later.adapter = Looker()
    other.write_bytes(other.read_bytes() + b"\0")
    lines.clear()
    later.obey({"lease": 2, "kind": "generate", "requests": pack(asked)})
    ((shown, reason),) = lines[0]["strange"]
    assert len(lines) == 1 and unpack(shown).path == str(other) and "has other content than the run was begun with" in reason
    other.unlink()
    assert later.seen.strange(asked)[0][1].endswith("1.png is missing")


@pytest.mark.parametrize("changed", [False, True])
def test_other_content_is_the_workers_fault_or_costs_its_questions_alone(changed: bool, tmp_path: Path) -> None:
    root, play = draw_root(tmp_path, count=3), Play(2)
    play.all_say_hello()
    asked = [sealed(root, number) for number in range(3)]
    if changed:  # for everybody: since the run began
        (root / "2D_Benchmark/pics/1.png").unlink()
    call = play.begun(*asked)
    first, other = play.stage.puppets
    shown = asked[1].messages[0].parts[0]
    numbers = unpack(first.lease["requests"])
    assert [one.sample for one in numbers] == ["0", "1", "2"][: len(numbers)] and len(numbers) >= 2
    first.say(strange=[[pack(shown), "1.png is missing"]], lease=first.lease["lease"])
    play.later(0)
    assert first.gone is not changed
    for _ in range(4):
        for one in (first, other):
            if not one.gone and any("lease" in told for told in one.told) and not call.over:
                one.answer()
                play.later(0)
    assert call.over
    found = dict(call.ready)
    assert found[0].text == "about 0" and found[2].text == "about 2"
    assert (found[1].status == "media_error") is changed
    assert any("was refused: 1.png is missing" in note for note in play.fleet.events()) is not changed


def test_the_last_worker_that_is_refused_ends_the_asking(tmp_path: Path) -> None:
    root, play = draw_root(tmp_path, count=1), Play(1)
    play.all_say_hello()
    play.begun(sealed(root, 0))
    (only,) = play.stage.puppets
    only.say(strange=[[pack(sealed(root, 0).messages[0].parts[0]), "0.png is missing"]], lease=only.lease["lease"])
    with pytest.raises(BenchError, match="no worker is left; the last was refused: 0.png is missing"):
        play.fleet.pump(wait=False)
