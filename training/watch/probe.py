"""`watch.eval_every`: a few questions of the miniature's validation split, asked of the model as it is while it learns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from lamm_bench.ask import session
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.data import mini
from lamm_bench.errors import BenchError
from lamm_bench.lamm.ask import Asker
from lamm_bench.lamm.encode import layout_called
from lamm_bench.lamm.features import FeatureCache
from lamm_bench.lamm.model import Lamm
from lamm_bench.lamm.tokenizer import Tokenizer
from lamm_bench.training.config.preset import Preset
from lamm_bench.types import Generate, Job, Response, Score

CACHE = 256 * 2**20


class Learning:
    """An adapter around the model in training."""

    name = "learning"

    def __init__(self, asker: Asker, modalities: frozenset[str]) -> None:
        self.asker, self.modalities = asker, modalities

    def fingerprint(self) -> str:
        return "learning"

    def begin(self, job: Job) -> None:
        self.asker.transform = job.image_transform

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from self.asker.generate(requests)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        yield from self.asker.score(requests)


def tasks_of(plan: Preset) -> tuple[Any, str, frozenset[str]]:
    """The catalog, the names of `watch.eval_tasks` about what the preset trains on, and its kinds of media."""
    if plan.parallel.zero == 3:
        raise BenchError("watch.eval_every needs whole weights in one process; it does not go with parallel.zero 3")
    catalog = load_catalog(())
    kinds = frozenset(kind for kind, files in plan.data.media.items() if files)
    tasks = list(catalog.select_tasks(plan.watch.eval_tasks))
    names = ",".join(task.name for task in tasks if task.modality in kinds)
    if not names:
        raise BenchError(f"watch.eval_tasks: {plan.watch.eval_tasks} names no task about what the preset trains on")
    return catalog, names, kinds


def make_probe(plan: Preset, tokenizer: Tokenizer) -> Callable[[Lamm], Mapping[str, float]] | None:
    """None unless the preset asks for it. Refused as `tasks_of` does."""
    watch = plan.watch
    if not watch.eval_every:
        return None
    catalog, names, kinds = tasks_of(plan)
    root = Path(mini.ensure(parts=("val",))) / "val"

    def probe(model: Lamm) -> dict[str, float]:
        modes = {module: module.training for module in model.modules()}
        model.eval()
        layout = layout_called(plan.data.layout, tokenizer)
        adapter: Any = Learning(Asker(model, tokenizer, 32, FeatureCache(CACHE), layout), kinds)
        try:
            # short lists of words of every kind would each be compiled anew
            uncompiled = torch.compiler.set_stance("force_eager")
            with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(), uncompiled:
                options = session.Options(
                    "learning", tasks=names, data_root=root, limit=watch.eval_limit, output=Path(folder) / "run"
                )
                outcome = session.run(options, catalog, adapter, root, "miniature", Watcher())
        finally:
            for module, training in modes.items():
                module.training = training
        return {score.task: headline for score in outcome.scores if (headline := value_of(score)) is not None}

    return probe


def value_of(score: Any) -> float | None:
    """The headline metric's value under the standard protocol."""
    if score.protocol != "standard":
        return None
    return None if not score.metrics else score.headline[1].value
