"""Upstream's draws, held by ../shared/goldens-chef/expected/sampling.json (skipped where that is not)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamm_bench.measure.draws import fixed_rows, most_alike, nearest_rows, random_rows, ranks, sliced, subset

GOLDEN = Path(__file__).parents[2] / "shared/goldens-chef/expected/sampling.json"


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    if not GOLDEN.is_file():
        pytest.skip(f"{GOLDEN} is not here")
    return json.loads(GOLDEN.read_text())


def test_subsets_are_upstreams(golden: dict[str, Any]) -> None:
    for case in golden["sample_dataset"]:
        wanted = case["indices"] if isinstance(case["indices"], list) else list(range(case["n"]))  # "all, in order"
        assert subset(case["n"], case["sample_len"]) == wanted


def test_processes_get_upstreams_slices(golden: dict[str, Any]) -> None:
    for case in golden["ranks"]:
        assert ranks(range(case["n"]), case["world_size"]) == case["ranks"]
    case = golden["sample_then_ranks"]
    assert ranks(subset(case["n"], case["sample_len"]), case["world_size"]) == case["ranks"]


def test_every_retriever_gives_upstreams_rows(golden: dict[str, Any]) -> None:
    for case in golden["retrievers"]["cases"]:
        if case["retriever"] == "random":
            rows = random_rows(case["n"], case["ice_num"], case["random_seed"])
        elif case["retriever"] == "fixed":
            rows = fixed_rows(case["n"], case["ice_num"], case.get("random_seed", 0), case.get("ice_assigned_ids", ()))
        else:
            vectors = np.array(case["vectors"], dtype=np.float32)
            rows = nearest_rows(vectors, case["ice_num"], set(case.get("circular", ())))
        assert rows == case["indices"], case["retriever"]


def test_of_equal_values_those_stay_that_a_heap_keeps() -> None:
    """Against the heap itself, played through value by value."""
    stream = np.random.default_rng(0)
    for _ in range(300):
        values = stream.integers(0, 5, stream.integers(1, 12)).astype(np.float32)
        count = int(stream.integers(1, 7))
        heap: list[tuple[float, int]] = [(-np.inf, -1)] * count
        for place, value in enumerate(values):
            if value > min(heap)[0]:
                heap.remove(min(heap))
                heap.append((float(value), place))
        assert most_alike(values, count) == [place for _, place in sorted(heap, reverse=True) if place >= 0]


def test_a_short_last_batch_reads_other_items_rows() -> None:
    assert sliced([[0], [1], [2], [3], [4], [5]], 1) == [[0], [1], [2], [3], [4], [5]]
    assert sliced([[0], [1], [2], [3], [4], [5]], 4) == [[0], [1], [2], [3], [2], [3]]
