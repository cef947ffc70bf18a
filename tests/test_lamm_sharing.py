"""Laws of shared beginnings: whatever rows have in common is computed once, and nobody can tell from the answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.errors import BenchError
from lamm_bench.lamm import shared_attention
from lamm_bench.lamm.checkpoint import restore
from lamm_bench.lamm.context import Context, can_share, use_attention
from lamm_bench.lamm.encode import LAYOUTS, Encoded, encode_messages
from lamm_bench.lamm.generate import generate, open_rows
from lamm_bench.lamm.model import collate
from lamm_bench.lamm.plan import Placed, common, cut, load, next_batch, place
from lamm_bench.lamm.shared_attention import Beginnings, Shared, attend, side_by_side
from lamm_bench.lamm.weigh import question
from lamm_bench.types import Generate, Media, Message, Response, Score

from .toys import cloud, picture, toy_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def adapter(folder: Path) -> Adapter:
    return Adapter(checkpoint=str(folder), device="cpu")


@pytest.fixture
def scenes(tmp_path: Path) -> list[Media]:
    return [cloud(tmp_path, "a.npy", 1), picture(tmp_path, "b.png", 2), picture(tmp_path, "c.png", 3)]


def ask(one: Media, text: str, system: str = "Look at the picture and answer.") -> tuple[Message, ...]:
    return (Message("system", (system,)), Message("user", (one, text)))


def many(scenes: list[Media]) -> list[Generate]:
    """Five questions about the first scene, two about the second, one about the third."""
    texts = ["What is it?", "Where is the chair?", "What is it? cat dog cat", "HOTEL 12", "What is it?"]
    about = [scenes[0]] * 5 + [scenes[1]] * 2 + [scenes[2]]
    return [Generate(ask(one, texts[k % 5]), max_new_tokens=6 + k % 3) for k, one in enumerate(about)]


@pytest.mark.parametrize("heads, key_heads", [(4, 4), (6, 2)])
@pytest.mark.parametrize("group", [[0, 0, 0], [0, 0, 1, 1], [0, 1, 1], [1, 0, 1, 2]])
@pytest.mark.parametrize("queries", [1, 3])
@pytest.mark.parametrize("merges", [True, False])
def test_shared_attention_is_attention_over_beginning_and_own(
    heads: int, key_heads: int, group: list[int], queries: int, merges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not merges:  # as on a GPU, and in a PyTorch without that kernel
        monkeypatch.setattr(shared_attention, "FUSED", "no such kernel")
    made = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=made)

    lengths = [4, 2, 5][: max(group) + 1]
    parts = [
        Beginnings(((random(1, key_heads, n, 8), random(1, key_heads, n, 8)),), torch.ones(1, n, dtype=torch.bool))
        for n in lengths
    ]
    rows = len(group)
    query, key, value = random(rows, heads, queries, 8), random(rows, key_heads, 6, 8), random(rows, key_heads, 6, 8)
    mask = torch.zeros(rows, 1, queries, 6).masked_fill(torch.rand(rows, 1, queries, 6, generator=made) < 0.4, -1e9)
    module = torch.nn.Module()
    module.layer_idx = 0  # type: ignore[assignment]
    shared = Shared(side_by_side(parts), torch.tensor(group))
    assert shared_attention.can_merge(query) == merges
    out, _ = attend(module, query, key, value, mask, scaling=0.3, shared=shared)
    for row, number in enumerate(group):
        front_k, front_v = parts[number].layers[0]
        whole_k, whole_v = torch.cat([front_k[0], key[row]], 1), torch.cat([front_v[0], value[row]], 1)
        wide = torch.cat([torch.zeros(1, queries, lengths[number]), mask[row]], -1)
        expected = torch.nn.functional.scaled_dot_product_attention(
            query[row],
            whole_k.repeat_interleave(heads // key_heads, 0),
            whole_v.repeat_interleave(heads // key_heads, 0),
            wide,
            scale=0.3,
        )
        assert torch.allclose(out[row], expected.transpose(0, 1), atol=1e-5)


def test_without_a_beginning_it_is_attention_with_grouped_heads() -> None:
    made = torch.Generator().manual_seed(0)
    for queries in (1, 3):
        query, key, value = (torch.randn(2, h, n, 8, generator=made) for h, n in ((6, queries), (2, 5), (2, 5)))
        out, _ = attend(torch.nn.Module(), query, key, value, None, scaling=0.3)
        wide = key.repeat_interleave(3, 1), value.repeat_interleave(3, 1)
        expected = torch.nn.functional.scaled_dot_product_attention(query, *wide, scale=0.3)
        assert torch.allclose(out, expected.transpose(1, 2), atol=1e-5)


def greedy(model: object, tokenizer: object, row: Encoded, media: torch.Tensor, count: int) -> list[int]:
    """transformers' own generation of one row."""
    batch = collate([row], model.config.slots)  # type: ignore[attr-defined]
    said = model.llama.generate(  # type: ignore[attr-defined]
        inputs_embeds=model.embed(batch, media),  # type: ignore[attr-defined]
        attention_mask=torch.ones_like(batch.ids),
        max_new_tokens=count,
        do_sample=False,
        pad_token_id=0,
    )
    return said[0].tolist()


def test_answers_are_those_of_transformers_generate(folder: Path, adapter: Adapter, scenes: list[Media]) -> None:
    model, tokenizer = restore(folder)
    asked = many(scenes)
    found = dict(adapter.generate(asked))
    for index, request in enumerate(asked):
        row = adapter.asker.prompt(request.messages)
        ((_, one),) = row.media
        encoder = model.encoders[one.kind]
        tokens = model.see(one.kind, encoder.tensor([encoder.prepare(one, "squash")]))  # type: ignore[operator]
        ids = greedy(model, tokenizer, row, model.project(one.kind, tokens), request.max_new_tokens)
        ids = ids[: ids.index(tokenizer.eos)] if tokenizer.eos in ids else ids
        assert found[index].text == tokenizer.decode(ids).split("###")[0].strip()


@pytest.mark.parametrize("size", [1, 3, 64])
@pytest.mark.parametrize("attn", ["auto", "sdpa", "eager"])
def test_company_and_attention_change_no_answer(
    folder: Path, adapter: Adapter, scenes: list[Media], size: int, attn: str
) -> None:
    alone = {i: dict(adapter.generate([request]))[0] for i, request in enumerate(many(scenes))}
    assert dict(Adapter(checkpoint=str(folder), batch_size=size, attn=attn).generate(many(scenes))) == alone


@pytest.mark.parametrize("layout", ["training", "classic"])
@pytest.mark.parametrize("size", [2, 64])
def test_options_behind_one_prompt_are_as_likely_as_whole_rows(folder: Path, scenes: list[Media], layout: str, size: int) -> None:
    adapter = Adapter(checkpoint=str(folder), batch_size=size)
    adapter.asker.layout = layout
    model, tokenizer = restore(folder)
    lists = [("(A)", "(B)", "(C)"), ("cat", "cat [0.30, 0.95]", "a"), ("dog",), ("", "cat"), ("cat", "cat")]
    asked = [Score(ask(scenes[k % 2], f"What {k % 3}?"), options) for k, options in enumerate(lists * 2)]
    found = dict(adapter.score(asked))
    for index, request in enumerate(asked):
        for option, value, count in zip(request.options, found[index].logprobs, found[index].tokens):
            messages = (*request.messages, Message("assistant", (option,)))
            row = encode_messages(messages, LAYOUTS[layout], tokenizer, model.config.slots)
            ((_, one),) = row.media
            encoder = model.encoders[one.kind]
            tokens = model.see(one.kind, encoder.tensor([encoder.prepare(one, "squash")]))  # type: ignore[operator]
            with torch.inference_mode():
                whole = model.likelihoods(collate([row], model.config.slots), model.project(one.kind, tokens))
            assert value == pytest.approx(float(whole), abs=1e-4) and count == row.learnt


def test_a_prior_is_the_likelihood_without_media_and_question(adapter: Adapter, scenes: list[Media]) -> None:
    options = ("cat", "dog [0.30, 0.95]")
    asked = [Score(ask(one, "What is it?"), options, prior=True) for one in scenes]
    found = dict(adapter.score(asked))
    bare = (Message("system", ("Look at the picture and answer.",)), Message("user", ("",)))
    ((_, expected),) = adapter.score([Score(bare, options)])
    plain = dict(adapter.score([replace(request, prior=False) for request in asked]))
    for index in range(3):
        assert found[index].prior == pytest.approx(expected.logprobs, abs=1e-4)
        assert found[index].logprobs == pytest.approx(plain[index].logprobs, abs=1e-4) and plain[index].prior == ()


def test_an_option_that_does_not_fit_the_window_ends_its_own_request(adapter: Adapter, scenes: list[Media]) -> None:
    asked = [Score(ask(scenes[0], "What?"), ("cat", "cat " * 300)), Score(ask(scenes[0], "What?"), ("cat",))]
    found = dict(adapter.score(asked))
    assert found[0].status == "model_error" and "window is 256" in (found[0].error or "") and found[1].error is None


def test_a_prompt_is_passed_over_once_for_all_its_options(adapter: Adapter, scenes: list[Media]) -> None:
    passed = count_tokens(adapter)
    list(adapter.score([Score(ask(scenes[0], "What is it?"), ("(A)", "(B)", "(C)", "(D)"))]))
    prompt = len(adapter.asker.prompt(ask(scenes[0], "What is it?")))
    options = 4 * len(adapter.asker.tokenizer.encode("(A)\n###"))
    assert prompt <= sum(passed) < prompt + options + 1


def test_a_scene_is_passed_over_once_for_all_its_questions(adapter: Adapter, scenes: list[Media]) -> None:
    passed = count_tokens(adapter)
    asked = [Generate(ask(scenes[0], f"{k}?"), max_new_tokens=1) for k in range(8)]
    list(adapter.generate(asked))
    whole = sum(len(adapter.asker.prompt(request.messages)) for request in asked)
    assert sum(passed) < whole / 2


def count_tokens(adapter: Adapter) -> list[int]:
    """A list that grows by the real tokens of every pass of the language model."""
    passed: list[int] = []
    forward = adapter.asker.model.llama.forward

    def counting(*args: object, **given: object) -> object:
        tokens = given.get("inputs_embeds", given.get("input_ids"))
        passed.append(tokens.shape[0] * tokens.shape[1])  # type: ignore[union-attr]
        return forward(*args, **given)

    adapter.asker.model.llama.forward = counting
    return passed


def test_a_small_cache_of_beginnings_changes_no_answer(folder: Path, adapter: Adapter, scenes: list[Media]) -> None:
    whole = dict(adapter.generate(many(scenes)))
    small = Adapter(checkpoint=str(folder), batch_size=2)
    small.asker.beginnings.limit = 1
    assert dict(small.generate(many(scenes))) == whole


FAMILIES = {
    "llama": {"num_key_value_heads": 1},
    "qwen2": {"num_key_value_heads": 2},
    "mistral": {"num_key_value_heads": 2, "sliding_window": 7},
    "gpt_neox": {},
    "gemma2": {"num_key_value_heads": 2, "sliding_window": 7, "head_dim": 8},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_other_language_models_of_transformers_answer_alike_in_any_company(family: str) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4}
    extra = {"bos_token_id": 1, "eos_token_id": 49, "pad_token_id": 0}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        llama = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **sizes, **extra, **FAMILIES[family])).eval()
        for parameter in llama.parameters():
            parameter.data.normal_(std=0.3)
    use_attention(llama, "auto")
    assert can_share(llama) is (family not in ("mistral", "gemma2"))

    class Numbers:
        ends = frozenset({49})

        def decode(self, ids: object) -> str:
            return " ".join(str(i) for i in ids) + " "  # type: ignore[attr-defined]

    rows = [[1, *range(5, 25), *tail] for tail in ([30], [31, 32, 33], [40, 41])]
    expected = [
        llama.generate(torch.tensor([row]), max_new_tokens=6, do_sample=False, use_cache=True)[0, len(row) :].tolist()
        for row in rows
    ]

    def said(group: list[int], shared: int) -> list[list[int]]:
        from lamm_bench.lamm.generate import Wish

        own = [rows[i][shared:] for i in group]
        length = max(map(len, own))
        ids = torch.tensor([[0] * (length - len(row)) + row for row in own])
        real = torch.tensor([[False] * (length - len(row)) + [True] * len(row) for row in own])
        positions = torch.tensor([[0] * (length - len(row)) + list(range(shared, shared + len(row))) for row in own])
        with torch.inference_mode():
            begun = None
            if shared:
                first = Context(llama)
                first.extend(
                    torch.ones(1, shared, dtype=torch.bool),
                    torch.arange(shared)[None],
                    input_ids=torch.tensor([rows[0][:shared]]),
                )
                begun = first.as_beginnings()
            context = Context(llama, begun, torch.zeros(len(own), dtype=torch.long) if begun else None, own=length)
            logits = context.extend(real, positions, input_ids=ids)[:, -1]
            out = open_rows([Wish(6, ())] * len(own))
            for _ in generate(context, logits, out, Numbers()):
                pass
        return [row.ids for row in out]

    trimmed = [ids[: ids.index(49)] if 49 in ids else ids for ids in expected]
    assert [said([i], 0)[0] for i in range(3)] == trimmed
    assert said([0, 1, 2], 0) == trimmed
    if can_share(llama):
        assert said([0, 1, 2], 20) == trimmed  # behind one copy
        assert said([0, 1, 2], 12) == trimmed


# --- the plan


def encoded(ids: list[int], media: tuple[tuple[int, Media], ...] = ()) -> Encoded:
    return Encoded(tuple(ids), (-100,) * len(ids), tuple(range(len(ids))), (0,) * len(ids), media)


ROWS = st.lists(st.lists(st.integers(1, 3), min_size=2, max_size=30), min_size=1, max_size=25)


@settings(max_examples=60)
@given(ROWS, st.integers(1, 9), st.integers(10, 200))
def test_every_row_is_in_one_batch_and_batches_keep_their_bounds(rows: list[list[int]], size: int, budget: int) -> None:
    placed = place([encoded(row) for row in rows], [5] * len(rows), {}, lambda one: one.path)
    at, seen = 0, []
    while at < len(placed):
        chosen = next_batch(placed, at, size, budget)
        assert 1 <= len(chosen) <= size and (load(chosen) <= budget or len(chosen) == 1)
        assert len({one.row.ids[: one.shared] for one in chosen if one.group == chosen[0].group}) == 1
        assert all(one.shared < len(one.row) for one in chosen)
        seen += [one.index for one in chosen]
        at += len(chosen)
    assert sorted(seen) == list(range(len(rows)))


@given(st.lists(st.lists(st.integers(1, 2), min_size=1, max_size=12), min_size=1, max_size=6))
def test_common_is_the_longest_beginning_that_leaves_each_row_a_token(rows: list[list[int]]) -> None:
    found = common([encoded(row) for row in rows], lambda one: one.path)
    assert len({tuple(row[:found]) for row in rows}) == 1 and all(len(row) > found for row in rows)
    assert any(len(row) == found + 1 for row in rows) or len({tuple(row[: found + 1]) for row in rows}) > 1


def test_two_images_are_not_alike_and_are_never_cut() -> None:
    one, two = Media("image", "/a.png"), Media("image", "/b.png")
    ids = [1, 5, 0, 0, 0, 7]
    rows = [encoded(ids, ((2, one),)), encoded(ids, ((2, two),))]
    assert common(rows, lambda media: media.path) == 2
    assert common([rows[0], rows[0]], lambda media: media.path) == 5
    assert cut(rows[0], 2).media == ((0, one),) and cut(rows[0], 0, 2).media == ()


def test_the_dearest_group_comes_first_and_clouds_of_more_points_before_smaller_ones(tmp_path: Path) -> None:
    small, large = tmp_path / "s.npy", tmp_path / "l.npy"
    small.write_bytes(b"x" * 10)
    large.write_bytes(b"x" * 99)
    rows = [encoded([1] * 20), encoded([1] * 40)]
    assert [one.index for one in place(rows, [5, 5], {}, str)] == [1, 0]
    assert [one.index for one in place(rows, [90, 5], {}, str)] == [0, 1]  # the answer counts as well
    clouds = [encoded([1, 0, 0, 9], ((1, Media("point_cloud", str(path))),)) for path in (small, large)]
    assert [one.index for one in place(clouds, [5, 5], {"point_cloud": 2}, lambda media: media.path)] == [1, 0]


def test_options_are_split_where_the_first_is_learnt() -> None:
    labelled = [Encoded(ids, (-100, -100, *ids[2:]), (0, 1, 2, 3), (0,) * 4, ()) for ids in ((1, 2, 3, 4), (1, 2, 3, 5))]
    split = question(labelled)
    assert split.prompt.ids == (1, 2) and [o.ids for o in split.options] == [(3, 4), (3, 5)] and split.learnt == (2, 2)


# --- memory, devices


def out_of_memory_above(limit: int, sizes: list[int], size_of: object, real: object) -> object:
    def limited(*args: object, **given: object) -> object:
        sizes.append(size_of(*args, **given))  # type: ignore[operator]
        if sizes[-1] > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(*args, **given)  # type: ignore[operator]

    return limited


def test_memory_that_runs_out_while_answers_grow_halves_the_batch(
    adapter: Adapter, scenes: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dict(adapter.generate(many(scenes)))
    sizes: list[int] = []
    follow = Context.follow
    monkeypatch.setattr(Context, "follow", out_of_memory_above(3, sizes, lambda self, chosen: len(chosen), follow))
    assert dict(adapter.generate(many(scenes))) == whole
    assert max(sizes) > 3 and adapter.asker.budget < float("inf")


def test_memory_that_runs_out_in_an_encoder_halves_its_batch_only(
    adapter: Adapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [picture(tmp_path, f"{k}.png", k) for k in range(7)]
    asked = [Generate(ask(one, "What?"), max_new_tokens=3) for one in pictures]
    sizes: list[int] = []
    model = adapter.asker.model
    monkeypatch.setattr(model, "see", out_of_memory_above(2, sizes, lambda kind, inputs: len(inputs), model.see))
    found = dict(adapter.generate(asked))
    assert all(response.error is None for response in found.values()) and len(found) == 7
    assert sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1] and adapter.asker.budget == float("inf")


def test_a_request_that_never_fits_ends_itself_only(
    adapter: Adapter, scenes: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [Generate(ask(scenes[1], "What is it? " * 9), max_new_tokens=3), Generate(ask(scenes[1], "What?"), max_new_tokens=3)]
    whole = dict(adapter.generate(asked))
    adapter.asker.beginnings.clear()
    read = adapter.asker.read

    def small(chosen: list[Placed], held: object) -> object:
        if load(chosen) > 70:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return read(chosen, held)

    assert min(len(adapter.asker.prompt(request.messages)) for request in asked) + 3 <= 70
    monkeypatch.setattr(adapter.asker, "read", small)
    found = dict(adapter.generate(asked))
    assert found[0].status == "model_error" and "memory ran out" in (found[0].error or "")
    assert found[1] == whole[1]


def test_another_runtime_error_is_not_taken_for_memory(
    adapter: Adapter, scenes: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> object:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(adapter.asker, "read", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        list(adapter.generate(many(scenes)))


def test_layers_on_devices_of_their_own_give_the_same_answers(folder: Path, adapter: Adapter, scenes: list[Media]) -> None:
    pytest.importorskip("accelerate")
    places = '{"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "cpu", "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}'
    spread = Adapter(checkpoint=str(folder), device_map=places)
    assert dict(spread.generate(many(scenes))) == dict(adapter.generate(many(scenes)))
    assert hasattr(spread.asker.model.llama, "_hf_hook")


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"device_map": "autom"}, "Did you mean 'auto'"),
        ({"device_map": "{model: 0}"}, "no JSON object"),
        ({"device_map": '{"model": "disk"}'}, "expected a device"),
        ({"device_map": '{"modell": "cpu"}'}, "device_map does not fit"),
        ({"attn": "sdap"}, "Did you mean 'sdpa'"),
    ],
)
def test_wrong_settings_are_one_sentence(folder: Path, wrong: dict[str, object], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        _ = Adapter(checkpoint=str(folder), **wrong).asker  # type: ignore[arg-type]


def test_flash_attention_that_is_not_there_is_one_sentence(folder: Path) -> None:
    pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(BenchError, match="attn=flash_attention_2 cannot be used here"):
        _ = Adapter(checkpoint=str(folder), attn="flash_attention_2").asker


def test_a_stream_is_the_answer_in_pieces(adapter: Adapter, scenes: list[Media]) -> None:
    for request in many(scenes):
        ((_, whole),) = adapter.generate([request])
        *shown, last = adapter.stream(request)
        assert isinstance(last, Response) and last == whole
        assert "".join(map(str, shown)) == whole.text
