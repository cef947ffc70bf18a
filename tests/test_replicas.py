"""Several servers with the same model: the same answers as from one, whichever of them dies, and no trace of their number in the identity."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.adapters.openai_chat import OpenAIChat
from lamm_bench.errors import BenchError, Stopped
from lamm_bench.remote.pace import Pace
from lamm_bench.remote.replicas import FIRST_REST, IN_A_ROW, LONGEST_REST, Replica, Replicas
from lamm_bench.types import Response

from .commands import lamm_bench
from .faulty_server import Act, FakeClock, Faulty, failing, faulty_server, said
from .test_openai_chat import ask, echo, plain_environment

__all__ = ["plain_environment"]
QUESTIONS = [f"question {number}" for number in range(40)]
RIGHT = [f"you said {text}" for text in QUESTIONS]
CUT = Act(body={}, cut=True)


@contextlib.contextmanager
def servers(*acts: Callable[[int, dict[str, Any]], Act]) -> Iterator[list[Faulty]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(faulty_server(act)) for act in acts]


def chat(*urls: str, **settings: Any) -> OpenAIChat:
    adapter = OpenAIChat(
        "fake", ",".join([*urls, *([""] if len(urls) == 1 else [])]), **{"cache": "none", "timeout": 20.0, **settings}
    )
    adapter.clock = FakeClock()
    return adapter


def nobody() -> str:
    """The address of a port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def texts(responses: list[Response]) -> list[str]:
    return [response.text or str(response.error) for response in responses]


def test_two_servers_share_the_work_and_answer_as_one_does() -> None:
    with servers(echo, echo) as (a, b):
        adapter = chat(a.url, b.url)
        assert texts(ask(adapter, *QUESTIONS)) == RIGHT
        assert len(a.calls) + len(b.calls) == 40 and min(len(a.calls), len(b.calls)) >= 10
        assert adapter.usage()["answered_by"] == {one.url: len(one.calls) for one in sorted((a, b), key=lambda one: one.url)}  # type: ignore[index]
        assert not adapter.notes
        alone = OpenAIChat("fake", a.url, cache="none")
        assert texts(ask(alone, *QUESTIONS)) == RIGHT and "answered_by" not in alone.usage()  # type: ignore[operator]


@pytest.mark.parametrize("retries", [0, 5])
@pytest.mark.parametrize(
    "trouble", [CUT, failing(500, "no memory"), Act(body=b"<html>"), failing(404, "The model `fake` does not exist.")]
)
def test_a_server_that_dies_in_the_middle_costs_no_answer(trouble: Act, retries: int) -> None:
    with servers(lambda number, body: echo(number, body) if number < 5 else trouble, echo) as (a, b):
        adapter = chat(a.url, b.url, retries=retries, concurrency=4)
        assert texts(ask(adapter, *QUESTIONS)) == RIGHT
        assert (
            len(a.calls) <= 20 and len(b.calls) >= 30
        )  # besides the five, those on their way, before and after each late answer
        assert adapter.notes and adapter.notes[0].startswith(f"{a.url} was left alone, and the others were asked: ")
        assert adapter.clock.slept == []  # nobody waits for the dead


def test_a_question_that_every_server_fails_at_is_an_error_and_leaves_them_alone_for_nobody_else() -> None:
    def act(number: int, body: dict[str, Any]) -> Act:
        return failing(500, "always") if body["messages"][0]["content"] == "bad" else echo(number, body)

    with servers(act, act) as (a, b):
        adapter = chat(a.url, b.url, retries=2, concurrency=1)
        bad, *good = ask(adapter, "bad", *QUESTIONS)
        assert bad.status == "model_error" and texts(good) == RIGHT
        assert sum(body["messages"][0]["content"] == "bad" for one in (a, b) for body in one.calls) == 3 + IN_A_ROW


def test_when_all_die_asking_ends_as_with_one() -> None:
    with servers(*[lambda number, body: CUT] * 2) as (a, b), pytest.raises(Stopped, match="5 questions in a row failed"):
        ask(chat(a.url, b.url, retries=1), *QUESTIONS)


def test_a_busy_server_is_waited_for_and_not_left_alone() -> None:
    """Two that refuse in turn are not asked in a circle: each refusal is followed by its wait."""
    with servers(*[lambda number, body: failing(429, "slow down") if number < 3 else echo(number, body)] * 2) as (a, b):
        adapter = chat(a.url, b.url)
        assert texts(ask(adapter, *QUESTIONS[:8])) == RIGHT[:8]
        assert not adapter.notes and adapter.clock.slept and len(a.calls) + len(b.calls) <= 8 + 6


def test_one_that_is_not_there_at_first_is_noted_and_tried_later() -> None:
    with servers(echo) as (a,):
        missing = nobody()
        adapter = chat(missing, a.url)
        adapter.fingerprint()
        assert texts(ask(adapter, *QUESTIONS[:5])) == RIGHT[:5]
        assert len(adapter.notes) == 1 and f"{missing} was left alone" in adapter.notes[0] and "start it" in adapter.notes[0]
        assert adapter.gives_logprobs() is False  # asked of the one that is there


def test_one_that_comes_back_is_asked_again() -> None:
    state = {"dead": True}

    def act(number: int, body: dict[str, Any]) -> Act:
        return CUT if state["dead"] else echo(number, body)

    with servers(act, echo) as (a, b):
        adapter = chat(a.url, b.url)
        ask(adapter, *QUESTIONS)
        before = len(a.calls)
        state["dead"] = False
        assert (
            texts(ask(adapter, *(f"{text}?" for text in QUESTIONS))) == [f"{text}?" for text in RIGHT] and len(a.calls) == before
        )
        adapter.clock.sleep(FIRST_REST)
        assert (
            texts(ask(adapter, *(f"{text}!" for text in QUESTIONS))) == [f"{text}!" for text in RIGHT]
            and len(a.calls) > before  # how many more is a matter of how soon the first comes back
        )
        assert adapter.notes[-1] == f"{a.url} answers again"


def test_none_there_is_one_sentence_and_exit_status_2(mini_root: Path) -> None:
    words = ("--set", f"base_url={nobody()},{nobody()}", "--set", "model=x", "--tasks", "cifar10", "--data-root", mini_root)
    result = lamm_bench("run", "--model", "openai-chat", *words)
    assert result.exit_code == 2 and "no server answers at" in result.output


def test_a_fault_that_must_be_mended_at_one_is_told_at_once() -> None:
    with servers(echo, echo) as (a, b):
        b.models = Act(401, {"error": {"message": "bad key"}})
        with pytest.raises(BenchError, match="refuses the key"):
            chat(a.url, b.url).fingerprint()


def test_different_models_under_one_name_are_refused() -> None:
    with servers(echo, echo) as (a, b):
        for server, size in ((a, 7), (b, 13)):
            server.models = Act(body={"data": [{"id": "fake", "created": size, "meta": {"n_params": size}}]})
        with pytest.raises(BenchError, match=r"have different models under the name fake: .*7.* and .*13"):
            chat(a.url, b.url).fingerprint()
        b.models = Act(body={"data": [{"id": "fake", "created": 9, "meta": {"n_params": 7}}]})
        assert chat(a.url, b.url).fingerprint().startswith("fake at replicas ")


def test_the_identity_knows_neither_their_number_nor_their_order() -> None:
    with servers(echo, echo) as (a, b):
        found = {chat(*urls).fingerprint() for urls in ((a.url, b.url), (b.url, a.url), (a.url,), (b.url, b.url))}
        assert len(found) == 1
        single = OpenAIChat("fake", a.url, cache="none").fingerprint()
        assert single not in found and single.startswith(f"fake at {a.url} ")  # one server without a comma is what it was
        assert chat(a.url, b.url, max_side=9).fingerprint() not in found


def test_answers_are_remembered_as_those_of_the_server_that_gave_them(tmp_path: Path) -> None:
    cache = {"cache": str(tmp_path / "c.sqlite")}
    with servers(echo, echo, lambda number, body: said("another model")) as (a, b, c):
        ask(chat(a.url, b.url, **cache), *QUESTIONS)
        asked = len(a.calls) + len(b.calls)
        again = chat(b.url, a.url, **cache)
        assert texts(ask(again, *QUESTIONS)) == RIGHT and again.purse.remembered == 40
        assert texts(ask(OpenAIChat("fake", a.url, **cache), *QUESTIONS)) == RIGHT
        assert len(a.calls) + len(b.calls) == asked + len(b.calls)  # what b had answered was asked of a
        assert ask(chat(c.url, **cache), QUESTIONS[0])[0].text == "another model"
        offline = chat(a.url, b.url, offline=True, **cache)
        assert texts(ask(offline, *QUESTIONS)) == RIGHT


def test_a_run_goes_on_with_other_servers(tmp_path: Path, mini_root: Path) -> None:
    with servers(lambda number, body: said("cat"), lambda number, body: said("cat")) as (a, b):
        words = (
            "run",
            "--model",
            "openai-chat",
            "--set",
            "model=fake",
            "--set",
            "cache=none",
            "--tasks",
            "cifar10",
            "--data-root",
            mini_root,
        )
        words += ("--output", tmp_path / "run")
        assert lamm_bench(*words, "--set", f"base_url={a.url},", "--limit", 2).exit_code == 0
        result = lamm_bench(*words, "--set", f"base_url={b.url},{a.url}", "--limit", 4)
        assert result.exit_code == 0 and "holds 2 of 4 answers" in result.output
        spent = json.loads((tmp_path / "run/usage.json").read_text())
        assert sum(sum(entry["answered_by"].values()) for entry in spent) == 4


def some(*limits: int) -> Replicas:
    return Replicas([Replica(lambda body: Response(), Pace(limit, limit), f"u{n}") for n, limit in enumerate(limits)])  # type: ignore[arg-type, return-value]


def test_the_least_loaded_is_asked_by_the_share_of_what_it_bears() -> None:
    both = some(2, 8)
    counts = []
    for _ in range(10):
        one = both.free(0.0)
        assert one is not None
        one.open += 1
        counts.append(one.url)
    assert both.free(0.0) is None and counts.count("u0") == 2 and counts.index("u0", 1) >= 4


def test_a_rest_grows_while_nothing_comes_and_ends_with_an_answer() -> None:
    both = some(4, 4)
    first, now, rests = both.members[0], 0.0, []
    for _ in range(IN_A_ROW - 1):
        both.gave_nothing(first, "lost", now)
    assert both.at_work(now) == list(both.members)
    for _ in range(8):
        both.gave_nothing(first, "lost", now)
        rests.append(first.back - now)
        both.gave_nothing(first, "lost", now)  # a call that was on its way makes no rest longer
        assert first.back - now == rests[-1] and both.at_work(now) == [both.members[1]]
        now = first.back
        assert both.at_work(now) == list(both.members) and first.room == 1
    assert rests[:3] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST] and rests[-1] == LONGEST_REST
    both.answered(first)
    assert first.room == 4 and both.notes[-1] == "u0 answers again" and len(both.notes) == 2


@given(st.lists(st.tuples(st.sampled_from(["nothing", "answer", "time", "busy"]), st.integers(0, 2)), max_size=60))
def test_somebody_is_always_at_work(events: list[tuple[str, int]]) -> None:
    three, now = some(2, 3, 4), 0.0
    for event, number in events:
        one = three.members[number]
        if event == "time":
            now += 20.0
        elif event == "answer":
            three.answered(one)
        elif event == "busy":
            one.pace.troubled(one.pace.sent(), now, 5.0)
        else:
            three.gave_nothing(one, "lost", now)
        assert three.at_work(now) and three.limit(now) >= 1
        wakes = three.wakes(now)
        assert wakes is not None and (three.free(now) is not None) == (wakes <= now)
