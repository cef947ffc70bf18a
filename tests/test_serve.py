"""A model behind an address: what is asked over the wire is what the adapter gets, and what it says is what a client hears."""

from __future__ import annotations

import base64
import http.client
import io
import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lamm_bench.errors import BenchError
from lamm_bench.keep.runs import Run
from lamm_bench.media import open_cloud, open_image
from lamm_bench.remote.reply import read_reply
from lamm_bench.serving import serve
from lamm_bench.serving.asked import Refused, asked
from lamm_bench.types import Generate, Media, Response, Score

from .commands import done, refusal


@dataclass
class Parrot:
    """Says what it was asked, and what it saw."""

    name: str = "parrot"
    modalities: frozenset[str] = frozenset({"image", "point_cloud"})
    asked: list[Generate] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    gate: threading.Event | None = None

    def fingerprint(self) -> str:
        return "parrot"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        if self.gate is not None:
            self.gate.wait(20)
        self.together.append(len(requests))
        for number, request in enumerate(requests):
            self.asked.append(request)
            yield number, self.say(request)

    def say(self, request: Generate) -> Response:
        words = []
        for part in request.messages[-1].parts:
            if isinstance(part, str):
                words.append(part)
            elif part.kind == "image":
                words.append(f"<{open_image(part).size}>")
            else:
                words.append(f"<{len(open_cloud(part))} points>")
        text = "".join(words)
        if "explode" in text:
            raise RuntimeError("boom")
        if "refuse" in text:
            return Response(error="I would rather not", status="refused")
        return Response(
            text, "length" if "long" in text else "stop", tokens=(len(text.split()),), reasoning="hm" if "think" in text else ""
        )

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            yield (
                number,
                Response(logprobs=tuple(-float(len(option)) for option in request.options), tokens=(1,) * len(request.options)),
            )


class Streams(Parrot):
    def stream(self, request: Generate) -> Iterator[str | Response]:
        response = self.say(request)
        if response.error is None:
            yield from (word + " " for word in response.text.split())
        yield response


def call(url: str, body: Any, path: str = "/v1/chat/completions", **headers: str) -> tuple[int, Any]:
    """Status and JSON (or text) of one call."""
    line = http.client.HTTPConnection(url.split("/")[2], timeout=30)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    line.request("POST" if body is not None else "GET", path, data if body is not None else None, named)
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer.status, json.loads(text) if answer.headers["content-type"] == "application/json" else text


def url_of(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def picture(width: int = 30, height: int = 20) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, "PNG")
    return url_of(buffer.getvalue())


def cloud(points: int = 7) -> str:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((points, 6), np.float32))
    return url_of(buffer.getvalue(), "application/octet-stream")


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def test_a_client_of_ours_hears_the_answers_that_the_model_gives_directly(tmp_path, mini_root):
    from lamm_bench.ask.catalog import load_catalog

    asked = ("--tasks", "cifar10,sqaimage,lsp", "--limit", 3, "--data-root", mini_root)
    done("run", "--model", "lamm", *asked, "--output", tmp_path / "direct")
    with serve(load_catalog(()).adapter("lamm", {}), "lamm") as served:
        settings = ("--set", f"base_url={served.url}", "--set", "model=lamm", "--set", "cache=none")
        done("run", "--model", "openai-chat", *settings, *asked, "--output", tmp_path / "served")
    for task in ("cifar10", "sqaimage", "lsp"):
        direct, wired = (Run.read(tmp_path / name).ledger(task) for name in ("direct", "served"))
        assert len(direct.ended) == 3
        assert {id: (end.status, end.prediction) for id, end in direct.ended.items()} == {
            id: (end.status, end.prediction) for id, end in wired.ended.items()
        }


def test_parts_keep_their_order_and_media_reach_the_model():
    with serve(Parrot(), "p") as served:
        parts = (
            text("a"),
            {"type": "image_url", "image_url": {"url": picture()}},
            text("b"),
            {"type": "point_cloud_url", "point_cloud_url": {"url": cloud()}},
        )
        status, body = call(served.url, {"model": "p", "messages": user(*parts)})
        assert status == 200 and body["choices"][0]["message"]["content"] == "a<(30, 20)>b<7 points>"
        assert read_reply(json.dumps(body)).response.text == "a<(30, 20)>b<7 points>"
        assert call(served.url, None, "/v1/models")[1]["data"][0]["id"] == "p"


def test_settings_and_turns_arrive():
    adapter = Parrot()
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        *user(text("three")),
    ]
    with serve(adapter, "p") as served:
        body = {"messages": messages, "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "seed": 4, "stop": ["x"], "n": 1}
        assert call(served.url, body)[0] == 200
    (request,) = adapter.asked
    assert [(one.role, one.text) for one in request.messages] == [
        ("system", "be kind"),
        ("user", "one"),
        ("assistant", "two"),
        ("user", "three"),
    ]
    assert (request.max_new_tokens, request.temperature, request.top_p, request.seed, request.stop) == (9, 0.5, 0.9, 4, ("x",))


def test_thoughts_cuts_refusals_and_faults_are_what_they_are():
    with serve(Parrot(), "p") as served:

        def reply(words: str) -> Response:
            return read_reply(json.dumps(call(served.url, {"messages": user(text(words))})[1])).response

        assert (reply("think").reasoning, reply("long").finish, reply("refuse").status) == ("hm", "length", "refused")
        status, body = call(served.url, {"messages": user(text("explode"))})
        assert status == 500 and "boom" in body["error"]["message"]
        assert reply("still there").text == "still there"


def test_options_are_weighed():
    with serve(Parrot(), "p") as served:
        status, body = call(served.url, {"messages": user(text("?")), "options": ["long", "a", "two"]})
        assert status == 200 and body["choices"][0]["message"]["content"] == "a"
        assert [(row["option"], row["logprob"]) for row in body["choices"][0]["logprobs"]["options"]] == [
            ("long", -4.0),
            ("a", -1.0),
            ("two", -3.0),
        ]
        status, body = call(served.url, {"messages": user(text("?")), "logprobs": True})
        assert status == 400 and "options" in body["error"]["message"]


@pytest.mark.parametrize(("adapter", "pieces"), [(Streams(), 3), (Parrot(), 1)])
def test_an_answer_is_streamed_as_it_comes(adapter, pieces):
    with serve(adapter, "p") as served:
        status, said = call(served.url, {"messages": user(text("one two three")), "stream": True})
        events = [line.removeprefix("data: ") for line in said.split("\n\n") if line]
        assert status == 200 and events[-1] == "[DONE]"
        chunks = [json.loads(event)["choices"][0] for event in events[:-1]]
        words = [chunk["delta"]["content"] for chunk in chunks if chunk["delta"]]
        assert len(words) == pieces and "".join(words).strip() == "one two three" and chunks[-1]["finish_reason"] == "stop"
        status, body = call(served.url, {"messages": user(text("explode")), "stream": True})
        assert status == 500 and "boom" in body["error"]["message"]


def test_what_waits_is_asked_together():
    adapter = Parrot(gate=threading.Event())
    with serve(adapter, "p") as served:
        heard: list[Any] = []
        threads = [
            threading.Thread(target=lambda n=n: heard.append(call(served.url, {"messages": user(text(f"q{n}"))})))
            for n in range(6)
        ]
        for thread in threads:
            thread.start()
        assert adapter.gate is not None
        adapter.gate.set()
        for thread in threads:
            thread.join(20)
    assert sorted(body["choices"][0]["message"]["content"] for _, body in heard) == [f"q{n}" for n in range(6)]
    assert sum(adapter.together) == 6


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "not JSON"),
        ([], 400, "no JSON object"),
        ({}, 400, "`messages`"),
        ({"model": "other", "messages": user(text("a"))}, 404, "no model 'other'"),
        ({"messages": user(text("a")), "tools": [{}]}, 400, "`tools`"),
        ({"messages": user(text("a")), "n": 2}, 400, "`n`"),
        ({"messages": user(text("a")), "max_tokens": 0}, 400, "`max_tokens`"),
        ({"messages": user(text("a")), "temperature": -1}, 400, "`temperature`"),
        ({"messages": [{"role": "tool", "content": "a"}]}, 400, "`role`"),
        ({"messages": user({"type": "image_url", "image_url": {"url": "http://localhost/a.png"}})}, 400, "nothing is fetched"),
        ({"messages": user({"type": "image_url", "image_url": {"url": "/etc/passwd"}})}, 400, "no file is opened"),
        ({"messages": user({"type": "image_url", "image_url": {"url": "data:image/png;base64,!!"}})}, 400, "no base64"),
        ({"messages": user({"type": "image_url", "image_url": {"url": url_of(b"no picture")}})}, 400, "messages[0].content[0]"),
        ({"messages": user({"type": "sound", "sound": "x"})}, 400, "must be a part of the type"),
        ({"messages": user(text("a")), "options": []}, 400, "`options`"),
    ],
)
def test_what_is_not_understood_is_told_in_a_sentence(body, status, says):
    with serve(Parrot(), "p") as served:
        found, told = call(served.url, body)
    assert found == status and says in told["error"]["message"]
    assert "/tmp" not in told["error"]["message"]  # nobody outside learns where files lie


def test_doors_that_are_closed():
    with serve(Parrot(), "p", key="secret") as served:
        assert call(served.url, {"messages": user(text("a"))})[0] == 401
        assert call(served.url, {"messages": user(text("a"))}, authorization="Bearer secret")[0] == 200
        assert call(served.url, {}, authorization="Bearer secret", content_type="text/plain")[0] == 415
        assert call(served.url, {}, "/v1/other", authorization="Bearer secret")[0] == 404
        with (
            pytest.raises(BenchError, match="cannot serve"),
            serve(Parrot(), "p", port=int(served.url.split(":")[2].split("/")[0])),
        ):
            pass


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (json.dumps({"messages": user(text("explode"))}).encode(), 500), (b" " * 2**20, 413)],
)
def test_who_is_told_a_fault_can_go_on_asking_over_the_same_line(body, status, monkeypatch):
    """The answer comes though its body was not read, and says whether the line stays open."""
    monkeypatch.setattr("lamm_bench.serving.server.LARGEST", 2**19)
    with serve(Parrot(), "p") as served:
        line = http.client.HTTPConnection(served.url.split("/")[2], timeout=30)
        for data, wanted in ((body, status), (json.dumps({"messages": user(text("a"))}).encode(), 200)):
            line.request(
                "POST", "/v1/chat/completions", data, {"content-type": "application/json"}
            )  # a closed line is opened anew
            answer = line.getresponse()
            assert (answer.status, answer.read()[:1]) == (wanted, b"{")
        line.close()


def test_a_client_that_hangs_up_is_no_fault_of_the_server(capfd):
    adapter = Parrot(gate=threading.Event())
    said = json.dumps({"messages": user(text("a"))}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(said)}\r\n\r\n"
    )
    with serve(adapter, "p") as served:
        for _ in range(3):
            line = socket.create_connection(("127.0.0.1", served.server.server_address[1]))
            line.sendall(head.encode() + said)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()  # with a reset
        assert adapter.gate is not None
        adapter.gate.set()
        assert call(served.url, {"messages": user(text("a"))})[0] == 200
    assert capfd.readouterr().err == ""


def test_a_model_is_told_by_name_and_other_ways_of_asking_are_refused_in_json():
    with serve(Parrot(), "org/p") as served:
        for path, status in (("/v1/models/org/p", 200), ("/v1/models/org%2Fp", 200), ("/v1/models/q", 404)):
            found, told = call(served.url, None, path)
            assert found == status and (told.get("id") == "org/p") == (status == 200)
        assert call(served.url, None)[0] == 405  # GET of what is asked by POST
        line = http.client.HTTPConnection(served.url.split("/")[2], timeout=30)
        line.request("PUT", "/v1/models", b"{}")
        answer = line.getresponse()
        assert answer.status == 501 and "PUT" in json.loads(answer.read())["error"]["message"]
        line.close()


def test_what_cannot_be_served_is_refused_before(monkeypatch):
    assert "name a key" in refusal("serve", "--host", "0.0.0.0")
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    assert "NO_SUCH_KEY" in refusal("serve", "--key-env", "NO_SUCH_KEY")


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["role", "content", "type", "text", "image_url", "url", "messages", "stop", "seed"]),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_no_body_is_more_than_refused(tmp_path_factory, body):
    """Whatever is sent, it is a request of ours or one sentence."""
    folder: Path = tmp_path_factory.getbasetemp()
    for one in (body, {"messages": body}, {"messages": [{"role": "user", "content": body}]}):
        try:
            found = asked(one, "p", frozenset({"image"}), folder)
        except Refused as error:
            assert 400 <= error.status < 500 and str(error)
        else:
            assert found.request.messages and not any(
                isinstance(part, Media) for message in found.request.messages for part in message.parts
            )
