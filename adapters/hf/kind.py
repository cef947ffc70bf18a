"""Whether a model has eyes, and by which class of transformers it is loaded. One that has never becomes a blind control by itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal, Protocol

from lamm_bench.errors import BenchError

Kind = Literal["vision", "text"]
EYES = re.compile(r"vision|visual|image|img_|mm_projector|pixel")
"""In names of a config's settings; no language model of transformers has one of them."""
IMAGE_FILES = ("preprocessor_config.json", "processor_config.json")
BLIND = "--set images=none asks it without its pictures, on purpose"


class Model(Protocol):
    """What is asked of the settings here."""

    model: str
    images: str

    @property
    def place(self) -> tuple[str, dict[str, Any]]:
        """Folder or repository, and the keywords of `from_pretrained`."""


def kind_of(settings: Model, config: Any) -> Kind:
    """`vision` for a model that is shown its images, `text` for one that is shown nothing. Raises `BenchError` for others."""
    if settings.images == "none":
        auto_class(settings, config)
        return "text"
    if auto_class(settings, config) == "AutoModelForImageTextToText":
        return "vision"
    eyes = eyes_of(config, settings.place[0])
    if not eyes:
        return "text"
    if has_processor(settings, config):
        return "vision"
    raise BenchError(
        f"{settings.model} has eyes ({eyes}), but its files name no processor (AutoProcessor) that prepares images for it, so hf-chat "
        f"cannot show it any: take a version of it for transformers (often named ...-hf), or serve it and ask openai-chat; {BLIND}"
    )


def auto_class(settings: Model, config: Any) -> str:
    """The class of transformers that loads the model. Raises `BenchError` when there is none."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    )

    remote = getattr(config, "auto_map", None) or {}
    for name, listed in (
        ("AutoModelForImageTextToText", MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES),
        ("AutoModelForCausalLM", MODEL_FOR_CAUSAL_LM_MAPPING_NAMES),
    ):
        if config.model_type in listed or name in remote:
            return name
    raise BenchError(
        f"{settings.model} is a model of type '{config.model_type}', which transformers knows neither as an image-text-to-text "
        "model nor as a causal language model"
    )


def eyes_of(config: Any, source: str) -> str:
    """What of a model's files tells that it sees; empty when nothing does."""
    for key, value in config.to_dict().items():
        if EYES.search(key) and value is not None:
            return f"`{key}` in config.json"
    for name in IMAGE_FILES:
        told = json_of(source, name)
        if any(EYES.search(key) for key in told) or "AutoImageProcessor" in (told.get("auto_map") or {}):
            return name
    return ""


def has_processor(settings: Model, config: Any) -> bool:
    """Whether something prepares text and images together for it: a class of transformers, or code that comes with the model."""
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    maps = [getattr(config, "auto_map", None) or {}]
    maps += [json_of(settings.place[0], name).get("auto_map") or {} for name in (*IMAGE_FILES, "tokenizer_config.json")]
    return config.model_type in PROCESSOR_MAPPING_NAMES or any("AutoProcessor" in found for found in maps)


def json_of(source: str, name: str, revision: str | None = None) -> dict[str, Any]:
    """A JSON file of a model; empty where it is absent or damaged, which is told when the part itself is loaded."""
    from transformers.utils import cached_file

    try:
        path = cached_file(source, name, revision=revision)
        found = json.loads(Path(str(path)).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
