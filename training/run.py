"""`lamm-bench train-baseline`: a preset becomes a checkpoint folder.

Killed at any moment and started again with the same arguments it goes on, and the weights come out as if nothing had been."""

from __future__ import annotations

import gc
import hashlib
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import torch
from rich.console import Console

from lamm_bench.ask.instruction import prompt_file
from lamm_bench.errors import BenchError
from lamm_bench.lamm.model import Lamm
from lamm_bench.lamm.precision import hints_of
from lamm_bench.lamm.tokenizer import Tokenizer

from .before import long_enough, refuse, untrained
from .config.preset import Preset
from .config.reading import read_preset
from .data.dialogues import Dialogue, read_dialogues
from .data.examples import Example, make_examples, text_only
from .data.feature_cache import FeatureCache
from .data.lessons import Course, course
from .data.portion import in_part, split
from .data.prepared import Prepared
from .data.without import counted, left_out
from .engines import state
from .engines.engine import Engine
from .engines.make import make_engine
from .output import alone, saved_state
from .stages.build import config_for, model_for, sized, tokenizer_for, write
from .stages.compiled import is_compiled
from .stages.trainer import Trainer, half, lora_of, seeded
from .tuning import constructed
from .watch.card import card
from .watch.curve import draw
from .watch.probe import make_probe

T = TypeVar("T")


def train(
    preset: str | Path,
    output: Path,
    settings: Mapping[str, str] | None = None,
    data_root: Path | None = None,
    resume: bool | None = None,
    fresh: bool = False,
    console: Console | None = None,
    engine: str = "auto",
    feature_cache: Path | None = None,
) -> Path:
    """Trains all stages of a preset and writes the checkpoint to `output`; gives the folder.

    `resume` None goes on from a state if there is one, True demands one, False refuses one; `fresh` begins anew."""
    began = time.monotonic()
    plan = read_preset(preset, settings)
    carrier = make_engine(engine, plan)
    try:
        refuse(carrier.preset, feature_cache)
        with alone(output, carrier):
            made = train_with(carrier, carrier.preset, output, data_root, (resume, fresh), console, feature_cache, began)
        carrier.gather(None)  # all leave together: whoever goes first takes its connections away from those that still write
        return made
    finally:
        carrier.close()
        gc.unfreeze()


def train_with(
    engine: Engine,
    plan: Preset,
    output: Path,
    data_root: Path | None,
    mode: tuple[bool | None, bool],
    console: Console | None,
    feature_cache: Path | None,
    began: float,
) -> Path:
    """`train`, in each process."""
    console = console or Console(quiet=engine.rank > 0)
    if plan.threads:
        torch.set_num_threads(plan.threads)
    if plan.tasks:
        root = output.with_name(f"{output.name}-data")
        in_turn(engine, lambda: engine.rank or constructed(plan, root, data_root, console.print))
    else:
        root = data_root if data_root is not None else in_turn(engine, lambda: miniature(console))
    if data_root is None:
        for name in plan.data.meta_files:
            if not (root / name).is_file():
                raise BenchError(
                    f"preset {plan.name} learns from {name}, which the miniature has not; name its folder with --data-root"
                )
    dialogues = read_dialogues(root, plan.data, lambda text: console.print(text, highlight=False), in_part(plan))
    dialogues, gone = left_out(dialogues, plan.data)
    if gone:
        by = ", ".join((*plan.data.without, *plan.data.without_words))
        console.print(f"{len(gone):,} dialogues are left out ({by}): {counted(gone)}", highlight=False, soft_wrap=True)
    gc.freeze()  # millions of texts that stay: to look through them again and again would cost a seventh of what follows
    identity = digest_of(plan, dialogues)
    saved = in_turn(engine, lambda: saved_state(output, identity, *mode, engine))
    tokenizer = in_turn(engine, lambda: tokenizer_for(plan, dialogues, output, keep=saved is not None or engine.rank > 0))
    plan = sized(plan, tokenizer)
    if warning := untrained(plan):
        console.print(warning, highlight=False, soft_wrap=True)
    for sentence in hints_of(plan.precision, engine.device.type):
        console.print(sentence, highlight=False, soft_wrap=True)
    if plan.speed.compile == "auto" and not long_enough(plan, len(dialogues)):
        plan = replace(plan, speed=replace(plan.speed, compile="never"))
    config = config_for(plan, {"preset": plan.name, "seed": plan.seed, "training": identity, "versions": versions()})
    model = partial(model_for, plan, config, tokenizer, engine)
    trainer = make_trainer(plan, model(), dialogues, tokenizer, output, identity, console, engine, feature_cache)
    gc.freeze()
    console.print(
        f"{len(dialogues)} dialogues, {'bfloat16' if half(plan.precision) else 'float32'}, "
        f"language model {'compiled' if is_compiled(trainer.model) else 'not compiled'}, output {output}",
        highlight=False,
        soft_wrap=True,
    )
    times: dict[str, float] = {}
    again = saved is not None
    if saved is not None:
        at = f"stage {plan.stages[saved['stage']].name}, step {saved['step']}" if saved["stage"] < len(plan.stages) else "its end"
        console.print(f"going on from the state in {output}: {at}", highlight=False, soft_wrap=True)
        with_earlier_lora(plan, trainer.model, saved["stage"])
    for index, stage in enumerate(plan.stages):
        if saved is not None and index < saved["stage"]:
            continue
        here = time.monotonic()
        if saved is not None and saved["step"] == 0:
            trainer.load(saved)
            saved = None
        trainer.run(index, stage, saved)
        saved = None
        if not engine.end() and index + 1 < len(plan.stages):
            # the next stage begins as a training does that was interrupted here
            trainer.model = None  # type: ignore[assignment]  # two of them may not fit
            trainer.model = model()
            with_earlier_lora(plan, trainer.model, index + 1)
            saved = state.read(output / state.NAME, identity, engine.name, engine.world)
        times[stage.name] = round(time.monotonic() - here, 1)
    if engine.rank == 0:
        done = finished(plan, trainer, trainer.model if engine.name == "plain" else model())
        config = write(plan, done, config, output)
        minutes = (time.monotonic() - began) / 60
        names = plan.data.meta_files
        digests = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}
        (output / "preset.json").write_text(json.dumps(asdict(plan), indent=2) + "\n", encoding="utf-8")
        (output / "README.md").write_text(
            card(plan, config, done, dialogues, gone, times, took(minutes, again), digests), encoding="utf-8"
        )
        draw(output / "metrics.jsonl", output / "loss.png")
        state.clear(output)
        console.print(f"checkpoint in {output} after {minutes:.1f} minutes", highlight=False, soft_wrap=True)
    engine.gather(None)
    return output


def took(minutes: float, again: bool) -> str:
    """How long it was, in words; of a training that was interrupted only the last part is known."""
    return f"{'The last part of a training that was interrupted' if again else 'Training'} took {minutes:.1f} minutes"


def with_earlier_lora(plan: Preset, model: Lamm, stage: int) -> None:
    """Puts LoRA in where a stage before this one has trained it."""
    if any("lora" in earlier.train for earlier in plan.stages[:stage]) and not hasattr(model.llama_model, "peft_config"):
        model.add_lora(lora_of(plan))


def finished(plan: Preset, trainer: Trainer, model: Lamm) -> Lamm:
    """The model with the weights of the last state, or of the best one, as the preset says; on the CPU, whole."""
    with_earlier_lora(plan, model, len(plan.stages))
    file = trainer.output / ("best.pt" if plan.watch.final == "best" else state.NAME)
    held = state.read(file, trainer.identity, trainer.engine.name, trainer.engine.world)
    trainer.model = model.cpu()
    trainer.load({"stage": 0, "step": 0, **held})
    if model.config.lora is not None and not hasattr(model.llama_model, "peft_config"):
        with seeded(plan.seed, "lora"):
            model.add_lora(model.config.lora)  # no stage has trained it; the checkpoint's format has it, without effect
    return model


def in_turn(engine: Engine, work: Callable[[], T]) -> T:
    """The work of the first process, then of all others, who find its files there."""
    found = work() if engine.rank == 0 else None
    engine.gather(None)
    if engine.rank:
        found = work()
    engine.gather(None)
    return found  # type: ignore[return-value]


def miniature(console: Console) -> Path:
    """The root of the miniature's training data, drawn at first use."""
    from lamm_bench.data import mini

    console.print("no --data-root: training on the miniature, drawn at first use (minutes)")
    return Path(mini.ensure(parts=("train",)))


def digest_of(plan: Preset, dialogues: Sequence[Dialogue]) -> str:
    """What must be equal for one training to go on from another's state."""
    same = asdict(plan) | {"save_every": 0, "threads": 0, "watch": {"final": plan.watch.final}}
    same["data"] |= {"workers": 0, "memory": 0, "max_bad": 0, "expected": 0, "expected_text": 0}
    digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode())
    for one in dialogues:
        digest.update(json.dumps([Path(one.media.path).name, one.task_types, one.turns], ensure_ascii=False).encode())
    return digest.hexdigest()[:16]


def make_trainer(
    plan: Preset,
    model: Lamm,
    dialogues: Sequence[Dialogue],
    tokenizer: Tokenizer,
    output: Path,
    identity: str,
    console: Console,
    engine: Engine,
    feature_cache: Path | None,
) -> Trainer:
    """Examples and prepared media. Unreadable media are left out and counted; too many of them are an error."""
    prepared, cache = media_of(plan, model, dialogues, output, console, engine, feature_cache)
    good = [one for one in dialogues if one.media in prepared]
    count = len({one.media for one in good})
    held, good = split(good, plan)
    if plan.data.held_out and not (held and good):
        left = "none of them for the validation loss" if not held else "none of them to learn from"
        raise BenchError(f"data.held_out is {plan.data.held_out}, which leaves {left}: there are {count} images and clouds")
    prompts = prompt_file(plan.data.prompts)

    def encoded(chosen: Sequence[Dialogue]) -> list[Example]:
        slots, window = model.config.slots, model.config.llm.window
        return make_examples(chosen, plan.data, prompts, tokenizer, slots, window, plan.data.mirror, plan.seed)

    lessons = course(good) if any(stage.asked or stage.anchors for stage in plan.stages) else Course()
    spoken = good if any(not stage.media for stage in plan.stages) else ()
    texts = [(row, one.task_types[0]) for one in spoken for row in text_only(one, plan.data, prompts, tokenizer)]
    examples = encoded(good)
    cut_short = sum(one.cut for one in examples)
    if cut_short:
        console.print(f"{cut_short} dialogues are longer than {plan.data.text_tokens} tokens; their ends are cut off")
    return Trainer(
        plan, model, examples, texts, prepared, output, identity, console, lessons, engine=engine, held=encoded(held), cache=cache,
        tokenizer=tokenizer,
        probe=make_probe(plan, tokenizer) if engine.rank == 0 else None,
    )  # fmt: skip


def media_of(
    plan: Preset,
    model: Lamm,
    dialogues: Sequence[Dialogue],
    output: Path,
    console: Console,
    engine: Engine,
    feature_cache: Path | None,
) -> tuple[Prepared, FeatureCache | None]:
    """Every media that can be read; each process looks at its share, and all leave out what anyone could not read."""
    console.print("reading media ...")
    every = list(dict.fromkeys(one.media for one in dialogues))
    prepared = Prepared(dict(model.encoders.items()), plan.data.workers, plan.data.memory)
    cache = None
    if feature_cache is not None:
        cache = FeatureCache(feature_cache)
        for kind, config in model.config.encoders.items():
            cache.find(kind, model.encoders[kind], config, [one for one in every if one.kind == kind], half(plan.precision))
        prepared.trust(list(cache))
    unknown = [one for one in every if one not in prepared]
    prepared.check(unknown if engine.world == 1 else unknown[engine.rank :: engine.world])
    bad = {one: why for each in engine.gather(prepared.bad) for one, why in each.items()}
    prepared.trust(one for one in unknown if one not in bad)
    prepared.drop(bad)
    prepared.order(every)
    if bad and engine.rank == 0:
        (output / "unreadable.txt").write_text("".join(f"{why}\n" for why in bad.values()), encoding="utf-8")
        console.print(f"{len(bad)} media cannot be read and are left out: {'; '.join(list(bad.values())[:3])}")
    if len(bad) > plan.data.max_bad * len(every):
        raise BenchError(
            f"{len(bad)} of {len(every)} media cannot be read; data.max_bad allows a share of {plan.data.max_bad:g} "
            f"(all are listed in {output / 'unreadable.txt'}; --max-bad allows another)"
        )
    return prepared, cache


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in ("torch", "transformers", "peft", "pillow")}}
