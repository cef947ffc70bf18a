"""Laws of what is kept between turns: nobody can tell from the answers, and no token is passed over twice."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.errors import BenchError
from lamm_bench.lamm import ask as asking
from lamm_bench.lamm import generate as generating
from lamm_bench.lamm.ask import Asker
from lamm_bench.lamm.context import Context, use_attention
from lamm_bench.lamm.encode import Encoded
from lamm_bench.lamm.plan import WORTH, Kept, Placed, place, resumed
from lamm_bench.lamm.shared_attention import Beginnings
from lamm_bench.lamm.turns import Past, Turns, alike
from lamm_bench.types import Generate, Job, Media, Message, Response, Score

from .toys import cloud, picture, toy_checkpoint

SYSTEM = Message("system", ("Look at the picture and answer.",))
TEXTS = ("What is it?", "Where is the chair?", "What is it? cat dog cat", "HOTEL 12", "What is it? cat dog", "cat [0.10, 0.20]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def scenes(tmp_path: Path) -> list[Media]:
    return [
        cloud(tmp_path, "a.npy", 1),
        picture(tmp_path, "b.png", 2),
        picture(tmp_path, "c.png", 3),
        picture(tmp_path, "d.png", 4),
    ]


def adapter_of(folder: Path, **changes: Any) -> Adapter:
    return Adapter(checkpoint=str(folder), device="cpu", **changes)


def first_turn(scenes: Sequence[Media], temperature: float = 0.0) -> list[Generate]:
    """Six questions about a cloud, two about a picture, one about each of two others; two of them are the same."""
    about = [(scenes[0], text) for text in (*TEXTS[:5], TEXTS[0])]
    about += [(scenes[1], TEXTS[3]), (scenes[1], TEXTS[5]), (scenes[2], TEXTS[0]), (scenes[3], TEXTS[1])]
    return [
        Generate((SYSTEM, Message("user", (one, text))), 5 + number % 4, (), temperature, 0.9, 100 + number)
        for number, (one, text) in enumerate(about)
    ]


def quoting(request: Generate, answer: str) -> Generate:
    """The next turn as upstream's evaluation asks it: a conversation of its own that quotes the answer (reference 1.2.1)."""
    *head, last = request.messages
    return replace(request, messages=(*head, replace(last, parts=(*last.parts, f"{answer} ###\nANSWER:"))))


def going_on(request: Generate, answer: str) -> Generate:
    """The next turn as in a chat."""
    said = (Message("assistant", (answer,)), Message("user", ("Where is it? cat",)))
    return replace(request, messages=(*request.messages, *said))


def talk(adapter: Adapter, opening: list[Generate], follow: Any, turns: int = 3) -> list[dict[int, Response]]:
    """All turns of all conversations; from the second turn on other ones begin among them."""
    asked, out = opening, []
    for turn in range(turns):
        found = dict(adapter.generate(asked))
        assert not any(response.error for response in found.values())
        out.append(found)
        asked = [follow(request, found[index].text) for index, request in enumerate(asked)]
        late = opening[turn]
        asked.append(
            replace(late, messages=(*late.messages[:-1], Message("user", (late.messages[-1].parts[0], f"HOTEL {turn}?"))))
        )
    return out


def count_reused(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by the tokens of every past that is found."""
    reused: list[int] = []
    recall = adapter.asker.turns.recall

    def counting(*given: Any) -> Beginnings | None:
        found = recall(*given)
        reused.append(0 if found is None else found.real.shape[1])
        return found

    monkeypatch.setattr(adapter.asker.turns, "recall", counting)
    return reused


@pytest.mark.parametrize("follow", [quoting, going_on])
@pytest.mark.parametrize("layout", ["classic", "training"])
@pytest.mark.parametrize("size, temperature", [(1, 0.0), (64, 0.0), (3, 1.0)])
def test_all_turns_say_the_same_with_and_without_what_was_kept(
    folder: Path, scenes: list[Media], follow: Any, layout: str, size: int, temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping, forgetting = adapter_of(folder, batch_size=size), adapter_of(folder, batch_size=size, turn_cache=0)
    for adapter in (keeping, forgetting):
        adapter.asker.layout = layout
    reused = count_reused(keeping, monkeypatch)
    opening = first_turn(scenes, temperature)
    assert talk(keeping, opening, follow) == talk(forgetting, opening, follow)
    assert sum(count >= WORTH for count in reused) >= 10 and len(forgetting.asker.turns) == 0


@pytest.mark.parametrize("attn", ["auto", "sdpa", "eager"])
@pytest.mark.parametrize("layout", ["classic", "training"])
def test_logits_and_likelihoods_are_those_of_whole_prompts(folder: Path, scenes: list[Media], attn: str, layout: str) -> None:
    keeping, forgetting = adapter_of(folder, attn=attn), adapter_of(folder, turn_cache=0)
    for adapter in (keeping, forgetting):
        adapter.asker.layout = layout
    first = first_turn(scenes)
    said = dict(keeping.generate(first))
    second = [(quoting, going_on)[index % 2](request, said[index].text) for index, request in enumerate(first)] + first[:1]

    def logits(asker: Asker) -> torch.Tensor:
        placed = asker.place([asker.prompt(request.messages) for request in second], [5] * len(second))
        out = torch.empty(len(second), asker.model.config.llm.vocabulary)
        at = 0
        while at < len(placed):
            chosen = asking.next_batch(placed, at, 64, float("inf"))
            held, _ = asker.seer.look([one.row for one in chosen])
            out[[one.index for one in chosen]] = asker.read(chosen, held)[1]
            at += len(chosen)
        return out

    assert torch.allclose(logits(keeping.asker), logits(forgetting.asker), atol=1e-4)
    weighed = [Score(request.messages, ("cat", "(B)", "dog [0.30, 0.95]")) for request in second]
    expected = dict(forgetting.score(weighed))
    for index, response in keeping.score(weighed):
        assert response.logprobs == pytest.approx(expected[index].logprobs, abs=1e-4)


def count_tokens(adapter: Adapter) -> list[int]:
    """A list that grows by the places of every pass of the language model."""
    passed: list[int] = []
    forward = adapter.asker.model.llama.forward

    def counting(*args: Any, **given: Any) -> Any:
        tokens = given.get("inputs_embeds", given.get("input_ids"))
        passed.append(tokens.shape[0] * tokens.shape[1])
        return forward(*args, **given)

    adapter.asker.model.llama.forward = counting
    return passed


def saying(adapter: Adapter, text: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes every row say this text from now on, whatever the model thinks; its tokens."""
    ids = list(adapter.asker.tokenizer.encode(text))
    steps = iter(ids * 99)
    monkeypatch.setattr(generating, "likeliest", lambda logits: [next(steps)] * len(logits))
    return ids


@pytest.mark.parametrize("layout", ["classic", "training"])
def test_a_turn_of_a_chat_passes_over_its_new_tokens_only(
    folder: Path, scenes: list[Media], layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = adapter_of(folder)
    adapter.asker.layout = layout
    passed = count_tokens(adapter)
    said = saying(adapter, "cat\n###", monkeypatch)
    messages: tuple[Message, ...] = (SYSTEM, Message("user", (scenes[1], "What is it?")))
    for turn in range(3):
        passed.clear()
        *_, last = adapter.stream(Generate(messages, 20))
        assert isinstance(last, Response) and last.text == "cat" and last.finish == "stop"
        if turn:
            new = len(adapter.asker.tokenizer.encode("Human: Where is it?\n### Assistant:"))
            assert passed == [1 + new] + [1] * (len(said) - 1)  # the token that ended the answer was never passed over
        messages += (Message("assistant", (last.text,)), Message("user", ("Where is it?",)))


def test_the_second_turn_of_classic_passes_over_the_answer_and_what_follows_only(
    folder: Path, scenes: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six questions about one cloud: neither the scene nor any question is passed over again."""
    adapter = adapter_of(folder)
    adapter.asker.layout = "classic"
    passed = count_tokens(adapter)
    texts = [f"{word} where is the chair? cat dog cat HOTEL 12" for word in ("cat", "dog", "HOTEL", "chair", "12", "a")]
    first = [Generate((SYSTEM, Message("user", (scenes[0], text))), 5) for text in texts]
    said = dict(adapter.generate(first))
    second = [quoting(request, said[index].text) for index, request in enumerate(first)]
    before, after = ([adapter.asker.prompt(request.messages) for request in some] for some in (first, second))
    new = max(len(b.ids) - len(os.path.commonprefix([a.ids, b.ids])) for a, b in zip(before, after))
    shared = adapter.asker.place(after, [9] * 6)
    assert all(one.kept >= WORTH for one in shared)
    passed.clear()
    dict(adapter.generate(second))
    assert passed[0] == 6 * new < sum(map(len, after)) / 2


def test_one_other_token_or_another_picture_takes_nothing_over(
    folder: Path, scenes: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = adapter_of(folder)
    reused = count_reused(adapter, monkeypatch)

    def asked(one: Media, system: str, question: str) -> Generate:
        return Generate((Message("system", (system,)), Message("user", (one, question))), 6)

    long = "Where is the chair? cat dog cat dog HOTEL 12"
    known = asked(scenes[1], "Look at the picture.", long)
    dict(adapter.generate([known]))
    for other in (asked(scenes[2], "Look at the picture.", long), asked(scenes[1], "look at the picture.", long)):
        reused.clear()
        assert dict(adapter.generate([other])) == dict(adapter_of(folder).generate([other]))
        assert reused == []
    late = asked(scenes[1], "Look at the picture.", long.replace("12", "13"))
    assert dict(adapter.generate([late])) == dict(adapter_of(folder).generate([late]))
    row = adapter.asker.prompt(late.messages)
    agree = len(os.path.commonprefix([row.ids, adapter.asker.prompt(known.messages).ids]))
    (one,) = adapter.asker.place([row], [6])
    assert reused and one.shared + reused[0] == agree < len(row)


@pytest.mark.parametrize("kib", [0, 1, 60, 200])
def test_a_small_bound_holds_and_changes_no_answer(folder: Path, scenes: list[Media], kib: int) -> None:
    small, whole = adapter_of(folder, batch_size=3), adapter_of(folder)
    small.asker.turns.limit = kib * 1024
    seen = []
    put = small.asker.turns.put

    def watched(past: Past) -> None:
        put(past)
        seen.append(small.asker.turns.bytes)

    small.asker.turns.put = watched  # type: ignore[method-assign]
    assert talk(small, first_turn(scenes), going_on) == talk(whole, first_turn(scenes), going_on)
    assert max(seen, default=0) <= kib * 1024 and bool(seen) == bool(kib) and (max(seen, default=0) > 0) == (kib > 1)


def test_memory_that_runs_out_releases_what_was_kept_and_changes_no_answer(
    folder: Path, scenes: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = talk(adapter_of(folder), first_turn(scenes), going_on)
    adapter = adapter_of(folder)
    follow, held, left = Context.follow, [], []

    def limited(self: Context, chosen: list[int]) -> torch.Tensor:
        if len(adapter.asker.turns) and len(chosen) > 3:
            held.append(len(adapter.asker.turns))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return follow(self, chosen)

    monkeypatch.setattr(Context, "follow", limited)
    monkeypatch.setattr(asking, "release", lambda: left.append(len(adapter.asker.turns)))
    assert talk(adapter, first_turn(scenes), going_on) == whole
    assert min(held) > 0 and set(left) == {0} and adapter.asker.budget < float("inf")


def test_memory_that_runs_out_while_keeping_costs_the_copy_only(
    folder: Path, scenes: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = talk(adapter_of(folder), first_turn(scenes), going_on)
    adapter = adapter_of(folder)
    own, calls = Context.own, []

    def scarce(self: Context, row: int, count: int) -> Beginnings:
        calls.append(row)
        if len(calls) % 4 == 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return own(self, row, count)

    monkeypatch.setattr(Context, "own", scarce)
    assert talk(adapter, first_turn(scenes), going_on) == whole
    assert len(calls) > 8 and adapter.asker.budget == float("inf")


def test_another_error_while_keeping_is_not_taken_for_memory(
    folder: Path, scenes: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any) -> Beginnings:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(Context, "own", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        dict(adapter_of(folder).generate(first_turn(scenes)))


def test_models_that_cannot_share_keep_nothing(folder: Path, scenes: list[Media], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = talk(adapter_of(folder), first_turn(scenes), going_on)
    adapter = adapter_of(folder, attn="sdpa")
    monkeypatch.setattr(asking, "can_share", lambda llama: False)
    assert talk(adapter, first_turn(scenes), going_on) == whole and len(adapter.asker.turns) == 0


def test_a_recipe_of_one_turn_keeps_nothing_and_a_new_task_begins_with_nothing(folder: Path, scenes: list[Media]) -> None:
    adapter = adapter_of(folder)
    for goes_on in (True, False):
        adapter.begin(Job(None, (), goes_on=goes_on))  # type: ignore[arg-type]
        dict(adapter.generate(first_turn(scenes)))
        assert (len(adapter.asker.turns) > 0) is goes_on


def test_a_dialogue_is_remembered_by_the_batch() -> None:
    assert Adapter(batch_size=7).remembers == 7 and Adapter(batch_size=7, turn_cache=0).remembers == 0
    with pytest.raises(BenchError, match="turn_cache=-1 of the model lamm must be at least 0"):
        Adapter(turn_cache=-1)


# --- the parts


@pytest.mark.parametrize("family", ["llama", "qwen2", "gpt_neox", "gpt2"])
@pytest.mark.parametrize("attn", ["auto", "sdpa"])
@pytest.mark.parametrize("shared", [0, 3, 20])
def test_language_models_go_on_from_a_past_as_from_the_whole_row(family: str, attn: str, shared: int) -> None:
    """Rows with pasts of several lengths and without one in a batch; a beginning of 3 is copied, one of 20 is shared."""
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4}
    if family in ("llama", "qwen2"):
        sizes["num_key_value_heads"] = 2
    with torch.random.fork_rng():
        torch.manual_seed(1)
        extra = {"bos_token_id": 1, "eos_token_id": 49, "pad_token_id": 0}
        llama = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **sizes, **extra)).eval()
        for parameter in llama.parameters():
            parameter.data.normal_(std=0.3)
    use_attention(llama, attn)
    whole = [[*range(2, 2 + shared), *tail] for tail in ([30, 31, 32, 33, 34, 35], [40, 41, 42], [43, 44, 45, 46, 47], [48, 5])]
    kept = (4, 2, 0, 1)

    def told(rows: list[list[int]], start: int, pasts: Sequence[Beginnings | None] = (), known: Sequence[int] = ()) -> Any:
        known = known or [0] * len(rows)
        begun = told([list(range(2, 2 + shared))], 0)[0].as_beginnings() if start else None
        own = [row[start + count :] for row, count in zip(rows, known)]
        length = max(map(len, own))
        ids = torch.tensor([[0] * (length - len(row)) + row for row in own])
        real = torch.tensor([[False] * (length - len(row)) + [True] * len(row) for row in own])
        places = [[0] * (length - len(row)) + list(range(start + n, start + n + len(row))) for row, n in zip(own, known)]
        group = torch.zeros(len(rows), dtype=torch.long) if begun is not None else None
        context = Context(llama, begun, group, own=length + max(known), pasts=pasts)
        return context, context.extend(real, torch.tensor(places), input_ids=ids)[:, -1]

    with torch.inference_mode():
        earlier, _ = told(whole, shared)
        pasts = [earlier.own(row, count) if count else None for row, count in enumerate(kept)]
        assert [past.real.shape[1] for past in pasts if past is not None] == [4, 2, 1]
        context, logits = told(whole, shared, pasts, kept)
        expected = torch.cat([llama(input_ids=torch.tensor([row])).logits[:, -1] for row in whole])
        assert torch.allclose(logits, expected, atol=1e-4)
        again = [context.own(row, len(one) - shared) for row, one in enumerate(whole)]  # the gap behind the past is closed
        for row, past in enumerate(again):
            for (k, v), (k0, v0) in zip(past.layers, earlier.own(row, len(whole[row]) - shared).layers):
                assert torch.allclose(k, k0, atol=1e-4) and torch.allclose(v, v0, atol=1e-4)
        longer = torch.cat([llama(input_ids=torch.tensor([[*row, 7]])).logits[:, -1] for row in whole])
        assert torch.allclose(context.follow([7] * 4), longer, atol=1e-4)


def empty(count: int) -> Beginnings:
    """Keys and values of `count` tokens that nobody looks at: 8 bytes each."""
    return Beginnings(((torch.zeros(1, 1, count, 1), torch.zeros(1, 1, count, 1)),), torch.ones(1, count, dtype=torch.bool))


def row_of(ids: Sequence[int], media: tuple[tuple[int, Media], ...] = ()) -> Encoded:
    return Encoded(tuple(ids), (-100,) * len(ids), tuple(range(len(ids))), (0,) * len(ids), media)


IDS = st.lists(st.integers(0, 1), min_size=1, max_size=24)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(IDS, st.integers(0, 12)), max_size=8), IDS)
def test_found_is_what_has_most_in_common(kept: list[tuple[list[int], int]], wanted: list[int]) -> None:
    turns = Turns(10**6)
    for ids, begin in kept:
        begin = min(begin, len(ids) - 1)
        turns.put(Past(tuple(ids), begin, empty(len(ids) - begin)))
    most = max((min(len(os.path.commonprefix([ids, wanted])), len(wanted) - 1) for ids, _ in kept), default=0)
    found = turns.find(tuple(wanted))
    if found is not None:
        past, common = found
        assert common == most < len(wanted) and past.signature[:common] == tuple(wanted[:common])
        assert common - past.begin >= WORTH
    elif all(begin == 0 for _, begin in kept):
        assert most < WORTH


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(IDS, st.booleans()), max_size=20), st.integers(0, 400))
def test_what_is_kept_never_takes_more_than_its_bound(steps: list[tuple[list[int], bool]], limit: int) -> None:
    turns = Turns(limit)
    for ids, asked in steps:
        if asked:
            turns.recall(tuple(ids), 0)
        else:
            turns.put(Past(tuple(ids), 0, empty(len(ids))))
            assert (turns.find((*ids, 9)) is not None) or len(ids) < WORTH or 8 * len(ids) > limit
        assert turns.bytes == sum(8 * len(past.signature) for past in turns._kept.values()) <= limit
        assert turns._sorted == sorted(turns._kept)
    turns.clear()
    assert len(turns) == turns.bytes == 0 and turns.find((0,) * 20) is None


@given(IDS, IDS)
def test_alike_is_the_longest_common_beginning(left: list[int], right: list[int]) -> None:
    assert alike(tuple(left), tuple(right)) == len(os.path.commonprefix([left, right]))


def test_a_past_that_was_gone_on_with_is_dropped_first() -> None:
    turns = Turns(8 * 30)
    for first in (1, 2, 3):
        turns.put(Past((first,) * 10, 0, empty(10)))
    assert turns.recall((2,) * 12, 0) is not None
    turns.put(Past((4,) * 10, 0, empty(10)))
    assert [turns.find((first,) * 12) is not None for first in (1, 2, 3, 4)] == [True, False, True, True]


def test_a_past_is_used_from_the_beginning_that_a_row_stands_behind() -> None:
    turns = Turns(10**6)
    numbers = torch.arange(20.0).reshape(1, 1, 20, 1)
    turns.put(Past(tuple(range(5, 25)), 0, Beginnings(((numbers, numbers),), torch.ones(1, 20, dtype=torch.bool))))
    part = turns.recall((*range(5, 20), 99, 98), 4)
    assert part is not None and part.layers[0][0].flatten().tolist() == list(range(4, 15)) and part.real.shape == (1, 11)
    turns.put(Past((7,) * 20, 6, empty(14)))
    assert turns.recall((7,) * 20, 5) is None  # the token at place 5 is in no past of its own


def test_signatures_part_where_media_do_and_a_text_token_of_number_0_is_no_media() -> None:
    turns = Turns(0)
    one, two = Media("image", "/a.png"), Media("image", "/b.png")
    ids = [1, 5, 0, 0, 0, 7]
    rows = [row_of(ids, ((2, one),)), row_of(ids, ((2, two),)), row_of(ids), row_of(ids, ((2, one),))]
    signed = [turns.sign(row, lambda media: media.path) for row in rows]
    assert signed[0] == signed[3] and [alike(signed[0], other) for other in signed[1:]] == [2, 2, 6]


ROWS = st.lists(st.lists(st.integers(1, 3), min_size=12, max_size=30), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 9), st.integers(0, 20))
@example([[1] * 13], 8, 0)  # nothing is left behind the beginning: the row does not go on
def test_rows_that_go_on_come_first_behind_the_beginning_they_had(rows: list[list[int]], begin: int, more: int) -> None:
    encoded = [row_of(row) for row in rows]
    placed = place(encoded, [5] * len(rows), {}, str)

    def kept(row: Encoded) -> Kept | None:
        return Kept(begin, min(begin + more, len(row) - 1)) if sum(row.ids) % 2 else None

    again = resumed(placed, kept, str)
    assert sorted(one.index for one in again) == list(range(len(rows)))
    number = sum(one.kept > 0 for one in again)
    assert all(one.kept > 0 for one in again[:number]) and again[number:] == [one for one in placed if one in again[number:]]
    groups: dict[int, set[tuple[int, ...]]] = {}
    for one in again:
        groups.setdefault(one.group, set()).add(one.row.ids[: one.shared])
        if one.kept:
            before: Placed = next(old for old in placed if old.index == one.index)
            assert one.shared == begin and one.shared + one.kept - before.shared >= WORTH
    assert all(len(begins) == 1 for begins in groups.values())
    assert [one.group for one in again[:number]] == sorted(one.group for one in again[:number])
