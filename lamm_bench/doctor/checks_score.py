"""Checks of option likelihoods: finite, the same in any company and order, and minus the training loss."""

from __future__ import annotations

import math
from dataclasses import replace

from .patient import Patient
from .verdict import Check, Failed, NotApplicable, check

CHECKS: list[Check] = []


@check(CHECKS, "score", "each option has a finite log-likelihood and a number of tokens")
def score(p: Patient) -> str:
    p.needs_score()
    for response in p.scored([p.scoring(asked) for asked in p.questions()]):
        for value in response.logprobs:
            if not math.isfinite(value) or value > 1e-6:
                raise Failed(f"a log-likelihood is {value}, expected a finite number of at most 0")
        if len(response.tokens) != len(response.logprobs) or any(count < 1 for count in response.tokens):
            raise Failed(f"tokens of the options are {response.tokens}, expected one count of at least 1 for each option")
    told = f"{len(p.material.samples)} questions of {len(p.scoring(p.question()).options)} options"
    return told if p.scoring_kind == "texts" else f"{told}, which are letters: {p.scoring_refusal}"


@check(CHECKS, "score-sum", "the likelihoods of different answers sum to at most one")
def score_sum(p: Patient) -> str:
    p.needs_score()
    worst = 0.0
    for asked in p.questions():
        options = tuple(dict.fromkeys(p.scoring(asked).options))
        (response,) = p.scored([p.scoring(asked, options)])
        worst = max(worst, sum(math.exp(min(value, 1.0)) for value in response.logprobs))
        if worst > 1.001:
            raise Failed(
                f"the likelihoods of {len(options)} options sum to {worst:.4f}: they are no sums over an option's tokens"
            )
    return f"the largest sum is {worst:.2g}"


@check(CHECKS, "score-batch", "a likelihood does not depend on the batch or on the order of the requests")
def score_batch(p: Patient) -> str:
    p.needs_score()
    asked = [p.scoring(question) for question in p.questions()]
    together, reverse = p.scored(asked), p.scored(asked[::-1])[::-1]
    worst = 0.0
    for number, request in enumerate(asked):
        (alone,) = p.scored([request])
        worst = max(worst, p.close("alone instead of in a batch", alone.logprobs, together[number].logprobs))
        worst = max(worst, p.close("in reverse order", together[number].logprobs, reverse[number].logprobs))
    return f"the largest difference is {worst:.1e}"


@check(CHECKS, "score-options", "an option's likelihood does not depend on the other options or on their order")
def score_options(p: Patient) -> str:
    p.needs_score()
    p.needs_prompt("it never looks at the prompt, by its own declaration; the task fixes the order of its options")
    asked = p.question(0)
    options = p.scoring(asked).options
    (plain,) = p.scored([p.scoring(asked)])
    (turned,) = p.scored([p.scoring(asked, options[::-1])])
    worst = p.close("with the options in reverse order", plain.logprobs, turned.logprobs[::-1])
    if p.scoring_kind == "letters":
        return f"the largest difference is {worst:.1e}; only the order was tried, since option texts are refused"
    (doubled,) = p.scored([p.scoring(asked, (options[0], *options, "something much longer than all of them"))])
    worst = max(worst, p.close("asked twice, with one option more", (plain.logprobs[0], *plain.logprobs), doubled.logprobs[:-1]))
    (alone,) = p.scored([p.scoring(asked, options[:1])])
    worst = max(worst, p.close("without the other options", plain.logprobs[:1], alone.logprobs))
    return f"the largest difference is {worst:.1e}"


@check(CHECKS, "score-loss", "a likelihood is minus the training loss of the same sequence")
def score_loss(p: Patient) -> str:
    p.needs_score()
    loss = getattr(p.adapter, "loss", None)
    if not callable(loss):
        raise NotApplicable("it offers no training loss to compare with (a method `loss`)")
    worst = 0.0
    for asked in p.questions()[:3]:
        request = p.scoring(asked)
        (response,) = p.scored([request])
        losses = list(loss(request))
        if len(losses) != len(request.options):
            raise Failed(f"`loss` gave {len(losses)} values for {len(request.options)} options")
        worst = max(worst, p.close("score against minus the loss", response.logprobs, [-value for value in losses]))
    return f"the largest difference is {worst:.1e} nats"


@check(CHECKS, "score-begun", "options are scored behind what the answer has begun with, which is not scored itself")
def score_begun(p: Patient) -> str:
    p.needs_score()
    if not getattr(p.adapter, "begins", False):
        raise NotApplicable("it does not say that it scores behind the beginning of an answer (`begins`)")
    p.needs_prompt("it never looks at the prompt, by its own declaration")
    asked = p.scoring(p.question())
    begun = replace(asked, begun="After a good look, I say ")
    plain, behind, own, alone = p.scored([asked, begun, replace(begun, window="option"), replace(asked, window="option")])
    if p.scoring_kind != "letters":
        if all(abs(a - b) < 1e-6 for a, b in zip(plain.logprobs, behind.logprobs)):
            raise Failed("likelihoods are the same behind a beginning as without one: `begun` is not looked at")
        if any(closed > bare + 1e-3 for closed, bare in zip(behind.logprobs, own.logprobs)):
            raise Failed("an option alone is less likely than the option and the end of the message: `window` is not looked at")
    if sum(map(math.exp, behind.logprobs)) > 1.001 and len(set(asked.options)) == len(asked.options):
        raise Failed("behind a beginning the likelihoods of the options sum to more than one")
    loss = getattr(p.adapter, "loss", None)
    if not callable(loss) or p.scoring_kind == "letters":
        return f"{len(asked.options)} options behind {len(begun.begun)} letters"
    worst = 0.0
    for request, response in ((begun, behind), (replace(begun, window="option"), own), (replace(asked, window="option"), alone)):
        worst = max(worst, p.close("score against minus the loss", response.logprobs, [-value for value in loss(request)]))
    return f"the largest difference to minus the loss is {worst:.1e} nats"


@check(CHECKS, "score-plain", "a likelihood is the same when nothing is kept or shared between requests")
def score_plain(p: Patient) -> str:
    p.needs_score()
    plain = getattr(p.adapter, "plain", None)
    if not callable(plain):
        raise NotApplicable("it has no plain way to compare with (a method `plain`)")
    longer = [p.worded("Look at it well. What is it? " * (1 + number), number) for number in range(3)]
    asked = [p.scoring(question) for question in (*p.questions(), *longer)]
    other = Patient(plain(), p.material, p.media)
    worst = 0.0
    together = other.scored(asked)
    for ours, theirs, request in zip(p.scored(asked), together, asked):
        (alone,) = other.scored([request])
        worst = max(worst, p.close("in the plain way", ours.logprobs, theirs.logprobs))
        worst = max(worst, p.close("in the plain way, alone instead of in a batch", alone.logprobs, theirs.logprobs))
    return f"the largest difference is {worst:.1e}"
