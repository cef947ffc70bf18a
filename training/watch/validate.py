"""The mean loss of the held-out dialogues: the answers' loss, without dropout, augmentation or gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from lamm_bench.training.config.preset import Augment, Stage
from lamm_bench.training.data.examples import Example
from lamm_bench.training.data.plan import label_weights
from lamm_bench.training.data.shares import shares

from .watched import Watched


def validation_loss(trainer: Watched, stage: Stage, index: int) -> float:
    """Weighted like the stage's own loss; all processes take part, and all are told."""
    engine, micro = trainer.engine, trainer.preset.speed.micro
    calm = replace(stage, asked=0.0, places=0.0, spots=0.0, anchors=0.0, blur={}, answers=1.0, augment=Augment())
    rows = [replace(row, mirror=False) for row in trainer.held]
    weights = [label_weights(row, stage) for row in rows]
    modes = {module: module.training for module in trainer.model.modules()}
    trainer.model.eval()
    sums, whole = torch.zeros((), dtype=torch.float64), sum(float(each.sum()) for each in weights)
    try:
        with torch.no_grad():
            for number, batch in enumerate(batches(rows, engine.world * micro or stage.batch)):
                mine = shares([len(rows[i].encoded) for i in batch], len(batch), engine.world, micro)[engine.rank]
                for part in mine:
                    chosen = [batch[at] for at in part.rows]
                    own = [weights[i].to(engine.device) for i in chosen]
                    loss = engine.forward(calm, [[rows[i]] for i in chosen], own, (index, -1 - number))["answers"]
                    sums += 0.0 if part.blank else float(loss) * sum(float(each.sum()) for each in own) / whole
    finally:
        for module, training in modes.items():
            module.training = training
    return engine.total({"validation": sums})["validation"]


def batches(rows: Sequence[Example], size: int) -> list[list[int]]:
    """Indices of rows about one kind of media, longest first, so that little is padded."""
    out = []
    for kind in sorted({row.media.kind for row in rows}):
        own = sorted((i for i, row in enumerate(rows) if row.media.kind == kind), key=lambda i: -len(rows[i].encoded))
        out += [own[at : at + size] for at in range(0, len(own), size)]
    return out
