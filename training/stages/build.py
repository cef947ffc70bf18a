"""From a preset to a model before its first step: the one joint with `lamm_bench.lamm`."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lamm_bench.ask.instruction import PromptFile, prompt_file
from lamm_bench.errors import BenchError
from lamm_bench.lamm import checkpoint
from lamm_bench.lamm.config import HubLlm, LammConfig
from lamm_bench.lamm.hub_tokenizer import load_tokenizer
from lamm_bench.lamm.llm import build_llm, measured
from lamm_bench.lamm.model import Lamm
from lamm_bench.lamm.tokenizer import MiniTokenizer, Tokenizer, train_tokenizer
from lamm_bench.media import modalities, ours
from lamm_bench.training.config.preset import Preset
from lamm_bench.training.config.reading import checkpoint_called
from lamm_bench.training.data.dialogues import Dialogue
from lamm_bench.training.engines.device import precision_on
from lamm_bench.training.engines.engine import Engine

from .begin import begin_numbers
from .compiled import compile_llm

LLM = "llm"
"""The folder of a checkpoint that holds its language model, where that was trained as a whole."""


def tokenizer_for(plan: Preset, dialogues: list[Dialogue], output: Path, keep: bool) -> Tokenizer:
    """The language model's own; that of one built from nothing is learnt from the dialogues and the system messages."""
    if isinstance(plan.model.llm, HubLlm):
        return load_tokenizer(plan.model.llm)
    file = output / "tokenizer.json"
    if plan.extends:
        file.write_bytes((checkpoint_called(plan.extends) / file.name).read_bytes())
        return MiniTokenizer(file)
    if not (keep and file.is_file()):
        prompts = prompt_file(plan.data.prompts)
        texts = [text for one in dialogues for turn in one.turns for text in turn]
        tags = "".join("".join(one.tags) for one in modalities().values() if one.tags and one.name in {*ours(), *plan.data.media})
        frame = [f"{text}\n\n### Human: {tags} \n### Assistant:\n###" for text in system_messages(plan, dialogues, prompts)]
        train_tokenizer([*texts, *frame * 20], plan.tokenizer, file)
    return MiniTokenizer(file)


def system_messages(plan: Preset, dialogues: list[Dialogue], prompts: PromptFile) -> list[str]:
    """Those that a tokenizer learns from: all of them, but where something is left out those of what remains, whose words are known."""
    if not (plan.data.without or plan.data.without_words):
        return list(prompts.system.values())
    return list(dict.fromkeys(filter(None, (prompts.of_task_type(one.task_types[0]) for one in dialogues))))


def sized(plan: Preset, tokenizer: Tokenizer) -> Preset:
    """The preset with the language model's sizes filled in; a model on this machine is named by its whole path."""
    llm = plan.model.llm
    if isinstance(llm, HubLlm):
        here = Path(llm.path).expanduser()
        llm = measured(replace(llm, path=str(here.resolve())) if here.exists() else llm)
    else:
        llm = replace(llm, vocabulary=len(tokenizer))
    return replace(plan, model=replace(plan.model, llm=llm))


def config_for(plan: Preset, notes: dict[str, Any]) -> LammConfig:
    """The checkpoint's config that a preset asks for."""
    return LammConfig(
        name=plan.name,
        llm=plan.model.llm,
        lora=plan.model.lora if trains(plan, "lora") or not isinstance(plan.model.llm, HubLlm) else None,
        encoders=plan.model.encoders,
        layout=plan.data.layout,
        licence=plan.licence,
        notes=notes,
    )


def trains(plan: Preset, *parts: str) -> bool:
    return any(part in stage.train for stage in plan.stages for part in parts)


def model_for(plan: Preset, config: LammConfig, tokenizer: Tokenizer, engine: Engine) -> Lamm:
    """The model whose random weights are a function of the seed; the process's own random state is left as it was.

    A language model that stays frozen is held in half precision where matrices are multiplied so on a GPU, or where the preset
    asks for it; one that is trained is held in float32, which engines may halve."""
    dtype = precision_on(plan.precision, engine.device)
    frozen = not trains(plan, "llm", "head") and (plan.precision != "auto" or engine.device.type == "cuda")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        if isinstance(config.llm, HubLlm):
            model = Lamm(config, build_llm(config.llm, None, dtype if frozen else torch.float32))
        else:
            model = Lamm(config)
    if plan.encoders_from:
        take(model, checkpoint_called(plan.encoders_from), "encoders.safetensors", tuple(f"{kind}." for kind in config.encoders))
    if plan.start:
        take(model, checkpoint_called(plan.start), "lamm.safetensors", ("llama_proj.",))
    if isinstance(tokenizer, MiniTokenizer):
        begin_numbers(model, tokenizer, plan.seed)
    if plan.extends:
        go_on_from(model, checkpoint_called(plan.extends))
    if plan.speed.checkpointing:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # newer versions have another name for it, older ones only this
            model.llama.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    compile_llm(model, plan.speed.compile, engine.device, engine.world)
    return model


def go_on_from(model: Lamm, folder: Path) -> None:
    """Copies a whole checkpoint into a model that has more modalities: everything that it has, and LoRA where it has some."""
    old, _ = checkpoint.restore(folder)
    if old.config.lora is not None:
        model.add_lora(old.config.lora)
    own = model.state_dict()
    for name, tensor in old.state_dict().items():
        own[name].copy_(tensor)


def take(model: Lamm, folder: Path, file: str, beginnings: tuple[str, ...]) -> None:
    """Copies the tensors of a checkpoint whose names begin so; each of the model's own must be there."""
    prefix = "encoders." if file == "encoders.safetensors" else ""
    found = {f"{prefix}{name}": t for name, t in checkpoint.read_tensors(folder / file).items() if name.startswith(beginnings)}
    own = {name: t for name, t in model.state_dict().items() if name.startswith(tuple(prefix + each for each in beginnings))}
    for name, tensor in own.items():
        if name not in found or found[name].shape != tensor.shape:
            raise BenchError(f"{folder / file} lacks the tensor '{name.removeprefix(prefix)}' of shape {list(tensor.shape)}")
        tensor.data.copy_(found[name])


def write(plan: Preset, model: Lamm, config: LammConfig, output: Path) -> LammConfig:
    """The checkpoint's folder; a language model that was trained as a whole lies in it, under `llm`."""
    if not isinstance(config.llm, HubLlm):
        checkpoint.save(model, config, output / "tokenizer.json", output)
        return config
    if trains(plan, "llm", "head"):
        model.merge_lora()
        model.llama.half().save_pretrained(output / LLM)
        load_tokenizer(config.llm).inner.save_pretrained(output / LLM)
        config = replace(config, llm=replace(config.llm, path=LLM, gguf="", revision=""), lora=None)
    checkpoint.save(model, config, None, output)
    return config
