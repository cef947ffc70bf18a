"""The training itself: `Trainer.run` is one stage's loop: batch, losses, backward, step, report, save."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from lamm_bench.errors import BenchError
from lamm_bench.lamm.encode import IGNORE, Encoded, pack
from lamm_bench.lamm.model import Lamm, collate
from lamm_bench.types import Media

from . import state
from .augment import change
from .config import Preset, Stage
from .examples import Example, deal, padding_share, repeated, rng, sample
from .heads import Heads
from .lessons import Course
from .progress import Metrics, StageProgress


@dataclass
class Trainer:
    """Everything that a stage needs; the model changes from stage to stage, the rest stays."""

    preset: Preset
    model: Lamm
    examples: Sequence[Example]
    texts: Sequence[tuple[Encoded, str]]  # for stages without media: a conversation and its task type
    prepared: dict[Media, np.ndarray]
    output: Path
    identity: str
    console: Console
    course: Course = field(default_factory=Course)  # of the encoders' stage
    features: dict[Media, Tensor] = field(default_factory=dict)

    def run(self, index: int, stage: Stage, saved: dict[str, Any] | None) -> None:
        """Trains one stage, from its beginning or from a saved state within it."""
        heads = self.begin(index, stage, saved)
        rows = self.rows(stage)
        weights = [label_weights(row, stage) for row in rows] if stage.answers else []
        lengths = [len(row.encoded) for row in rows]
        plan = Plan(self.preset, index, stage, lengths, [row.media for row in rows], [row.task_types[0] for row in rows])
        parameters = [p for p in [*self.model.parameters(), *heads.parameters()] if p.requires_grad]
        optimizer = torch.optim.AdamW(
            parameters, lr=stage.rate, betas=(stage.betas[0], stage.betas[1]), weight_decay=stage.decay, fused=True
        )
        if saved:
            optimizer.load_state_dict(saved["optimizer"])
        start = saved["step"] if saved else 0
        count = sum(p.numel() for p in parameters)
        self.console.print(
            f"{stage.name}: {len(rows)} dialogues, {plan.total} steps, {count / 1e6:.2f} M trainable, "
            f"{100 * plan.padding:.0f} % padding",
            highlight=False,
        )
        metrics = Metrics(self.output / "metrics.jsonl", index, start)
        with contextlib.closing(metrics), StageProgress(self.console, stage.name, start, plan.total) as progress:
            for step in range(start, plan.total):
                torch.manual_seed(
                    int(rng(self.preset.seed, index, step, "dropout").integers(2**31))
                )  # PyTorch's dropout has no other door
                chosen = plan.batch(step)
                rate = stage.rate * pace(stage, step, plan.total)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                packs = [[rows[i] for i in row] for row in chosen]
                losses = self.losses(stage, heads, packs, [weights[i] for row in chosen for i in row if weights], (index, step))
                loss = total(stage, losses)
                if not math.isfinite(float(loss.detach())):
                    raise BenchError(
                        f"stage {stage.name}, step {step}: the loss is {float(loss.detach())} in a batch of "
                        + ", ".join(row.where or "text" for row in packs[0])
                    )
                loss.backward()
                norm = nn.utils.clip_grad_norm_(parameters, stage.clip)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                said = {name: round(float(value.detach()), 5) for name, value in losses.items()}
                metrics.write(
                    {"stage": stage.name, "stage_index": index, "step": step, "rate": rate, "norm": float(norm), **said}
                )
                progress.step(step + 1, float(loss.detach()), sum(lengths[i] for row in chosen for i in row))
                if (step + 1) % self.preset.save_every == 0 and step + 1 < plan.total:
                    self.save(index, step + 1, optimizer.state_dict(), heads.state_dict())
        self.save(index + 1, 0, None, None)

    def begin(self, index: int, stage: Stage, saved: dict[str, Any] | None) -> nn.Module:
        """LoRA put in, parts frozen, the saved weights loaded; gives the heads of the encoders' stage, empty elsewhere."""
        if "lora" in stage.train and not hasattr(self.model.llama_model, "peft_config"):
            with seeded(self.preset.seed, "lora"):
                self.model.add_lora(self.preset.model.lora)
        if saved:
            self.model.load_state_dict(saved["model"])
        freeze(self.model, stage.train)
        if stage.media and "encoders" not in stage.train and not self.features:
            self.features = self.look()
        heads: nn.Module = nn.Module()
        if stage.asked:
            with seeded(self.preset.seed, index, "heads"):
                heads = Heads(self.course, self.model.config.encoders)
        if saved:
            heads.load_state_dict(saved["heads"])
        return heads

    def rows(self, stage: Stage) -> list[Example]:
        """What the stage learns from: every media once where the language model takes no part, else tokenised dialogues."""
        if not stage.media:
            return [Example(encoded, Media("image", ""), (task_type,), "") for encoded, task_type in self.texts]
        if stage.answers:
            return list(self.examples)
        blank = Encoded((0,) * self.preset.data.row_tokens, (), (), (), ())  # one media fills a row
        first = {row.media: row for row in reversed(self.examples)}
        return [replace(first[media], encoded=blank) for media in dict.fromkeys(row.media for row in self.examples)]

    def save(self, stage: int, step: int, optimizer: Any, heads: Any) -> None:
        held = {"identity": self.identity, "stage": stage, "step": step, "model": self.model.state_dict()}
        state.write(self.output / "state.pt", {**held, "optimizer": optimizer, "heads": heads})

    def losses(
        self,
        stage: Stage,
        heads: nn.Module,
        packs: Sequence[Sequence[Example]],
        weights: Sequence[Tensor],
        key: tuple[int, int],
    ) -> dict[str, Tensor]:
        """The losses of one batch, which holds one kind of media."""
        rows = [row for taken in packs for row in taken]
        kind, media = rows[0].media.kind, None
        out: dict[str, Tensor] = {}
        if stage.answers:
            batch = collate([pack([row.encoded for row in taken]) for taken in packs], self.model.config.slots)
        with torch.autocast("cpu", torch.bfloat16, enabled=half(self.preset.precision)):
            if stage.media:
                tokens = self.tokens(stage, rows, key)
                if stage.asked:
                    lessons = [self.course.lessons[row.media] for row in rows]
                    out |= heads(kind, tokens, lessons, self.questions(stage, rows, key))
                if not stage.answers:
                    return out
                media = self.model.project(kind, tokens)
            logits, labels, _ = self.model.label_logits(batch, media)
        each = nn.functional.cross_entropy(logits.float(), labels, reduction="none")
        weight = torch.cat(list(weights))
        out["answers"] = (each * weight).sum() / weight.sum()
        return out

    def questions(self, stage: Stage, rows: Sequence[Example], key: tuple[int, int]) -> list[np.ndarray]:
        """Which questions about the media of each row are asked, drawn anew each time."""
        stream = rng(self.preset.seed, *key, "questions")
        chosen = []
        for row in rows:
            # a picture that may be mirrored is asked nothing that knows left from right
            sided = self.course.lessons[row.media].sided
            able = np.flatnonzero(~sided) if row.mirror else np.arange(len(sided))
            chosen.append(np.sort(stream.permutation(able)[: stage.questions]))
        return chosen

    def tokens(self, stage: Stage, rows: Sequence[Example], key: tuple[int, int]) -> Tensor:
        """Encoder tokens of the rows' media: computed afresh while the encoder learns, kept ones afterwards."""
        if self.features:
            return torch.stack([self.features[row.media].float() for row in rows])
        kind = rows[0].media.kind
        encoder: Any = self.model.encoders[kind]
        inputs = encoder.tensor([self.prepared[row.media] for row in rows])
        inputs = change(inputs, kind, [row.mirror for row in rows], stage.augment, rng(self.preset.seed, *key, "augment"))
        return self.model.see(kind, inputs)

    @torch.no_grad()
    def look(self) -> dict[Media, Tensor]:
        """What the frozen encoders say about every media, computed once."""
        self.model.eval()
        out: dict[Media, Tensor] = {}
        for kind in self.model.config.encoders:
            own = [media for media in self.prepared if media.kind == kind]
            encoder: Any = self.model.encoders[kind]
            for start in range(0, len(own), 64):
                part = own[start : start + 64]
                with torch.autocast("cpu", torch.bfloat16, enabled=half(self.preset.precision)):
                    tokens = self.model.see(kind, encoder.tensor([self.prepared[media] for media in part]))
                out.update(zip(part, tokens.half()))
        return {media: tokens.clone() for media, tokens in out.items()}


class Plan:
    """Which dialogues a step learns from: a pure function of seed, stage and step."""

    def __init__(
        self, preset: Preset, index: int, stage: Stage, lengths: Sequence[int], media: Sequence[Media], kinds: Sequence[str]
    ) -> None:
        self.key, self.row, self.stage = (preset.seed, index), preset.data.row_tokens, stage
        self.times = [stage.times.get(kind, 1.0) for kind in kinds]
        self.lengths, self.media = lengths, media
        self.start = [0]  # the first step of each epoch; packing leaves epochs of slightly different lengths
        self.epoch, self.batches = 0, self.of_epoch(0)
        self.total = max(1, round(stage.epochs * len(self.batches)))
        self.padding = padding_share(self.batches, lengths)

    def of_epoch(self, epoch: int) -> list[list[list[int]]]:
        chosen = sample(self.media, self.stage.most, rng(*self.key, epoch, "sample"))
        chosen = repeated(chosen, self.times, rng(*self.key, epoch, "times"))
        lengths, kinds = [self.lengths[i] for i in chosen], [self.media[i].kind for i in chosen]
        dealt = deal(lengths, kinds, self.stage.batch, self.row, rng(*self.key, epoch, "order"))
        if len(self.start) == epoch + 1:
            self.start.append(self.start[-1] + len(dealt))
        return [[[chosen[i] for i in row] for row in batch] for batch in dealt]

    def batch(self, step: int) -> list[list[int]]:
        """The rows of a step that is not before the last one asked for."""
        while step >= self.start[self.epoch + 1]:
            self.epoch += 1
            self.batches = self.of_epoch(self.epoch)
        return self.batches[step - self.start[self.epoch]]


def total(stage: Stage, losses: Mapping[str, Tensor]) -> Tensor:
    """The weighted sum of a batch's losses; one that the batch has nothing for is left out."""
    weights = {
        "answers": stage.answers,
        "asked": stage.asked,
        "places": stage.places,
        "spots": stage.spots,
        "spots_off": stage.places,
    }
    parts = [weight * losses[name] for name, weight in weights.items() if name in losses]
    return sum(parts, torch.zeros(()))


def pace(stage: Stage, step: int, total: int) -> float:
    """The learning rate's share: a linear rise, then a cosine (Loshchilov and Hutter 2017) or a line down to zero."""
    rise = max(1, round(stage.warmup * total))
    if step < rise:
        return (step + 1) / rise
    done = (step - rise) / max(1, total - rise)
    return 1 - done if stage.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))


def label_weights(row: Example, stage: Stage) -> Tensor:
    """The weight of each label token, in the row's order: task weight over (tokens of its answer) ** evenness."""
    runs: list[int] = []
    segments: list[int] = []
    for label, segment in zip(row.encoded.labels, row.encoded.segments):
        if label == IGNORE:
            segments.append(-1)
        elif segments and segments[-1] == segment:
            runs[-1] += 1
            segments.append(segment)
        else:
            runs.append(1)
            segments.append(segment)
    weights = [stage.weights.get(task_type, 1.0) / run**stage.evenness for run, task_type in zip(runs, row.task_types)]
    return torch.tensor([weight for weight, run in zip(weights, runs) for _ in range(run)])


def freeze(model: Lamm, parts: Sequence[str]) -> None:
    """Exactly the named parts learn; frozen encoders stay in evaluation mode, for batch statistics must not drift."""
    model.train()
    for name, parameter in model.named_parameters():
        if name.startswith("encoders."):
            part = "encoders"
        elif name.startswith("llama_proj."):
            part = "projection"
        else:
            part = "lora" if ".lora_" in name else "llm"
        parameter.requires_grad_(part in parts)
    if "encoders" not in parts:
        model.encoders.eval()


def half(precision: str) -> bool:
    """Whether matrices are multiplied in bfloat16; under `auto` only where the processor has instructions for it."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return precision == "bfloat16" or (precision == "auto" and bool(supported()))


@contextlib.contextmanager
def seeded(*key: object) -> Iterator[None]:
    """PyTorch's initial values as a function of `key`, its own random state left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng(*key).integers(2**31)))
        yield
