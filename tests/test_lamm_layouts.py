"""Laws of every conversation layout, and each of them piece by piece."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.adapters.lamm import Lamm as Adapter
from lamm_bench.ask.recipe import parse_recipe
from lamm_bench.errors import BenchError
from lamm_bench.lamm.chat import bound
from lamm_bench.lamm.checkpoint import restore
from lamm_bench.lamm.config import HubLlm
from lamm_bench.lamm.encode import IGNORE, Text, encode, encode_messages, encode_side_by_side, layout_called, pieces
from lamm_bench.lamm.hub_tokenizer import HubTokenizer, load_tokenizer
from lamm_bench.lamm.layouts import LAYOUTS, layout_for
from lamm_bench.lamm.model import collate
from lamm_bench.types import Generate, Job, Message, Score

from .hub_toys import TEMPLATE, toy_hub_checkpoint, toy_llm
from .toys import CLOUD, IMAGE, TALK, picture

SLOTS = {"image": 3, "point_cloud": 2}
REFUSES = "{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
NO_SYSTEM = "{% for m in messages %}" + REFUSES + TEMPLATE[TEMPLATE.index("<|{{") :]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layouts")
    return toy_hub_checkpoint(folder / "checkpoint", toy_llm(folder / "llm"))


@pytest.fixture(scope="module")
def tokenizer(checkpoint: Path) -> HubTokenizer:
    return load_tokenizer(HubLlm(str(checkpoint.parent / "llm")))


@pytest.mark.parametrize("name", LAYOUTS)
def test_score_is_minus_the_loss_in_every_layout(checkpoint: Path, tmp_path: Path, name: str) -> None:
    adapter = Adapter(checkpoint=str(checkpoint), device="cpu")
    adapter.begin(Job(None, (), layout=name))  # type: ignore[arg-type]
    model, tokenizer = restore(checkpoint)
    image = picture(tmp_path, "a.png")
    encoder = model.encoders["image"]
    seen = model.project("image", model.see("image", encoder.tensor([encoder.prepare(image, "squash")])))  # type: ignore[operator]
    asked = (*TALK[:1], Message("user", (image, "What?")))
    prompt = adapter.asker.prompt(asked).ids
    (_, response), *_ = adapter.score([Score(asked, ("cat", ""))])
    for answer, logprob, count in zip(("cat", ""), response.logprobs, response.tokens):
        told = (*asked, Message("assistant", (answer,)))
        row = encode_messages(told, layout_called(name, tokenizer), tokenizer, model.config.slots)
        loss = float(model.loss(collate([row], model.config.slots), seen).detach())
        assert count == row.learnt and logprob == pytest.approx(-loss * count, abs=1e-3)
        assert prompt == row.ids[: len(prompt)] and len(prompt) + count == len(row)


@pytest.mark.parametrize("name", LAYOUTS)
@given(texts=st.lists(st.text(max_size=20), min_size=4, max_size=4), open_end=st.booleans())
def test_what_is_asked_is_how_what_is_learnt_begins(tokenizer: HubTokenizer, name: str, texts: list[str], open_end: bool) -> None:
    """The pieces of a question come first among those of the question with its answer, whatever is said in them."""
    layout = layout_called(name, tokenizer)
    system, question, answer, more = texts
    asked = (Message("system", (system,)), Message("user", (CLOUD, question)))
    told = (*asked, Message("assistant", (answer,)))
    short, long = pieces(asked, layout), pieces(told, layout, open_end=open_end)
    assert long[:-1] == short and long[-1].label is not open_end  # type: ignore[union-attr]
    again = (*told, Message("user", (more,)))
    labels = [piece for piece in pieces(again, layout) if isinstance(piece, Text) and piece.label]
    assert labels == [piece for piece in pieces(told, layout) if isinstance(piece, Text) and piece.label]


@pytest.mark.parametrize("name", LAYOUTS)
def test_only_answers_and_their_closings_are_learnt(tokenizer: HubTokenizer, name: str) -> None:
    layout = layout_called(name, tokenizer)
    row = encode_messages(TALK, layout, tokenizer, SLOTS)
    learnt = [label for label in row.labels if label != IGNORE]
    closing = layout.closing if layout.template else f"\n{layout.closing}"
    assert learnt == [*tokenizer.encode(f"A cat{closing}"), *tokenizer.encode(f"black{closing}")]


@pytest.mark.parametrize("name", LAYOUTS)
def test_turns_side_by_side_are_one_turn_conversations_in_every_layout(tokenizer: HubTokenizer, name: str) -> None:
    layout = layout_called(name, tokenizer)
    for media in ((IMAGE,), ()):
        talk = (TALK[0], Message("user", (*media, "What is it?")), *TALK[2:])
        row = encode_side_by_side(talk, layout, tokenizer, SLOTS)
        for number, (question, answer) in enumerate((("What is it?", talk[2]), ("Which colour?", talk[4])), start=1):
            single = encode_messages((talk[0], Message("user", (*media, question)), answer), layout, tokenizer, SLOTS)
            own = [i for i, segment in enumerate(row.segments) if segment in (0, number)]
            assert tuple(row.ids[i] for i in own) == single.ids
            assert tuple(row.positions[i] for i in own) == single.positions


def test_the_name_for_configs_is_the_training_layout() -> None:
    assert pieces(TALK, LAYOUTS["vicuna-v0"]) == pieces(TALK, LAYOUTS["training"])


def test_llama2_puts_upstreams_constants_into_upstreams_scheme() -> None:
    assert pieces(TALK, LAYOUTS["llama2"]) == (
        Text("[INST]<<SYS>>\nLook.\n<</SYS>>\n\n  [INST]: <Img>"),
        IMAGE,
        Text("</Img> What is it?\n  [/INST]:"),
        Text("A cat\n<s></s>", label=True),
        Text("[INST]: Which colour?\n  [/INST]:"),
        Text("black\n<s></s>", label=True),
    )


def test_a_chat_template_writes_everything_but_the_tags(tokenizer: HubTokenizer) -> None:
    assert pieces(TALK, layout_called("chat-template", tokenizer)) == (
        Text("<s><|system|>\nLook.<|end|>\n<|user|>\n<Img>"),
        IMAGE,
        Text("</Img> What is it?<|end|>\n<|assistant|>\n"),
        Text("A cat<|end|>", label=True),
        Text("\n<|user|>\nWhich colour?<|end|>\n<|assistant|>\n"),
        Text("black<|end|>", label=True),
    )


def test_without_media_a_chat_is_what_the_tokenizer_itself_makes_of_it(tokenizer: HubTokenizer) -> None:
    asked = (*TALK[:1], Message("user", ("What is it?",)))
    layout = layout_called("chat-template", tokenizer)
    messages = [{"role": m.role, "content": m.text} for m in asked]
    whole = tokenizer.inner.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert list(encode(pieces(asked, layout), tokenizer, {}, layout.bos).ids) == whole


def test_a_text_that_looks_like_a_mark_stays_a_text(tokenizer: HubTokenizer) -> None:
    layout = layout_called("chat-template", tokenizer)
    asked = (
        Message(
            "user",
            (IMAGE, "MARK0OFLAMM MARK1OFLAMM"),
        ),
    )
    assert pieces(asked, layout)[2] == Text("</Img> MARK0OFLAMM MARK1OFLAMM<|end|>\n<|assistant|>\n")


def test_a_template_without_a_system_role_gets_the_system_message_before_the_first_question(tmp_path: Path) -> None:
    chat = load_tokenizer(HubLlm(str(toy_llm(tmp_path / "llm", template=NO_SYSTEM))))
    out = pieces(TALK[:2], layout_called("chat-template", chat))
    assert out[0] == Text("<|user|>\nLook.\n\n<Img>") and out[2] == Text("</Img> What is it?<|end|>\n<|assistant|>\n")


def test_a_language_model_without_a_chat_template_is_a_clear_sentence(tmp_path: Path) -> None:
    folder = toy_hub_checkpoint(tmp_path / "checkpoint", toy_llm(tmp_path / "llm", template=None))
    with pytest.raises(BenchError, match="tokenizer has a chat template; this one has none"):
        Adapter(checkpoint=str(folder), device="cpu").begin(Job(None, (), layout="chat-template"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ messages[-1]['content'] }}{{ messages[-1]['content'] }}", "leaves out or repeats"),
        ("{% for m in messages %}[{{ m['content'] }}]{% endfor %}{{ 1 // 0 }}", "division|zero|modulo"),
        ("{% for m in messages %}{{ m['content'] }}{% if not loop.last %}|{% endif %}{% endfor %}!", "different ways"),
    ],
)
def test_a_template_that_cannot_be_used_is_a_clear_sentence(tmp_path: Path, template: str, said: str) -> None:
    chat = load_tokenizer(HubLlm(str(toy_llm(tmp_path / "llm", template=template))))
    with pytest.raises(BenchError, match=said):
        pieces(TALK, layout_called("chat-template", chat))


def test_generation_stops_where_the_layout_says(checkpoint: Path, tokenizer: HubTokenizer) -> None:
    assert LAYOUTS["training"].stops == LAYOUTS["classic"].stops == ("###",)
    assert LAYOUTS["llama2"].stops == ("<s></s>",)
    assert layout_called("chat-template", tokenizer).stops == ("<|end|>",)
    adapter = Adapter(checkpoint=str(checkpoint), device="cpu")
    asked = (Message("user", ("What?",)),)
    plain = bound(LAYOUTS["chat-template"], lambda m, invite: "".join(f"[{x['content']}]" for x in m) + "[" * invite)
    assert plain.closing == "]" and plain.stops == ("]",)
    adapter.asker.layout = plain
    whole = dict(adapter.generate([Generate(asked, max_new_tokens=30)]))[0]
    assert "]" not in whole.text and (whole.finish == "stop") == (whole.tokens[0] < 30)


def test_a_recipes_training_layout_is_the_checkpoints_own() -> None:
    assert layout_for("llama2", "training") == "llama2"
    assert layout_for("training", "chat-template") == "chat-template"
    with pytest.raises(
        BenchError, match="classic is upstream's way to ask Vicuna v0, and the checkpoint was trained with llama2"
    ):
        layout_for("llama2", "classic")
    with pytest.raises(BenchError, match="Did you mean 'llama2'"):
        layout_for("llama", "training")


def test_a_recipe_can_name_every_layout() -> None:
    text = "scenario: {{}}\ninstruction: {{layout: {}}}\ninferencer: {{name: direct}}\nmetric: {{}}\n"
    for name in LAYOUTS:
        assert parse_recipe(text.format(name), "r").instruction.layout == name
    with pytest.raises(BenchError, match="Did you mean 'vicuna-v0'"):
        parse_recipe(text.format("vicuna"), "r")
