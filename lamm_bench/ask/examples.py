"""Examples in context, as a recipe says them: `instruction.examples`, and what a conversation looks like with them.

Which samples are shown is chosen in `shots.py`. `form` says how: `turns` are earlier turns of the conversation, each with its own
media, question and answer; `text` is ChEF's form (reference 2.7): everything in one message, all media in front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.types import Media, Message

from .instruction import Prompt

RETRIEVERS = ("random", "fixed", "topk_text", "topk_image")
FORMS = ("turns", "text")
RULES = ("standard", "chef")


@dataclass(frozen=True)
class Examples:
    """How many solved samples of the same task stand before each question, and which. Without `count` there are none."""

    count: int = 0
    retriever: str = "random"
    form: str = "turns"
    embedder: Any = ""  # of topk_*: a name, or `name` with its settings; empty: built in (embedding.py)
    seed: int = 0
    ids: Any = ()  # of `fixed`: the examples by their samples' ids (under `rules: chef` by their places in the file)
    rules: str = "standard"  # `chef`: upstream's draws, by which a sample may be its own example
    batch: int = 1  # of `rules: chef`: the batch size, which there decides whose examples the last samples get

    def identity(self) -> dict[str, Any]:
        """What is otherwise than the default, so that a key which comes later is no other way to ask."""
        own = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return {key: value for key, value in own.items() if value != default_of(key)}

    @property
    def embedder_name(self) -> str:
        return str(self.embedder.get("name", "")) if isinstance(self.embedder, Mapping) else str(self.embedder)

    @property
    def embedder_settings(self) -> dict[str, Any]:
        return {key: value for key, value in self.embedder.items() if key != "name"} if isinstance(self.embedder, Mapping) else {}

    @property
    def names(self) -> tuple[str, ...]:
        """`ids` as samples have them: texts."""
        return tuple(map(str, self.ids))

    @property
    def told(self) -> str:
        """In a few words, for people."""
        drawn = f", seed {self.seed}" if self.retriever in ("random", "fixed") and not self.ids else ""
        return f"{self.count} {self.retriever}{drawn}, as {self.form}" + (", by ChEF's rules" if self.rules == "chef" else "")


def default_of(key: str) -> Any:
    return next(spec.default for spec in fields(Examples) if spec.name == key and spec.default is not MISSING)


def check_examples(examples: Examples, where: str) -> None:
    """Refuses settings that say nothing, or contradict each other. Raises `BenchError`."""
    for key, known in (("retriever", RETRIEVERS), ("form", FORMS), ("rules", RULES)):
        if getattr(examples, key) not in known:
            raise unknown(f"{key} in examples of {where}", getattr(examples, key), known)
    if examples.count < 0:
        raise BenchError(f"{where}: `count` of examples is {examples.count}, expected 0 or more")
    ids = examples.ids
    if not isinstance(ids, list | tuple) or not all(isinstance(one, str | int) and not isinstance(one, bool) for one in ids):
        raise BenchError(f"{where}: `ids` of examples is {ids!r}, expected a list of sample ids")
    if len(set(examples.names)) < len(ids):
        raise BenchError(f"{where}: `ids` of examples names one twice")
    if ids and examples.retriever != "fixed":
        raise BenchError(f"{where}: `ids` of examples go with `retriever: fixed`, and it is {examples.retriever}")
    if ids and len(ids) < examples.count:
        raise BenchError(f"{where}: `ids` of examples names {len(ids)}, and `count` is {examples.count}")
    check_embedder(examples, where)
    if examples.batch < 1 or (examples.batch > 1 and examples.rules != "chef"):
        raise BenchError(
            f"{where}: `batch` of examples is {examples.batch}; expected a number from 1 on, with `rules: chef`, where it moves them"
        )
    if examples.rules == "chef" and not all(one.isascii() and one.isdigit() for one in examples.names):
        raise BenchError(f"{where}: `ids` of examples under `rules: chef` are places in the file, numbers from 0 on")


def check_embedder(examples: Examples, where: str) -> None:
    embedder = examples.embedder
    if isinstance(embedder, Mapping):
        if not isinstance(embedder.get("name"), str) or not embedder["name"]:
            raise BenchError(f"{where}: `embedder` of examples needs a `name`, and may have settings of that embedder beside it")
    elif not isinstance(embedder, str):
        raise BenchError(f"{where}: `embedder` of examples is {embedder!r}, expected a name, or a mapping with `name`")
    if embedder and not examples.retriever.startswith("topk"):
        raise BenchError(
            f"{where}: `embedder` of examples goes with topk_text and topk_image, and `retriever` is {examples.retriever}"
        )


@dataclass(frozen=True)
class Shot:
    """One example as it is shown: its question as it would be asked, with its media, the question alone, and its answer."""

    asked: Message
    question: str
    answer: str


def with_examples(prompt: Prompt, shots: Sequence[Shot], form: str) -> Prompt:
    """The opening of a dialogue with solved examples before its question.

    As `text`, an example is its bare question, a line break and its answer; examples are joined by line breaks, and the query follows the
    last one directly (ChEF's HEAD, reference 2.7 and 9.4)."""
    if not shots:
        return prompt
    *before, query = prompt.messages
    if form == "turns":
        turns = [turn for shot in shots for turn in (shot.asked, Message("assistant", (shot.answer,)))]
        return replace(prompt, messages=(*before, *turns, query))
    media = tuple(part for shot in shots for part in shot.asked.parts if isinstance(part, Media))
    own = tuple(part for part in query.parts if isinstance(part, Media))
    told = "\n".join(f"{shot.question}\n{shot.answer}" for shot in shots)
    # where the model reasons first, it is asked to behind the bare question: the examples stand before that, too
    raw = told + prompt.raw if prompt.raw else ""
    return replace(prompt, messages=(*before, Message("user", (*media, *own, told + query.text))), raw=raw)
