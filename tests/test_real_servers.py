"""`openai-chat` against real servers: llama.cpp's with eyes, with thoughts and twice, and transformers' own. Each skips where it is not installed."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lamm_bench
from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.adapters.openai_chat import OpenAIChat
from lamm_bench.testing import check_adapter
from lamm_bench.types import Generate, Media, Message, Response

from .faulty_server import smollm2
from .test_hf_thoughts import THINKS
from .test_openai_chat import ask, plain_environment
from .tiny_hf import tiny_llava
from .toys import picture

__all__ = ["plain_environment"]
WIDTH = 576  # of SmolLM2-135M's embeddings
READY = 120.0  # seconds until a server must answer
FRANCE = "What is the capital of France?"
TOLD = THINKS.replace("<think>\n\n</think>", "<think>\n{{ message['reasoning_content'] or '' }}\n</think>")
"""With a place for thoughts, by which llama.cpp knows what to tell apart."""


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("gguf")
    from .eyes_gguf import write_eyes

    with smollm2(eyes=write_eyes(tmp_path_factory.mktemp("eyes") / "eyes.gguf", WIDTH)) as url:
        yield url


def chat(*urls: str, **settings: Any) -> OpenAIChat:
    return OpenAIChat("smollm2", ",".join(urls), **{"cache": "none", "concurrency": 2, **settings})


def test_a_real_server_sees_pictures(eyes: str, tmp_path: Path, mini_root: Path) -> None:
    checks = ("answers", "greedy", "image-used", "media-own", "several", "missing", "broken", "question", "history", "score")
    findings = check_adapter(chat(eyes), only=checks)
    assert {finding.check for finding in findings if finding.verdict == "pass"} == set(checks)
    run = lamm_bench.evaluate(
        "openai-chat",
        "cifar10,sqaimage",
        mini_root,
        3,
        settings={"base_url": eyes, "model": "smollm2", "cache": "none", "concurrency": 2},
        output=tmp_path / "run",
    )
    for task in ("cifar10", "sqaimage"):
        counts = run.scores[task].counts
        assert counts["model_error"] == counts["media_error"] == counts["missing"] == 0 and counts["expected"] == 3
    blind = lamm_bench.evaluate(
        "openai-chat",
        "cifar10",
        mini_root,
        3,
        settings={"base_url": eyes, "model": "smollm2", "cache": "none", "concurrency": 2},
        control="blind",
        output=tmp_path / "blind",
    )
    assert list(blind.frame(form="plain")["answer"]) != list(run.frame("cifar10", form="plain")["answer"])


@pytest.mark.parametrize("template", [TOLD, THINKS], ids=["reasoning_content", "only the closing mark"])
def test_a_real_servers_thoughts_are_told_apart(template: str) -> None:
    with smollm2(template) as url:
        wide, narrow = chat(url, reasoning_tokens=60), chat(url, reasoning_tokens=1, thinking="...</think>")
        request = Generate((Message("user", (FRANCE,)),), 16)
        ((_, said),) = wide.generate([request])
        assert "Paris" in said.text and "Paris" in said.reasoning and "think>" not in said.text + said.reasoning
        assert said.finish == "stop"
        ((_, cut),) = narrow.generate([Generate(request.messages, 4)])
        assert (cut.text, cut.finish) == ("", "length") and said.reasoning.startswith(cut.reasoning) and cut.tokens == (5,)


def test_two_real_servers_answer_as_one_and_go_on_when_one_is_gone() -> None:
    texts = ["Say hello.", "Name a colour.", "Name an animal.", FRANCE]
    with smollm2() as first:
        alone = [response.text for response in ask(chat(first), *texts)]
        with smollm2() as second:
            both = chat(first, second)
            assert both.fingerprint().startswith("smollm2 at replicas ")
            assert [response.text for response in ask(both, *texts, *texts)] == alone * 2
            assert set(both.usage()["answered_by"]) == {first, second}  # type: ignore[index]
        more = [f"{text} Be brief." for text in texts * 3]
        assert all(response.error is None and response.text for response in ask(both, *more))


@contextlib.contextmanager
def transformers_serve(folder: Path) -> Iterator[str]:
    """The address of `transformers serve` with this model."""
    for name in ("fastapi", "uvicorn", "openai"):
        if importlib.util.find_spec(name) is None:
            pytest.skip("needs `pip install 'transformers[serving]'`")
    if importlib.util.find_spec("torchvision") is not None:
        pytest.skip(
            "it decodes pictures by torchvision where there is one, whose compiled part fits no torch for processors alone"
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder), "--device", "cpu", "--dtype", "float32"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen([*words, "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log, env=environment)
    try:
        ends = time.monotonic() + READY
        while not listening(port):
            assert process.poll() is None and time.monotonic() < ends, (folder / "serve.log").read_text()[-2000:]
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def listening(port: int) -> bool:
    """Whether anybody there speaks HTTP, whatever it says: a bare connection may be one to itself."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5.0).close()  # noqa: S310 (our own address)
    except urllib.error.HTTPError:
        return True
    except (OSError, http.client.HTTPException):
        return False
    return True


def test_transformers_own_server_says_what_hf_chat_says(tmp_path: Path) -> None:
    """The same weights, pictures and template on two roads: through the server's, and through ours."""
    folder = tiny_llava(tmp_path / "llava")
    pictures: list[Media] = [picture(tmp_path, f"{number}.png", number, (20 + 9 * number, 24)) for number in range(3)]
    asked = [Generate((Message("user", (one, "What is this?")),), 9) for one in pictures]
    asked.append(Generate((Message("user", ("hi",)),), 9))
    with transformers_serve(folder) as url:
        server = OpenAIChat(str(folder), url, cache="none", concurrency=1, timeout=READY)
        assert server.fingerprint().startswith(str(folder))
        theirs, ours = dict(server.generate(asked)), dict(HfChat(str(folder)).generate(asked))
        assert [told(theirs[number]) for number in range(4)] == [told(ours[number]) for number in range(4)]
        assert len({theirs[number].text for number in range(4)}) > 1


def told(response: Response) -> tuple[str, str]:
    assert response.error is None, response.error
    return response.text.strip(), response.finish
