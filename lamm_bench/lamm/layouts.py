"""How a conversation is written down, as data: what stands around the turns, and what ends an answer.

`training` is how upstream trains Vicuna v0, `classic` how its evaluation asks (reference 3.5); `vicuna-v0` is another name of
the first, for configs. `llama2` is the same scheme with the constants of upstream's LLaMA-2 template. `chat-template` leaves
all of it to the tokenizer (chat.py).

To add a layout, add a `Layout` to LAYOUTS; tests/test_lamm_layouts.py then holds its laws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lamm_bench.errors import BenchError, unknown
from lamm_bench.media import many, modality
from lamm_bench.types import Media, Message


def tags_of(kind: str) -> tuple[str, str]:
    """What stands around the tokens of a kind of media: plain text, no new vocabulary (reference 3.2)."""
    tags = modality(kind).tags
    if tags is None:
        raise BenchError(f"the LAMM model has no tags for {many(kind)}; their modality must say `tags` (docs/extending.md)")
    return tags


Render: TypeAlias = Callable[[Sequence[dict[str, str]], bool], str]
"""A tokenizer's chat template: messages of `role` and `content`, and whether the assistant is invited to go on."""


@dataclass(frozen=True)
class Layout:
    """What stands around the turns of a conversation."""

    name: str
    system_first: bool = True  # before the first media (upstream's training); else after it, with a nested human turn
    human: str = "Human"
    assistant: str = "Assistant"
    separator: str = "###"  # before a role's name
    closing: str = "###"  # ends each answer, behind a line break; learnt with it
    system: str = "{system}\n\n"  # how the system message is wrapped
    stops: tuple[str, ...] = ("###",)  # texts before which generation ends; the tokenizer's end tokens end it too
    bos: bool = True  # whether a BOS token comes first; a chat template writes its own
    template: bool = False  # written by the tokenizer's chat template
    render: Render | None = None  # that template, once the tokenizer is known (encode.layout_called)


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("training"),
        Layout("vicuna-v0"),
        Layout("classic", system_first=False),
        Layout(
            "llama2",
            human="[INST]",
            assistant="[/INST]",
            separator=" ",
            closing="<s></s>",
            system="[INST]<<SYS>>\n{system}\n<</SYS>>\n\n",
            stops=("<s></s>",),
        ),
        Layout("chat-template", closing="", stops=(), bos=False, template=True),
    )
}


@dataclass(frozen=True)
class Text:
    """A piece that is tokenised on its own; `label` says that it is the assistant's and learnt."""

    text: str
    label: bool = False


Piece: TypeAlias = Text | Media


def layout_for(trained: str, asked: str) -> str:
    """The layout to ask a checkpoint in: `training` means the one that it was trained with.

    >>> layout_for("llama2", "training"), layout_for("training", "classic")
    ('llama2', 'classic')
    """
    for name in (trained, asked):
        if name not in LAYOUTS:
            raise unknown("layout", name, LAYOUTS)
    if asked == "training":
        return trained
    if asked == "classic" and trained not in ("training", "vicuna-v0", "classic"):
        raise BenchError(
            f"the recipe's layout classic is upstream's way to ask Vicuna v0, and the checkpoint was trained with {trained}; "
            "use a recipe with layout: training"
        )
    return asked


def split_system(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """The system text and the turns, which must alternate and begin with the user."""
    system, turns = "", list(messages)
    if turns and turns[0].role == "system":
        system, turns = turns[0].text, turns[1:]
    for index, turn in enumerate(turns):
        expected = "assistant" if index % 2 else "user"
        if turn.role != expected:
            raise BenchError(f"turn {index} of a conversation is the {turn.role}'s, expected the {expected}'s")
    if not turns:
        raise BenchError("a conversation has no turn of the user")
    return system, turns
