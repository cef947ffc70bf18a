"""Overlap, matching and distances against plain definitions."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.measure.geometry import distances, iou_2d, iou_3d, match

unit = st.floats(0, 1)
box2d = st.tuples(unit, unit, unit, unit)
box3d = st.tuples(*[st.floats(-3, 3)] * 3, *[st.floats(0.01, 3)] * 3)


@given(st.lists(box2d, min_size=1, max_size=5), st.lists(box2d, min_size=1, max_size=5))
def test_iou_is_symmetric_and_between_0_and_1(first, second):
    table = iou_2d(first, second)
    assert table.shape == (len(first), len(second))
    assert np.all((table >= 0) & (table <= 1 + 1e-9))
    assert np.allclose(table, iou_2d(second, first).T)


@given(box3d)
def test_a_room_box_overlaps_itself_fully(box):
    assert iou_3d([box], [box])[0, 0] == pytest.approx(1)


@given(box3d, box3d)
def test_iou_in_rooms_is_counted_right(first, second):
    sides = [
        max(0.0, min(a + la / 2, b + lb / 2) - max(a - la / 2, b - lb / 2))
        for a, la, b, lb in zip(first[:3], first[3:], second[:3], second[3:], strict=True)
    ]
    common = sides[0] * sides[1] * sides[2]
    union = np.prod(first[3:]) + np.prod(second[3:]) - common
    assert iou_3d([first], [second])[0, 0] == pytest.approx(common / union, abs=1e-9)


def test_two_negative_overlaps_do_not_make_a_positive_one():
    """Reference, Appendix H, O3: upstream multiplies them."""
    assert iou_3d([[0, 0, 0, 1, 1, 1]], [[1.84, 1.84, 0, 1, 1, 1]])[0, 0] == 0


def test_boxes_without_size_overlap_nothing():
    assert iou_2d([[0.5, 0.5, 0.5, 0.5]], [[0.5, 0.5, 0.5, 0.5], [0, 0, 1, 1]]).tolist() == [[0, 0]]
    assert iou_3d([[0, 0, 0, 0, 1, 1]], [[0, 0, 0, 0, 1, 1]])[0, 0] == 0


def test_reversed_corners_and_negative_extents_are_the_same_box():
    assert iou_2d([[0.6, 0.8, 0.2, 0.1]], [[0.2, 0.1, 0.6, 0.8]])[0, 0] == pytest.approx(1)
    assert iou_3d([[0, 0, 0, -1, 1, 1]], [[0, 0, 0, 1, -1, 1]])[0, 0] == pytest.approx(1)


def test_huge_numbers_make_no_overlap_and_no_warning(recwarn):
    assert iou_2d([[-1e308, -1e308, 1e308, 1e308]], [[0, 0, 1, 1]])[0, 0] == 0
    assert iou_3d([[1e308] * 6], [[0, 0, 0, 1, 1, 1]])[0, 0] == 0
    assert not recwarn.list


@given(st.integers(0, 5), st.integers(0, 5), st.data())
def test_a_matching_is_one_to_one_and_as_large_as_any(rows, columns, data):
    allowed = np.array(
        data.draw(st.lists(st.lists(st.booleans(), min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    )
    allowed = allowed.reshape(rows, columns).astype(bool)
    pairs = match(allowed)
    assert all(allowed[row, column] for row, column in pairs)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    wide = allowed if rows <= columns else allowed.T
    best = max(
        (
            sum(wide[row, column] for row, column in enumerate(order))
            for order in permutations(range(wide.shape[1]), wide.shape[0])
        ),
        default=0,
    )
    assert len(pairs) == best


def test_greedy_matching_would_lose_a_hit_here():
    assert len(match(np.array([[True, True], [True, False]]))) == 2


def test_distances_are_scaled_on_each_axis():
    assert distances([[10, 0], [0, 10]], [[0, 0], [0, 0]], (100, 50)).tolist() == [0.1, 0.2]
    assert distances([[float("nan"), 1]], [[0, 0]]).tolist() == [float("inf")]
