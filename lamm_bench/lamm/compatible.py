"""What fits together badly, in words: a Vicuna that is not v0, a tokenizer that does not belong to its language model.

None of it stops a run; all of it stands in the run's manifest under `notes`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .config import HubLlm, LammConfig
from .hub_tokenizer import HubTokenizer, load_tokenizer
from .llm import place_of, read_config

SEPARATOR = (835,)
"""`▁###` in LLaMA's vocabulary, which upstream stops at (reference 3.5)."""
VICUNA_0 = 32001
"""Entries of Vicuna v0, to which FastChat's apply_delta added a padding token behind LLaMA's 32,000; v1.1 took it back."""
VICUNA_LAYOUTS = ("training", "vicuna-v0", "classic")
LATER = re.compile(r"vicuna.*?v(?:ersion)?[-_ ]?(1(?:[._]\d+)?)", re.IGNORECASE)


def warnings_of(config: LammConfig, folder: Path) -> list[str]:
    """One sentence for each thing that fits badly; empty for the built-in baseline."""
    if not isinstance(config.llm, HubLlm):
        return []
    place = place_of(config.llm, folder)
    llm = read_config(place)
    tokenizer = load_tokenizer(config.llm, folder)
    found = list(tokenizer_faults(tokenizer, llm, str(place)))
    if "upstream" in config.notes and config.layout in VICUNA_LAYOUTS:
        found += vicuna_faults(tokenizer, llm, str(place))
    return found


def tokenizer_faults(tokenizer: HubTokenizer, llm: Any, place: str) -> Iterator[str]:
    """Where the tokenizer and the model's config disagree."""
    if len(tokenizer) > llm.vocab_size:
        yield (
            f"the tokenizer of {place} has {len(tokenizer)} tokens and the language model {llm.vocab_size} embeddings: "
            "a text with one of the others cannot be asked"
        )
    for name in ("bos", "eos"):
        said = getattr(llm, f"{name}_token_id", None)
        ids = said if isinstance(said, list) else [said]
        own = getattr(tokenizer, name)
        if said is not None and own is not None and own not in ids and own not in tokenizer.ends.intersection(ids):
            yield f"the tokenizer of {place} has {name} {own}, the language model's config says {said}"


def vicuna_faults(tokenizer: HubTokenizer, llm: Any, place: str) -> Iterator[str]:
    """What upstream's checkpoints, trained on Vicuna v0, would not find as it was (reference 3.1, 3.5, 3.8)."""
    if llm.model_type != "llama":
        yield f"the checkpoint is upstream's, trained on Vicuna v0, and {place} is a {llm.model_type}, not a LLaMA"
        return
    later = LATER.search(f"{place} {getattr(llm, '_name_or_path', '')}")
    if later:
        yield (
            f"{place} calls itself Vicuna v{later[1].replace('_', '.')}; LAMM's checkpoints belong to Vicuna v0, and later "
            "versions have other separators and another tokenizer"
        )
    elif llm.vocab_size != VICUNA_0:
        yield (
            f"{place} has {llm.vocab_size} embeddings; Vicuna v0 has {VICUNA_0}, and LLaMA and later Vicunas 32000: "
            "check that it is the v0 that the checkpoint was trained on"
        )
    if tokenizer.encode("###") != SEPARATOR:
        yield f"the tokenizer of {place} reads `###` as {list(tokenizer.encode('###'))}, LLaMA's as {list(SEPARATOR)}"
    if tokenizer.pad != tokenizer.eos:
        yield f"the tokenizer of {place} pads with {tokenizer.pad}; upstream pads with the end of sequence, {tokenizer.eos} (masked here)"
