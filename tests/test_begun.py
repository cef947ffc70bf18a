"""Likelihoods behind the beginning of an answer: context that is not scored, on the LAMM model and on chat models of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.adapters.lamm import Lamm
from lamm_bench.keep.files import request_digest
from lamm_bench.types import Media, Message, Response, Score

from .tiny_hf import TINY
from .toys import picture, toy_checkpoint

OPTIONS = ("(A", "(B", "(C", "(D")
TEXTS = ("cat", "a small dog", "dog")
BEGUN = "Paws and a tail.\nThe right answer is "
WINDOWS = ("message", "option", "first")


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[Media]:
    root = tmp_path_factory.mktemp("media")
    return [picture(root, f"{i}.png", i, (20 + 9 * i, 24)) for i in range(3)]


@pytest.fixture(scope="module")
def adapters(tiny_models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = {name: HfChat(str(folder), batch_size=8) for name, folder in tiny_models.items()}
    return found | {"lamm": Lamm(checkpoint=str(toy_checkpoint(tmp_path_factory.mktemp("toy"))), device="cpu")}


NAMES = ("lamm", *TINY)


def ask(one: Media, text: str = "Which one?") -> tuple[Message, ...]:
    return (Message("system", ("Look.",)), Message("user", (one, text)))


def weigh(adapter: Any, *requests: Score) -> list[Response]:
    given = dict(adapter.score(requests))
    assert [given[number].error for number in range(len(requests))] == [None] * len(requests)
    return [given[number] for number in range(len(requests))]


def scores(media: Sequence[Media]) -> list[Score]:
    return [
        Score(ask(one, "What is it? " * (1 + k)), options, begun=begun, window=window)  # type: ignore[arg-type]
        for k, one in enumerate(media)
        for options, begun in ((OPTIONS, BEGUN), (TEXTS, "It is "), (TEXTS, ""))
        for window in WINDOWS
    ]


@pytest.mark.parametrize("name", NAMES)
def test_score_is_minus_the_loss_behind_a_beginning_too(name: str, adapters: dict[str, Any], media: list[Media]) -> None:
    for request in scores(media[:1]):
        (response,) = weigh(adapters[name], request)
        assert [-value for value in response.logprobs] == pytest.approx(adapters[name].loss(request), rel=1e-5, abs=2e-4)


@pytest.mark.parametrize("name", NAMES)
def test_it_does_not_depend_on_company_or_on_what_is_kept(name: str, adapters: dict[str, Any], media: list[Media]) -> None:
    asked = scores(media[:2])
    for both, request in zip(weigh(adapters[name], *asked), asked):
        (alone,) = weigh(adapters[name], request)
        assert both.logprobs == pytest.approx(alone.logprobs, abs=1e-4) and both.tokens == alone.tokens


@pytest.mark.parametrize("name", NAMES)
def test_what_was_begun_is_context_and_never_scored(name: str, adapters: dict[str, Any], media: list[Media]) -> None:
    """log p(begun + a) - log p(begun + b) is log p(a | begun) - log p(b | begun), since the beginning's own share is the same."""
    begun, ends = "It is", (" cat", " a small dog", " dog")
    (whole,) = weigh(adapters[name], Score(ask(media[0]), tuple(begun + end for end in ends)))
    (behind,) = weigh(adapters[name], Score(ask(media[0]), ends, begun=begun))
    shares = [a - b for a, b in zip(whole.logprobs, behind.logprobs)]
    assert shares == pytest.approx([shares[0]] * 3, abs=2e-4) and shares[0] < -0.01
    assert all(w - b == whole.tokens[0] - behind.tokens[0] > 0 for w, b in zip(whole.tokens, behind.tokens))
    (other,) = weigh(adapters[name], Score(ask(media[0]), ends, begun="A long tail, so it is"))
    assert other.logprobs != pytest.approx(behind.logprobs, abs=1e-4) and other.tokens == behind.tokens


@pytest.mark.parametrize("name", NAMES)
def test_the_options_own_tokens_are_without_what_closes_the_message(
    name: str, adapters: dict[str, Any], media: list[Media]
) -> None:
    for begun in ("", "It is "):
        closed, own = weigh(
            adapters[name],
            Score(ask(media[0]), TEXTS, begun=begun),
            Score(ask(media[0]), TEXTS, begun=begun, window="option"),
        )
        assert all(c < o for c, o in zip(closed.logprobs, own.logprobs))
        assert len({c - o for c, o in zip(closed.tokens, own.tokens)}) == 1 and closed.tokens > own.tokens


@pytest.mark.parametrize("name", NAMES)
def test_the_first_place_is_where_the_option_stands_already(name: str, adapters: dict[str, Any], media: list[Media]) -> None:
    """In a beginning that names an option, that one is scored where it is named: as if nothing stood before (reference 2.2.3)."""
    (first,) = weigh(adapters[name], Score(ask(media[0]), ("cat", "zebra"), begun="cat or not, it is a ", window="first"))
    (plain,) = weigh(adapters[name], Score(ask(media[0]), ("cat",), window="option"))
    (last,) = weigh(adapters[name], Score(ask(media[0]), ("cat", "zebra"), begun="cat or not, it is a ", window="option"))
    assert first.logprobs[0] == pytest.approx(plain.logprobs[0], abs=2e-4)
    assert first.logprobs[0] != pytest.approx(last.logprobs[0], abs=1e-3)
    if name == "lamm":  # where the tokens of a word are not those behind a blank, all that it adds counts
        assert first.logprobs[1] == pytest.approx(last.logprobs[1], abs=2e-4)


def counted(adapter: Any) -> list[int]:
    """A list that grows by the tokens of every pass of the language model."""
    passed: list[int] = []
    if isinstance(adapter, Lamm):
        forward = adapter.asker.model.llama.forward

        def watched(*args: Any, **words: Any) -> Any:
            passed.append(int(words["inputs_embeds"].shape[0] * words["inputs_embeds"].shape[1]))
            return forward(*args, **words)

        adapter.asker.model.llama.forward = watched
        return passed

    def before(_module: torch.nn.Module, _args: Any, words: dict[str, Any]) -> None:
        passed.append(int(words["input_ids"].numel()))

    adapter.asker.loaded.model.register_forward_pre_hook(before, with_kwargs=True)
    return passed


@pytest.mark.parametrize("name", ["lamm", "llava", "qwen2-vl"])
def test_four_options_cost_one_pass_over_question_and_beginning(
    name: str, tiny_models: dict[str, Path], media: list[Media], tmp_path: Path
) -> None:
    adapter: Any = HfChat(str(tiny_models[name])) if name in tiny_models else Lamm(str(toy_checkpoint(tmp_path)), device="cpu")
    question, begun = "Which one is it? " * 5, "Paws and a tail. " * 5 + "It is "
    requests = [Score(ask(one, question), OPTIONS, begun=begun, window="option") for one in media]
    weigh(adapter, requests[0])  # tries once whether the model bears it
    passed = counted(adapter)
    (response,) = weigh(adapter, requests[1])
    options = sum(response.tokens) + len(OPTIONS) * 2
    (lone,) = [sum(passed)]
    passed.clear()
    weigh(adapter, Score(ask(media[2], question), OPTIONS[:1], begun=begun, window="option"))
    assert sum(passed) <= lone <= sum(passed) + options


def test_a_request_with_a_beginning_is_another_and_one_without_is_what_it_was() -> None:
    plain = Score((Message("user", ("Q",)),), ("a",))
    others = [Score(plain.messages, ("a",), begun="It is "), Score(plain.messages, ("a",), window="option")]
    assert len({request_digest(request) for request in (plain, *others)}) == 3
    assert others[0].unasked.begun == "It is " and others[1].unasked.window == "option"
