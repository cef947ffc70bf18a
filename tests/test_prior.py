"""Prior-corrected likelihoods: one request where the adapter can, two where it cannot, and old records stay readable."""

from __future__ import annotations

import pytest

from lamm_bench.ask.inferencers import Likelihood
from lamm_bench.ask.instruction import Prompt
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import request_digest
from lamm_bench.keep.ledger import dump_response, load_response
from lamm_bench.types import Generate, Media, Message, Response, Sample, Score

SAMPLE = Sample("1", "Which?", (Media("image", "/a.png"),), 0, "a", ("cat", "dog"))
TALK = (Message("system", ("Look.",)), Message("user", (SAMPLE.media[0], "Which?")))


def ask(part: str) -> Prompt:
    return Prompt(TALK)


def test_the_option_that_the_question_makes_likelier_wins() -> None:
    flow = Likelihood(option="text", normalize="prior").infer(SAMPLE, ask, 8, 0)
    request = next(flow)
    assert isinstance(request, Score) and request.prior
    with pytest.raises(StopIteration) as stop:
        flow.send(Response(logprobs=(-5.0, -4.0), tokens=(1, 1), prior=(-9.0, -2.0)))
    assert stop.value.value.choice == 0 and stop.value.value.scores == (4.0, -2.0)


def test_an_adapter_without_priors_is_asked_about_nothing() -> None:
    flow = Likelihood(option="text", normalize="prior").infer(SAMPLE, ask, 8, 0)
    next(flow)
    second = flow.send(Response(logprobs=(-5.0, -4.0), tokens=(1, 1)))
    assert isinstance(second, Score) and second.messages == (Message("system", ("Look.",)), Message("user", ("",)))
    assert not second.prior and second.options == ("cat", "dog")
    with pytest.raises(StopIteration) as stop:
        flow.send(Response(logprobs=(-9.0, -2.0), tokens=(1, 1)))
    assert stop.value.value.choice == 0


def test_without_the_correction_requests_and_digests_are_as_before() -> None:
    flow = Likelihood().infer(SAMPLE, ask, 8, 0)
    request = next(flow)
    assert isinstance(request, Score) and not request.prior
    digests = {
        request_digest(Score(TALK, ("a",))),
        request_digest(Score(TALK, ("a",), prior=True)),
        request_digest(Generate(TALK)),
    }
    assert len(digests) == 3
    assert request_digest(Score(TALK, ("a",))) == "46f0d0ac20cfa47b"


def test_records_hold_a_prior_only_where_there_is_one() -> None:
    plain, corrected = Response(logprobs=(-1.0,), tokens=(2,)), Response(logprobs=(-1.0,), tokens=(2,), prior=(-3.0,))
    assert "prior" not in dump_response(plain)
    assert [load_response(dump_response(r)) for r in (plain, corrected)] == [plain, corrected]


def test_too_few_priors_are_an_error() -> None:
    flow = Likelihood(normalize="prior").infer(SAMPLE, ask, 8, 0)
    next(flow)
    with pytest.raises(BenchError, match="2 options were asked, 1 scored"):
        flow.send(Response(logprobs=(-5.0, -4.0), tokens=(1, 1), prior=(-1.0,)))


def test_unasked_keeps_the_system_message_only() -> None:
    assert Score(TALK[1:], ("a",)).unasked.messages == (Message("user", ("",)),)
