"""Checks of the contract, and of answers: the same in any company, cut where asked, drawn only where asked."""

from __future__ import annotations

from dataclasses import replace

from lamm_bench.media import modalities
from lamm_bench.read.parting import thought_apart

from .patient import Patient, shown
from .verdict import Check, Failed, NotApplicable, check

CHECKS: list[Check] = []
LIMIT = 128  # new tokens: no more are granted an answer by most tasks
ROOM = "thoughts get room of their own with --set reasoning_tokens=N (hf-chat, openai-chat)"


@check(CHECKS, "parts", "it has a name, known modalities, a fingerprint and `generate`")
def parts(p: Patient) -> str:
    adapter = p.adapter
    for name in ("name", "modalities", "fingerprint", "generate"):
        if not hasattr(adapter, name):
            raise Failed(f"it lacks `{name}`")
    if not isinstance(adapter.name, str) or not adapter.name:
        raise Failed(f"its name is {adapter.name!r}, expected a text")
    known = modalities()
    if not adapter.modalities or set(adapter.modalities) - known.keys():
        raise Failed(f"its modalities are {sorted(map(str, adapter.modalities))}, expected some of {', '.join(known)}")
    odd = p.ignores - {"prompt", "media"}
    if odd:
        raise Failed(f"`ignores` holds {sorted(odd)}, expected prompt, media or nothing")
    likelihoods = "with" if p.scores else "without"
    return f"'{adapter.name}' takes {', '.join(sorted(adapter.modalities))}, {likelihoods} likelihoods"


@check(CHECKS, "answers", "plain questions are answered")
def answers(p: Patient) -> str:
    found = [thought_apart(response) for response in p.answered(p.questions())]
    said = next((response for response in found if response.text), None)
    if said is None:
        thought = sum(bool(response.reasoning) for response in found)
        why = f"{thought} of them were thoughts that did not end; {ROOM}" if thought else "nothing can be read in them"
        raise Failed(f"{len(found)} questions, and every answer is empty: {why}")
    return f"{len(found)} questions; for instance {shown(said)}"


@check(CHECKS, "thoughts", "thoughts are told apart from answers, and come to their end")
def thoughts(p: Patient) -> str:
    """Under the limit that most tasks set; `reasoning_tokens` of an adapter comes on top of it."""
    found = [
        thought_apart(response) for response in p.answered([replace(asked, max_new_tokens=LIMIT) for asked in p.questions()])
    ]
    thinking = [response for response in found if response.reasoning]
    if not thinking:
        raise NotApplicable("it does not think before it answers")
    cut = [response for response in thinking if response.finish == "length" and not response.text]
    counts = [response.reasoning_tokens for response in thinking if response.reasoning_tokens is not None]
    length = f"; the longest counted one has {max(counts)} tokens" if counts else ""
    if cut:
        raise Failed(f"{len(cut)} of {len(found)} answers were thoughts that {LIMIT} new tokens did not let end{length}; {ROOM}")
    return f"{len(thinking)} of {len(found)} answers were thought first, and every thought ended{length}"


@check(CHECKS, "once", "each request is answered exactly once, and nothing that was not asked")
def once(p: Patient) -> str:
    for count in (0, 1, 7):
        p.generate([p.question(number) for number in range(count)])
        if p.scores:
            p.score([p.scoring(p.question(number)) for number in range(count)])
    return "0, 1 and 7 requests, and as many answers" + (" and scores" if p.scores else "")


@check(CHECKS, "fingerprint", "the fingerprint is a line of text that stays the same")
def fingerprint(p: Patient) -> str:
    first = p.adapter.fingerprint()
    p.generate([p.question()])
    second = p.adapter.fingerprint()
    if not isinstance(first, str) or not first.strip() or "\n" in first:
        raise Failed(f"the fingerprint is {first!r}, expected one line of text")
    if first != second:
        raise Failed(f"the fingerprint was {first}, and after an answer {second}: no run could be resumed")
    return first if len(first) <= 60 else f"{first[:28]}...{first[-28:]}"


@check(CHECKS, "greedy", "without sampling, the same question gets the same answer")
def greedy(p: Patient) -> str:
    return p.same("the same question again", p.answered(p.questions()), p.answered(p.questions()))


@check(CHECKS, "batch", "an answer does not depend on the batch it is made in")
def batch(p: Patient) -> str:
    together = p.answered(p.questions())
    return p.same("alone instead of in a batch", together, [p.answered([asked])[0] for asked in p.questions()])


@check(CHECKS, "order", "the order of the requests changes nothing")
def order(p: Patient) -> str:
    forward = p.answered(p.questions())
    return p.same("in reverse order", forward, p.answered(p.questions()[::-1])[::-1])


@check(CHECKS, "padding", "a short question beside a long one is answered as if alone")
def padding(p: Patient) -> str:
    short, long = p.question(0), p.worded("Look at it well, and think of everything that it shows. " * 6, 1)
    alone = [p.generate([short])[0], p.generate([long])[0]]
    evidence = p.same("beside a request of another length", alone, p.generate([short, long]))
    if p.scores:
        single = [p.scored([p.scoring(asked)])[0] for asked in (short, long)]
        for one, both in zip(single, p.scored([p.scoring(short), p.scoring(long)])):
            p.close("beside a request of another length", one.logprobs, both.logprobs)
    return evidence


@check(CHECKS, "stop", "an answer ends right before the first stop sequence")
def stop(p: Patient) -> str:
    p.needs_prompt()
    tried = 0
    for asked in p.questions():
        (free,) = p.answered([asked])
        # a letter inside the answer, where cutting it leaves something before and takes something away
        word = next((letter for letter in free.text[1:] if letter.isprintable() and letter.strip() and letter != "\ufffd"), None)
        if word is None:
            continue
        tried += 1
        (cut,) = p.answered([replace(asked, stop=("\u2603 never", word))])
        wanted = free.text[: free.text.find(word)].strip()
        if p.exact and (cut.text.strip() != wanted or cut.finish != "stop"):
            raise Failed(f"{shown(free)} with the stop sequence {word!r} became {shown(cut)}, expected {wanted!r}")
        if word in cut.text:
            raise Failed(f"the stop sequence {word!r} is in the answer {shown(cut)}")
    if not tried:
        raise NotApplicable("no answer was long enough to be cut")
    return f"{tried} answers were cut where their stop sequence began"


@check(CHECKS, "truncation", "an answer that the token limit cuts says so")
def truncation(p: Patient) -> str:
    p.needs_prompt()
    told = 0
    for asked in p.questions():
        (full,) = p.answered([asked])
        (cut,) = p.answered([replace(asked, max_new_tokens=2)])
        if len(cut.tokens) == 1 and cut.tokens[0] > 2:
            raise Failed(f"max_new_tokens=2 gave {cut.tokens[0]} tokens: {shown(cut)}")
        if cut.text != full.text and cut.finish != "length":
            raise Failed(
                f"max_new_tokens=2 made {shown(full)} into {shown(cut)}, which claims to be complete (finish is not 'length')"
            )
        told += cut.finish == "length"
    if not told:
        raise NotApplicable("every answer was complete within two tokens")
    return f"{told} of {len(p.material.samples)} answers were cut at two tokens and say so"


@check(CHECKS, "seeds", "a seed changes nothing without sampling, and everything with it")
def seeds(p: Patient) -> str:
    asked = p.question(0)
    p.same("another seed without sampling", p.answered([replace(asked, seed=1)]), p.answered([replace(asked, seed=2)]))
    p.needs_prompt(
        "without sampling no seed matters; it never looks at the prompt, by its own declaration, and so samples nothing"
    )
    drawn = [replace(p.question(n), temperature=2.0, seed=seed) for n in range(2) for seed in range(4)]
    first = p.generate(drawn)
    refused = next((response for response in first if response.error is not None), None)
    if refused is not None:
        return f"without sampling no seed matters; sampling is refused: {refused.error}"
    evidence = p.same("sampling again with the same seed", first, p.generate(drawn))
    if len({response.text for response in first[:4]}) == 1 == len({response.text for response in first[4:]}):
        raise Failed(f"four seeds at temperature 2 all drew {shown(first[0])}: `temperature` or `seed` is not looked at")
    return f"sampling with the same seeds: {evidence}; other seeds draw others"
