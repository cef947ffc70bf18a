"""How fast LAMM's stage is trained, ours against upstream's way, on the same small model and data. No test; prints two tables.

    python benchmarks/training.py               some minutes of one core
    python benchmarks/training.py --only mini --ways 0,4,5

Upstream's way (reference 3.7): 2 dialogues in a forward pass as they were drawn, padded to the longer, each image decoded and
encoded at every step, logits for every place. The switches between it and ours are turned one after the other. All run through
the same loop and see the same dialogues the same number of times. Times are of the processor, compilers that are started
included, and of all that is done once, such as encoding for the cache; nothing is used that was compiled before. The model is
small, but has LAMM's 256 tokens for each image.

`mini`: the miniature's training data; short dialogues, several about each image.
`long`: one dialogue about each image, answers as long as LAMM's are thought to be (log-normal, median 60 words, at most 250)."""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor

import lamm_bench.training.stages.trainer as trainer_module
from lamm_bench.data import mini
from lamm_bench.lamm.encode import IGNORE
from lamm_bench.lamm.model import Batch, Lamm, visible
from lamm_bench.training.data.shares import Micro, micros_of
from lamm_bench.training.data.shares import shares as by_length
from lamm_bench.training.run import train

EPOCHS = 2  # as upstream
WORDS = "a man woman dog horse rides stands on the red blue old street near water with two small large and of in park".split()
PRESET = """# LAMM's stage: its 256 tokens of an image, the built-in baseline's language model.
name: bench
precision: float32
save_every: 100000
tokenizer: 1800
data: {image: [META], turns: sequential, text_tokens: 400, long: cut, row_tokens: 1}
model:
  image: {size: 128, widths: [32, 64, 192], blocks: [0, 0, 1], layers: 4, heads: 4}
  llm: {width: 192, hidden: 512, layers: 4, heads: 4, window: 1024}
  lora: {r: 32, alpha: 32, dropout: 0.1}
stages:
  - {name: lamm, train: [projection, lora], epochs: EPOCHS, batch: 64, rate: 5.0e-4, schedule: warmup_decay}
"""


def as_drawn(lengths: Sequence[int], batch: int, world: int, micro: int) -> list[list[Micro]]:
    """Micro-batches in the order drawn, as upstream's sampler makes them."""
    order = range(len(lengths))
    parts = [Micro(tuple(order[at : at + micro])) for at in range(0, len(lengths), micro)]
    return [parts + [Micro((0,), blank=True)] * (micros_of(batch, world, micro) - len(parts))]


def all_logits(self: Lamm, batch: Batch, media: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """`Lamm.label_logits` with the output layer applied to every place, as transformers' models do it by themselves."""
    mask = visible(batch).to(torch.float32)
    hidden = self.decoder(
        inputs_embeds=self.embed(batch, media), attention_mask=mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    rows, places = (batch.labels != IGNORE).nonzero(as_tuple=True)
    return self.logits(hidden)[rows, places - 1], batch.labels[rows, places], rows


UPSTREAM = {"speed.micro": "2", "speed.features": "each_step", "data.memory": "0"}
SHARED = {"data.long": "refuse", "data.turns": "side_by_side", "data.share": "media", "data.row_tokens": "480"}
WAYS: dict[str, tuple[dict[str, str], bool, bool]] = {
    "upstream's way": (UPSTREAM, True, True),
    "+ logits only of what is learnt": (UPSTREAM, True, False),
    "+ encoder's tokens kept": ({"speed.micro": "2"}, True, False),
    "+ grouped by length": ({"speed.micro": "4"}, False, False),
    "+ questions share their image": ({**SHARED, "speed.micro": "4"}, False, False),
    "+ bfloat16 where there are instructions": ({**SHARED, "speed.micro": "4", "precision": "auto"}, False, False),
    "+ language model compiled": (
        {**SHARED, "speed.micro": "4", "precision": "auto", "speed.compile": "always"},
        False,
        False,
    ),
}
"""Each way's settings, whether micro-batches are dealt as drawn, and whether logits are made for every place."""


def draw(root: Path, data: str, count: int) -> int:
    """Pictures, dialogues and preset; gives the number of dialogues."""
    if data == "mini":
        name = "2D_Instruct/meta_file/LAMM_instruct_mini.json"
        mini.make(root, 0, ("train",), workers=1, counts={"train": max(4, count // 40)})
    else:
        name = "2D_Instruct/meta_file/a.json"
        long_answers(root, root / name, count)
    (root / "bench.yaml").write_text(PRESET.replace("META", name).replace("EPOCHS", str(EPOCHS)), encoding="utf-8")
    return len(json.loads((root / name).read_text(encoding="utf-8")))


def long_answers(root: Path, file: Path, count: int) -> None:
    """One dialogue about each of `count` pictures of noise, 640 x 480."""
    rng, noise = Random(0), np.random.default_rng(0)
    file.parent.mkdir(parents=True)
    items = []
    for number in range(count):
        pixels = noise.integers(0, 255, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((640, 480)).save(root / f"2D_Instruct/{number}.jpg")
        said = " ".join(rng.choices(WORDS, k=min(250, max(2, round(rng.lognormvariate(4.1, 0.9))))))
        talk = [{"from": "human", "value": "<image>\nWhat is there to see?"}, {"from": "gpt", "value": said}]
        items.append({"id": str(number), "image": f"{number}.jpg", "conversations": talk, "task_type": "conversation"})
    file.write_text(json.dumps(items), encoding="utf-8")


def measure(root: Path, name: str, folder: Path) -> tuple[float, float, float]:
    """Processor seconds and wall seconds of the stage, and the share of padding."""
    settings, drawn, every = WAYS[name]
    run, spent = trainer_module.Trainer.run, [0.0, 0.0]
    taken, places = [0], [0]
    stepped = trainer_module.Watcher.stepped

    def timed(*arguments: object) -> None:
        began, clock = sum(os.times()[:4]), time.perf_counter()
        run(*arguments)  # type: ignore[arg-type]
        spent[:] = [sum(os.times()[:4]) - began, time.perf_counter() - clock]

    def counted(self: object, step: int, said: object, rate: float, norm: float, padded: Sequence[tuple[int, int]]) -> None:
        taken[0] += sum(pair[0] for pair in padded)
        places[0] += sum(pair[1] for pair in padded)
        stepped(self, step, said, rate, norm, padded)  # type: ignore[arg-type]

    trainer_module.Trainer.run, trainer_module.Watcher.stepped = timed, counted  # type: ignore[assignment,method-assign]
    trainer_module.shares, logits = as_drawn if drawn else by_length, Lamm.label_logits
    Lamm.label_logits = all_logits if every else logits  # type: ignore[method-assign]
    try:
        train(root / "bench.yaml", folder, settings, data_root=root, console=Console(file=io.StringIO()), engine="plain")
    finally:
        trainer_module.Trainer.run, trainer_module.Watcher.stepped = run, stepped  # type: ignore[method-assign]
        trainer_module.shares, Lamm.label_logits = by_length, logits  # type: ignore[method-assign]
    return spent[0], spent[1], 1 - taken[0] / places[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=160, help="about so many")
    parser.add_argument("--only", choices=("mini", "long"))
    every = ",".join(map(str, range(len(WAYS))))
    parser.add_argument("--ways", default=every, help=f"which lines, in their order; ratios are to the first of them ({every})")
    asked = parser.parse_args()
    try:
        ways = [list(WAYS)[int(number)] for number in asked.ways.split(",")]
    except (ValueError, IndexError):
        parser.error(f"--ways is {asked.ways}, expected some of {every}")
    torch.set_num_threads(1)
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # compilers whose time is counted with ours
    import peft  # noqa: F401  # a second of imports that is nobody's training

    for data in (asked.only,) if asked.only else ("mini", "long"):
        with tempfile.TemporaryDirectory() as folder:
            root, first = Path(folder) / "data", 0.0
            root.mkdir()
            count = draw(root, data, asked.dialogues)
            print(f"{f'{data}: {count} dialogues':40}{'dialogues/s':>12}{'ratio':>7}{'padding':>9}{'CPU s':>7}{'wall s':>8}")
            for number, name in enumerate(ways):
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder) / f"compiled{number}")
                torch.compiler.reset()
                cpu, wall, padding = measure(root, name, Path(folder) / str(number))
                rate = EPOCHS * count / cpu
                first = first or rate
                print(f"{name:40}{rate:12.1f}{rate / first:7.2f}{100 * padding:8.0f}%{cpu:7.1f}{wall:8.1f}", flush=True)


if __name__ == "__main__":
    main()
