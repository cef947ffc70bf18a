"""Any tokenizer of transformers, as the model asks one: pieces without special tokens, and the end of an answer."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError

from .config import HubLlm
from .layouts import Render
from .llm import Place, explained, place_of


class HubTokenizer:
    """A `Tokenizer` around one of transformers. Special tokens that stand in a text are read as such, as upstream reads them."""

    def __init__(self, tokenizer: Any, name: str, ends: Iterable[int] = ()) -> None:
        self.inner = tokenizer
        self.name = name
        self.bos: int | None = tokenizer.bos_token_id
        self.ends = frozenset(id for id in (tokenizer.eos_token_id, *ends) if id is not None)
        if not self.ends:
            raise BenchError(f"the tokenizer of {name} has no end-of-sequence token; answers would never end")
        self.eos: int = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else min(self.ends)
        self.pad: int = self.eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self.render: Render | None = self._render if tokenizer.chat_template else None
        self._known: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.inner)

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of one piece; remembered, since most pieces of a benchmark recur."""
        known = self._known.get(text)
        if known is None:
            known = tuple(self.inner.encode(text, add_special_tokens=False))
            if len(self._known) < 200_000:
                self._known[text] = known
        return known

    def decode(self, ids: Iterable[int]) -> str:
        return str(self.inner.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _render(self, messages: Sequence[dict[str, str]], invite: bool) -> str:
        try:
            return str(self.inner.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=invite))
        except Exception as error:  # whatever a template raises by itself: that there is no system role, for instance
            raise BenchError(f"{str(error).splitlines()[0] if str(error) else type(error).__name__}") from None


def load_tokenizer(llm: HubLlm, base: Path | None = None) -> HubTokenizer:
    """The tokenizer that lies with a language model."""
    from transformers import AutoTokenizer

    place = place_of(llm, base)
    check_sentencepiece(place)
    with explained(f"the tokenizer of the language model {place}"):
        tokenizer = AutoTokenizer.from_pretrained(place.name, **place.keywords)
    return HubTokenizer(tokenizer, str(place), end_ids(place))


def check_sentencepiece(place: Place) -> None:
    """Old LLaMA folders have a SentencePiece file alone; without its library transformers asks for another one by mistake."""
    folder = Path(place.name)
    alone = (folder / "tokenizer.model").is_file() and not (folder / "tokenizer.json").is_file()
    missing = [name for name in ("sentencepiece", "google.protobuf") if not installed(name)]
    if alone and missing and not place.gguf:
        raise BenchError(f"reading {folder / 'tokenizer.model'} needs sentencepiece: pip install 'lamm-bench[sentencepiece]'")


def installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def end_ids(place: Place) -> list[int]:
    """What the model's generation config calls ends beside the tokenizer's own: Llama 3 ends a turn with another token."""
    from transformers import GenerationConfig

    if place.gguf:
        return []
    try:
        found = GenerationConfig.from_pretrained(place.name, **{k: v for k, v in place.keywords.items() if k == "revision"})
    except OSError:  # most folders have none
        return []
    ends = found.eos_token_id
    return list(ends) if isinstance(ends, list) else [] if ends is None else [ends]
