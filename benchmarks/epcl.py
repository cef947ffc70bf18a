"""What a cloud costs on its way through EPCL, part by part. No test; prints a table.

    python benchmarks/epcl.py                    rooms of 40,000 points, LAMM's sizes, without CLIP's transformer
    python benchmarks/epcl.py --transformer      with its 24 blocks of random weights
    python benchmarks/epcl.py --device cuda --batch 8

Rooms are drawn: floor, walls and boxes with the density of a scan. The limits are the project's own, on two CPU cores."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from lamm_bench.lamm.encoder_configs import Epcl
from lamm_bench.lamm.epcl import EpclEncoder, chosen_points
from lamm_bench.lamm.points import ball_query, farthest_points

LIMITS = {"farthest point sampling": 0.150, "tokenizer": 0.5}  # seconds a cloud


def room(seed: int, count: int) -> np.ndarray:
    """Points on the floor, on four walls and on twelve boxes of a room of 6 x 5 x 2.6 metres, with colours."""
    stream = np.random.default_rng(seed)
    size = np.array([6.0, 5.0, 2.6])
    points = stream.random((count, 3)) * size
    kind = stream.integers(0, 17, count)
    points[kind == 0, 2] = 0.0
    for wall in range(4):
        points[kind == 1 + wall, wall % 2] = 0.0 if wall < 2 else size[wall % 2]
    for number in range(12):
        own = kind == 5 + number
        middle, half = stream.random(3) * (size - 1) + 0.5, stream.random(3) * 0.5 + 0.1
        offset = stream.uniform(-1, 1, (own.sum(), 3))
        offset[np.arange(own.sum()), stream.integers(0, 3, own.sum())] = 1.0  # on a face
        points[own] = middle + half * offset
    return np.concatenate([points, stream.integers(0, 256, (count, 3))], axis=1).astype(np.float32)


def seconds(work: Callable[[], object], repeats: int, device: str) -> tuple[float, float, float]:
    """Median and least of several runs, the first of which does not count, and the median of their processor time.

    On a shared machine the last one is what the work costs; the others are what somebody waits."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter(), time.process_time()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    wall, processor = zip(*times[1:])
    return float(np.median(wall)), min(wall), float(np.median(processor))


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--transformer", action="store_true", help="time CLIP's 24 blocks too")
    chosen = parser.parse_args()
    torch.manual_seed(0)
    config = Epcl(points=chosen.points, layers=24 if chosen.transformer else 0)
    encoder = EpclEncoder(config).to(chosen.device)
    clouds = [room(seed, chosen.points) for seed in range(chosen.batch)]
    prepared = [chosen_points(cloud, config, str(seed)) for seed, cloud in enumerate(clouds)]
    batch = encoder.tensor(prepared).to(chosen.device)
    points = batch[..., :3].contiguous()
    picked = farthest_points(points, 256)
    work: dict[str, Callable[[], object]] = {
        "prepare (on the CPU)": lambda: [chosen_points(cloud, config, "0") for cloud in clouds],
        "farthest point sampling": lambda: farthest_points(points, 256),
        "ball query": lambda: [ball_query(p, p[i], config.radii[0], config.neighbours[0]) for p, i in zip(points, picked)],
        "tokenizer": lambda: encoder.tokenize(batch),
    }
    if chosen.transformer:
        work["whole encoder"] = lambda: encoder(batch)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {chosen.device}, {chosen.batch} x {chosen.points} points"
    )
    print(f"{'milliseconds a cloud':26} {'median':>8} {'least':>8} {'CPU':>8} {'limit':>8}")
    for name, call in work.items():
        middle, least, processor = (1000 * t / chosen.batch for t in seconds(call, chosen.repeats, chosen.device))
        limit = f"{1000 * LIMITS[name]:8.0f}" if name in LIMITS else ""
        print(f"{name:26} {middle:8.1f} {least:8.1f} {processor:8.1f} {limit}")


if __name__ == "__main__":
    main()
