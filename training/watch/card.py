"""The model card that stands beside a checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lamm_bench.lamm.config import HubLlm, LammConfig
from lamm_bench.lamm.model import Lamm
from lamm_bench.training.config.preset import Preset
from lamm_bench.training.data.dialogues import Dialogue
from lamm_bench.training.data.without import counted


def card(
    plan: Preset,
    config: LammConfig,
    model: Lamm,
    dialogues: Sequence[Dialogue],
    gone: Sequence[Dialogue],
    times: Mapping[str, float],
    took: str,
    digests: Mapping[str, str],
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
        *begin(plan, config),
        "",
        "| part | parameters |",
        "| --- | ---: |",
        f"| encoders ({', '.join(config.encoders)}) | {count['encoders']:,} |",
        f"| projections (`llama_proj`) | {count['llama_proj']:,} |",
        f"| language model | {llm:,} |",
        *([f"| LoRA (r {config.lora.r}) | {lora:,} |"] if config.lora is not None else []),
        "",
        "| stage | trained parts | epochs | seconds |",
        "| --- | --- | ---: | ---: |",
        *(f"| {s.name} | {', '.join(s.train)} | {s.epochs:g} | {times.get(s.name, '')} |" for s in plan.stages),
        "",
        f"{took}, reading the media included. Seed {plan.seed}; versions: "
        + ", ".join(f"{name} {number}" for name, number in config.notes.get("versions", {}).items())
        + ".",
        "",
        f"Data: {len(dialogues):,} dialogues about {len({one.media for one in dialogues}):,} images and point clouds: "
        + ", ".join(f"{name} {number:,}" for name, number in sorted(kinds.items()))
        + ".",
        "",
        *left(plan, dialogues, gone),
        *(f"- `{name}`: sha256 {digest}" for name, digest in digests.items()),
        f"- all settings and dialogues together: {config.notes.get('training', '')}",
        "",
        "Every setting stands in `preset.json`, every step in `metrics.jsonl`, the loss in `loss.png`.",
        "",
        f"Licence: {config.licence or 'that of the data it was trained on'}",
        "",
    ]
    return "\n".join(lines)


def left(plan: Preset, dialogues: Sequence[Dialogue], gone: Sequence[Dialogue]) -> list[str]:
    """What was left out, and of what the rest is; no line where nothing was to be."""
    data = plan.data
    if not (data.without or data.without_words):
        return []
    by = [f"`data.without_words` ({', '.join(data.without_words)})"] if data.without_words else []
    by = [f"`data.without` ({', '.join(data.without)})", *by] if data.without else by
    seen, unseen = {one.media for one in dialogues}, {one.media for one in gone}
    return [
        f"No stage and no part has seen what {' and '.join(by)} leave out: {len(gone):,} dialogues about {len(unseen):,} media, of which",
        f"{len(unseen - seen):,} media are not seen at all: {counted(gone)}. Tokenizer, encoders and language model learnt from the rest:",
        f"{counted(dialogues)}.",
        "",
    ]


def begin(plan: Preset, config: LammConfig) -> list[str]:
    """What kind of model it is, and what it was begun from."""
    made = f"by `lamm-bench train-baseline` with the preset `{plan.name}`."
    if not isinstance(config.llm, HubLlm):
        return [
            "A LAMM model: frozen encoders, one linear projection for each kind of media, a LLaMA-architecture language model with",
            f"LoRA. Trained from nothing {made}",
        ]
    seen = [f"{kind}: {getattr(e, 'weights', '') or plan.encoders_from or e.kind}" for kind, e in config.encoders.items()]
    return [
        f"A LAMM model: frozen encoders ({', '.join(seen)}), one linear projection for each kind of media, and the language model",
        f"`{plan.model.llm.path if isinstance(plan.model.llm, HubLlm) else ''}`. Trained {made}",
    ]
