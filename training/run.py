"""`lamm-bench train-baseline`: a preset becomes a checkpoint folder.

Killed at any moment and started again with the same arguments it goes on, and the weights come out as if nothing had been."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.instruction import prompt_file
from lamm_bench.lamm import checkpoint
from lamm_bench.lamm.config import LammConfig
from lamm_bench.lamm.tokenizer import MiniTokenizer, train_tokenizer
from lamm_bench.types import Media

from . import state
from .begin import begin_numbers, new_model
from .card import card
from .config import Preset, read_preset
from .data import Dialogue, read_dialogues
from .examples import make_examples, text_only
from .lessons import Course, course
from .trainer import Trainer, half

STATE = "state.pt"


def train(
    preset: str | Path,
    output: Path,
    settings: Mapping[str, str] | None = None,
    data_root: Path | None = None,
    resume: bool | None = None,
    fresh: bool = False,
    console: Console | None = None,
) -> Path:
    """Trains all stages of a preset and writes the checkpoint to `output`; gives the folder.

    `resume` None goes on from a state if there is one, True demands one, False refuses one; `fresh` begins anew."""
    console = console or Console()
    began = time.monotonic()
    plan = read_preset(preset, settings)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{output} cannot be made: {error.strerror or error}") from error
    if plan.threads:
        torch.set_num_threads(plan.threads)
    root = data_root if data_root is not None else miniature(console)
    dialogues = read_dialogues(root, plan.data)
    identity = digest_of(plan, dialogues)
    saved = saved_state(output, identity, resume, fresh)
    tokenizer = own_tokenizer(plan, dialogues, output, keep=saved is not None)
    plan = replace(plan, model=replace(plan.model, llm=replace(plan.model.llm, vocabulary=len(tokenizer))))
    config = LammConfig(
        name=plan.name,
        llm=plan.model.llm,
        lora=plan.model.lora,
        image=plan.model.image,
        point_cloud=plan.model.point_cloud,
        layout=plan.data.layout,
        licence=plan.licence,
        notes={"preset": plan.name, "seed": plan.seed, "data": identity, "versions": versions()},
    )
    model = new_model(config, plan.seed)
    begin_numbers(model, tokenizer, plan.seed)
    trainer = make_trainer(plan, model, dialogues, tokenizer, output, identity, console)
    console.print(
        f"{len(dialogues)} dialogues, {'bfloat16' if half(plan.precision) else 'float32'}, output {output}", highlight=False
    )
    times: dict[str, float] = {}
    for index, stage in enumerate(plan.stages):
        if saved is not None and index < saved["stage"]:
            if "lora" in stage.train and not hasattr(model.llama_model, "peft_config"):
                model.add_lora(plan.model.lora)
            continue
        here = time.monotonic()
        if saved is not None and saved["step"] == 0:
            model.load_state_dict(saved["model"])
            saved = None
        trainer.run(index, stage, saved)
        saved = None
        times[stage.name] = round(time.monotonic() - here, 1)
    if not hasattr(model.llama_model, "peft_config"):
        model.add_lora(plan.model.lora)
    if saved is not None:
        model.load_state_dict(saved["model"])
    checkpoint.save(model, config, output / "tokenizer.json", output)
    minutes = (time.monotonic() - began) / 60
    (output / "README.md").write_text(card(plan, config, model, dialogues, times, minutes), encoding="utf-8")
    (output / STATE).unlink(missing_ok=True)
    console.print(f"checkpoint in {output} after {minutes:.1f} minutes", highlight=False)
    return output


def miniature(console: Console) -> Path:
    """The root of the miniature's training data, drawn at first use."""
    from lamm_bench.data import mini

    console.print("no --data-root: training on the miniature")
    return Path(mini.ensure(parts=("train",)))


def digest_of(plan: Preset, dialogues: Sequence[Dialogue]) -> str:
    """What must be equal for one training to go on from another's state."""
    digest = hashlib.sha256(json.dumps({**asdict(plan), "save_every": 0, "threads": 0}, sort_keys=True).encode())
    for one in dialogues:
        digest.update(json.dumps([Path(one.media.path).name, one.task_types, one.turns], ensure_ascii=False).encode())
    return digest.hexdigest()[:16]


def saved_state(output: Path, identity: str, resume: bool | None, fresh: bool) -> dict[str, Any] | None:
    """The state to go on from, if there is one and it is wanted; refuses to write over a finished checkpoint."""
    file = output / STATE
    if fresh:
        for name in (STATE, "metrics.jsonl", "config.json", "tokenizer.json", *checkpoint.FILES):
            (output / name).unlink(missing_ok=True)
    if (output / "config.json").is_file():
        raise BenchError(f"{output} already holds a finished checkpoint; use another --output, or --fresh to train anew")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{output} cannot be made: {error.strerror}") from None
    if not file.is_file():
        if resume:
            raise BenchError(f"{output} holds no {STATE} to resume from")
        return None
    if resume is False:
        raise BenchError(f"{output} holds the state of a training; go on with --resume, or begin anew with --fresh")
    return state.read(file, identity)


def own_tokenizer(plan: Preset, dialogues: Sequence[Dialogue], output: Path, keep: bool) -> MiniTokenizer:
    """The tokenizer learnt from the dialogues and the system messages."""
    file = output / "tokenizer.json"
    if not (keep and file.is_file()):
        prompts = prompt_file(plan.data.prompts)
        texts = [text for one in dialogues for turn in one.turns for text in turn]
        frame = [f"{text}\n\n### Human: <Img></Img><Pcl></Pcl> \n### Assistant:\n###" for text in prompts.system.values()]
        train_tokenizer([*texts, *frame * 20], plan.tokenizer, file)
    return MiniTokenizer(file)


def make_trainer(
    plan: Preset,
    model: Any,
    dialogues: Sequence[Dialogue],
    tokenizer: MiniTokenizer,
    output: Path,
    identity: str,
    console: Console,
) -> Trainer:
    """Examples and prepared media. Unreadable media are left out and counted; too many of them are an error."""
    console.print("reading media ...")
    prepared: dict[Media, np.ndarray] = {}
    bad: dict[Media, str] = {}
    for media in dict.fromkeys(one.media for one in dialogues):
        try:
            prepared[media] = model.encoders[media.kind].prepare(media, "squash")
        except MediaError as error:
            bad[media] = str(error)
    if bad:
        console.print(f"{len(bad)} media cannot be read and are left out: {'; '.join(list(bad.values())[:3])}")
    if len(bad) > plan.data.max_bad * (len(bad) + len(prepared)):
        raise BenchError(
            f"{len(bad)} of {len(bad) + len(prepared)} media cannot be read; data.max_bad allows {plan.data.max_bad}"
        )
    good = [one for one in dialogues if one.media not in bad]
    prompts = prompt_file(plan.data.prompts)
    examples = make_examples(
        good, plan.data, prompts, tokenizer, model.config.slots, model.config.llm.window, plan.data.mirror, plan.seed
    )
    lessons = course(good) if any(stage.asked for stage in plan.stages) else Course()
    alone = good if any(not stage.media for stage in plan.stages) else ()
    texts = [(row, one.task_types[0]) for one in alone for row in text_only(one, plan.data, prompts, tokenizer)]
    return Trainer(plan, model, examples, texts, prepared, output, identity, console, lessons)


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in ("torch", "transformers", "peft", "pillow")}}
