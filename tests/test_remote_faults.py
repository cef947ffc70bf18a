"""Servers that say errors as answers, repeat the key, never end, or send a gigabyte: nothing is lost, leaked, or waited for."""

from __future__ import annotations

import gzip
import json
import threading
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.adapters.openai_chat import OpenAIChat
from lamm_bench.errors import BenchError
from lamm_bench.media import seal
from lamm_bench.remote import call, exchange
from lamm_bench.remote.cache import Cache
from lamm_bench.remote.call import Late, Nonsense, text_of, unpacked, within
from lamm_bench.remote.exchange import Exchange, Question
from lamm_bench.remote.pace import Pace
from lamm_bench.remote.purse import Purse
from lamm_bench.remote.replicas import alone
from lamm_bench.remote.reply import Failure, Reply, read_reply
from lamm_bench.remote.server import checked_key, checked_url
from lamm_bench.types import Generate, Media, Message, Response

from .commands import lamm_bench
from .fakes import draw_root
from .faulty_server import Act, FakeClock, Faulty, completion, failing, faulty_server, said

KEY = "sk-SECRET-0815"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def chat(server: Faulty, **settings: Any) -> OpenAIChat:
    adapter = OpenAIChat("fake", server.url, **{"cache": "none", "timeout": 20.0, **settings})
    adapter.clock = FakeClock()
    return adapter


def ask(adapter: OpenAIChat, *texts: str) -> list[Response]:
    found = dict(adapter.generate([Generate((Message("user", (text,)),), 16) for text in texts]))
    return [found[number] for number in range(len(texts))]


def in_choice(**more: Any) -> dict[str, Any]:
    body = completion("")
    body["choices"][0] |= more
    return body


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "overloaded", "code": 502}},
        {**completion(""), "error": {"message": "overloaded"}},
        in_choice(error={"message": "Provider returned error"}),
        in_choice(message={"role": "assistant"}),
        in_choice(message={"content": None}),
        {"object": "error", "message": "CUDA out of memory"},
        completion("half an ans", "abort"),
        completion("half an ans", "error"),
    ],
)
def test_an_error_in_the_form_of_an_answer_is_none_and_is_asked_again(body: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Failure):
        read_reply(json.dumps(body))
    with faulty_server(lambda number, _: Act(body=body) if number == 0 else said("yes")) as server:
        assert ask(chat(server), "a")[0].text == "yes"
    with faulty_server(lambda number, _: Act(body=body)) as server:
        settings = {"cache": str(tmp_path / "c.sqlite"), "retries": 1}
        assert ask(chat(server, **settings), "a")[0].status == "model_error"
    with faulty_server(lambda number, _: said("yes")) as server:
        assert ask(chat(server, **settings), "a")[0].text == "yes"


def test_what_is_not_the_answer_itself_costs_no_answer() -> None:
    odd = {"usage": [1], "model": {"a": 1}, "system_fingerprint": ["x"]}
    for more in (odd, {"usage": {"prompt_tokens": 10**400, "completion_tokens": -1}}, {"usage": {"prompt_tokens": 1.0}}):
        assert read_reply(json.dumps({**completion("yes", tokens=None), **more})).response == Response("yes")
    for odd_logprobs in (
        "x",
        [1],
        {"content": "abc"},
        {"content": [{"token": "A"}]},
        {"content": [{"token": "A", "logprob": 10**400}]},
    ):
        body = in_choice(message={"content": "yes"}, logprobs=odd_logprobs)
        reply = read_reply(json.dumps(body))
        assert reply.response.text == "yes" and reply.alternatives == ()
    swapped = completion("second")
    swapped["choices"] = [{"index": 1, "message": {"content": "second"}}, {"index": 0, "message": {"content": "first"}}]
    assert read_reply(json.dumps(swapped)).response.text == "first"


def test_errors_that_an_older_version_remembered_are_forgotten(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c.sqlite")
    wrong = Reply(Response(error="aborted", status="model_error"), 1, 2)
    cache.put("a", wrong)
    assert cache.get(["a"]) == {}
    cache._base.execute("INSERT INTO replies VALUES ('a', ?)", (json.dumps(wrong.to_json()),))
    assert cache.get(["a"]) == {}


def test_a_cache_that_is_full_costs_no_answer_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Cache, key: str, reply: Reply) -> None:
        raise BenchError("the answer cache is full")

    monkeypatch.setattr(Cache, "put", full)
    with faulty_server(lambda n, body: said("yes")) as server:
        adapter = chat(server, cache=str(tmp_path / "c.sqlite"))
        assert [response.text for response in ask(adapter, "a", "b")] == ["yes", "yes"]
        assert adapter.notes == ["the answer cache is full; this run goes on without it"]


def test_the_users_own_cache_folder_that_cannot_be_used_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with faulty_server(lambda n, body: said("yes")) as server:
        adapter = chat(server, cache="")
        assert ask(adapter, "a")[0].text == "yes" and "goes on without it" in adapter.notes[0]


# --- the key


@pytest.mark.parametrize(
    "act",
    [
        failing(400, f"bad header Bearer {KEY}"),
        Act(500, {"error": {"message": f"trace: {{'authorization': 'Bearer {KEY}'}}"}}),
        Act(401, {"error": f"Incorrect API key provided: {KEY}"}),
        said(f"Bearer {KEY}"),
        Act(body={**completion("yes"), "model": f"m {KEY}", "system_fingerprint": KEY}),
        Act(body=f"<html>{KEY}</html>".encode()),
        Act(body=completion("yes", refusal=f"I know {KEY}")),
        Act(body={"error": {"message": KEY}}),
    ],
)
def test_a_key_that_a_server_repeats_is_kept_and_shown_nowhere(act: Act, mini_root: Path, tmp_path: Path) -> None:
    words = ("base_url={url}", "model=fake", "retries=0", f"cache={tmp_path / 'c.sqlite'}")
    with faulty_server(lambda n, body: act) as server:
        settings = [word for pair in words for word in ("--set", pair.format(url=server.url))]
        result = lamm_bench(
            "run",
            "--model",
            "openai-chat",
            *settings,
            "--tasks",
            "svt",
            "--limit",
            "2",
            "--data-root",
            mini_root,
            "--output",
            tmp_path / "run",
        )
    assert "SECRET" not in result.output + result.stderr
    assert not any(b"SECRET" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_key_from_a_file_loses_its_line_break_and_one_that_is_none_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked_key(f"{KEY}\n", "K") == KEY and checked_key(" ", "K") is None
    for wrong in (f"{KEY}\n{KEY}", f"a {KEY}", f"{KEY}é", f"{KEY}\x1b[2J"):
        with pytest.raises(BenchError, match="the key in K holds a blank") as error:
            checked_key(wrong, "K")
        assert "SECRET" not in str(error.value)


# --- time and size


def test_a_call_that_never_ends_is_given_up_and_the_others_go_on() -> None:
    never = threading.Event()

    def slow(body: dict[str, Any]) -> Reply:
        if body["q"] == 0:
            never.wait(30)
        return Reply(Response(str(body["q"])), 1, 1)

    asked = Exchange(alone(slow, Pace(4)), Purse(), None, longest=0.05, retries=0)
    found = dict(asked.ask([Question(str(q), lambda q=q: {"q": q}, [q]) for q in range(3)]))  # type: ignore[misc]
    never.set()
    assert isinstance(found[0], Response) and "did not end its answer in time" in str(found[0].error)
    assert [found[q].response.text for q in (1, 2)] == ["1", "2"]  # type: ignore[union-attr]


def test_work_that_nobody_else_watches_is_left_after_its_time() -> None:
    never = threading.Event()
    with pytest.raises(Late):
        within(0.02, never.wait)
    never.set()
    assert within(5.0, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 // 0)


def test_a_megabyte_that_unpacks_to_a_gigabyte_is_not_unpacked() -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(engine.compress(bytes(2**24)) for _ in range(16)) + engine.flush()
    tracemalloc.start()
    with pytest.raises(Nonsense, match="larger than 32 MiB"):
        list(call.bounded(unpacked([bomb], "gzip"), time.monotonic() + 60))
    assert tracemalloc.get_traced_memory()[1] < 80 * 2**20
    tracemalloc.stop()


def test_compressed_answers_are_read_and_what_is_none_is_an_error() -> None:
    body = json.dumps(completion("yes")).encode()
    for data, name, text in (
        (gzip.compress(body), "gzip", "yes"),
        (zlib.compress(body), "deflate", "yes"),
        (b"no gzip", "gzip", None),
        (body, "br", None),
    ):
        with faulty_server(lambda n, _, d=data, e=name: Act(body=d, headers={"content-encoding": e})) as server:
            response = ask(chat(server, retries=0), "a")[0]
            assert response.text == (text or "") and (response.status == "model_error") == (text is None)


def test_an_answer_is_utf8_whatever_its_header_says() -> None:
    assert text_of("café".encode(), "application/json; charset=latin-1") == "café"
    assert text_of('"é"'.encode("utf-16"), "") == '"é"'
    assert text_of("café".encode("latin-1"), "text/plain; charset=latin-1") == "café"
    with pytest.raises(Nonsense):
        text_of("café".encode("latin-1"), "application/json; charset=nonsense")


# --- pace


def test_an_isolated_error_costs_its_own_repetition_only() -> None:
    pace = Pace(64)
    for number in range(200):
        if number % 10 == 5:
            pace.failed(pace.sent(), 0.0)
        else:
            pace.answered(1.0, pace.limit)
    assert pace.limit == 64


def test_where_most_calls_fail_or_silence_is_asked_for_it_is_slower() -> None:
    for retry_after in (None, 3.0):
        pace = Pace(64)
        for _ in range(40):
            pace.answered(1.0, pace.limit)
        for _ in range(1 if retry_after else exchange.HOPELESS * 4):
            pace.failed(pace.sent(), 0.0, retry_after)
        assert pace.limit < 40 and (pace.not_before == 3.0) == (retry_after is not None)


# --- addresses and media


@pytest.mark.parametrize(
    ("url", "said_of_it"),
    [
        ("127.0.0.1:1/v1", "is no address"),
        ("http://h:x/v1", "is no address"),
        ("http://[::1/v1", "is no address"),
        ("http://h/v1?api-version=1", "something behind its path .*such as http://h/v1"),
        ("http://me@h/v1", "key_env"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_one_looks_like(url: str, said_of_it: str) -> None:
    with pytest.raises(BenchError, match=said_of_it):
        checked_url(url)


def test_an_address_without_v1_is_told_the_right_one(mini_root: Path, tmp_path: Path) -> None:
    with faulty_server(lambda n, body: failing(404, "Not Found")) as server:
        server.models = failing(404, "Not Found")
        with pytest.raises(
            BenchError, match=r"the address with /v1 and without /chat/completions, here probably http://127.*/v1$"
        ):
            OpenAIChat("fake", server.url.removesuffix("/v1"), cache="none").fingerprint()


def test_a_picture_that_is_not_there_ends_its_own_question_only(tmp_path: Path) -> None:
    picture = draw_root(tmp_path / "data") / "2D_Benchmark/pics/0.png"
    shown = (Media("image", str(tmp_path / "nowhere.png")), seal(Media("image", str(picture))))
    with faulty_server(lambda n, body: said("yes")) as server:
        found = dict(chat(server).generate([Generate((Message("user", (media, "What?")),)) for media in shown]))
        assert (found[0].status, found[1].text) == ("media_error", "yes")
