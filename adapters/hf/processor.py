"""A model's processor, which prepares text and images together, with as much of it as a benchmark of images needs.

The Pillow image processors are named explicitly: with torchvision installed transformers would take others, whose pixels differ. Only
where there is no other one is torchvision's taken, and a note says so."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.remote.hub import silence

from .families import own_of
from .kind import json_of

UNSEEN = ("video", "audio", "feature_extractor")
"""Parts of a processor for media that are never shown here, in names of its arguments."""
NAMED = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")


class Absent:
    """Stands where a processor insists on a part for videos or sounds, and knows only what the model's files say of it.

    Without torchvision no video processor of transformers can exist; taken out of its class, the parts behind it slip one place forward."""

    def __init__(self, part: str, told: Mapping[str, Any]) -> None:
        self._part, self._told = part, dict(told)
        self.model_input_names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._told.get(name)

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise ValueError(f"hf-chat shows images, and has left out the {self._part.replace('_', ' ')}")


def load_processor(name: str, source: str, words: Mapping[str, Any], model_type: str) -> Any:
    """The model's processor. Raises `BenchError` where the files have none, or where it works with torchvision only."""
    from transformers import AutoProcessor

    made = processor_class(source, words, model_type)
    backend, here = own_of(model_type).backend, importlib.util.find_spec("torchvision") is not None
    only = (
        f"the images of {name} can be prepared by torchvision only: pip install -c constraints.txt 'lamm-bench[torchvision]' "
        "(docs/install.md says which version fits)"
    )
    if backend == "torchvision" and not here:
        raise BenchError(only)
    try:
        if made is None:  # code that comes with the model
            found = AutoProcessor.from_pretrained(source, backend=backend, **words)
        else:
            found = seeing(made).from_pretrained(source, backend=backend, **words)
    except Exception as error:
        if "torchvision" in str(error).lower() and not here:
            raise BenchError(only) from error
        raise
    if not callable(found) or not hasattr(found, "image_processor") and hasattr(found, "vocab_size"):
        raise BenchError(f"{name} has no processor, so nothing prepares its images")
    for method, word, file in files_for(name, source, model_type):
        setattr(found.image_processor, method, told(getattr(found.image_processor, method), word, file))
    return found


def told(method: Callable[..., Any], word: str, value: str) -> Callable[..., Any]:
    """The same method with one of its words given."""
    return lambda *parts, **words: method(*parts, **{**words, word: value})


def processor_class(source: str, words: Mapping[str, Any], model_type: str) -> Any:
    """The class that the model's files name, else the one of its type; None when transformers has neither."""
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    names = [json_of(source, file, words.get("revision")).get("processor_class") for file in NAMED]
    names.append(PROCESSOR_MAPPING_NAMES.get(model_type))
    return next((getattr(transformers, name) for name in names if name and hasattr(transformers, name)), None)


def seeing(made: Any) -> Any:
    """The same class of processor, with `Absent` in place of its parts for videos, and of parts for sounds that cannot be had."""
    if not hasattr(made, "get_attributes"):  # Not a processor of several parts, as the file of a text model may name
        return made
    parts = tuple(made.get_attributes())

    def arguments(cls: Any, source: str, processor_dict: Any = None, **words: Any) -> list[Any]:
        found: list[Any] = []
        for part in parts:
            told = part_settings(source, part, processor_dict or {}, words)
            if "video" in part:
                found.append(Absent(part, told))
                continue
            one: Any = type(made.__name__, (made,), {"get_attributes": classmethod(lambda _, part=part: [part])})
            try:
                found += one._get_arguments_from_pretrained(source, processor_dict, **words)
            except Exception:
                if not any(word in part for word in UNSEEN):
                    raise
                found.append(Absent(part, told))
        return found

    def check(self: Any, name: str, argument: Any) -> Any:
        return Absent if isinstance(argument, Absent) else made.check_argument_for_proper_class(self, name, argument)

    changed = {
        "_get_arguments_from_pretrained": classmethod(arguments),
        "check_argument_for_proper_class": check,
        "__repr__": object.__repr__,  # transformers' own makes JSON of all parts
    }
    return type(made.__name__, (made,), {"get_attributes": classmethod(lambda _: list(parts)), **changed})


def part_settings(source: str, part: str, processor_dict: Mapping[str, Any], words: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a model's files say of a part for videos or sounds."""
    revision = words.get("revision")
    files = ("video_preprocessor_config.json", "preprocessor_config.json") if "video" in part else ("preprocessor_config.json",)
    found = [processor_dict.get(part), *(json_of(source, file, revision) for file in files)]
    return next((told for told in found if isinstance(told, Mapping) and told), {})


def files_for(name: str, source: str, model_type: str) -> Iterator[tuple[str, str, str]]:
    """Files of other repositories that the processor would fetch with each question, and by which method and word of its image processor.

    They are taken from beside the model, or from the hub. Raises `BenchError` where one is not to be had."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    for place, address in own_of(model_type).files.items():
        method, _, word = place.partition(".")
        repo, _, file = address.rpartition("/")
        beside, kept = Path(source) / file, try_to_load_from_cache(repo, file)
        if beside.is_file():
            yield method, word, str(beside)
        elif isinstance(kept, str):
            yield method, word, kept
        elif why := silence(repo, file=file):
            raise BenchError(
                f"{name} needs {file} of the repository {repo}, and the hub cannot be asked ({why}): put it beside the model"
            )
        else:
            yield method, word, hf_hub_download(repo, file)


def notes_of(processor: Any) -> tuple[str, ...]:
    """What a reader of the manifest should know about how images are prepared."""
    image = getattr(processor, "image_processor", None)
    parents = [one.__name__ for one in type(image).__mro__]
    if "TorchvisionBackend" in parents:
        return ("its images are prepared by torchvision, since transformers has no Pillow processor that serves",)
    return ()
