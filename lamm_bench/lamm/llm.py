"""Language models: the built-in baseline's, built from sizes, and any causal one of transformers, loaded from where it lies.

A model is used through four members that every causal model of transformers has (base model, embeddings, output layer,
config), never through the names of one architecture."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lamm_bench.errors import BenchError
from lamm_bench.remote.hub import cached

from . import attention
from .config import MOST, HubLlm, Llm, LlmConfig
from .digests import file_digest

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
WEIGHTS = ("*.safetensors", "*.bin", "*.gguf")
SETTINGS = ("*.json", "*.model", "*.txt", "*.jinja")
WINDOW = 2048
"""Positions of a model whose config names no limit (those with ALiBi)."""
PLAIN = ("llama", "mistral", "qwen2", "qwen3", "gpt2", "opt", "gpt_neox", "bloom", "phi", "phi3", "smollm3", "olmo2")
"""Architectures whose logits are known to be the output layer alone; of others it is checked once, on four tokens."""

ACCOUNTED: dict[str, Any] = {"output_loading_info": True, "ignore_mismatched_sizes": True}
"""For `from_pretrained`, so that `account` can say which tensors are wrong."""


@dataclass(frozen=True)
class Place:
    """Where transformers finds a language model."""

    name: str  # a folder or a hub id
    gguf: str = ""  # the file in it
    revision: str = ""

    @property
    def local(self) -> bool:
        return Path(self.name).is_dir()

    @property
    def keywords(self) -> dict[str, Any]:
        """For `from_pretrained`. Code that a repository brings along is never run."""
        named = {"gguf_file": self.gguf, "revision": self.revision}
        return {"trust_remote_code": False, **{key: value for key, value in named.items() if value}}

    def __str__(self) -> str:
        return str(Path(self.name) / self.gguf) if self.gguf else self.name


def place_of(llm: HubLlm, base: Path | None = None) -> Place:
    """Looks for the path beside the checkpoint, then in the working folder; what is nowhere must be a hub id."""
    given = Path(llm.path).expanduser()
    for path in (given,) if given.is_absolute() or base is None else (base / given, given):
        if path.is_file() and path.suffix == ".gguf":
            return with_gguf(Place(str(path.parent), path.name))
        if path.is_file():
            raise BenchError(f"the language model {path} is a file; expected a folder of transformers, a .gguf file or a hub id")
        if path.is_dir():
            return with_gguf(Place(str(path), llm.gguf))
    if HUB_ID.fullmatch(llm.path) and not llm.path.endswith(".gguf"):
        return with_gguf(Place(llm.path, llm.gguf, llm.revision))
    raise BenchError(f"the language model {llm.path} is missing: no such folder or .gguf file, and not a hub id (owner/name)")


def with_gguf(place: Place) -> Place:
    if place.gguf and importlib.util.find_spec("gguf") is None:
        raise BenchError(f"reading {place} needs the package gguf: pip install 'lamm-bench[gguf]'")
    return place


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' own progress bars, which write across ours."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def read_config(place: Place) -> Any:
    """The model's transformers config; no weights are read."""
    from transformers import AutoConfig

    if not place.local:
        cached(place.name, place.revision, place.gguf or "config.json")  # or the hub answers; else a sentence
    with explained(f"the config of the language model {place}"):
        config = AutoConfig.from_pretrained(place.name, **place.keywords).get_text_config()
    layers = getattr(config, "num_hidden_layers", 1)
    if not isinstance(layers, int) or not 0 < layers <= MOST["layers"]:
        raise BenchError(
            f"the config of the language model {place} has num_hidden_layers {layers}, expected 1 to {MOST['layers']}"
        )
    return config


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns whatever transformers, tokenizers and gguf raise about files into one sentence; lack of memory stays what it is."""
    try:
        yield
    except (BenchError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BenchError(f"{what} cannot be read: {lines[0][:300]}") from None


def measured(llm: HubLlm, base: Path | None = None) -> HubLlm:
    """The same with its sizes filled in; a size that is given and wrong is an error that names it."""
    place = place_of(llm, base)
    config = read_config(place)
    window = getattr(config, "max_position_embeddings", None) or getattr(config, "seq_length", None)
    found = replace(llm, width=config.hidden_size, vocabulary=config.vocab_size, window=int(window or WINDOW))
    for name in ("width", "vocabulary", "window"):
        if getattr(llm, name) not in (0, getattr(found, name)):
            raise BenchError(
                f"the language model {place} has {name} {getattr(found, name)}, config.json says {getattr(llm, name)}"
            )
    return found


def build_llm(llm: LlmConfig, base: Path | None = None, dtype: torch.dtype = torch.float32) -> Any:
    """The language model in evaluation mode: the miniature's with random weights, any other with its own."""
    if isinstance(llm, Llm):
        return build_llama(llm)
    place = place_of(llm, base)
    measured(llm, base)
    return load(place, dtype)


def build_llama(llm: Llm) -> Any:
    """A LlamaForCausalLM with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=llm.vocabulary,
        hidden_size=llm.width,
        intermediate_size=llm.hidden,
        num_hidden_layers=llm.layers,
        num_attention_heads=llm.heads,
        num_key_value_heads=llm.heads,
        max_position_embeddings=llm.window,
        initializer_range=0.5 * llm.width**-0.5,  # transformers' 0.02 is made for widths of a thousand and more
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    attention.register()
    config._attn_implementation = attention.NAME
    return LlamaForCausalLM(config)


def load(place: Place, dtype: torch.dtype) -> Any:
    """Every weight accounted for: one that the files lack, or hold beyond the architecture, is an error that names it."""
    from transformers import AutoModelForCausalLM, GgufConfig

    settings = dict(place.keywords)
    if place.gguf:
        settings["quantization_config"] = GgufConfig(dequantize=True)  # packed weights are slow and cannot be trained or saved
    with explained(f"the language model {place}"), quiet():
        loaded: Any = AutoModelForCausalLM.from_pretrained(place.name, dtype=dtype, **ACCOUNTED, **settings)
    model, info = loaded
    account(info, f"the language model {place}")
    surplus = sorted(map(str, info["unexpected_keys"]))
    if surplus:
        raise BenchError(
            f"the language model {place} holds, beyond its architecture, the tensor '{surplus[0]}' ({len(surplus)} such tensors)"
        )
    model.eval()
    if model.config.get_text_config().model_type not in PLAIN:
        check_logits(model, place)
    return model


def account(info: Mapping[str, Any], what: str) -> None:
    """Every tensor of the architecture was in the files, in its shape; else an error names the first that was not.

    `info` is what `from_pretrained` gives beside a model with `ACCOUNTED`; transformers itself names none of them."""
    lacking = sorted(map(str, info["missing_keys"]))
    if lacking:
        raise BenchError(f"{what} lacks the tensor '{lacking[0]}' ({len(lacking)} such tensors)")
    other = sorted(info["mismatched_keys"])
    if other:
        name, held, asked = other[0]
        raise BenchError(
            f"{what}: the tensor '{name}' has shape {list(held)}, config.json asks for {list(asked)} ({len(other)} such tensors)"
        )


@torch.no_grad()
def check_logits(model: Any, place: Place) -> None:
    """Whether `logits` gives what the model itself gives."""
    ids = torch.arange(4)[None] % model.config.get_text_config().vocab_size
    own = model(input_ids=ids, use_cache=False).logits.float()
    ours = logits(model, model.base_model(input_ids=ids, use_cache=False).last_hidden_state).float()
    if not torch.allclose(own, ours, rtol=0.02, atol=0.02 * float(own.abs().max())):
        raise BenchError(
            f"the language model {place} ({type(model).__name__}) makes its logits in a way that is not known here; "
            "use a model whose logits are a linear layer, scaled or soft-capped"
        )


def logits(model: Any, hidden: Tensor) -> Tensor:
    """Hidden states [..., width] to logits [..., vocabulary], with the scaling that some architectures put behind the layer."""
    config = model.config.get_text_config()
    out = model.get_output_embeddings()(hidden)
    if getattr(config, "logit_scale", None):  # Cohere
        out = out * config.logit_scale
    if getattr(config, "logits_scaling", None):  # Granite
        out = out / config.logits_scaling
    cap = getattr(config, "final_logit_softcapping", None)  # Gemma 2
    return cap * torch.tanh(out / cap) if cap else out


def windowed(config: Any, seen: Tensor, positions: Tensor) -> Any:
    """An additive mask [batch, 1, L, L] as an architecture wants it whose layers, or some of them, see a window only.

    Such models make masks of a padding mask by themselves, but know nothing of conversations that share a row."""
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if not window or not getattr(config, "use_sliding_window", True) or (kinds and "sliding_attention" not in kinds):
        return seen
    far = (positions[:, :, None] - positions[:, None, :] >= window)[:, None]
    near = seen.masked_fill(far, torch.finfo(seen.dtype).min)
    return {"full_attention": seen, "sliding_attention": near} if kinds else near


def lora_shapes(config: Any, r: int, targets: tuple[str, ...], prefix: str) -> dict[str, tuple[int, int]]:
    """Names and shapes of the LoRA tensors that a model of this transformers config would get; no memory is used for it."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    shapes: dict[str, tuple[int, int]] = {}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if weight is not None and weight.dim() == 2 and any(name == t or name.endswith(f".{t}") for t in targets):
            inside, outside = weight.shape if type(module).__name__ == "Conv1D" else (weight.shape[1], weight.shape[0])
            shapes[f"{prefix}{name}.lora_A.default.weight"] = (r, int(inside))
            shapes[f"{prefix}{name}.lora_B.default.weight"] = (int(outside), r)
    return shapes


def check_targets(model: Any, targets: tuple[str, ...]) -> None:
    """peft leaves out in silence a target that no layer has, as long as another one is found."""
    names = [name for name, module in model.named_modules() if getattr(module, "weight", None) is not None]
    ends = {name.rsplit(".", 1)[-1] for name in names}
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            raise BenchError(
                f"the language model has no layer called '{target}' for LoRA (lora.targets); there are: {', '.join(sorted(ends))}"
            )


def llm_digests(llm: LlmConfig, base: Path | None) -> Iterator[str]:
    """One line for each file that decides what a language model says; a hub id counts by its commit."""
    if isinstance(llm, Llm):
        return
    place = place_of(llm, base)
    if not place.local:
        yield f"llm {place} {commit_of(place)}\n"
        return
    folder = Path(place.name)
    files = [folder / place.gguf] if place.gguf else [file for one in (*WEIGHTS, *SETTINGS) for file in folder.glob(one)]
    for file in sorted(set(files)):
        yield f"llm {file.name} {file_digest(file)}\n"


def commit_of(place: Place) -> str:
    """The commit of a hub repository, which is the name of its folder in the hub's cache."""
    from transformers.utils import cached_file

    with explained(f"the config of the language model {place}"):
        file = cached_file(place.name, place.gguf or "config.json", revision=place.revision or None)
    return Path(str(file)).parent.name
