"""Finds, loads and names a model of transformers. Everything that can be wrong with it is one sentence here.

The Pillow image processors are named explicitly: with torchvision installed transformers would take others, whose pixels differ."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import MOST
from lamm_bench.remote.hub import cached

HASHED = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".json", ".jinja", ".model", ".txt", ".py")
"""Files of a model's folder that its answers may depend on."""


class Settings(Protocol):
    """The `--set` options that loading needs."""

    model: str
    device: str
    dtype: str
    attn: str
    revision: str
    template: str
    gguf: str
    device_map: str
    trust_remote_code: bool
    threads: int

    @property
    def place(self) -> tuple[str, dict[str, Any]]:
        """What `place` has found."""


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to be asked."""

    name: str
    model: Any
    tokenizer: Any
    processor: Any  # None for a text-only model
    folder: Path | None  # where its files are
    window: int  # the most tokens it was made for; 0 when its config does not say
    ends: tuple[int, ...]  # tokens that end an answer

    @property
    def vision(self) -> bool:
        return self.processor is not None

    @property
    def exact(self) -> bool:
        return str(self.model.dtype) == "torch.float32"


def place(settings: Settings) -> tuple[str, dict[str, Any]]:
    """Folder or repository, and the keywords that every `from_pretrained` gets. The hub is asked once whether it answers."""
    path = Path(settings.model).expanduser()
    source, gguf = settings.model, settings.gguf
    if path.suffix == ".gguf":
        if not path.is_file():
            raise BenchError(f"--set model={settings.model}: no such file")
        source, gguf = str(path.parent), path.name
    elif path.is_dir():
        source = str(path)
    elif path.exists():
        raise BenchError(
            f"--set model={settings.model} is a file; expected a folder, a .gguf file or the name of a model on the hub"
        )
    elif settings.model.startswith((".", "/", "~")) or settings.model.count("/") > 1:
        raise BenchError(f"--set model={settings.model}: no such folder")
    if Path(source).is_dir() and gguf and not (Path(source) / gguf).is_file():
        raise BenchError(f"--set gguf={gguf}: no such file in {source}")
    words: dict[str, Any] = {"trust_remote_code": settings.trust_remote_code}
    if settings.revision:
        words["revision"] = settings.revision
    if gguf:
        try:
            import gguf as _  # noqa: F401
        except ImportError:
            raise BenchError("GGUF files need the package gguf: pip install 'lamm-bench[gguf]'") from None
        words["gguf_file"] = gguf
    if not Path(source).is_dir():
        source = str(cached(source, settings.revision, gguf or "config.json") or source)
    return source, words


def config_of(settings: Settings) -> Any:
    from transformers import AutoConfig

    quiet()
    source, words = settings.place
    config = attempt(settings, "config", lambda: AutoConfig.from_pretrained(source, **words))
    layers = getattr(config.get_text_config(), "num_hidden_layers", 1)
    if isinstance(layers, int) and layers > MOST["layers"]:
        raise BenchError(
            f"the config of {settings.model} has num_hidden_layers {layers}; no model has more than {MOST['layers']}"
        )
    return config


def kind_of(settings: Settings, config: Any) -> str:
    """`vision` for an image-text-to-text model, `text` for a causal language model. Raises `BenchError` for others."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    )

    remote = getattr(config, "auto_map", None) or {}
    if config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES or "AutoModelForImageTextToText" in remote:
        return "vision"
    if config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or "AutoModelForCausalLM" in remote:
        return "text"
    raise BenchError(
        f"{settings.model} is a model of type '{config.model_type}', which transformers knows neither as an image-text-to-text "
        "model nor as a causal language model"
    )


def attempt(settings: Settings, what: str, action: Any) -> Any:
    """Loads one part of a model; whatever transformers says about a part that cannot be had becomes one sentence."""
    try:
        return action()
    except BenchError:
        raise
    except Exception as error:  # missing, foreign and damaged files end in nearly every kind of exception there
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        where = "" if Path(settings.model).expanduser().exists() else " (no folder of this name is here, so the hub was asked)"
        raise BenchError(f"the {what} of {settings.model} cannot be loaded{where}: {reason}") from error


def load(settings: Settings, config: Any) -> Loaded:
    """Model, tokenizer and processor on their device, in evaluation mode."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer, GenerationConfig

    from lamm_bench.lamm.llm import ACCOUNTED, account

    kind = kind_of(settings, config)
    device = chosen_device(settings)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    source, words = settings.place
    processor = (
        attempt(settings, "processor", lambda: load_processor(source, words, config.model_type)) if kind == "vision" else None
    )
    tokenizer = (
        processor.tokenizer
        if processor is not None
        else attempt(settings, "tokenizer", lambda: AutoTokenizer.from_pretrained(source, **words))
    )
    set_template(settings, processor if processor is not None else tokenizer, tokenizer)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    make = AutoModelForImageTextToText if kind == "vision" else AutoModelForCausalLM
    more: dict[str, Any] = {"config": config, "dtype": precision(settings, device), **words}
    if settings.attn:
        more["attn_implementation"] = settings.attn
    if settings.device_map:
        more["device_map"] = settings.device_map
    if "gguf_file" in words:
        from transformers import GgufConfig

        more["quantization_config"] = GgufConfig(dequantize=True)  # packed weights answer a hundred times slower on a CPU
    model, info = attempt(settings, "weights", lambda: make.from_pretrained(source, **more, **ACCOUNTED))
    account(info, f"the model {settings.model}")
    model.eval()
    if not settings.device_map:
        model = model.to(device)
    ends = end_tokens(model, tokenizer)
    # the checkpoint's own penalties and temperatures would make `greedy` mean something else for every model
    model.generation_config = GenerationConfig(eos_token_id=list(ends), pad_token_id=tokenizer.pad_token_id)
    return Loaded(settings.model, model, tokenizer, processor, files_of(model, source), window_of(model.config), ends)


def precision(settings: Settings, device: str) -> Any:
    import torch

    if settings.dtype != "auto":
        return getattr(torch, settings.dtype)
    return torch.float32 if device == "cpu" else "auto"


def chosen_device(settings: Settings) -> str:
    import torch

    there = torch.cuda.is_available()
    if settings.device == "auto":
        return "cuda" if there else "cpu"
    if settings.device.startswith("cuda") and not there:
        raise BenchError(f"device={settings.device}: PyTorch finds no CUDA device here; use device=cpu")
    return settings.device


def load_processor(source: str, words: Mapping[str, Any], model_type: str) -> Any:
    """The model's processor with its Pillow image processor.

    Many processors insist on a video processor, which cannot exist without torchvision. A benchmark of images needs none, so it
    is left out of their class, whether torchvision is there or not."""
    from transformers import AutoProcessor

    made = processor_class(source, words, model_type)
    if made is None:  # code that comes with the model
        return AutoProcessor.from_pretrained(source, backend="pil", **words)
    parts = [part for part in made.get_attributes() if part != "video_processor"]
    if parts != made.get_attributes():
        made = type(made.__name__, (made,), {"get_attributes": classmethod(lambda _: parts)})
    return made.from_pretrained(source, backend="pil", **words)


def processor_class(source: str, words: Mapping[str, Any], model_type: str) -> Any:
    """The class that the model's files name, else the one of its type; None when transformers has neither."""
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES
    from transformers.utils import cached_file

    names = []
    for file in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        try:
            path = cached_file(source, file, revision=words.get("revision"))
            names.append(json.loads(Path(str(path)).read_text(encoding="utf-8")).get("processor_class"))
        except (OSError, ValueError):  # absent; a damaged one is told when the parts themselves are loaded
            continue
    names.append(PROCESSOR_MAPPING_NAMES.get(model_type))
    return next((getattr(transformers, name) for name in names if name and hasattr(transformers, name)), None)


def set_template(settings: Settings, owner: Any, tokenizer: Any) -> None:
    """The chat template in force: the user's file, the processor's, or the tokenizer's. Raises `BenchError` without any."""
    if settings.template:
        path = Path(settings.template).expanduser()
        if not path.is_file():
            raise BenchError(f"--set template={settings.template}: no such file; expected a Jinja chat template")
        owner.chat_template = path.read_text(encoding="utf-8")
    elif not getattr(owner, "chat_template", None):
        if not getattr(tokenizer, "chat_template", None):
            raise BenchError(f"{settings.model} has no chat template; give one with --set template=FILE.jinja")
        owner.chat_template = tokenizer.chat_template


def end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Every token that ends an answer, by the checkpoint's generation config and by its tokenizer."""
    told = getattr(model.generation_config, "eos_token_id", None)
    found = [*(told if isinstance(told, list | tuple) else [told]), tokenizer.eos_token_id]
    return tuple(sorted({int(token) for token in found if token is not None and 0 <= token < len(tokenizer)}))


def window_of(config: Any) -> int:
    return int(getattr(config.get_text_config(), "max_position_embeddings", 0) or 0)


def files_of(model: Any, source: str) -> Path | None:
    """The folder with the model's files: its own, or the hub's snapshot."""
    if Path(source).is_dir():
        return Path(source)
    from transformers.utils import cached_file

    found = cached_file(source, "config.json", revision=getattr(model.config, "_commit_hash", None), local_files_only=True)
    return Path(found).parent if found else None


def fingerprint(settings: Settings, loaded: Loaded) -> str:
    """Twelve hexadecimal digits of the model's files, then what else its answers depend on."""
    digest = hashlib.sha256()
    single = Path(settings.model).suffix == ".gguf"
    for file in sorted(loaded.folder.iterdir()) if loaded.folder else []:
        if file.is_file() and file.suffix in HASHED and (not single or file.name == Path(settings.model).name):
            digest.update(f"{file.name}\0{hash_of(file)}\n".encode())
    told = [digest.hexdigest(), str(loaded.model.dtype).removeprefix("torch."), loaded.model.config._attn_implementation]
    if settings.template:
        told.append("template " + hash_of(Path(settings.template).expanduser())[:12])
    if not loaded.vision:
        told.append("media left out")
    return "-".join(str(part) for part in told)


def hash_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def quiet() -> None:
    """Keeps transformers' remarks and bars off the terminal, unless the user asked for them by its own variable."""
    from transformers.utils import logging

    if "TRANSFORMERS_VERBOSITY" not in os.environ:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
