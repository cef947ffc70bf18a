"""Finds, loads and names a model of transformers. Everything that can be wrong with it is one sentence here."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import MOST
from lamm_bench.remote.hub import cached

from .families import Own, own_of
from .kind import auto_class, kind_of
from .processor import load_processor, notes_of

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
    images: str

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
    own: Own = field(default_factory=Own)  # what its family needs beside its files
    starts: int | None = None  # the token that a decoder begins with whose encoder reads the prompt
    notes: tuple[str, ...] = ()
    sure: bool = True  # whether transformers itself says that a model with a processor sees

    @property
    def encodes(self) -> bool:
        """Whether an encoder reads the prompt, and a decoder of its own writes the answer."""
        return self.starts is not None

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
    import transformers
    from transformers import AutoTokenizer, GenerationConfig

    from lamm_bench.lamm.llm import ACCOUNTED, account

    kind = kind_of(settings, config)
    device = chosen_device(settings)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    source, words = settings.place
    processor = (
        attempt(settings, "processor", lambda: load_processor(settings.model, source, words, config.model_type))
        if kind == "vision"
        else None
    )
    tokenizer = getattr(processor, "tokenizer", None) or attempt(
        settings, "tokenizer", lambda: AutoTokenizer.from_pretrained(source, **words)
    )
    own = own_of(config.model_type)
    notes = (*notes_of(processor), *set_template(settings, processor if processor is not None else tokenizer, tokenizer, own))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    name = auto_class(settings, config)
    make = getattr(transformers, name)
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
    starts = start_of(model)
    model.generation_config = GenerationConfig(
        eos_token_id=list(ends), pad_token_id=tokenizer.pad_token_id, decoder_start_token_id=starts
    )
    sure = name == "AutoModelForImageTextToText" and not getattr(config, "auto_map", None)
    folder, window = files_of(model, source), window_of(model.config)
    return Loaded(settings.model, model, tokenizer, processor, folder, window, ends, own, starts, notes, sure)


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


def set_template(settings: Settings, owner: Any, tokenizer: Any, own: Own) -> tuple[str, ...]:
    """The chat template in force: the user's file, the processor's, the tokenizer's, or the family's, which is noted.

    Raises `BenchError` without any."""
    if settings.template:
        path = Path(settings.template).expanduser()
        if not path.is_file():
            raise BenchError(f"--set template={settings.template}: no such file; expected a Jinja chat template")
        owner.chat_template = path.read_text(encoding="utf-8")
    elif not getattr(owner, "chat_template", None):
        if getattr(tokenizer, "chat_template", None):
            owner.chat_template = tokenizer.chat_template
        elif own.template:
            owner.chat_template = own.template
            return (
                f"the model has no chat template; questions are written by lamm-bench's own for its family, after {own.source}",
            )
        else:
            raise BenchError(f"{settings.model} has no chat template; give one with --set template=FILE.jinja")
    return ()


def end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Every token that ends an answer, by the checkpoint's generation config and by its tokenizer."""
    told = getattr(model.generation_config, "eos_token_id", None)
    found = [*(told if isinstance(told, list | tuple) else [told]), tokenizer.eos_token_id]
    return tuple(sorted({int(token) for token in found if token is not None and 0 <= token < len(tokenizer)}))


def start_of(model: Any) -> int | None:
    """The token that the decoder of an encoder-decoder begins with; None for models without an encoder for the prompt."""
    configs = [model.generation_config, model.config, model.config.get_text_config()]
    if not any(getattr(config, "is_encoder_decoder", False) for config in configs[1:]):
        return None
    found = [getattr(config, name, None) for name in ("decoder_start_token_id", "bos_token_id") for config in configs]
    starts = next((int(token) for token in found if token is not None), None)
    if starts is None:
        raise BenchError(
            "no file of the model says with which token its decoder begins (`decoder_start_token_id` in config.json)"
        )
    return starts


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
    elif loaded.own.template and getattr(loaded.processor, "chat_template", None) == loaded.own.template:
        told.append("template " + hashlib.sha256(loaded.own.template.encode()).hexdigest()[:12])
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
