"""Laws of the model that is asked: likelihood is minus the loss, and no answer depends on its company."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.errors import BenchError
from lamm_bench.lamm.attention import attend
from lamm_bench.lamm.checkpoint import restore
from lamm_bench.lamm.encode import LAYOUTS, encode_messages, encode_side_by_side, pack
from lamm_bench.lamm.features import FeatureCache
from lamm_bench.lamm.model import collate
from lamm_bench.types import Generate, Media, Message, Response, Score

from .toys import cloud, picture, toy_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def adapter(folder: Path) -> Adapter:
    return Adapter(checkpoint=str(folder), device="cpu")


@pytest.fixture
def media(tmp_path: Path) -> list[Media]:
    return [picture(tmp_path, "a.png", 1), cloud(tmp_path, "b.npy", 2), picture(tmp_path, "c.png", 3, size=(31, 9))]


def ask(one: Media, text: str) -> tuple[Message, ...]:
    return (Message("system", ("Look.",)), Message("user", (one, text)))


def requests(media: list[Media]) -> list[Generate]:
    return [Generate(ask(one, "What is it? " + "x " * (3 * k)), max_new_tokens=9 + k) for k in range(3) for one in media]


def answers(adapter: Adapter, asked: list[Generate]) -> dict[int, Response]:
    return dict(adapter.generate(asked))


def test_score_is_minus_the_loss(folder: Path, adapter: Adapter, media: list[Media]) -> None:
    model, tokenizer = restore(folder)
    for one in media:
        for answer in ("cat", "dog [0.30, 0.95]", ""):
            messages = ask(one, "What is it?")
            row = encode_messages(
                (*messages, Message("assistant", (answer,))), LAYOUTS["training"], tokenizer, model.config.slots
            )
            encoder = model.encoders[one.kind]
            tokens = model.see(one.kind, encoder.tensor([encoder.prepare(one, "squash")]))  # type: ignore[operator]
            loss = model.loss(collate([row], model.config.slots), model.project(one.kind, tokens))
            ((_, response),) = adapter.score([Score(messages, (answer,))])
            assert response.tokens == (row.learnt,)
            assert response.logprobs[0] == pytest.approx(-float(loss.detach()) * row.learnt, abs=1e-3)


def test_turns_side_by_side_and_packed_rows_are_as_likely_as_one_by_one(folder: Path, media: list[Media]) -> None:
    model, tokenizer = restore(folder)
    turns = [("What is it?", "cat"), ("Where?", "[0.10, 0.20]"), ("How many dogs are there?", "12")]
    talk = [Message("system", ("Look.",))]
    for index, (question, answer) in enumerate(turns):
        talk += [Message("user", (media[0], question) if not index else (question,)), Message("assistant", (answer,))]
    encoder = model.encoders["image"]
    tokens = model.see("image", encoder.tensor([encoder.prepare(media[0], "squash")]))  # type: ignore[operator]
    seen = model.project("image", tokens)

    def likelihood(row: object) -> float:
        return float(model.likelihoods(collate([row], model.config.slots), seen).detach())  # type: ignore[list-item]

    together = encode_side_by_side(talk, LAYOUTS["training"], tokenizer, model.config.slots)
    singles = [
        encode_messages(
            (talk[0], Message("user", (media[0], q)), Message("assistant", (a,))),
            LAYOUTS["training"],
            tokenizer,
            model.config.slots,
        )
        for q, a in turns
    ]
    assert likelihood(together) == pytest.approx(sum(likelihood(row) for row in singles), abs=1e-3)
    batch = collate([pack([together, singles[0]])], model.config.slots)
    packed = float(model.likelihoods(batch, torch.cat([seen, seen])).detach())
    assert packed == pytest.approx(likelihood(together) + likelihood(singles[0]), abs=1e-3)


@pytest.mark.parametrize("size", [1, 2, 64])
def test_answers_do_not_depend_on_the_batch_size(folder: Path, media: list[Media], size: int) -> None:
    asked = requests(media)
    whole = answers(Adapter(checkpoint=str(folder), batch_size=5), asked)
    assert answers(Adapter(checkpoint=str(folder), batch_size=size), asked) == whole
    assert sorted(whole) == list(range(len(asked)))


def test_likelihoods_do_not_depend_on_the_batch_size(folder: Path, media: list[Media]) -> None:
    asked = [Score(ask(one, "What?"), ("cat", "dog [0.30, 0.95]", "a")) for one in media]
    few = dict(Adapter(checkpoint=str(folder), batch_size=1).score(asked))
    many = dict(Adapter(checkpoint=str(folder)).score(asked))
    for index in few:
        assert few[index].logprobs == pytest.approx(many[index].logprobs, abs=1e-3)


def test_a_sampled_answer_depends_on_its_seed_only(adapter: Adapter, media: list[Media]) -> None:
    asked = [replace(r, temperature=1.0, top_p=0.9, seed=k) for k, r in enumerate(requests(media))]
    together = answers(adapter, asked)
    assert {i: answers(adapter, [asked[i]])[0] for i in together} == together
    assert answers(adapter, [replace(asked[0], seed=s) for s in range(4)])[0].text != ""
    assert len({r.text for r in answers(adapter, [replace(asked[0], seed=s) for s in range(8)]).values()}) > 1


def test_a_cut_answer_says_so_and_counts_its_tokens(adapter: Adapter, media: list[Media]) -> None:
    response = answers(adapter, [Generate(ask(media[0], "What?"), max_new_tokens=4)])[0]
    assert response.finish == "length" and response.tokens == (4,)


def test_an_answer_ends_before_the_stop_text(adapter: Adapter, media: list[Media]) -> None:
    whole = answers(adapter, [Generate(ask(media[0], "What?"), max_new_tokens=12)])[0].text
    stop = whole[len(whole) // 2]
    response = answers(adapter, [Generate(ask(media[0], "What?"), max_new_tokens=12, stop=(stop,))])[0]
    assert response.finish == "stop" and response.text == whole[: whole.index(stop)].strip()


def test_each_media_is_encoded_once_a_run(adapter: Adapter, media: list[Media], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    see = adapter.asker.model.see
    monkeypatch.setattr(adapter.asker.model, "see", lambda kind, inputs: seen.append(len(inputs)) or see(kind, inputs))
    answers(adapter, requests(media))
    answers(adapter, requests(media))
    list(adapter.score([Score(ask(one, "What?"), ("cat", "dog")) for one in media]))
    assert sum(seen) == len(media)


def test_a_cache_that_is_too_small_changes_no_answer(adapter: Adapter, media: list[Media]) -> None:
    whole = answers(adapter, requests(media))
    adapter.asker.cache = FeatureCache(limit=1)
    assert answers(adapter, requests(media)) == whole


def test_a_broken_media_ends_its_own_request_only(adapter: Adapter, media: list[Media], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    asked = [*requests(media), Generate(ask(Media("image", str(tmp_path / "broken.png")), "What?"))]
    found = answers(adapter, asked)
    assert found[len(asked) - 1].status == "media_error" and "broken.png" in (found[len(asked) - 1].error or "")
    assert {i: r for i, r in found.items() if i < len(asked) - 1} == answers(adapter, requests(media))


def test_when_memory_runs_out_the_batch_is_halved(adapter: Adapter, media: list[Media], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers(adapter, requests(media))
    tried: list[int] = []
    embed = adapter.asker.model.embed

    def small_machine(batch: object, media: object) -> object:
        tried.append(len(batch.ids))  # type: ignore[attr-defined]
        if len(batch.ids) > 2:  # type: ignore[attr-defined]
            raise torch.OutOfMemoryError("CUDA out of memory")
        return embed(batch, media)

    monkeypatch.setattr(adapter.asker.model, "embed", small_machine)
    assert answers(adapter, requests(media)) == whole
    refused = [size for size in tried if size > 2]
    assert refused == [9, 4]  # then two by two


def test_a_prompt_longer_than_the_window_is_an_error_of_its_own(adapter: Adapter, media: list[Media]) -> None:
    found = answers(adapter, [Generate(ask(media[0], "x " * 400)), Generate(ask(media[0], "What?"), max_new_tokens=3)])
    assert found[0].status == "model_error" and "window is 256" in (found[0].error or "") and found[1].error is None


def test_what_is_shown_changes_what_is_likely(adapter: Adapter, media: list[Media]) -> None:
    shown, hidden = media[0], replace(media[0], sha256="blank")
    found = dict(adapter.score([Score(ask(shown, "What?"), ("cat",)), Score(ask(hidden, "What?"), ("cat",))]))
    assert found[0].logprobs != found[1].logprobs


def test_options_of_the_adapter_are_checked(folder: Path) -> None:
    with pytest.raises(BenchError, match="Did you mean 'float32'"):
        Adapter(checkpoint=str(folder), dtype="float23")
    with pytest.raises(BenchError, match="at least 1"):
        Adapter(checkpoint=str(folder), batch_size=0)
    with pytest.raises(BenchError, match="Did you mean 'cpu'"):
        _ = Adapter(checkpoint=str(folder), device="cqu").asker


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_cuda_device_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(BenchError, match="finds no CUDA device"):
        _ = Adapter(checkpoint=str(folder), device="cuda").asker


def test_attention_is_that_of_pytorch() -> None:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 3, n, 4, generator=generator) for n in (5, 7, 7))
    mask = torch.zeros(2, 1, 5, 7).masked_fill(torch.rand(2, 1, 5, 7, generator=generator) < 0.3, -1e9)
    for given in (mask, None):
        expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=given, scale=0.3)
        out, _ = attend(torch.nn.Module(), query, key, value, given, scaling=0.3)
        assert torch.allclose(out, expected.transpose(1, 2), atol=1e-5)


def test_attention_trained_in_float32_is_the_same_function() -> None:
    """float32 goes through PyTorch's kernel, float64 through ours."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(2, 1, 70, 70).masked_fill(~torch.ones(70, 70, dtype=torch.bool).tril(), torch.finfo(torch.float32).min)
    mask[1, :, 40:, 5:40] = torch.finfo(torch.float32).min  # a question that does not see the one before
    inputs = [torch.randn(2, 3, 70, 8, generator=generator) for _ in range(3)]
    aim = torch.randn(2, 70, 3, 8, generator=generator)
    found = []
    for dtype in (torch.float32, torch.float64):
        mine = [tensor.to(dtype).requires_grad_() for tensor in inputs]
        out, _ = attend(torch.nn.Module(), *mine, mask, scaling=0.3)
        found.append((out, *torch.autograd.grad((out * aim).sum(), mine)))
    for single, double in zip(*found):
        assert torch.allclose(single.double(), double, atol=1e-5)
        assert not torch.equal(single.double(), double)
