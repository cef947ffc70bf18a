"""`hf-chat` on architectures with ways of their own: how each is asked, what is refused, and that no batch and no reuse moves anything."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lamm_bench.adapters.hf import prepare
from lamm_bench.adapters.hf.company import Company
from lamm_bench.adapters.hf.families import families
from lamm_bench.adapters.hf.forms import Forms
from lamm_bench.adapters.hf.kind import eyes_of
from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.doctor import examine
from lamm_bench.errors import BenchError
from lamm_bench.types import Generate, Media, Message, Score

from .families import FAMILIES, build
from .tiny_hf import tiny_text
from .toys import picture

SYSTEM = Message("system", ("Be brief.",))
OPTIONS = ("cat", "a small dog", "", "cat")
FAST = ("aya_vision", "internvl", "janus", "glm4v", "mllama", "llava_next_video", "paligemma", "florence2", "gemma4", "idefics")


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[Media]:
    root = tmp_path_factory.mktemp("media")
    return [picture(root, f"{i}.png", i, size) for i, size in enumerate([(60, 40), (40, 70), (90, 90)])]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("families")

    def get(name: str) -> Path:
        return root / name if (root / name).is_dir() else build(FAMILIES[name], root / name)

    return get


def talks(media: list[Media]) -> list[tuple[Message, ...]]:
    """A recipe's own system message beside a picture, pictures of unequal size, earlier turns."""
    return [
        (SYSTEM, Message("user", (media[0], "What is this?"))),
        (Message("user", (media[1], "What is this? " * 5)),),
        (Message("user", (media[2], "And?")),),
        (Message("user", (media[1], "A?")), Message("assistant", ("B.",)), Message("user", ("And now?",))),
    ]


@pytest.mark.parametrize("name", FAST)
def test_no_company_and_no_reuse_moves_an_answer_or_a_likelihood(
    name: str, built: Callable[[str], Path], media: list[Media]
) -> None:
    adapter, plain = HfChat(str(built(name)), batch_size=4), HfChat(str(built(name)), batch_size=4, cache=0)
    asked = [Generate(messages, 7) for messages in talks(media)]
    together = dict(adapter.generate(asked))
    assert [together[n].error for n in range(len(asked))] == [None] * len(asked)
    assert [together[n] for n in range(len(asked))] == [next(adapter.generate([one]))[1] for one in asked]
    scored = [Score(messages, OPTIONS) for messages in talks(media)]
    scored += [
        Score(talks(media)[1], OPTIONS[:2], begun="Well,\nit is ", window=window) for window in ("message", "option", "first")
    ]
    ours, theirs = dict(adapter.score(scored)), dict(plain.score(scored))
    for number, request in enumerate(scored):
        ((_, alone),) = plain.score([request])
        assert alone.error is None
        for other in (ours[number], theirs[number]):
            assert other.logprobs == pytest.approx(alone.logprobs, abs=1e-3)
        assert [-value for value in alone.logprobs] == pytest.approx(adapter.loss(request), rel=1e-4, abs=1e-3)


def test_sampling_is_never_left_out(built: Callable[[str], Path], media: list[Media]) -> None:
    """Janus's own `generate` drops the logits processors that it is given, and what draws is one."""
    adapter = HfChat(str(built("janus")))
    drawn = [Generate(talks(media)[0], 8, (), 2.0, 1.0, seed) for seed in (1, 2, 3, 1)]
    texts = [response.text for _, response in sorted(adapter.generate(drawn))]
    assert len(set(texts)) > 1
    assert texts[0] == texts[3]


def test_a_template_that_prints_a_list_is_given_plain_text(built: Callable[[str], Path], media: list[Media]) -> None:
    """GLM-4V's template prints the system message's content as it is."""
    told = HfChat(str(built("glm4v"))).asker.wording.prompt(talks(media)[0]).text
    assert "<|system|>\nBe brief." in told
    assert "type" not in told


def test_a_system_message_that_is_refused_beside_a_picture_opens_the_question(
    built: Callable[[str], Path], media: list[Media]
) -> None:
    """Llama 3.2 Vision's template raises on it."""
    adapter = HfChat(str(built("mllama")))
    wording = adapter.asker.wording
    assert wording.prompt(talks(media)[0]).text == (
        "<s><|im_start|>user\n\n<|image|>Be brief.\n\nWhat is this?<|im_end|><|im_start|>assistant\n\n"
    )
    assert "<|im_start|>system\n\nBe brief.<|im_end|>" in wording.prompt((SYSTEM, Message("user", ("hi",)))).text
    assert any("no system message beside a picture" in note for note in adapter.notes)


def test_pictures_between_texts_stay_in_their_places_where_the_system_text_is_folded(
    built: Callable[[str], Path], media: list[Media]
) -> None:
    asked = (SYSTEM, Message("user", ("Here", media[0], "and here", media[1], "what?")))
    told = HfChat(str(built("mllama"))).asker.wording.prompt(asked)
    assert "Be brief.\n\nHere<|image|>and here<|image|>what?" in told.text
    assert told.images == (media[0], media[1])


@pytest.mark.parametrize("name", ["paligemma", "florence2", "idefics"])
def test_a_family_from_before_chat_templates_gets_ours_and_says_so(
    name: str, built: Callable[[str], Path], tmp_path: Path
) -> None:
    adapter = HfChat(str(built(name)))
    assert any("lamm-bench's own for its family, after " in note for note in adapter.notes)
    (tmp_path / "t.jinja").write_text(
        "{% for m in messages %}{% for p in m['content'] %}{{ p['text'] or '<image>' }}{% endfor %}{% endfor %}"
    )
    assert HfChat(str(built(name)), template=str(tmp_path / "t.jinja")).fingerprint() != adapter.fingerprint()


def test_each_family_of_the_data_file_names_its_source() -> None:
    for name, own in families().items():
        assert own.source, name
        assert ".py" in own.source or "card of" in own.source, name


def with_config(folder: Path, **changes: object) -> str:
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, **changes}))
    return str(folder)


def test_a_model_with_eyes_never_becomes_a_blind_control_by_itself(tmp_path: Path) -> None:
    """InternVL 1 and 2, Molmo and others name AutoModelForCausalLM only, beside the settings of their eyes."""
    folder = with_config(tiny_text(tmp_path / "m"), vision_config={"hidden_size": 8})
    with pytest.raises(BenchError, match=r"has eyes \(`vision_config` in config.json\).*--set images=none"):
        HfChat(folder).modalities  # noqa: B018
    blind = HfChat(folder, images="none")
    assert blind.ignores == {"media"}
    assert any("blind" in note for note in blind.notes)
    seeing = tiny_text(tmp_path / "n")
    (seeing / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5], "crop_size": 8}))
    with pytest.raises(BenchError, match=r"has eyes \(preprocessor_config.json\)"):
        HfChat(str(seeing)).ignores  # noqa: B018


def test_a_text_model_has_no_eyes(tmp_path: Path) -> None:
    adapter = HfChat(str(tiny_text(tmp_path / "m")))
    assert not eyes_of(adapter.config, adapter.place[0])
    assert adapter.kind == "text"


def test_a_model_with_eyes_can_be_asked_blindly_on_purpose(built: Callable[[str], Path], media: list[Media]) -> None:
    blind, seeing = HfChat(str(built("glm4v")), images="none"), HfChat(str(built("glm4v")))
    asked = [Score((Message("user", (one, "What?")),), OPTIONS) for one in media[:2]]
    said = dict(blind.score(asked))
    assert said[0].error is None
    assert said[0].logprobs == pytest.approx(said[1].logprobs, abs=1e-5)
    assert blind.fingerprint() != seeing.fingerprint()
    with pytest.raises(BenchError, match="images"):
        HfChat(str(built("glm4v")), images="some")


@pytest.mark.parametrize("cache", [0, 64])
def test_what_the_model_raises_ends_one_request_and_turns_nothing_off(
    cache: int, built: Callable[[str], Path], media: list[Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = HfChat(str(built("glm4v")), batch_size=4, cache=cache)
    model = adapter.asker.loaded.model
    real, tokens = model.forward, adapter.asker.loaded.tokenizer
    mark = tokens("Z", add_special_tokens=False)["input_ids"][0]

    @functools.wraps(real)
    def touchy(input_ids=None, **words):  # type: ignore[no-untyped-def]
        if input_ids is not None and bool((input_ids == mark).any()):
            raise RuntimeError("no Z\nplease")
        return real(input_ids=input_ids, **words)

    monkeypatch.setattr(model, "forward", touchy)
    words = ("What?", "Z?", "And?")
    asked = [(Message("user", (one, text)),) for one, text in zip(media, words)]
    for found in (
        dict(adapter.generate([Generate(one, 3) for one in asked])),
        dict(adapter.score([Score(one, OPTIONS) for one in asked])),
    ):
        assert [found[n].status for n in range(3)] == ["", "model_error", ""]
        assert found[1].error == "the model raised RuntimeError: no Z please"
    assert not any(adapter.asker.reuse.faults.values())


def faults(adapter: HfChat, *checks: str) -> dict[str, str]:
    return {found.check: found.reason for found in examine(adapter, only=checks) if found.verdict == "fail"}


def test_the_doctor_finds_a_template_that_prints_a_list(built: Callable[[str], Path]) -> None:
    adapter = HfChat(str(built("glm4v")))
    assert not faults(adapter, "prompt")
    adapter.asker.wording.forms = Forms()
    assert "a list of Python was printed" in faults(adapter, "prompt")["prompt"]


def test_the_doctor_finds_a_system_message_that_is_refused_beside_a_picture(built: Callable[[str], Path]) -> None:
    adapter = HfChat(str(built("mllama")))
    assert not faults(adapter, "recipe")
    adapter.asker.wording.forms = replace(adapter.asker.wording.forms, system="own")
    assert "incompatible with system messages" in faults(adapter, "recipe")["recipe"]


@pytest.mark.parametrize("name", ["aya_vision", "internvl", "janus"])
def test_the_doctor_finds_rows_that_are_padded_on_the_wrong_side(
    name: str, built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """These processors pad on the left whatever the tokenizer says."""
    adapter = HfChat(str(built(name)))
    assert not faults(adapter, "score-plain")
    monkeypatch.setattr(prepare, "takes", lambda call, word: word != "padding_side")
    monkeypatch.setattr(prepare, "aligned", lambda inputs, side: inputs)
    monkeypatch.setattr(Company, "options", lambda self, inputs, values, alone: True)
    assert "score-plain" in faults(HfChat(str(built(name))), "score-plain")


def test_rows_are_moved_to_the_side_that_was_asked_for(built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a processor does not take the side as a word, its rows are moved."""
    loaded = HfChat(str(built("internvl"))).asker.loaded
    wanted = prepare.prepare(loaded, ["hi", "hello there"], [[], []], "right")
    monkeypatch.setattr(prepare, "takes", lambda call, word: word != "padding_side")
    moved = prepare.prepare(loaded, ["hi", "hello there"], [[], []], "right")
    assert moved["attention_mask"].tolist() == wanted["attention_mask"].tolist()
    assert moved["attention_mask"][0, -1] == 0
    assert moved["input_ids"].tolist() == wanted["input_ids"].tolist()
