"""The model card that stands beside a checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lamm_bench.lamm.config import LammConfig
from lamm_bench.lamm.model import Lamm

from .config import Preset
from .data import Dialogue


def card(
    plan: Preset, config: LammConfig, model: Lamm, dialogues: Sequence[Dialogue], times: Mapping[str, float], minutes: float
) -> str:
    """What it is, what it was made of, how long it took; scores are added by whoever measures them."""
    count = {
        part: sum(p.numel() for n, p in model.named_parameters() if n.startswith(part)) for part in ("encoders", "llama_proj")
    }
    lora = sum(p.numel() for n, p in model.named_parameters() if ".lora_" in n)
    llm = sum(p.numel() for n, p in model.named_parameters() if n.startswith("llama_model")) - lora
    kinds = Counter(one.task_types[0] for one in dialogues)
    lines = [
        f"# {config.name}",
        "",
        "A LAMM model: frozen encoders, one linear projection for each kind of media, a LLaMA-architecture language model with",
        f"LoRA. Trained from nothing with `lamm-bench train-baseline --preset {plan.name}`.",
        "",
        "| part | parameters |",
        "| --- | ---: |",
        f"| encoders ({', '.join(config.encoders)}) | {count['encoders']:,} |",
        f"| projections (`llama_proj`) | {count['llama_proj']:,} |",
        f"| language model | {llm:,} |",
        f"| LoRA (r {plan.model.lora.r}) | {lora:,} |",
        "",
        "| stage | trained parts | epochs | seconds |",
        "| --- | --- | ---: | ---: |",
        *(f"| {s.name} | {', '.join(s.train)} | {s.epochs:g} | {times.get(s.name, '')} |" for s in plan.stages),
        "",
        f"Training took {minutes:.1f} minutes, reading the media included. Seed {plan.seed}; versions: "
        + ", ".join(f"{name} {number}" for name, number in config.notes.get("versions", {}).items())
        + ".",
        "",
        f"Data: {len(dialogues):,} dialogues about {len({one.media for one in dialogues}):,} images and point clouds: "
        + ", ".join(f"{name} {number:,}" for name, number in sorted(kinds.items()))
        + ".",
        "",
        f"Licence: {config.licence or 'that of the data it was trained on'}",
        "",
    ]
    return "\n".join(lines)
