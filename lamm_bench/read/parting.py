"""A thought and an answer in one text, told apart by the marks between which models think.

Nothing is lost and nothing is guessed: what is no mark is in the answer or in the thought, a text without marks stays what it is,
and a thought that does not end leaves no answer. To teach it another pair of marks, add it to WELL_KNOWN with its source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from lamm_bench.errors import BenchError
from lamm_bench.types import Answer, Response

SPLIT = "..."  # stands between the two marks of a setting: <think>...</think>
CONTROL = re.compile(
    r"<\|(?:end|start|return|message|im_start|im_end|eot_id|endoftext|assistant|user|START_RESPONSE|END_RESPONSE"
    r"|begin_of_solution|end_of_solution)\|>(?:assistant\b)?|</?s>|<(?:end_of_turn|eos|pad)>|\[/?INST\]"
)

LEADING = re.compile(rf"\A(?:\s+|{CONTROL.pattern})*")


@dataclass(frozen=True)
class Marks:
    """The patterns of what opens a thought and of what ends it. Without `opening` the prompt has opened it already."""

    opening: str
    closing: str
    openings: tuple[str, ...] = ()  # how opening ones are written, for texts of which only the beginning is there yet
    written: str = ""  # how the closing one is written where a thought has to be ended for the model


def pair(opening: str, closing: str) -> Marks:
    """Marks that are written just so."""
    return Marks(re.escape(opening), re.escape(closing), (opening,) if opening else (), closing)


WELL_KNOWN = (
    pair("<think>", "</think>"),  # DeepSeek-R1, Qwen3 and Qwen3-VL, GLM-4.5V, MiMo-VL: chat_template of each
    pair("<thinking>", "</thinking>"),
    pair("<thought>", "</thought>"),
    pair("[THINK]", "[/THINK]"),  # Magistral: mistral_common, SpecialTokens.begin_think
    pair("◁think▷", "◁/think▷"),  # Kimi-VL-Thinking, model card
    pair("<seed:think>", "</seed:think>"),  # Seed-OSS, chat_template
    pair("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, Open-R1
    pair("<|START_THINKING|>", "<|END_THINKING|>"),  # Cohere's Command A Reasoning
    # Gemma 4: transformers, cli/serving/utils.py, _RESPONSE_TEMPLATE_FALLBACKS
    Marks(r"<\|channel>thought\b\n?", r"<channel\|>", ("<|channel>thought",), "<channel|>"),
    Marks(  # gpt-oss: OpenAI's harmony response format
        r"<\|channel\|>\s?(?:analysis|commentary)\b[^<]{0,80}<\|message\|>",
        r"<\|channel\|>\s?final\b(?:\s?<\|constrain\|>\w+)?<\|message\|>",
        ("<|channel|>analysis<|message|>", "<|channel|>commentary<|message|>"),
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
)
BEGINNINGS = frozenset(written[0] for one in WELL_KNOWN for written in (*one.openings, one.written))


@dataclass(frozen=True)
class Parted:
    """What was thought and what was said."""

    answer: str
    thought: str = ""
    open: bool = False  # the thought has not ended, so that there is no answer
    end: int = 0  # how many characters of the text stand before the end of the last thought

    @property
    def found(self) -> bool:
        """Whether there were any marks."""
        return self.open or self.end > 0


def part(text: str, marks: Sequence[Marks] = WELL_KNOWN, opened: bool = False) -> Parted:
    """The answer and the thought in a text. `opened`: the prompt has ended with the mark that opens a thought.

    What stands behind the last thought is the answer; where nothing stands there, what stands outside of all thoughts. A mark
    that ends a thought which nothing has opened ends one that the prompt had opened.

    >>> part("<think>Is it A? No.</think>B"), part("B")
    (Parted(answer='B', thought='Is it A? No.', open=False, end=27), Parted(answer='B', thought='', open=False, end=0))
    >>> part("Hm, A?\\n</think>\\n\\nB").answer, part("B <think>it is green</think>").answer, part("<think>It may be A, but").open
    ('\\n\\nB', 'B ', True)
    >>> part("It may be A, but", opened=True)
    Parted(answer='', thought='It may be A, but', open=True, end=16)
    """
    pieces: list[tuple[bool, str]] = []  # (whether it was thought between two marks, text), in order
    standing = ANY if opened or always_opened(marks) is not None else NONE
    at = end = 0
    for start, stop, number, opens in tags(text, marks):
        if opens and standing == NONE:
            pieces.append((False, text[at:start]))
            standing = number
        elif not opens and standing in (NONE, ANY, number):
            pieces.append((True, text[at:start]))
            standing, end = NONE, stop
        else:
            continue  # a mark inside of another thought is thought
        at = stop
    if standing != NONE:
        return Parted("", joined([*(piece for _, piece in pieces), text[at:]]), True, len(text))
    if not end:
        return Parted(text)
    if text[at:].strip():
        return Parted(CONTROL.sub("", text[at:]), joined([piece for _, piece in pieces]), False, end)
    outside = "".join(piece for thought, piece in pieces if not thought)
    return Parted(CONTROL.sub("", outside), joined([piece for thought, piece in pieces if thought]), False, end)


def always_opened(marks: Sequence[Marks]) -> Marks | None:
    """The marks of which the prompt, by the user's word, always writes the opening one."""
    return next((one for one in marks if not one.opening), None)


def thought_apart(response: Response, marks: Sequence[Marks] = WELL_KNOWN, opened: bool = False) -> Response:
    """The same with what is marked as a thought in `reasoning`; one that does not end leaves no answer, whatever the model says.

    >>> said = thought_apart(Response("<think>A?</think> B"))
    >>> said.text, said.reasoning, thought_apart(Response("<think>A?")).finish
    ('B', 'A?', 'length')
    """
    found = part(response.text, marks, opened)
    if response.error is not None or not found.found:
        return response
    thought = "\n\n".join(text for text in (response.reasoning, found.thought) if text)
    return replace(response, text=found.answer.strip(), reasoning=thought, finish="length" if found.open else response.finish)


def thinks_on(answer: Answer) -> bool:
    """Whether an answer, or that to one of its parts, is a thought which does not end.

    >>> thinks_on("<think>It may be A, but"), thinks_on({"nose": "(0.1, 0.2)", "hand": "<think>Hm"}), thinks_on("B")
    (True, True, False)
    """
    return any(part(text).open for text in ([answer] if isinstance(answer, str) else answer.values()))


NONE, ANY = -1, -2  # which pair's thought is open: no one's, or that of a prompt, which any mark may end


def tags(text: str, marks: Sequence[Marks]) -> Iterator[tuple[int, int, int, bool]]:
    """Where the marks stand: start, end, the number of their pair, and whether it opens."""
    if not marks or (marks is WELL_KNOWN and not any(sign in text for sign in BEGINNINGS)):
        return
    for found in pattern(tuple(marks)).finditer(text):
        kind, _, number = (found.lastgroup or "").partition("_")
        yield found.start(), found.end(), int(number), kind == "opens"


@lru_cache(maxsize=32)
def pattern(marks: tuple[Marks, ...]) -> re.Pattern[str]:
    """All marks in one pattern, longest first within a kind, so that none hides behind its own beginning."""
    named = [(one.opening, f"opens_{number}") for number, one in enumerate(marks) if one.opening]
    named += [(one.closing, f"closes_{number}") for number, one in enumerate(marks)]
    return re.compile("|".join(f"(?P<{name}>{source})" for source, name in sorted(named, key=lambda n: -len(n[0]))), re.I)


def joined(pieces: Sequence[str]) -> str:
    """Thoughts as one text, without the control tokens of chat formats."""
    bare = (CONTROL.sub("", piece).strip() for piece in pieces)
    return "\n\n".join(piece for piece in bare if piece)


def opened_by(prompt: str, marks: Sequence[Marks] = WELL_KNOWN) -> Marks | None:
    """The marks whose thought a prompt leaves open: templates of thinking models end with the mark that opens one.

    >>> opened_by("<|im_start|>assistant\\n<think>\\n") == WELL_KNOWN[0], opened_by("What does <think> mean?\\nassistant:")
    (True, None)
    """
    bare = prompt.rstrip()
    last = next((tag for tag in reversed(list(tags(bare[-200:], marks)))), None)
    return marks[last[2]] if last is not None and last[3] and last[1] == len(bare[-200:]) else None


def begun_by(text: str, marks: Sequence[Marks] = WELL_KNOWN) -> Marks | None:
    """The marks of the thought with which a text begins; None where it begins with none.

    >>> begun_by(" <think>A") == WELL_KNOWN[0], begun_by("It is <think>"), begun_by("B</think>")
    (True, None, None)
    """
    bare = LEADING.sub("", text)
    first = next(tags(bare, marks), None)
    return marks[first[2]] if first is not None and first[0] == 0 and first[3] else None


def may_begin(text: str, marks: Sequence[Marks] = WELL_KNOWN) -> bool:
    """Whether more of a text may yet show that it begins with a thought.

    >>> may_begin("<thi"), may_begin("\\n"), may_begin("B"), may_begin("<th>")
    (True, True, False, False)
    """
    bare = LEADING.sub("", text).lower()
    return not bare or any(word.lower().startswith(bare) for one in marks for word in one.openings)


def closed_only(text: str, marks: Sequence[Marks] = WELL_KNOWN) -> Marks | None:
    """The marks of a thought that a text ends without having opened it; None where it does not.

    >>> closed_only("Is it A?</think>B") == WELL_KNOWN[0], closed_only("<think>Is it A?</think>B"), closed_only("B")
    (True, None, None)
    """
    first = next(tags(text, marks), None)
    return marks[first[2]] if first is not None and not first[3] else None


def chosen(setting: str) -> tuple[Marks, ...]:
    """The marks of a `thinking=` setting: empty for the well-known ones, `none`, or two marks with three dots between.

    Raises `BenchError`.

    >>> chosen("<r>...</r>") == (pair("<r>", "</r>"),), chosen("...</r>")[0].opening, chosen("none"), chosen("") == WELL_KNOWN
    (True, '', (), True)
    """
    if not setting:
        return WELL_KNOWN
    if setting == "none":
        return ()
    opening, dots, closing = (word.strip() for word in setting.partition(SPLIT))
    if not dots or not closing or SPLIT in closing:
        raise BenchError(
            f"thinking={setting} names no marks; expected the one that opens a thought, three dots and the one that ends it, as in "
            "thinking=<think>...</think> (...</think> where the prompt opens it), or none"
        )
    return (pair(opening, closing),)
