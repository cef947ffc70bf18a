"""The training itself: `Trainer.run` is one stage's loop: batch, losses, backward, step, report, save."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import Lora
from lamm_bench.lamm.encode import Encoded, pack
from lamm_bench.lamm.model import Lamm, collate
from lamm_bench.lamm.precision import cpu_has_bfloat16
from lamm_bench.lamm.tokenizer import MiniTokenizer, Tokenizer
from lamm_bench.training.config.parts import counter, part_of
from lamm_bench.training.config.preset import Preset, Stage
from lamm_bench.training.data.augment import change
from lamm_bench.training.data.examples import Example, rng
from lamm_bench.training.data.feature_cache import FeatureCache
from lamm_bench.training.data.lessons import Course
from lamm_bench.training.data.plan import Plan, label_weights, pace, rows_of
from lamm_bench.training.data.prepared import Prepared
from lamm_bench.training.data.shares import micros_of, padding, shares, whole_batches
from lamm_bench.training.engines import state
from lamm_bench.training.engines.engine import Engine
from lamm_bench.training.engines.plain import Plain
from lamm_bench.training.watch.watcher import Watcher
from lamm_bench.types import Media

from .anchors import Anchors, halfway
from .heads import Heads
from .loss import Blur, answer_losses, check_finite, total_loss


@dataclass
class Trainer:
    """Everything that a stage needs; the model changes from stage to stage, the rest stays."""

    preset: Preset
    model: Lamm
    examples: Sequence[Example]
    texts: Sequence[tuple[Encoded, str]]  # for stages without media: a conversation and its task type
    prepared: Mapping[Media, np.ndarray]
    output: Path
    identity: str
    console: Console
    course: Course = field(default_factory=Course)  # of the encoders' stage
    features: Mapping[Media, Tensor] = field(default_factory=dict)
    engine: Engine = None  # type: ignore[assignment]  # one process where none is given
    held: Sequence[Example] = ()  # kept from training, for the validation loss
    cache: FeatureCache | None = None  # where frozen encoders' tokens are kept between trainings
    probe: Callable[[Lamm], Mapping[str, float]] | None = None  # a short run over the miniature: task -> score
    tokenizer: Tokenizer | None = None
    best: float = math.inf  # the least validation loss so far
    blurs: dict[tuple[str, float], Blur] = field(default_factory=dict)
    before: tuple[int, int] = (0, 0)  # stage and step of the state on the disk

    def __post_init__(self) -> None:
        if self.engine is None:
            self.engine = Plain(self.preset)

    def run(self, index: int, stage: Stage, saved: dict[str, Any] | None) -> None:
        """Trains one stage, from its beginning or from a saved state within it."""
        engine, seed, micro = self.engine, self.preset.seed, self.preset.speed.micro
        heads = self.begin(index, stage, saved)
        rows = rows_of(stage, self.examples, self.texts, self.preset.data.row_tokens)
        weights = [label_weights(row, stage) if stage.answers else torch.ones(0) for row in rows]
        mass = [float(each.sum()) if stage.answers else 1.0 for each in weights]
        plan = Plan(self.preset, index, stage, rows)
        engine.begin(Step(self, heads), stage, micros_of(stage.batch, engine.world, micro))
        if saved:
            engine.restore(saved, self.output)
        start = saved["step"] if saved else 0
        with Watcher(self, index, stage, start, plan) as watcher:
            for step in range(start, plan.total):
                chosen = plan.batch(step)
                lengths = [sum(plan.lengths[i] for i in row) for row in chosen]
                everybody = shares(lengths, stage.batch, engine.world, micro)
                if not engine.even:
                    everybody = [[part for part in mine if not part.blank] for mine in everybody]
                whole = sum(mass[i] for row in chosen for i in row)
                sums: dict[str, Tensor] = {}
                if stage.media and not self.features and isinstance(self.prepared, Prepared):
                    own_rows = [at for part in everybody[engine.rank] for at in part.rows]
                    self.prepared.ahead([rows[i].media for at in own_rows for i in chosen[at]])
                for number, part in enumerate(everybody[engine.rank]):
                    # PyTorch's dropout has no other door; the first process's first pass has the stream of one process
                    place = (engine.rank, number) if engine.rank or number else ()
                    torch.manual_seed(int(rng(seed, index, step, "dropout", *place).integers(2**31)))
                    packs = [[rows[i] for i in chosen[at]] for at in part.rows]
                    own = [i for at in part.rows for i in chosen[at]]
                    losses = engine.forward(stage, packs, [weights[i].to(engine.device) for i in own], (index, step))
                    share = 0.0 if part.blank else sum(mass[i] for i in own) / whole
                    engine.backward(total_loss(stage, losses) * share)
                    for name, value in losses.items():
                        sums[name] = sums.get(name, 0.0) + value.detach() * share
                said = engine.total(sums)
                where = [rows[i].where or "text" for row in chosen for i in row]
                loss = float(total_loss(stage, said))
                check_finite(stage, step, "loss", loss, where)
                rate = stage.rate * pace(stage, step, plan.total)
                norm = engine.step(rate)
                if not engine.scaled:
                    check_finite(stage, step, "gradient's norm", norm, where)
                watcher.stepped(step, said, loss, rate, norm, [padding(mine, lengths) for mine in everybody])
                watcher.look(step + 1)
                if (step + 1) % self.preset.save_every == 0 and step + 1 < plan.total:
                    self.save(index, step + 1, heads.state_dict())
        self.save(index + 1, 0, None)

    def begin(self, index: int, stage: Stage, saved: dict[str, Any] | None) -> nn.Module:
        """LoRA put in, parts frozen, the saved weights loaded; gives what is trained beside the model, empty in most stages."""
        whole_batches(self.preset, stage, self.engine.world)
        if "lora" in stage.train and not hasattr(self.model.llama_model, "peft_config"):
            with seeded(self.preset.seed, "lora"):
                self.model.add_lora(lora_of(self.preset))
        if saved:
            self.load(saved)
        freeze(self.model, stage.train, tuple(self.preset.data.media) if self.preset.extends else ())
        if stage.media and "encoders" not in stage.train and not self.features:
            self.model.to(self.engine.device)
            self.features = self.kept()
        heads: nn.Module = nn.Module()
        if stage.asked:
            with seeded(self.preset.seed, index, "heads"):
                heads = Heads(self.course, self.model.config.encoders)
        if stage.anchors:
            assert isinstance(self.tokenizer, MiniTokenizer)  # config.check
            with seeded(self.preset.seed, index, "anchors"):
                heads = Anchors(self.course, self.model, self.tokenizer)
        if saved:
            heads.load_state_dict(saved["heads"])
        return heads

    def learnt(self, index: int) -> list[str]:
        """Names of what the stages up to this one train, and of counters: all that random weights and files do not give again."""
        parts = {part for stage in self.preset.stages[: index + 1] for part in stage.train}
        named = {name for name, _ in self.model.named_parameters()}
        return [name for name in self.model.state_dict() if (part_of(name) in parts if name in named else counter(name))]

    def save(self, stage: int, step: int, heads: Any) -> None:
        """A state to go on from; at the end of a stage (step 0 of the next) it holds weights only."""
        if self.engine.rank == 0 and self.preset.watch.keep > 1:
            state.set_aside(self.output, *self.before)
        names = self.learnt(stage if step else stage - 1)
        held = {"identity": self.identity, "stage": stage, "step": step, "heads": heads, "best": self.best}
        held |= {"engine": self.engine.name, "world": self.engine.world}
        if step:
            self.engine.save(self.output / state.NAME, held, names)
        else:
            weights = self.engine.weights(names)
            if self.engine.rank == 0:
                state.write(self.output / state.NAME, {**held, "model": weights})
        self.before = (stage, step)
        self.engine.gather(None)
        if self.engine.rank == 0:
            state.thin(self.output, self.preset.watch.keep)

    def load(self, saved: Mapping[str, Any]) -> None:
        """Puts a state's weights, where it holds them itself, into the model."""
        self.best, self.before = saved.get("best", math.inf), (saved["stage"], saved["step"])
        if "model" in saved:
            unknown = self.model.load_state_dict(saved["model"], strict=False).unexpected_keys
            if unknown:
                raise BenchError(f"the state holds the tensor '{unknown[0]}' that the preset's model does not have")

    def kept(self) -> Mapping[Media, Tensor]:
        """What the frozen encoders say about every media, if the preset or `--feature-cache` keeps it."""
        if self.cache is not None:
            return self.cache.fill(self.model, self.prepared, self.engine, half(self.preset.precision), self.console)
        return self.look() if self.preset.speed.features == "memory" else {}

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
            with contextlib.ExitStack() as looking:
                middle = looking.enter_context(halfway(self.model)) if stage.anchors else []
                logits, labels, _ = self.model.label_logits(batch, media)
            blur = self.blur(stage, kind, logits.shape[-1])
            if stage.anchors:
                lessons = [self.course.lessons[row.media] for row in rows]
                table = self.model.llama.get_input_embeddings().weight
                out |= heads(kind, middle[0][batch.media >= 0], lessons, table, blur)
        each = answer_losses(logits, labels, blur)
        weight = torch.cat(list(weights))
        out["answers"] = (each * weight).sum() / weight.sum()
        return out

    def blur(self, stage: Stage, kind: str, size: int) -> Blur | None:
        """How numbers in answers about this kind of media are blurred, if the stage says so."""
        deviation = stage.blur.get(kind, 0.0)
        if not deviation or not isinstance(self.tokenizer, MiniTokenizer):
            return None
        if (kind, deviation) not in self.blurs:
            self.blurs[kind, deviation] = Blur.of(self.tokenizer.numbers(), size, deviation).to(self.engine.device)
        return self.blurs[kind, deviation]

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
        inputs = change(encoder, inputs, [row.mirror for row in rows], stage.augment, rng(self.preset.seed, *key, "augment"))
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


class Step(nn.Module):
    """The module that an engine holds: the model and what is trained beside it; its forward is `Trainer.losses`."""

    def __init__(self, trainer: Trainer, heads: nn.Module) -> None:
        super().__init__()
        self.model, self.heads = trainer.model, heads
        self.trainer = trainer

    def forward(
        self, stage: Stage, packs: Sequence[Sequence[Example]], weights: Sequence[Tensor], key: tuple[int, int]
    ) -> dict[str, Tensor]:
        losses = self.trainer.losses(stage, self.heads, packs, weights, key)
        if stage.media and "answers" in losses and self.trainer.preset.unused == "zero":
            # every weight takes part in every batch: DeepSpeed's ZeRO-3 would use the last gradient of one that does not
            for kind in sorted(set(self.model.config.encoders) - {packs[0][0].media.kind}):
                nothing = torch.zeros(1, 1, self.model.config.encoders[kind].width, device=self.trainer.engine.device)
                losses["answers"] = losses["answers"] + 0.0 * self.model.project(kind, nothing).float().sum()
        return losses


def lora_of(preset: Preset) -> Lora:
    """The preset's LoRA, which a stage that trains it must have (config.check)."""
    assert preset.model.lora is not None
    return preset.model.lora


def freeze(model: Lamm, parts: Sequence[str], kinds: Sequence[str] = ()) -> None:
    """Exactly the named parts learn; frozen encoders stay in evaluation mode, for batch statistics must not drift.

    With `kinds`, encoders and projections of other modalities stay as they are."""
    model.train()
    others = tuple(
        f"{part}.{kind}." for part in ("encoders", "llama_proj") for kind in model.encoders if kinds and kind not in kinds
    )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(part_of(name) in parts and not name.startswith(others))
    if "encoders" not in parts:
        model.encoders.eval()


def half(precision: str) -> bool:
    """Whether matrices are multiplied in bfloat16; under `auto` only where the processor has instructions for it."""
    return precision == "bfloat16" or (precision == "auto" and cpu_has_bfloat16())


@contextlib.contextmanager
def seeded(*key: object) -> Iterator[None]:
    """PyTorch's initial values as a function of `key`, its own random state left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng(*key).integers(2**31)))
        yield
