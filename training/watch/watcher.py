"""What is seen of a stage while it runs: a line or a bar, `metrics.jsonl`, TensorBoard, validation losses, short evaluations.

All of it belongs to the first process, but for what needs every process's part of the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.training.config.preset import Stage
from lamm_bench.training.data.plan import Plan
from lamm_bench.training.engines import state
from lamm_bench.training.engines.device import precision_on

from .measure import operations_per_token, peak_of, size_of
from .progress import Metrics, StageProgress
from .validate import validation_loss
from .watched import Watched


class Watcher:
    """Told of every step of one stage."""

    def __init__(self, trainer: Watched, index: int, stage: Stage, start: int, plan: Plan) -> None:
        self.trainer, self.index, self.stage, self.total = trainer, index, stage, plan.total
        self.first = trainer.engine.rank == 0
        self.start = start
        self.use = 0.0
        if not self.first:
            return
        model, console = trainer.model, trainer.console
        count = sum(size_of(p) for p in model.parameters() if p.requires_grad)
        console.print(
            f"{stage.name}: {len(plan.lengths)} dialogues, {plan.total} steps, {count / 1e6:.2f} M trainable, "
            f"{100 * plan.padding:.0f} % padding",
            highlight=False,
        )
        device = trainer.engine.device
        peak = peak_of(device, precision_on(trainer.preset.precision, device)) * trainer.engine.world
        self.use = operations_per_token(model) / peak if peak and stage.answers and "encoders" not in stage.train else 0.0
        self.metrics = Metrics(trainer.output / "metrics.jsonl", index, start)
        self.progress = StageProgress(console, stage.name, start, plan.total)
        self.board = tensorboard(trainer.output / "tensorboard", start) if trainer.preset.watch.tensorboard else None

    def __enter__(self) -> Watcher:
        if self.first:
            self.progress.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.first:
            self.progress.__exit__(kind, error, trace)
            self.metrics.close()
            if self.board is not None:
                self.board.close()

    def stepped(
        self,
        step: int,
        said: Mapping[str, float],
        loss: float,
        rate: float,
        norm: float,
        padded: Sequence[tuple[int, int]],
    ) -> None:
        """After a step: its losses and what they come to, learning rate, gradient norm, and each process's places taken and places."""
        if not self.first:
            return
        losses = {name: round(value, 5) for name, value in said.items()}
        skipped = {"overflows": self.trainer.engine.skipped} if self.trainer.engine.scaled else {}
        self.write(step, {"rate": rate, "norm": norm if math.isfinite(norm) else None, **losses, **skipped})
        tokens, places = (sum(pair[at] for pair in padded) for at in (0, 1))
        self.progress.step(step + 1, loss, tokens, places, self.use)

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        self.metrics.write({"stage": self.stage.name, "stage_index": self.index, "step": step, **values})
        if self.board is not None:
            for name, value in values.items():
                if isinstance(value, int | float):
                    self.board.add_scalar(f"{self.stage.name}/{name}", value, step)

    def look(self, done: int) -> None:
        """After `done` steps: the validation loss and the short evaluation, where they are due."""
        trainer, watch = self.trainer, self.trainer.preset.watch
        last = done == self.total
        if trainer.held and self.stage.answers and self.stage.media and (last or due(done, watch.validate_every)):
            loss = validation_loss(trainer, self.stage, self.index)
            better = loss < trainer.best and self.index == len(trainer.preset.stages) - 1
            if better:
                trainer.best = loss
                weights = trainer.engine.weights(trainer.learnt(self.index))
            if self.first:
                self.write(done - 1, {"validation": round(loss, 5)})
                trainer.console.print(
                    f"{self.stage.name}: step {done}, validation loss {loss:.4f}", highlight=False, soft_wrap=True
                )
                if better:
                    held = {"identity": trainer.identity, "engine": trainer.engine.name, "world": trainer.engine.world}
                    state.write(trainer.output / "best.pt", {**held, "step": done, "model": weights, "best": loss})
        if due(done, watch.eval_every):
            if trainer.probe is not None:
                scores = trainer.probe(trainer.model)
                self.write(done - 1, {f"score_{name}": value for name, value in scores.items()})
                said = ", ".join(f"{name} {value:.1f}" for name, value in scores.items())
                trainer.console.print(f"{self.stage.name}: step {done}, {said}", highlight=False, soft_wrap=True)
            trainer.engine.gather(None)


def due(done: int, every: int) -> bool:
    return bool(every) and done % every == 0


def tensorboard(folder: Path, start: int) -> Any:
    """A writer of TensorBoard's files."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise BenchError(
            "watch.tensorboard needs the extra `tensorboard` (pip install -c constraints.txt -e '.[tensorboard]')"
        ) from None
    return SummaryWriter(str(folder), purge_step=start)
