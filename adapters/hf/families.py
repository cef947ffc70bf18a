"""What some families need that their checkpoints do not tell: how a question is written, and how their processor is called.

The data stand in families.json, each with its source. To add a family, add its model type there: `turns` are the words around a
conversation (see TURNS) for those without a chat template, without `image` where processor or model put pictures into their place;
`image` what stands for a picture where a template takes plain text only; `images` how the processor takes pictures; `backend` with what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

TURNS: Mapping[str, str | bool] = {
    "default": "",  # opens a conversation that has no system message
    "system": "",  # before a system message
    "user": "",
    "assistant": "",
    "image": "",  # for a picture
    "first": False,  # whether pictures come before the text of their message, wherever they stood
    "end": "",  # behind each message
    "between": "",  # between two of them
    "answer": "",  # where the assistant begins
}
SKELETON = (
    "{% set words = WORDS %}{% macro shown(message, kinds) %}{% if message['content'] is string %}{{ message['content'] if 'text' in kinds }}"
    "{% else %}{% for part in message['content'] %}{% if part['type'] in kinds %}{{ words['image'] if part['type'] == 'image' else part['text'] }}"
    "{% endif %}{% endfor %}{% endif %}{% endmacro %}"
    "{% if messages[0]['role'] != 'system' %}{{ words['default'] }}{% endif %}"
    "{% for message in messages %}{{ words[message['role']] }}"
    "{% if words['first'] %}{{ shown(message, ['image']) }}{{ shown(message, ['text']) }}{% else %}{{ shown(message, ['image', 'text']) }}{% endif %}"
    "{{ words['end'] }}{% if not loop.last %}{{ words['between'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt and words['answer'] %}{{ words['between'] }}{{ words['answer'] }}{% endif %}"
)
Taken = Literal["nested", "flat", "mixed"]


@dataclass(frozen=True)
class Own:
    """What is known of a family."""

    source: str = ""
    turns: Mapping[str, str | bool] = field(default_factory=dict)
    image: str = ""  # `{}` in it is the picture's number, from 1
    images: Taken = (
        "nested"  # nested: a list for each text; flat: one a text, all in one list; mixed: texts and pictures in one list
    )
    backend: Literal["pil", "torchvision"] = "pil"  # what prepares its pictures
    files: Mapping[str, str] = field(
        default_factory=dict
    )  # of other repositories, by the method and the word of its image processor that want them

    @property
    def adds_images(self) -> bool:
        """Whether its processor or the model itself puts a picture into its place, so that no text stands for it."""
        return bool(self.turns) and not self.turns.get("image")

    @property
    def template(self) -> str:
        """A Jinja chat template; empty for a family that has one of its own."""
        return SKELETON.replace("WORDS", json.dumps({**TURNS, **self.turns})) if self.turns else ""


@cache
def families() -> Mapping[str, Own]:
    """By model type."""
    told = json.loads((Path(__file__).parent / "families.json").read_text(encoding="utf-8"))
    return {name: Own(**data) for name, data in told.items()}


def own_of(model_type: str) -> Own:
    return families().get(model_type, Own())
