"""How much the engine costs: `--help`, scoring the full benchmark's size, and the overhead of a run. No test; prints a table.

    python benchmarks/engine.py                 all three (a few minutes)
    python benchmarks/engine.py --only scoring

Every item is synthetic and every answer is a baseline's, some of them spoilt; sizes are the real benchmark's (reference 1.1)."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.measure.floors import chance_answer
from lamm_bench.measure.scoring import Answered, oracle_answer, score

SIZES = {
    "cifar10": 10000, "voc2012": 5823, "sqaimage": 2017, "ai2d": 5793, "flickr30k": 1000, "ucmerced": 2100, "fsc147": 1190,
    "svt": 249, "celeba-smile": 19962, "celeba-hair": 12305, "lsp": 2000, "scannet": 312, "scanrefer": 9508, "scanqa": 2968,
}  # fmt: skip
WORDS = "a man woman dog horse rides stands on the red blue old street near water with two small large and of in park".split()
VOC = "aeroplane bicycle bird boat bottle bus car cat chair cow dog horse person sheep sofa train".split()
CIFAR = "airplane automobile bird cat deer dog frog horse ship truck".split()
LAND = "agricultural airplane baseballdiamond beach buildings forest freeway harbor intersection overpass river runway".split()
FURNITURE = "cabinet bed chair sofa table door window bookshelf desk curtain toilet sink bathtub".split()


def box2d(rng: Random) -> list[float]:
    x, y = rng.random() * 0.6, rng.random() * 0.6
    return [round(v, 4) for v in (x, y, x + 0.1 + 0.3 * rng.random(), y + 0.1 + 0.3 * rng.random())]


def box3d(rng: Random) -> list[float]:
    return [round(rng.uniform(-3, 3), 3) for _ in range(3)] + [round(rng.uniform(0.3, 2), 3) for _ in range(3)]


def options(rng: Random, count: int) -> dict[str, object]:
    return {"gt_choices": [" ".join(rng.sample(WORDS, 3)) for _ in range(count)], "gt_choice": rng.randrange(count)}


def item(task: str, rng: Random) -> dict[str, object]:
    """The ground truth of one synthetic item."""
    if task in ("cifar10", "ucmerced"):
        return {"label": rng.choice(CIFAR if task == "cifar10" else LAND)}
    if task == "voc2012":
        return {"object": [{"label": rng.choice(VOC), "bbox": box2d(rng)} for _ in range(rng.randint(1, 4))]}
    if task in ("sqaimage", "ai2d"):
        return options(rng, 4)
    if task == "flickr30k":
        return {"sentences": [" ".join(rng.choices(WORDS, k=11)) + "." for _ in range(5)]}
    if task == "fsc147":
        return {"num": rng.randint(1, 300)}
    if task == "svt":
        return {"word_list": [rng.choice(WORDS).upper() for _ in range(rng.randint(1, 5))]}
    if task.startswith("celeba"):
        return {"attr": rng.choice(["1", "-1"] if task == "celeba-smile" else ["black", "blond", "brown", "gray"])}
    if task == "lsp":
        return {"gt_joints": [[rng.random() * 100, rng.random() * 100, 1.0] for _ in range(14)]}
    if task == "scannet":
        return {"object": [{"label": rng.choice(FURNITURE), "bbox": box3d(rng)} for _ in range(15)]}
    return {"object": box3d(rng)} if task == "scanrefer" else options(rng, 6)


def draw_root(root: Path, sizes: dict[str, int]) -> Path:
    """Meta files of the given sizes over a handful of media."""
    for folder in ("2D_Benchmark", "3D_Benchmark"):
        (root / folder / "meta_file").mkdir(parents=True)
    for number in range(50):
        Image.new("RGB", (100, 100), (number, 0, 0)).save(root / f"2D_Benchmark/{number}.png")
        np.save(root / f"3D_Benchmark/scene{number:04d}_00.npy", np.full((8, 6), number, dtype=np.float32))
    for task in load_catalog().select_tasks(list(sizes)):
        rng = Random(task.name)
        cloud = task.modality == "point_cloud"
        items = []
        for number in range(sizes[task.name]):
            place = {"pcl": f"./scene{number % 50:04d}_00.npy"} if cloud else {"image": f"{number % 50}.png"}
            question = "Where is the {}?" if task.name == "lsp" else "What is there?"
            items.append({"id": str(number), **place, "query": question, **item(task.name, rng)})
        (root / task.meta_files[0]).write_text(json.dumps(items))
    return root


def spoilt(answer, rng: Random):
    """Every fifth answer is wrapped in prose, cut, or says nothing."""
    if not isinstance(answer, str) or rng.random() < 0.8:
        return answer
    return rng.choice(
        [f"In this image I can see: {answer}. Not a cat, no.", answer[: len(answer) // 2], "", "I am sorry, I cannot."]
    )


def scoring(scale: float) -> None:
    sizes = {name: max(2, int(size * scale)) for name, size in SIZES.items()}
    with tempfile.TemporaryDirectory() as folder:
        root = draw_root(Path(folder), sizes)
        spent = {"standard": 0.0, "classic": 0.0, "chef": 0.0}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for task in load_catalog().select_tasks(list(sizes)):
            samples = task.samples(root)
            rng = Random(task.name)
            answered = {}
            for number, sample in enumerate(samples):
                # chance answers of a thousand samples serve all: making them is not what is measured
                text = oracle_answer(task, sample) if number % 2 else chance_answer(task, sample, samples[:100])
                answered[sample.id] = Answered(spoilt(text, rng))
            line = []
            for protocol in task.protocols:
                begun = time.process_time()
                score(task, protocol, samples, answered)
                seconds = time.process_time() - begun
                spent[protocol] += seconds
                line.append(f"{protocol} {seconds:.2f}")
            print(f"  {task.name:<14}{len(samples):>6} answers  " + "  ".join(line), flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        total = sum(spent.values())
        print(
            f"scoring {sum(sizes.values())} answers, all protocols: {total:.1f} s CPU "
            + str({k: round(v, 1) for k, v in spent.items()})
        )
        print(f"  peak memory {peak:.0f} MB ({before:.0f} MB before)")


def overhead() -> None:
    """A run with the `scripted` adapter: all that is not a model."""
    with tempfile.TemporaryDirectory() as folder:
        root = draw_root(Path(folder) / "data", {"cifar10": 10000})
        answers = Path(folder) / "answers.json"
        answers.write_text(json.dumps({str(number): "cat" for number in range(10000)}))
        catalog = load_catalog()
        adapter = catalog.adapter("scripted", {"answers": str(answers)})
        opened = Options("scripted", tasks="cifar10", output=Path(folder) / "run")
        outcome = run(opened, catalog, adapter, root, "synthetic", Watcher())
        print(f"overhead with records: {1000 / outcome.rates['cifar10']:.3f} ms a sample (target 0.3)")


def helping(repeats: int = 15) -> None:
    def best(command: list[str]) -> float:
        times = []
        for _ in range(repeats):
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - begun)
        return sorted(times)[len(times) // 2]

    ours = best([sys.executable, "-m", "lamm_bench", "--help"])
    click = best([sys.executable, "-c", "import click"])
    print(f"--help {1000 * ours:.0f} ms, import click {1000 * click:.0f} ms: ratio {ours / click:.2f} (target 3)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["help", "scoring", "overhead"])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the real sizes")
    given = parser.parse_args()
    if given.only in (None, "help"):
        helping()
    if given.only in (None, "overhead"):
        overhead()
    if given.only in (None, "scoring"):
        scoring(given.scale)
