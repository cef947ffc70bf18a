"""Laws of `hf-chat`'s reuse: encoded images and prompts that are computed once change no answer, and what cannot be reused is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lamm_bench.adapters.hf import reuse
from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.errors import BenchError
from lamm_bench.types import Generate, Media, Message, Score

from .tiny_hf import TINY
from .toys import picture

OPTIONS = ("cat", "a small dog", "", "c", "cat")
SEEING = [name for name in TINY if name != "text"]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[Media]:
    root = tmp_path_factory.mktemp("media")
    return [picture(root, f"{i}.png", i, (20 + 9 * i, 24)) for i in range(3)]


@pytest.fixture
def everything_apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Prompts without images go apart from their options too, however short."""
    monkeypatch.setattr(reuse, "LONG", 0)
    yield


def talks(media: list[Media]) -> list[tuple[Message, ...]]:
    """Several questions about few images, alone and together, and questions without any."""
    return [
        (Message("user", (media[0], "What is this?")),),
        (Message("user", ("hi",)),),
        (Message("user", (media[0], "And where? " * 5)),),
        (Message("user", (media[1], "What is this?")),),
        (Message("user", (media[0], media[1], "What differs?")),),
        (Message("user", (media[1], media[2], "What else?")),),
        (Message("user", ("Who is there? " * 6,)),),
        (Message("user", (media[2], "Go on")), Message("assistant", ("Well,",))),
    ]


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("name", TINY)
@pytest.mark.usefixtures("everything_apart")
def test_answers_and_likelihoods_are_those_without_reuse(
    name: str, size: int, tiny_models: dict[str, Path], media: list[Media]
) -> None:
    adapter, plain = HfChat(str(tiny_models[name]), batch_size=size), HfChat(str(tiny_models[name]), batch_size=size, cache=0)
    asked = [Generate(messages, 7) for messages in talks(media)]
    scored = [Score(messages, OPTIONS[k % 2 :]) for k, messages in enumerate(talks(media))]
    for _ in range(2):
        assert dict(adapter.generate(asked)) == dict(plain.generate(asked))
        ours, theirs = dict(adapter.score(scored)), dict(plain.score(scored))
        for index in theirs:
            assert ours[index].logprobs == pytest.approx(theirs[index].logprobs, abs=1e-4)
            assert ours[index].tokens == theirs[index].tokens
    assert adapter.asker.reuse.faults == {}, "this family can be reused, so the law above was about reuse"


@pytest.mark.parametrize("name", SEEING)
def test_each_image_is_encoded_once_a_run(name: str, tiny_models: dict[str, Path], media: list[Media], tmp_path: Path) -> None:
    adapter = HfChat(str(tiny_models[name]), batch_size=3)
    list(adapter.generate([Generate(talks(media)[k], 1) for k in (0, 4)]))  # the trials of one and of two images
    encoded = count_images(adapter)
    copied = tmp_path / "the same under another name.png"
    copied.write_bytes(Path(media[0].path).read_bytes())
    again = [*talks(media), (Message("user", (Media("image", str(copied)), "Again?")),)]
    list(adapter.generate([Generate(messages, 2) for messages in again]))
    list(adapter.score([Score(messages, OPTIONS) for messages in again]))
    assert encoded == [1]  # the third image; the trials have seen the two others


def count_images(adapter: HfChat) -> list[int]:
    """A list that grows by the number of images whenever the encoder runs."""
    seen: list[int] = []
    base = adapter.asker.loaded.model.base_model
    encode = base.get_image_features

    def counting(pixel_values, image_grid_thw=None, pixel_attention_mask=None, **more):  # type: ignore[no-untyped-def]
        given = {"image_grid_thw": image_grid_thw, "pixel_attention_mask": pixel_attention_mask}
        said = encode(pixel_values, **{key: value for key, value in given.items() if value is not None}, **more)
        seen.append(len(said.pooler_output))
        return said

    base.get_image_features = counting
    return seen


@pytest.mark.parametrize("name", SEEING)
def test_a_prompt_is_passed_over_once_for_all_its_options(name: str, tiny_models: dict[str, Path], media: list[Media]) -> None:
    adapter = HfChat(str(tiny_models[name]), batch_size=16)
    request = Score(talks(media)[2], ("cat", "dog", "cow", "pig", "hen"))
    list(adapter.score([request]))  # with its trial
    passed: list[int] = []
    model = adapter.asker.loaded.model
    forward = model.base_model.forward

    def counting(*args, **given):  # type: ignore[no-untyped-def]
        passed.append(given["input_ids"].numel())
        return forward(*args, **given)

    model.base_model.forward = counting
    list(adapter.score([request]))
    prompt, options = passed
    (row,) = adapter.asker.inputs([adapter.asker.wording.prompt(request.messages)], [[opened(media[0])]], "right")["input_ids"]
    assert prompt == len(row)
    assert options == 5 * 3  # three letters, and the end that nothing follows


def opened(media: Media) -> object:
    from lamm_bench.media import open_image

    return open_image(media)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda *_, **__: 1 / 0, "division by zero"),
        (lambda *_, **__: SimpleNamespace(pooler_output=torch.zeros(1, 4, 32)), "something else that way"),
        (lambda *_, **__: SimpleNamespace(pooler_output=[torch.zeros(4, 32)] * 2), "which tokens are whose"),
        (lambda *_, **__: SimpleNamespace(pooler_output=[], deepstack_features=[[]]), "several layers"),
    ],
)
def test_an_encoder_that_cannot_be_reused_is_noted_and_changes_no_answer(
    fault: object, reason: str, tiny_models: dict[str, Path], media: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, plain = HfChat(str(tiny_models["llava"]), batch_size=1), HfChat(str(tiny_models["llava"]), cache=0)
    monkeypatch.setattr(adapter.asker.reuse, "encode", lambda *given: reuse.Reuse.encode(foreign(adapter, fault), *given))  # type: ignore[arg-type]
    asked = [Generate(talks(media)[k], 5) for k in (0, 1, 2, 3)]  # one image at a time
    assert dict(adapter.generate(asked)) == dict(plain.generate(asked))
    (note,) = adapter.asker.reuse.notes
    assert note in adapter.notes
    assert note.startswith("every image is encoded again for each request: ") and reason in note
    assert plain.asker.reuse.notes == []


def foreign(adapter: HfChat, encoder: object) -> SimpleNamespace:
    """What `encode` sees of a model whose encoder is written by somebody else."""
    return SimpleNamespace(loaded=SimpleNamespace(model=SimpleNamespace(base_model=SimpleNamespace(get_image_features=encoder))))


def test_a_model_that_forgets_its_prompt_is_noted_and_changes_no_likelihood(
    tiny_models: dict[str, Path], media: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, plain = HfChat(str(tiny_models["llava"])), HfChat(str(tiny_models["llava"]), cache=0)
    model = adapter.asker.loaded.model
    forward = model.base_model.forward
    monkeypatch.setattr(model.base_model, "forward", lambda *a, **given: forward(*a, **{**given, "past_key_values": None}))
    scored = [Score(messages, OPTIONS) for messages in talks(media)]
    ours, theirs = dict(adapter.score(scored)), dict(plain.score(scored))
    for index in theirs:
        assert ours[index].logprobs == pytest.approx(theirs[index].logprobs, abs=1e-4)
    (note,) = adapter.asker.reuse.notes
    assert note.startswith("every option passes over its prompt again: ")


def test_layers_with_windows_share_no_prompt(tmp_path: Path) -> None:
    from .tiny_hf import tiny_text

    adapter = HfChat(str(tiny_text(tmp_path / "m")))
    loaded = adapter.asker.loaded
    loaded.model.config.sliding_window = 8
    assert not reuse.Reuse(loaded, 2**20).apart(letters=5000, images=0, options=6)
    loaded.model.config.sliding_window = None
    assert reuse.Reuse(loaded, 2**20).apart(letters=5000, images=0, options=6)


def test_what_is_kept_is_bounded_in_bytes(tiny_models: dict[str, Path], media: list[Media]) -> None:
    adapter, plain = HfChat(str(tiny_models["llava"])), HfChat(str(tiny_models["llava"]), cache=0)
    each = 4 * 32 * 4  # four tokens of 32 numbers of four bytes
    adapter.asker.reuse.kept.limit = 2 * each
    asked = [Generate(messages, 5) for messages in talks(media)]
    assert dict(adapter.generate(asked)) == dict(plain.generate(asked))
    assert adapter.asker.reuse.kept.bytes == 2 * each


def test_memory_that_runs_out_is_no_fault_of_the_model(
    tiny_models: dict[str, Path], media: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, plain = HfChat(str(tiny_models["llava"]), batch_size=4), HfChat(str(tiny_models["llava"]), cache=0)
    encode = adapter.asker.reuse.encode

    def tight(pixels: dict[str, torch.Tensor], count: int) -> object:
        if count > 1:
            raise torch.OutOfMemoryError("no room")
        return encode(pixels, count)

    monkeypatch.setattr(adapter.asker.reuse, "encode", tight)
    asked = [Generate((Message("user", (one, "What?")),), 5) for one in media]
    assert dict(adapter.generate(asked)) == dict(plain.generate(asked))
    assert adapter.asker.reuse.faults == {} and any("memory ran out" in note for note in adapter.notes)


def test_a_cache_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(BenchError, match="cache=-1 of the model hf-chat must be at least 0"):
        HfChat("x", cache=-1)
