"""`openai-chat` against what a real vLLM 0.32 said, word for word: tiny random LLaVA and Qwen2-VL behind its server, on a CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.adapters.openai_chat import OpenAIChat
from lamm_bench.errors import BenchError
from lamm_bench.types import Generate, Message, Response, Score

from .fakes import ColourTask
from .faulty_server import Act, FakeClock, Faulty, faulty_server
from .toys import cloud, picture

MODELS = """{"object":"list","data":[{"id":"tiny-llava","object":"model","created":1796079637,"owned_by":"vllm","root":"/models/llava",
"parent":null,"max_model_len":4096,"permission":[{"id":"modelperm-ba31d7a0e4b8f58f","object":"model_permission","created":1796079637,
"allow_create_engine":false,"allow_sampling":true,"allow_logprobs":true,"allow_search_indices":false,"allow_view":true,
"allow_fine_tuning":false,"organization":"*","group":null,"is_blocking":false}]}]}"""
ANSWER = """{"id":"chatcmpl-b0ce5d4680a74b81","object":"chat.completion","created":1796079637,"model":"tiny-llava","choices":[{"index":0,
"message":{"role":"assistant","content":"=\ufffd=\ufffd;","refusal":null,"annotations":null,"audio":null,"function_call":null,
"reasoning":null},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null,"routed_experts":null}],
"service_tier":null,"system_fingerprint":"vllm-0.32.0-54ae3895","usage":{"prompt_tokens":40,"total_tokens":48,"completion_tokens":8,
"prompt_tokens_details":null,"completion_tokens_details":null},"prompt_logprobs":null,"prompt_token_ids":null,"prompt_text":null,
"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}"""
HELD = [  # with {"structured_outputs": {"choice": ["A", "B"]}}: what cannot stand has -9999
    {
        "token": "A",
        "logprob": -0.28461208939552307,
        "bytes": [65],
        "top_logprobs": [
            {"token": "A", "logprob": -0.28461208939552307, "bytes": [65]},
            {"token": "B", "logprob": -1.3955614566802979, "bytes": [66]},
        ],
    },
    {
        "token": "<|im_end|>",
        "logprob": 0.0,
        "bytes": [60, 124, 105, 109, 95, 101, 110, 100, 124, 62],
        "top_logprobs": [
            {"token": "<|im_end|>", "logprob": 0.0, "bytes": [60, 124, 105, 109, 95, 101, 110, 100, 124, 62]},
            {"token": "!", "logprob": -9999.0, "bytes": [33]},
        ],
    },
]
TOO_LONG = (
    "This model's maximum context length is 4096 tokens. However, your prompt contains at least 4097 input tokens, which exceeds this "
    "limit even without any output tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=4097)"
)
TOO_MANY = "Requested sample logprobs of 21, which is greater than max allowed: 20 (parameter=logprobs, value=21)"
NOBODY = "The model `nobody` does not exist. Valid aliases: tiny-llava."
STOPS = (
    "2 validation errors:\n  {'type': 'string_type', 'loc': 'body.stop', 'msg': 'Input should be a valid string', 'input': '<list of 5 items>'}"
    "\n  {'type': 'too_long', 'loc': 'body.stop', 'msg': 'List should have at most 4 items after validation, not 5', 'input': "
    "'<list of 5 items>', 'ctx': {'field_type': 'List', 'max_length': 4, 'actual_length': 5}}"
)


def refused(message: str, param: str | None, kind: str = "BadRequestError", code: int = 400) -> Act:
    return Act(code, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def answered(**choice: Any) -> Act:
    body = json.loads(ANSWER)
    body["choices"][0] |= choice
    return Act(body=body)


def vllm(number: int, body: dict[str, Any]) -> Act:
    """As that server decides."""
    if body["model"] != "tiny-llava":
        return refused(NOBODY, "model", "NotFoundError", 404)
    if len(body.get("stop", ())) > 4:
        return refused(STOPS, "body.stop", "Bad Request")
    if body.get("top_logprobs", 0) > 20:
        return refused(TOO_MANY, "logprobs")
    if "word " * 1000 in str(body["messages"]):
        return refused(TOO_LONG, "input_tokens")
    if body.get("logprobs"):
        return answered(message={"role": "assistant", "content": "A"}, logprobs={"content": HELD}, finish_reason="stop")
    return answered()


def chat(server: Faulty, **settings: Any) -> OpenAIChat:
    server.models = Act(body=json.loads(MODELS))
    adapter = OpenAIChat(**{"model": "tiny-llava", "base_url": server.url, "cache": "none", "timeout": 20.0, **settings})
    adapter.clock = FakeClock()
    return adapter


def ask(adapter: OpenAIChat, text: str, **more: Any) -> Response:
    ((_, response),) = adapter.generate([Generate((Message("user", (text,)),), 8, **more)])
    return response


def test_an_answer_is_read_with_its_end_and_its_tokens() -> None:
    with faulty_server(vllm) as server:
        adapter = chat(server)
        adapter.fingerprint()
        assert ask(adapter, "What?") == Response("=\ufffd=\ufffd;", "length", (), (8,))
        told = adapter.usage()
        assert told is not None and told["prompt_tokens"] == 40 and "vllm-0.32.0-54ae3895" in str(told["answered_as"])


def test_going_round_in_circles_is_an_answer_that_was_cut() -> None:
    with faulty_server(lambda number, body: answered(finish_reason="repetition")) as server:
        assert ask(chat(server), "What?").finish == "length"


def test_an_empty_answer_is_an_answer() -> None:
    silent = {"role": "assistant", "content": "", "refusal": None, "reasoning": None}
    with faulty_server(lambda number, body: answered(message=silent, finish_reason="stop")) as server:
        assert ask(chat(server), "What?") == Response("", "stop", (), (8,))


def test_a_prompt_beyond_the_window_is_told_in_the_servers_words_and_asked_once() -> None:
    with faulty_server(vllm) as server:
        response = ask(chat(server), "word " * 3000)
        assert response.status == "model_error" and "maximum context length is 4096 tokens" in str(response.error)
        assert len(server.calls) == 1


def test_a_model_that_it_does_not_serve_is_told_with_those_that_it_does() -> None:
    with faulty_server(vllm) as server, pytest.raises(BenchError, match=r"'nobody'.*tiny-llava"):
        chat(server, model="nobody").fingerprint()


def test_of_more_than_four_stop_texts_four_are_sent_and_the_answer_is_cut_at_all() -> None:
    with faulty_server(vllm) as server:
        assert ask(chat(server), "What?", stop=("1", "2", "3", "4", ";")) == Response("=\ufffd=\ufffd", "stop", (), (8,))
        assert server.calls[0]["stop"] == ["1", "2", "3", "4"]
        # four or fewer are the server's own business, which does not send what it stopped at
        assert ask(chat(server), "What?", stop=(";",)).finish == "length"


def test_more_alternatives_than_it_gives_are_refused_with_its_own_words() -> None:
    with faulty_server(vllm) as server:
        why = chat(server, top_logprobs=21).why_not(ColourTask(), {"name": "likelihood"})  # type: ignore[arg-type]
        assert why is not None and "max allowed: 20" in why
        assert chat(server).why_not(ColourTask(), {"name": "likelihood"}) is None  # type: ignore[arg-type]


def test_answers_held_to_the_options_give_each_its_likelihood() -> None:
    with faulty_server(vllm) as server:
        adapter = chat(server, extra='{"structured_outputs": {"choice": ["A", "B"]}}')
        ((_, response),) = adapter.score([Score((Message("user", ("(A) or (B)?",)),), ("A", "B"))])
        assert response.logprobs == pytest.approx((-0.28461208939552307, -1.3955614566802979))
        assert server.calls[0]["structured_outputs"] == {"choice": ["A", "B"]}


def test_a_cloud_is_refused_and_never_left_out_in_silence(tmp_path: Path) -> None:
    with faulty_server(vllm) as server:
        asked = [
            Generate((Message("user", (media, "What?")),), 8)
            for media in (cloud(tmp_path, "b.npy", 2), picture(tmp_path, "a.png", 1))
        ]
        found = dict(chat(server).generate(asked))
        assert found[0].status == "media_error" and "render=4views" in str(found[0].error)
        assert found[1].error is None and len(server.calls) == 1
