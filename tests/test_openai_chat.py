"""The adapter `openai-chat` against a server that misbehaves: an error is never an answer, and nothing is asked twice."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from lamm_bench.adapters.openai_chat import OpenAIChat
from lamm_bench.errors import BenchError, Stopped
from lamm_bench.media import blank, seal
from lamm_bench.types import Generate, Media, Message, Response, Score

from .commands import lamm_bench
from .fakes import ColourTask, Looker, catalog_with, draw_root
from .faulty_server import SAFETY, Act, FakeClock, Faulty, completion, failing, faulty_server, said, smollm2, with_logprobs


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")


def chat(server: Faulty, **settings: Any) -> OpenAIChat:
    adapter = OpenAIChat("fake", server.url, **{"cache": "none", "timeout": 20.0, **settings})
    adapter.clock = FakeClock()
    return adapter


def ask(adapter: OpenAIChat, *texts: str) -> list[Response]:
    requests = [Generate((Message("user", (text,)),), 16) for text in texts]
    found = dict(adapter.generate(requests))
    return [found[number] for number in range(len(texts))]


def echo(number: int, body: dict[str, Any]) -> Act:
    return said("you said " + str(body["messages"][-1]["content"]))


def test_every_question_gets_its_own_answer_whatever_the_order() -> None:
    with faulty_server(echo) as server:
        texts = [f"question {n}" for n in range(40)]
        assert [r.text for r in ask(chat(server), *texts)] == [f"you said {text}" for text in texts]
        assert set(server.keys) == {"Bearer sk-secret"}
        assert all(body["max_tokens"] == 16 and body["temperature"] == 0.0 and "seed" not in body for body in server.calls)


@pytest.mark.parametrize(
    "trouble",
    [
        failing(429, "slow down", retry_after="3"),
        failing(500, "oops"),
        failing(503, "busy"),
        Act(body=b"<html>not json", headers={"content-type": "text/html"}),
        Act(body=b'{"choices": ', headers={"content-type": "application/json"}),
        Act(body={"choices": []}),
        Act(body=completion("half an ans"), cut=True),
    ],
    ids=["429", "500", "503", "html", "broken-json", "no-choices", "cut"],
)
def test_a_passing_trouble_is_asked_again_and_leaves_no_trace_in_the_answer(trouble: Act) -> None:
    with faulty_server(lambda number, body: trouble if number < 2 else echo(number, body)) as server:
        adapter = chat(server, concurrency=1)
        assert [r.text for r in ask(adapter, "a", "b")] == ["you said a", "you said b"]
        assert len(server.calls) == 4 and adapter.purse.repeated == 2
        assert all(wait >= 0.5 for wait in adapter.clock.slept) and len(adapter.clock.slept) == 2


def test_retry_after_is_honoured() -> None:
    with faulty_server(lambda n, body: failing(429, retry_after="17") if n == 0 else echo(n, body)) as server:
        adapter = chat(server, concurrency=1)
        ask(adapter, "a")
        assert sum(adapter.clock.slept) >= 17.0


def test_a_server_that_hangs_is_left_after_the_timeout() -> None:
    with faulty_server(lambda n, body: Act(hang=True) if n == 0 else echo(n, body)) as server:
        assert ask(chat(server, timeout=1.0), "a")[0].text == "you said a"
        assert len(server.calls) == 2


def test_errors_end_as_model_error_and_are_never_text() -> None:
    def act(number: int, body: dict[str, Any]) -> Act:
        return failing(400, "context length exceeded") if body["messages"][0]["content"] == "long" else echo(number, body)

    with faulty_server(act) as server:
        good, bad = ask(chat(server), "short", "long")
        assert good.text == "you said short"
        assert (bad.text, bad.status) == ("", "model_error") and "context length exceeded" in str(bad.error)
        assert len(server.calls) == 2  # what is wrong with the question itself is not repeated


def test_an_error_that_stays_is_given_up_after_the_repetitions() -> None:
    def act(number: int, body: dict[str, Any]) -> Act:
        return failing(500, "always") if body["messages"][0]["content"] == "bad" else echo(number, body)

    with faulty_server(act) as server:
        bad, good = ask(chat(server, retries=3, concurrency=1), "bad", "good")
        assert bad.status == "model_error" and good.text == "you said good"
        assert sum(body["messages"][0]["content"] == "bad" for body in server.calls) == 4


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (completion("half", "length"), Response("half", "length", (), (5,))),
        (completion(""), Response("", "stop", (), (5,))),
        (completion("", "content_filter"), ("refused", "content filter")),
        (completion(None, refusal="I will not"), ("refused", "I will not")),
        (completion(None, "tool_calls"), ("model_error", "tool")),
        (completion("x", "martian"), Response("x", "stop", (), (5,))),
        (completion("x", "COMPLETE"), Response("x", "stop", (), (5,))),
        (completion("half", "MAX_TOKENS"), Response("half", "length", (), (5,))),
        (completion("x", "SAFETY"), ("refused", "SAFETY")),
        (
            completion([{"type": "thinking", "thinking": "(A)?"}, {"type": "text", "text": "B"}]),
            Response("B", "stop", (), (5,), reasoning="(A)?"),
        ),
        (completion(None, reasoning_content="(A)?"), Response("", "length", (), (5,), reasoning="(A)?")),
        (completion(None, tool_calls=[{"id": "x"}]), ("model_error", "tool")),
    ],
)
def test_finish_reasons_and_refusals_are_statuses(body: dict[str, Any], expected: Any) -> None:
    with faulty_server(lambda number, asked: Act(body=body)) as server:
        (response,) = ask(chat(server), "a")
        if isinstance(expected, Response):
            assert response == expected
        else:
            assert response.status == expected[0] and expected[1] in str(response.error) and response.text == ""


def test_a_question_that_the_filter_refuses_is_refused_and_not_an_error() -> None:
    with faulty_server(lambda n, body: failing(400, "flagged", "content_filter")) as server:
        assert ask(chat(server), "a")[0].status == "refused"


def test_a_server_that_fails_every_question_is_left_after_five() -> None:
    with faulty_server(lambda n, body: failing(404, "no such deployment")) as server:
        adapter = chat(server)
        found = []
        with pytest.raises(Stopped, match="5 questions in a row failed.*no such deployment"):
            for answer in adapter.generate([Generate((Message("user", (str(n),)),)) for n in range(1000)]):
                found.append(answer)
        assert 4 <= len(found) <= 8 and len(server.calls) <= 8


def test_a_key_that_is_withdrawn_ends_the_asking_at_once() -> None:
    with faulty_server(lambda n, body: echo(n, body) if n < 3 else failing(401, "revoked")) as server:
        found = []
        with pytest.raises(Stopped, match="refuses the key in OPENAI_API_KEY"):
            for answer in chat(server, concurrency=1).generate([Generate((Message("user", (str(n),)),)) for n in range(50)]):
                found.append(answer)
        assert len(found) == 3 and len(server.calls) == 4


def test_a_used_up_quota_is_not_a_passing_refusal() -> None:
    with (
        faulty_server(lambda n, body: failing(429, "pay", "insufficient_quota")) as server,
        pytest.raises(Stopped, match="quota"),
    ):
        ask(chat(server), "a")


def test_a_server_that_wants_hours_of_silence_is_not_waited_for() -> None:
    with faulty_server(lambda n, body: failing(429, "later", retry_after="7200")) as server:
        adapter = chat(server)
        with pytest.raises(Stopped, match="7200 s"):
            ask(adapter, "a", "b")
        assert adapter.clock.slept == []


def test_endless_refusals_end_when_patience_does() -> None:
    with faulty_server(lambda n, body: failing(429, "slow down")) as server:
        adapter = chat(server, patience=100.0)
        with pytest.raises(Stopped, match="no answer for"):
            ask(adapter, "a")
        assert 100.0 <= sum(adapter.clock.slept) <= 200.0


def test_as_many_calls_are_open_as_the_server_has_shown_to_bear() -> None:
    together = threading.Barrier(4)  # nobody is answered before four are open

    def act(number: int, body: dict[str, Any]) -> Act:
        if 6 <= number < 10:
            together.wait(SAFETY)
        return failing(429, "slow down") if 20 <= number < 26 else echo(number, body)

    with faulty_server(act) as server:
        adapter = chat(server, concurrency=4)
        texts = [str(n) for n in range(60)]
        assert [r.text for r in ask(adapter, *texts)] == [f"you said {text}" for text in texts]
        assert server.most_open == 4


def test_equal_questions_are_asked_once() -> None:
    with faulty_server(echo) as server:
        assert [r.text for r in ask(chat(server), "a", "b", "a")] == ["you said a", "you said b", "you said a"]
        assert len(server.calls) == 2


def test_a_rerun_is_free_and_the_cache_knows_settings_from_one_another(tmp_path: Path) -> None:
    with faulty_server(echo) as server:
        file = str(tmp_path / "cache.sqlite")
        first = ask(chat(server, cache=file), "a", "b")
        again = chat(server, cache=file)
        assert ask(again, "a", "b") == first and len(server.calls) == 2
        assert again.purse.remembered == 2 and again.purse.spent == 0.0
        ask(chat(server, cache=file, extra='{"top_k": 1}'), "a")
        assert len(server.calls) == 3
    offline = chat(server, cache=file, offline=True)  # the server is gone by now
    assert ask(offline, "a", "b") == first
    assert offline.fingerprint() == again.wire.model + " at " + again.base_url + offline.fingerprint()[-9:]
    with pytest.raises(Stopped, match="no remembered answer"):
        ask(offline, "c")


def test_troubles_are_not_remembered(tmp_path: Path) -> None:
    with faulty_server(lambda n, body: failing(400, "bad") if n == 0 else echo(n, body)) as server:
        settings = {"cache": str(tmp_path / "c.sqlite")}
        assert ask(chat(server, **settings), "a")[0].status == "model_error"
        assert ask(chat(server, **settings), "a")[0].text == "you said a"


def test_votes_with_different_seeds_are_different_questions_even_if_the_seed_is_not_sent(tmp_path: Path) -> None:
    with faulty_server(lambda n, body: said(str(n))) as server:
        adapter = chat(server, omit="seed", cache=str(tmp_path / "c.sqlite"), concurrency=1)
        votes = [Generate((Message("user", ("a",)),), temperature=1.0, seed=seed) for seed in (1, 2)]
        assert {r.text for _, r in adapter.generate(votes)} == {"0", "1"}
        assert all("seed" not in body for body in server.calls)


def test_tokens_and_cost_are_counted_and_the_budget_is_kept() -> None:
    with faulty_server(echo) as server:  # 10 tokens in, 5 out: 20 millionths each at these prices
        adapter = chat(server, price_in=1.0, price_out=2.0, max_cost=0.0001)
        found = []
        with pytest.raises(Stopped, match="max_cost=0.0001"):
            for answer in adapter.generate([Generate((Message("user", (str(n),)),)) for n in range(50)]):
                found.append(answer)
        assert len(found) == 5 == len(server.calls)
        usage = adapter.usage()
        assert usage is not None
        assert (usage["calls"], usage["prompt_tokens"], usage["new_tokens"]) == (5, 50, 25)
        assert usage["cost"] == pytest.approx(0.0001)
        assert usage["answered_as"] == {"fake-2026-01-01": 5}


def test_a_budget_cannot_be_kept_with_a_server_that_does_not_count() -> None:
    with (
        faulty_server(lambda n, body: Act(body=completion("a", tokens=None))) as server,
        pytest.raises(Stopped, match="counts no tokens"),
    ):
        ask(chat(server, price_in=1.0, max_cost=1.0), "a", "b", "c")


# --- media


@pytest.fixture
def sent(tmp_path: Path) -> Callable[..., list[Any]]:
    """What the server gets to see of one medium."""

    def send(media: Media, **settings: Any) -> list[Any]:
        with faulty_server(lambda n, body: said("ok")) as server:
            adapter = chat(server, **settings)
            request = Generate((Message("system", ("You see.",)), Message("user", (seal(media), "What?"))))
            (response,) = [response for _, response in adapter.generate([request])]
            if response.error is not None:
                return [response]
            assert server.calls[0]["messages"][0] == {"role": "system", "content": "You see."}
            content = server.calls[0]["messages"][1]["content"]
            return [content] if isinstance(content, str) else [part.get("image_url", part) for part in content]

    return send


def decode(url: str) -> tuple[str, bytes]:
    head, data = url.split(",")
    return head, base64.b64decode(data)


def test_plain_files_are_sent_as_they_are_and_odd_ones_as_png(tmp_path: Path, sent: Callable[..., list[Any]]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "plain.jpg")
    picture.save(tmp_path / "plain.png")
    picture.convert("RGBA").save(tmp_path / "alpha.png")
    picture.save(tmp_path / "odd.bmp")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    for name in ("plain.jpg", "plain.png"):
        head, data = decode(sent(Media("image", str(tmp_path / name)))[0]["url"])
        assert (
            data == (tmp_path / name).read_bytes()
            and head == f"data:image/{'jpeg' if name[-1] == 'g' and 'jpg' in name else 'png'};base64"
        )
    for name in ("alpha.png", "odd.bmp", "turned.jpg"):
        head, data = decode(sent(Media("image", str(tmp_path / name)))[0]["url"])
        from lamm_bench.media import open_image

        assert head == "data:image/png;base64"
        assert np.array_equal(
            np.asarray(Image.open(io.BytesIO(data))), np.asarray(open_image(Media("image", str(tmp_path / name))))
        )


def test_images_can_be_shrunk_reencoded_and_left_out(tmp_path: Path, sent: Callable[..., list[Any]]) -> None:
    Image.new("RGB", (400, 200), "red").save(tmp_path / "a.png")
    media = Media("image", str(tmp_path / "a.png"))
    assert Image.open(io.BytesIO(decode(sent(media, max_side=100)[0]["url"])[1])).size == (100, 50)
    assert sent(media, images="jpeg", detail="low")[0]["detail"] == "low"
    assert decode(sent(media, images="jpeg")[0]["url"]) == decode(sent(media, images="jpeg")[0]["url"])
    assert sent(media, images="none") == ["What?"]
    shown = Image.open(io.BytesIO(decode(sent(blank(media))[0]["url"])[1]))
    assert shown.size == (400, 200) and shown.getcolors() == [(80000, (128, 128, 128))]


def test_a_damaged_image_is_a_media_error_and_is_not_sent(tmp_path: Path, sent: Callable[..., list[Any]]) -> None:
    Image.new("RGB", (400, 200), "red").save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    assert sent(Media("image", str(tmp_path / "a.jpg")))[0].status == "media_error"


def test_a_cloud_is_sent_as_the_views_asked_for(tmp_path: Path, sent: Callable[..., list[Any]]) -> None:
    np.save(tmp_path / "c.npy", np.random.default_rng(0).uniform(-1, 1, (500, 3)).astype(np.float32))
    parts = sent(Media("point_cloud", str(tmp_path / "c.npy")), render="4views")
    assert [part.get("type") for part in parts] == [None] * 4 + ["text"]
    assert len({part["url"] for part in parts[:4]}) == 4


def test_the_cache_key_moves_with_the_content_of_the_media(tmp_path: Path) -> None:
    adapter = OpenAIChat("fake", "http://localhost:1/v1", cache="none")
    keys = set()
    for colour in ("red", "blue"):
        Image.new("RGB", (9, 9), colour).save(tmp_path / f"{colour}.png")
        media = seal(Media("image", str(tmp_path / f"{colour}.png")))
        for shown in (media, blank(media)):
            keys.add(adapter.wire.key(Generate((Message("user", (shown, "What?")),))))
    assert len(keys) == 4


# --- likelihoods


def test_options_are_scored_where_the_server_tells_its_likeliest_tokens() -> None:
    answers = [
        with_logprobs({"(": -0.1, "A": -3.0, "The": -5.0}, {"B": -0.2, "A": -2.0, "C": -6.0}, {")": -0.01}),
        with_logprobs({"C": -0.5, "(": -2.0}),
        with_logprobs({"The": -0.1, "It": -2.0}, {" cat": -0.1}),
    ]
    with faulty_server(lambda n, body: Act(body=answers[int(body["messages"][0]["content"])])) as server:
        adapter = chat(server)
        requests = [Score((Message("user", (str(n),)),), ("(A)", "(B)", "(C)")) for n in range(3)]
        found = dict(adapter.score(requests))
        first, second, third = (found[n] for n in range(3))
        assert first.logprobs == pytest.approx((float(np.log(np.exp(-3.0) + np.exp(-2.1))), -0.3, -6.1))
        assert max(range(3), key=lambda n: second.logprobs[n]) == 2 and second.tokens == (1, 1, 1)
        assert third.status == "model_error" and "none of the likeliest" in str(third.error)
        assert all(body["logprobs"] is True and body["top_logprobs"] == 20 for body in server.calls)


def test_likelihood_recipes_are_skipped_with_the_reason_where_the_server_gives_none() -> None:
    task = ColourTask()
    with faulty_server(echo) as server:
        assert "gives no log-probabilities" in str(chat(server).why_not(task, {"name": "likelihood"}))
        assert "letters only" in str(chat(server).why_not(task, {"name": "likelihood", "option": "text"}))
        assert chat(server).why_not(task, {"name": "direct"}) is None
    with faulty_server(lambda n, body: Act(body=with_logprobs({"(": -0.1}))) as server:
        assert chat(server).why_not(task, {"name": "likelihood"}) is None


def test_an_answer_is_begun_only_for_a_server_that_is_said_to_go_on_with_it() -> None:
    begun = Score((Message("user", ("Which?",)),), ("(A", "(B"), begun="It is ", window="option")
    with faulty_server(lambda n, body: Act(body=with_logprobs({" (": -0.1}, {"B": -0.2, "A": -2.0}))) as server:
        plain = chat(server)
        found = dict(plain.score([begun, Score(begun.messages, ("(A)", "(B)"))]))
        assert "--set prefill=true" in str(found[0].error) and found[1].error is None and not plain.begins
        assert [len(body["messages"]) for body in server.calls] == [1]
        assert "--set prefill=true" in str(plain.why_not(ColourTask(), {"name": "likelihood", "window": "option"}))
        filled = chat(server, prefill=True)
        (response,) = [response for _, response in filled.score([begun])]
        assert filled.begins and response.logprobs[1] > response.logprobs[0]
        assert server.calls[-1]["messages"][-1] == {"role": "assistant", "content": "It is "}
        assert server.calls[-1]["continue_final_message"] is True and server.calls[-1]["add_generation_prompt"] is False
        assert filled.why_not(ColourTask(), {"name": "likelihood", "option": "letter_open", "window": "option"}) is None
        assert "`window: first`" in str(filled.why_not(ColourTask(), {"name": "likelihood", "window": "first"}))
        assert filled.fingerprint() != plain.fingerprint()


# --- before the run begins


def run(root: Path, folder: Path, url: str, *more: str, tasks: str = "cifar10") -> Result:
    settings = [word for pair in (f"base_url={url}", "model=fake", *more) for word in ("--set", pair)]
    return lamm_bench("run", "--model", "openai-chat", *settings, "--tasks", tasks, "--data-root", root, "--output", folder)


def test_a_server_that_is_not_there_is_one_sentence_before_anything_is_written(mini_root: Path, tmp_path: Path) -> None:
    result = run(mini_root, tmp_path / "run", "http://127.0.0.1:9/v1")
    assert result.exit_code == 2 and not (tmp_path / "run").exists()
    assert result.output.count("\n") == 1 and "no server answers at http://127.0.0.1:9/v1" in result.output


def test_a_key_that_only_the_answers_need_is_told_before_anything_is_recorded(mini_root: Path, tmp_path: Path) -> None:
    with faulty_server(lambda n, body: failing(401, "bad key")) as server:  # anybody may see its list of models
        result = run(mini_root, tmp_path / "run", server.url)
        assert result.exit_code == 2 and "refuses the key in OPENAI_API_KEY" in result.output
        assert len(server.calls) <= 2 and not (tmp_path / "run").exists()


@pytest.mark.parametrize("where", ["models", "chat"])
def test_a_wrong_key_is_one_sentence_and_never_printed(mini_root: Path, tmp_path: Path, where: str) -> None:
    with faulty_server(lambda n, body: failing(401, "bad key")) as server:
        server.models = failing(401, "bad key") if where == "models" else failing(404)
        result = run(mini_root, tmp_path / "run", server.url)
    assert result.exit_code == 2 and "refuses the key in OPENAI_API_KEY" in result.output
    assert "sk-secret" not in result.output and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "refused",
    [
        failing(404, "The model `fake` does not exist"),  # vLLM
        failing(404, 'model "fake" not found, try pulling it first'),  # Ollama
        failing(404, "no such thing", code="model_not_found"),
        failing(403, "Project `p` does not have access to model `fake`", code="model_not_found"),  # OpenAI
        failing(400, "fake is not a valid model ID"),  # OpenRouter
        failing(400, "Invalid model name passed in model=fake"),  # LiteLLM
        Act(404, {"object": "error", "message": "The model `fake` does not exist.", "code": 404}),
        Act(404, {"detail": "Model not found"}),
    ],
)
@pytest.mark.parametrize("verb", ["run", "doctor"])
def test_a_model_that_the_server_does_not_have_is_named_with_those_it_has(
    verb: str, refused: Act, mini_root: Path, tmp_path: Path
) -> None:
    with faulty_server(lambda n, body: refused) as server:
        server.models = listing("fake-large", "tiny")
        words = ("--model", "openai-chat", "--set", f"base_url={server.url}", "--set", "model=fake")
        more = ("--tasks", "svt", "--data-root", mini_root, "--output", tmp_path / "run") if verb == "run" else ()
        result = lamm_bench(verb, *words, *more)
    expected = f"no model at {server.url} called 'fake'. Did you mean 'fake-large'? There are: fake-large, tiny"
    assert result.exit_code == 2 and result.output == f"lamm-bench: {expected}\n"
    assert len(server.calls) == 1 and not (tmp_path / "run").exists()


def test_of_many_models_the_likeliest_are_named() -> None:
    with faulty_server(lambda n, body: failing(404, "The model `fake` does not exist")) as server:
        server.models = listing("fake-7b", *(f"other-{n}" for n in range(300)))
        with pytest.raises(BenchError, match=r"Did you mean 'fake-7b'\? There are: fake-7b, other-.* and 281 more$"):
            chat(server).fingerprint()


def test_a_server_without_a_list_of_models_says_itself_what_it_lacks() -> None:
    with faulty_server(lambda n, body: failing(404, "The model `fake` does not exist")) as server:
        server.models = failing(404, "Not Found")
        with pytest.raises(BenchError, match="has no model called 'fake' .*does not exist.*lists none"):
            chat(server).fingerprint()


@pytest.mark.parametrize("models", [failing(404), "other"])
def test_a_server_that_takes_any_name_is_asked_whatever_it_lists(models: Act | str) -> None:
    with faulty_server(echo) as server:
        server.models = listing(models) if isinstance(models, str) else models
        assert chat(server).fingerprint().startswith("fake at ")
        assert ask(chat(server), "hello")[0].text == "you said hello"


def test_a_complaint_about_a_setting_is_not_one_about_the_model() -> None:
    with faulty_server(lambda n, body: failing(400, "'max_tokens' is not supported with this model")) as server:
        server.models = listing("fake-2026-01-01")  # `fake` is an alias
        with pytest.raises(BenchError, match="'max_tokens' is not supported"):
            chat(server).fingerprint()


def test_a_line_that_a_server_closes_while_it_is_looked_at_is_opened_again() -> None:
    with faulty_server(lambda n, body: Act(body=completion("A"), cut=True) if n == 0 else said("A")) as server:
        server.models = listing("fake-2026-01-01")
        assert chat(server).fingerprint() and len(server.calls) == 2
    with faulty_server(lambda n, body: Act(body=completion("A"), cut=True)) as server:
        server.models = listing("fake-2026-01-01")
        with pytest.raises(BenchError, match="the connection failed"):
            chat(server).fingerprint()
        assert len(server.calls) == 3


def listing(*names: str) -> Act:
    return Act(body={"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}", b"[1, 2]"])
def test_a_server_of_another_kind_is_one_sentence(mini_root: Path, tmp_path: Path, body: bytes) -> None:
    with faulty_server(lambda n, asked: Act(body=body)) as server:
        server.models = Act(body=body)
        result = run(mini_root, tmp_path / "run", server.url)
    assert result.exit_code == 2 and "does not answer as an OpenAI-compatible server" in result.output


def test_no_key_for_a_server_elsewhere_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(BenchError, match="set the environment variable OPENAI_API_KEY"):
        OpenAIChat("gpt-4o").fingerprint()
    with pytest.raises(BenchError, match="set the environment variable OTHER"):
        OpenAIChat("gpt-4o", key_env="OTHER").fingerprint()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": ""}, "model= of openai-chat is empty"),
        ({"base_url": "localhost:8000"}, "is no address"),
        ({"base_url": "http://me:secret@host/v1"}, "keys belong into an environment variable"),
        ({"render": "many"}, "such as render=plans"),
        ({"render": "99views"}, "such as render=plans"),
        ({"extra": "{"}, "no JSON object"),
        ({"extra": '{"stream": true}'}, "may not set `stream`"),
        ({"concurrency": "0"}, "at least 1"),
        ({"timeout": "0"}, "timeout"),
        ({"max_cost": "1"}, "needs price_in"),
        ({"offline": "true", "cache": "none"}, "no cache"),
        ({"images": "gif"}, "There are: auto"),
        ({"api_key": "sk-1"}, "no key of model openai-chat"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(BenchError, match=message) as error:
        catalog_with().adapter("openai-chat", {"model": "m", **settings})
    assert "secret" not in str(error.value)


def test_a_cache_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_text("this is no database, but a long enough text to be looked at as one" * 20)
    with faulty_server(echo) as server, pytest.raises(BenchError, match="cache=none"):
        ask(chat(server, cache=str(tmp_path / "c.sqlite")), "a")


# --- whole runs


def test_clouds_are_refused_with_what_to_do_and_asked_when_rendered(mini_root: Path, tmp_path: Path) -> None:
    with faulty_server(lambda n, body: said("(A)")) as server:
        result = run(mini_root, tmp_path / "run", server.url, tasks="cifar10,scanqa")
        assert "scanqa: skipped, openai-chat sends no point clouds; --set render=4views" in " ".join(result.output.split())
        result = run(mini_root, tmp_path / "rendered", server.url, "render=2views", tasks="scanqa")
        assert result.exit_code == 0, result.output
        images = [part for part in server.calls[-1]["messages"][-1]["content"] if part["type"] == "image_url"]
        assert len(images) == 2


def test_a_budget_that_ends_leaves_the_rest_missing_and_a_second_run_goes_on(mini_root: Path, tmp_path: Path) -> None:
    with faulty_server(lambda n, body: said("a cat")) as server:
        priced = ("price_in=1", "price_out=2", f"cache={tmp_path / 'c.sqlite'}")
        result = run(mini_root, tmp_path / "run", server.url, *priced, "max_cost=0.00005")
        assert result.exit_code == 3 and "max_cost=5e-05" in result.output, result.output
        counts = json.loads((tmp_path / "run/result.json").read_text())["results"][0]["counts"]
        assert (counts["missing"], counts["model_error"]) == (4, 0)
        result = run(mini_root, tmp_path / "run", server.url, *priced, "max_cost=1")
        assert result.exit_code == 0, result.output
        assert len(server.calls) == 6
        usage = json.loads((tmp_path / "run/usage.json").read_text())
        assert [entry["calls"] for entry in usage] == [2, 4]
        whole = json.loads((tmp_path / "run/result.json").read_text())["results"][0]["counts"]
        assert whole["missing"] == 0
    assert not any("sk-secret" in path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())


def test_what_an_interrupted_run_has_spent_is_kept(tmp_path: Path) -> None:
    from lamm_bench.ask import session

    root, looker = draw_root(tmp_path / "data"), Looker(die_after=3)
    looker.usage = lambda: {"calls": len(looker.asked)}  # type: ignore[attr-defined]
    options = session.Options("looker", tasks="colours", output=tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        session.run(options, catalog_with(ColourTask()), looker, root, "test", session.Watcher())
    assert json.loads((tmp_path / "run/usage.json").read_text()) == [{"calls": 3}]


def test_the_key_is_the_only_thing_a_second_model_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "other")
    with faulty_server(echo) as server:
        ask(chat(server, key_env="JUDGE_KEY"), "a")
        assert server.keys == ["Bearer other"]


def test_no_death_and_no_concurrency_changes_an_answer(tmp_path: Path) -> None:
    """Law 1 for a server: one call at a time, many at a time, with troubles or without."""
    root = draw_root(tmp_path / "data", count=12)
    records = []
    for settings in ({"concurrency": 1}, {"concurrency": 8}, {"concurrency": 8, "trouble": True}):
        trouble = settings.pop("trouble", False)

        def act(number: int, body: dict[str, Any], trouble: bool = trouble) -> Act:
            if trouble and number % 3 == 0:
                return failing(500)
            return said(str(len(body["messages"][-1]["content"][0]["image_url"]["url"])))

        with faulty_server(act) as server:
            from lamm_bench.ask.recipe import Recipe
            from lamm_bench.ask.runner import plan
            from lamm_bench.ask.stream import ask as ask_all
            from lamm_bench.ask.stream import opened
            from lamm_bench.keep.ledger import Ledger

            task = ColourTask()
            ledger = Ledger.open(tmp_path / f"{len(records)}.jsonl", write=True)
            adapter = chat(server, retries=50, **settings)
            ask_all([opened(plan(task, task.samples(root), None, 0, None), Recipe("r"), adapter, ledger, 0)], adapter)
            ledger.close()
            records.append({name: (record.status, record.prediction) for name, record in ledger.ended.items()})
    assert records[0] == records[1] == records[2] and len(records[0]) == 12


# --- a real server


@pytest.fixture(scope="module")
def real_server() -> Any:
    with smollm2() as url:
        yield url


def test_a_real_server_is_asked_about_words_and_likelihoods(real_server: str, mini_root: Path, tmp_path: Path) -> None:
    for recipe, name in (("lamm/standard", "direct"), ("lamm/likelihood", "likely")):
        settings = [f"base_url={real_server}", "model=smollm2", "images=none", "cache=none", "concurrency=2"]
        words = [word for pair in settings for word in ("--set", pair)]
        folder = tmp_path / name
        result = lamm_bench(
            *("run", "--model", "openai-chat", *words, "--tasks", "sqaimage", "--limit", "4"),
            *("--data-root", mini_root, "--recipe", recipe, "--output", folder),
        )
        assert result.exit_code in (0, 3), result.output
        counts = json.loads((folder / "result.json").read_text())["results"][0]["counts"]
        assert counts["ok"] + counts["unread"] + counts["truncated"] + counts["model_error"] == 4
        assert counts["ok"] + counts["unread"] + counts["truncated"] >= 3, counts
        usage = json.loads((folder / "usage.json").read_text())[0]
        assert usage["new_tokens"] > 0 and usage["uncounted"] == 0


def test_a_real_server_without_eyes_says_so_after_five_images(real_server: str, tmp_path: Path) -> None:
    root = draw_root(tmp_path / "data", count=9)
    task = ColourTask()
    adapter = OpenAIChat("smollm2", real_server, cache="none")
    adapter.clock = FakeClock()
    requests = [Generate((Message("user", (*sample.media, "Which colour?")),)) for sample in task.samples(root)]
    with pytest.raises(Stopped, match="--set images=none"):
        list(adapter.generate(requests))


def test_a_real_server_is_greedy_alike_whatever_is_asked_beside_it(real_server: str) -> None:
    adapter = OpenAIChat("smollm2", real_server, cache="none", concurrency=1)
    texts = ["Say hello.", "Name a colour."]
    one = ask(adapter, *texts)
    assert all(response.error is None and response.text for response in one)
    assert [ask(adapter, text)[0].text for text in texts] == [response.text for response in one]


@pytest.mark.parametrize("most, sent", [(0, [64, 48]), (32, [32, 24])])
def test_the_size_that_was_sent_stands_beside_the_answer(tmp_path: Path, most: int, sent: list[int]) -> None:
    """Pixels of a picture that was shrunk on its way are read by the size that the model saw, also when the run is scored again."""
    from lamm_bench.keep.ledger import dump_response, load_response

    Image.new("RGB", (64, 48), (9, 9, 9)).save(tmp_path / "a.png")
    asked = Generate((Message("user", (Media("image", str(tmp_path / "a.png")), "Where?")),))
    with faulty_server(echo) as server:
        ((_, response),) = chat(server, max_side=most).generate([asked])
    assert [list(size) for size in response.sizes] == [sent]
    assert load_response(json.loads(json.dumps(dump_response(response)))).sizes == response.sizes


def test_the_convention_comes_from_the_models_name_or_from_the_user() -> None:
    named = {
        name: OpenAIChat(name, base_url="http://127.0.0.1:1/v1").coordinates for name in ("qwen2.5-vl-7b", "claude-5", "mystery")
    }
    assert named == {"qwen2.5-vl-7b": "qwen2.5-vl", "claude-5": "pixels-sent", "mystery": "fractions-stated"}
    assert OpenAIChat("mystery", base_url="http://127.0.0.1:1/v1", coordinates="gemini").coordinates == "gemini"
    with pytest.raises(BenchError, match="Did you mean 'gemini'"):
        OpenAIChat("mystery", base_url="http://127.0.0.1:1/v1", coordinates="gemeni")
