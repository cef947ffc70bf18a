"""Sets of points: what sampling, balls and neighbourhoods must do, each beside a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lamm_bench.lamm.points import SetAbstraction, ball_query, farthest_points


def cloud(seed: int, count: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (count, 3)).astype(np.float32))


def farthest_by_loop(points: np.ndarray, count: int, start: int) -> list[int]:
    chosen = [start]
    while len(chosen) < count:
        distance = [min(((p - points[c]) ** 2).sum() for c in chosen) for p in points]
        chosen.append(int(np.argmax(distance)))
    return chosen


def inside_by_loop(points: np.ndarray, centre: np.ndarray, radius: float, count: int) -> list[int]:
    found = [i for i, p in enumerate(points) if ((p - centre) ** 2).sum() < radius**2][:count]
    return found + [found[0] if found else 0] * (count - len(found))


@pytest.mark.parametrize("start", [0, 7])
def test_farthest_point_sampling_equals_a_plain_loop(start: int) -> None:
    points = cloud(start, 150)
    found = farthest_points(points[None], 20, start)[0]
    assert found.tolist() == farthest_by_loop(points.double().numpy(), 20, start)


def test_chosen_points_are_different_and_spread_out() -> None:
    points = cloud(1, 5000)
    found = farthest_points(points[None], 64)[0]
    assert len(set(found.tolist())) == 64

    def closest(index: Tensor) -> float:
        return float((torch.cdist(points[index], points[index]) + 9 * torch.eye(64)).min())

    drawn = torch.from_numpy(np.random.default_rng(0).choice(5000, 64, replace=False))
    assert closest(found) > 5 * closest(drawn)
    reach = torch.cdist(points, points[found]).min(dim=1).values.max()
    assert reach <= closest(found) + 1e-6  # nothing is left farther away than the chosen are from each other


def test_each_cloud_of_a_batch_has_its_own_start() -> None:
    points = torch.stack([cloud(2, 80), cloud(3, 80)])
    both = farthest_points(points, 9, torch.tensor([4, 11]))
    for row, start in enumerate((4, 11)):
        assert torch.equal(both[row], farthest_points(points[row : row + 1], 9, start)[0])


def test_copies_at_the_end_are_never_chosen_before_everything_else() -> None:
    points = cloud(4, 30)
    padded = torch.cat([points, points[:1].expand(25, 3)])
    assert torch.equal(farthest_points(padded[None], 30), farthest_points(points[None], 30))


def test_fewer_points_than_centres_are_given_again() -> None:
    found = farthest_points(cloud(5, 3)[None], 7)[0].tolist()
    assert set(found[:3]) == {0, 1, 2} and set(found[3:]) <= {0, 1, 2}


@pytest.mark.parametrize(("radius", "count"), [(0.3, 8), (0.3, 200), (9.0, 16), (0.01, 4)])
def test_the_ball_query_equals_a_plain_loop(radius: float, count: int) -> None:
    points = cloud(6, 300)
    centres = points[::23]
    found = ball_query(points, centres, radius, count)
    expected = [inside_by_loop(points.double().numpy(), c, radius, count) for c in centres.double().numpy()]
    assert found.tolist() == expected


def test_the_ball_is_open_and_takes_the_first_points_in_file_order() -> None:
    line = torch.tensor([[0.25, 0, 0], [0.0, 0, 0], [0.5, 0, 0], [-0.25, 0, 0]])  # binary fractions: distances are exact
    assert ball_query(line, torch.zeros(1, 3), 0.5, 3).tolist() == [[0, 1, 3]]
    assert ball_query(line, torch.zeros(1, 3), 0.5, 2).tolist() == [[0, 1]]
    assert ball_query(line, torch.full((1, 3), 9.0), 0.5, 2).tolist() == [[0, 0]]


def test_many_centres_in_parts_are_the_same_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    points = cloud(7, 200)
    whole = ball_query(points, points, 0.4, 12)
    monkeypatch.setattr("lamm_bench.lamm.points.AT_ONCE", 600)
    assert torch.equal(ball_query(points, points, 0.4, 12), whole)


def set_abstraction(inputs: int, seed: int = 0, neighbours: int = 16) -> SetAbstraction:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        level = SetAbstraction(12, 0.6, neighbours, inputs, (8, 10))
        for name, tensor in level.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.2 if "var" in name else torch.randn_like(tensor))
    return level.eval()


@torch.no_grad()
@pytest.mark.parametrize("inputs", [0, 2])
def test_set_abstraction_is_grouping_then_shared_layers_then_the_greatest(inputs: int) -> None:
    points, level = torch.stack([cloud(8, 90), cloud(9, 90)]), set_abstraction(inputs)
    features = torch.randn(2, 90, inputs, generator=torch.Generator().manual_seed(0)) if inputs else None
    centres, found = level(points, features)
    for row in range(2):
        index = farthest_points(points[row : row + 1], 12)[0]
        assert torch.equal(centres[row], points[row][index])
        for place, centre in enumerate(centres[row]):
            near = inside_by_loop(points[row].numpy(), centre.numpy(), 0.6, 16)
            x = (points[row][near] - centre) / 0.6
            if features is not None:
                x = torch.cat([x, features[row][near]], dim=1)
            for layer in level.layers:
                x = torch.relu(layer.norm(layer.linear(x)))  # type: ignore[operator, union-attr]
            assert torch.allclose(found[row, place], x.max(dim=0).values, atol=1e-4)


@torch.no_grad()
def test_the_order_of_points_changes_no_neighbourhood_that_fits() -> None:
    points, level = cloud(10, 120), set_abstraction(0, neighbours=120)
    order = torch.from_numpy(np.random.default_rng(1).permutation(120))
    start = int((order == 0).nonzero())
    first, second = level(points[None], None), level(points[order][None], None, start)
    assert torch.equal(first[0], second[0]) and torch.allclose(first[1], second[1], atol=1e-5)


@torch.no_grad()
def test_coordinates_stay_exact_under_half_precision() -> None:
    points = cloud(11, 200) * 50
    level = set_abstraction(0)
    exact, half = level(points[None], None), level.to(torch.bfloat16)(points[None], None)
    assert torch.equal(exact[0], half[0]) and half[1].dtype == torch.bfloat16
