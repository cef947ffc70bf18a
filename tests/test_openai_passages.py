"""Likelihoods of any option from vLLM's `prompt_logprobs`: against a server that reads letters, in the form in which vLLM 0.32 tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.remote.passages import weigh
from lamm_bench.remote.reply import Reply, read_prompt
from lamm_bench.types import Generate, Media, Message, Response, Score

from .fakes import ColourTask
from .faulty_server import Act, faulty_server
from .test_openai_vllm import TOO_LONG, answered, chat, refused

END = "\u25a0"  # closes a message, as <|im_end|> does


def rendered(body: dict[str, Any]) -> str:
    """The conversation as a chat template writes it."""
    turns = [f"{m['role']}\n{m['content']}{END}\n" for m in body["messages"]]
    if body.get("continue_final_message"):
        turns[-1] = turns[-1].removesuffix(f"{END}\n")
    return "".join(turns) + ("assistant\n" if body.get("add_generation_prompt", True) else "")


def value(text: str, place: int) -> float:
    """The log-likelihood of a letter, which depends on all before it."""
    return -0.1 - sum(map(ord, text[: place + 1])) % 97 / 50


def reader(number: int, body: dict[str, Any]) -> Act:
    """A server that tells of each letter of the prompt."""
    text = rendered(body)
    if len(text) > 2000:
        return refused(TOO_LONG, "input_tokens")
    act = answered()
    if "prompt_logprobs" in body:
        told = [{str(ord(c)): {"logprob": value(text, at), "rank": 1, "decoded_token": c}} for at, c in enumerate(text)]
        act.body["prompt_logprobs"] = [None, *told[1:]]
    return act


def expected(question: str, begun: str, option: str, closing: str) -> float:
    text = f"user\n{question}{END}\nassistant\n{begun}{option}{closing}"
    start = len(text) - len(option + closing)
    return sum(value(text, place) for place in range(start, len(text)))


QUESTION = (Message("user", ("What?",)),)


@pytest.mark.parametrize("begun", ["", "The answer is "])
@pytest.mark.parametrize(("window", "closing"), [("message", END), ("option", "")])
def test_options_of_any_length_get_the_likelihood_of_all_their_tokens(begun: str, window: Any, closing: str) -> None:
    options = ("a cat", "cats", "(A)", "ends in a blank ")
    with faulty_server(reader) as server:
        adapter = chat(server, likelihoods="prompt")
        ((_, response),) = adapter.score([Score(QUESTION, options, begun=begun, window=window)])
        assert response.logprobs == pytest.approx([expected("What?", begun, option, closing) for option in options])
        assert response.tokens == tuple(len(option + closing) for option in options)
        assert len(server.calls) == 5 and {body["max_tokens"] for body in server.calls} == {1}
        assert {body["prompt_logprobs"] for body in server.calls} == {0}


def test_a_question_that_fails_ends_alone_and_media_that_are_not_there_too(tmp_path: Path) -> None:
    asked = [
        Score(QUESTION, ("yes", "no")),
        Score((Message("user", ("long " * 500,)),), ("yes", "no")),
        Score((Message("user", (Media("image", str(tmp_path / "gone.png")), "What?")),), ("yes", "no")),
        Score((Message("user", ("Who?",)),), ("yes", "no")),
    ]
    with faulty_server(reader) as server:
        pairs = list(chat(server, likelihoods="prompt").score(asked))
        found = dict(pairs)
        assert len(pairs) == 4 and [found[number].status for number in range(4)] == ["", "model_error", "media_error", ""]
        assert "maximum context length" in str(found[1].error)
        assert found[3].logprobs == pytest.approx([expected("Who?", "", option, END) for option in ("yes", "no")])


def test_likelihoods_are_remembered(tmp_path: Path) -> None:
    with faulty_server(reader) as server:
        settings = {"likelihoods": "prompt", "cache": str(tmp_path / "cache.sqlite")}
        asked = [Score(QUESTION, ("yes", "no "))]
        first = dict(chat(server, **settings).score(asked))
        assert dict(chat(server, **settings).score(asked)) == first and len(server.calls) == 3


def test_recipes_of_texts_are_asked_and_windows_at_the_beginning_are_not() -> None:
    task: Any = ColourTask()
    with faulty_server(reader) as server:
        adapter, plain = chat(server, likelihoods="prompt"), chat(server)
        assert adapter.begins and not plain.begins
        assert adapter.why_not(task, {"name": "likelihood", "option": "text", "window": "option"}) is None
        assert adapter.why_not(task, {"name": "turns_likelihood"}) is None
        assert "window: first" in str(adapter.why_not(task, {"name": "likelihood", "option": "text", "window": "first"}))
        assert "likelihoods=prompt" in str(plain.why_not(task, {"name": "likelihood", "option": "text"}))
        assert adapter.fingerprint() != plain.fingerprint()


def test_a_server_that_tells_nothing_of_its_prompt_is_refused_before_the_run() -> None:
    task: Any = ColourTask()
    with faulty_server(lambda number, body: answered()) as server:
        adapter = chat(server, likelihoods="prompt")
        assert "gives no log-probabilities of its prompt" in str(adapter.why_not(task, {"name": "likelihood"}))
        ((_, response),) = adapter.score([Score(QUESTION, ("yes", "no"))])
        assert response == Response(error="the server told no likelihoods of its prompt", status="model_error")


def test_an_option_that_the_template_swallows_has_no_likelihood() -> None:
    told = read_prompt([None, {"7": {"logprob": -1.0, "decoded_token": "a"}}])[0]
    replies = [(number, Reply(Response(""), prompt=told)) for number in range(3)]
    ((_, response),) = weigh([Score(QUESTION, ("", " "), window="option")], lambda passages: iter(replies))
    assert response.status == "model_error"


@pytest.mark.parametrize("odd", ["text", [None], [], [None, {}], [None, {"7": 3}], [None, None], {"a": 1}, 7])
def test_odd_likelihoods_of_a_prompt_cost_no_answer(odd: Any) -> None:
    with faulty_server(
        lambda number, body: Act(body={**json.loads(json.dumps(answered().body)), "prompt_logprobs": odd})
    ) as server:
        ((_, response),) = chat(server).generate([Generate(QUESTION, 8)])
        assert response.error is None and read_prompt(odd) == ((), 0)
