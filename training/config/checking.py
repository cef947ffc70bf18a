"""What a preset must not say."""

from __future__ import annotations

import difflib

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import HubLlm
from lamm_bench.media import learns, modalities

from .preset import PARTS, Data, Preset, Stage


def check(preset: Preset) -> None:
    """What types alone cannot say."""
    one_of("precision", preset.precision, ("auto", "float32", "bfloat16", "float16"))
    one_of("speed.compile", preset.speed.compile, ("auto", "always", "never"))
    one_of("data.turns", preset.data.turns, ("side_by_side", "sequential"))
    one_of("data.share", preset.data.share, ("task_type", "media"))
    for stage in preset.stages:
        if (stage.blur or stage.anchors) and isinstance(preset.model.llm, HubLlm):
            raise BenchError(
                f"stages.{stage.name}: blur and anchors need a tokenizer of whole numbers, which only a language model that is "
                "built here has"
            )
        if stage.asked and stage.anchors:
            raise BenchError(f"stages.{stage.name}: asked and anchors are of different stages; one of them must be 0")
        one_of(f"stages.{stage.name}.optimizer", stage.optimizer, ("adamw", "muon"))
        for kind, deviation in stage.blur.items():
            one_of(f"stages.{stage.name}.blur", kind, tuple(modalities()))
            if deviation < 0:
                raise BenchError(f"stages.{stage.name}.blur.{kind} is {deviation}; a standard deviation is 0 or more")
        one_of(f"stages.{stage.name}.schedule", stage.schedule, ("cosine", "linear", "warmup_decay"))
        for part in stage.train:
            one_of(f"stages.{stage.name}.train", part, PARTS)
        for key in ("batch", "epochs", "rate"):
            if (value := getattr(stage, key)) <= 0:
                raise BenchError(f"stages.{stage.name}.{key} is {value}; it must be above 0")
        if len(stage.betas) != 2:
            raise BenchError(f"stages.{stage.name}.betas has {len(stage.betas)} numbers, expected two")
        trains_encoders(preset, stage)
        if "lora" in stage.train and preset.model.lora is None:
            raise BenchError(f"stages.{stage.name} trains lora, and model.lora is null")
    check_data(preset.data)
    one_of("speed.features", preset.speed.features, ("memory", "each_step"))
    one_of("unused", preset.unused, ("skip", "zero"))
    one_of("watch.final", preset.watch.final, ("last", "best"))
    for place in preset.parallel.offload:
        one_of("parallel.offload", place, ("optimizer", "parameters"))
    if not 0 <= preset.parallel.zero <= 3:
        raise BenchError(f"parallel.zero is {preset.parallel.zero}; DeepSpeed's ZeRO has the stages 0 to 3")
    if "parameters" in preset.parallel.offload and preset.parallel.zero != 3:
        raise BenchError("parallel.offload: parameters can be kept in the host's memory under parallel.zero 3 only")
    if "optimizer" in preset.parallel.offload and not preset.parallel.zero:
        raise BenchError("parallel.offload: the optimizer can be kept in the host's memory under parallel.zero 1 to 3 only")
    if preset.watch.final == "best" and not preset.data.held_out:
        raise BenchError(
            "watch.final: best needs a validation loss; say with data.held_out which share of the media is kept for it"
        )
    if preset.watch.keep < 1 or min(preset.speed.micro, preset.watch.validate_every, preset.watch.eval_every) < 0:
        raise BenchError("watch.keep must be at least 1, and speed.micro, watch.validate_every, watch.eval_every at least 0")
    if preset.seeds < 1:
        raise BenchError(f"seeds is {preset.seeds}; it is how many miniatures are the train split, at least 1")
    if not preset.stages:
        raise BenchError("a preset needs at least one stage")
    for name, part in (("llm", preset.model.llm), *preset.model.encoders.items()):
        if part.kind == "mini" and hasattr(part, "heads") and part.width % part.heads:
            raise BenchError(f"model.{name}: heads is {part.heads}, which does not divide the width of {part.width}")
    learnt = {kind for kind, names in preset.data.media.items() if names}
    for kind in modalities():
        held = preset.extends and kind in preset.model.encoders  # what is extended keeps what it has learnt
        if not held and (kind in preset.model.encoders) != (kind in learnt):
            raise BenchError(f"data.{kind} and model.{kind} must be given both or neither")


def check_data(data: Data) -> None:
    """Refuses words in `data` that mean nothing; raises BenchError with the nearest that does."""
    one_of("data.long", data.long, ("refuse", "cut"))
    for name, file in data.files.items():
        one_of("data.files", name, data.meta_files)
        one_of(f"data.files.{name}.style", file.style, ("lamm", "llava"))
        if file.weight <= 0:
            raise BenchError(f"data.files.{name}.weight is {file.weight}; it must be above 0")
    if data.long == "cut" and data.turns != "sequential":
        raise BenchError("data.long: cut is for data.turns: sequential; side by side, long dialogues are split between turns")
    if not 0 < data.part <= 1:
        raise BenchError(f"data.part is {data.part}; it is a share of the media, above 0 and at most 1")
    if not 0 <= data.held_out < 1 or not 0 <= data.max_bad <= 1:
        raise BenchError("data.held_out and data.max_bad are shares between 0 and 1")


def trains_encoders(preset: Preset, stage: Stage) -> None:
    for kind, encoder in preset.model.encoders.items():
        if "encoders" in stage.train and kind in preset.data.media and not learns(kind, encoder):
            raise BenchError(f"stages.{stage.name} trains encoders, and model.{kind} is a frozen encoder of kind {encoder.kind}")


def one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise BenchError(f"{key} is '{value}'.{hint} It can be: {', '.join(known)}")
