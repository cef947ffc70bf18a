"""The parts of `lamm_bench.remote` that need no server: pace, back-off, replies, options, views, the purse and the cache."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamm_bench.media.views import SIZE, views
from lamm_bench.remote.cache import Cache
from lamm_bench.remote.options import likelihoods, single_marks
from lamm_bench.remote.pace import LONGEST_WAIT, Pace, backoff, retry_after
from lamm_bench.remote.purse import Purse
from lamm_bench.remote.reply import Garbage, Reply, excerpt, read_reply
from lamm_bench.types import Response

EVENTS = st.lists(st.tuples(st.sampled_from(["answer", "slow", "trouble"]), st.floats(0.01, 5.0)), max_size=200)


@settings(max_examples=25)
@given(EVENTS, st.integers(1, 32))
def test_the_limit_stays_between_one_and_the_most(events: list[tuple[str, float]], most: int) -> None:
    pace = Pace(most)
    for kind, seconds in events:
        if kind == "trouble":
            pace.troubled(pace.sent(), 0.0)
        else:
            pace.answered(seconds * (20 if kind == "slow" else 1), pace.limit)
        assert 1 <= pace.limit <= most


def test_it_doubles_at_first_is_halved_once_for_one_burst_and_then_creeps() -> None:
    pace = Pace(64)
    for _ in range(14):
        pace.answered(1.0, pace.limit)
    assert pace.limit == 16
    sent = pace.sent()
    for _ in range(16):  # all were sent before the first refusal came back
        pace.troubled(sent, 0.0)
    assert pace.limit == 8
    for _ in range(9):
        pace.answered(1.0, pace.limit)
    assert pace.limit == 9


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    pace = Pace(64)
    for _ in range(100):
        pace.answered(1.0, 1)
    assert pace.limit == 2


def test_a_server_that_only_queues_is_sent_no_more() -> None:
    """A server that works on 8 at a time: what is more waits, and takes longer in proportion."""
    pace = Pace(64)
    for _ in range(3000):
        pace.answered(max(1.0, pace.limit / 8), pace.limit)
    assert 8 <= pace.limit <= 20


def test_silence_is_kept_as_long_as_asked_for_by_the_most_patient() -> None:
    pace = Pace(8)
    pace.troubled(0, 100.0, 30.0)
    pace.troubled(0, 101.0, 2.0)
    assert pace.not_before == 130.0


@given(st.integers(1, 10_000), st.integers(0, 2**32))
def test_backoff_grows_has_jitter_and_a_bound_and_is_the_same_for_a_seed(attempt: int, seed: int) -> None:
    wait = backoff(attempt, Random(seed))
    whole = min(LONGEST_WAIT, 2.0 ** min(attempt - 1, 30))
    assert whole / 2 <= wait <= whole and wait == backoff(attempt, Random(seed))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 60.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "99", "retry-after-ms": "250"}, 0.25),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, 60.0) == seconds


@settings(max_examples=25)
@given(st.text())
def test_whatever_a_server_sends_is_a_reply_or_garbage(text: str) -> None:
    with pytest.raises(Garbage):
        read_reply(text)
    reply = read_reply(json.dumps({"choices": [{"message": {"content": text}}]}))
    assert reply.response == Response(text)
    assert Reply.from_json(json.loads(json.dumps(reply.to_json()))) == reply
    assert len(excerpt(text)) <= 160 and "\n" not in excerpt(text)


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"message": {"content": True}}]},
        {"choices": [{"message": "text"}]},
        {"choices": {}},
        [],
    ],
)
def test_shapes_that_are_nearly_right_are_garbage(body: object) -> None:
    with pytest.raises(Garbage):
        read_reply(json.dumps(body))


def test_options_with_one_differing_letter_are_found() -> None:
    assert single_marks(["(A)", "(B)", "(C)"]) == ("(", ("A", "B", "C"))
    assert single_marks(["1", "2"]) == ("", ("1", "2"))
    for options in (["A"], ["A", "A"], ["(A) cat", "(B) dog"], ["", "A"], []):
        assert single_marks(options) is None, options


@given(
    st.lists(
        st.tuples(st.sampled_from(["(", "A", "B", " A", "(B", ")", "The", "\n"]), st.floats(-20, -0.001)), min_size=1, max_size=20
    )
)
def test_option_likelihoods_are_log_probabilities_of_each_option_or_an_error(place: list[tuple[str, float]]) -> None:
    response = likelihoods(["(A)", "(B)"], [tuple(dict(place).items())])
    if response.error is None:
        assert len(response.logprobs) == 2 and all(math.isfinite(value) for value in response.logprobs)
    else:
        assert response.logprobs == () and not any(token.strip(" (") in ("A", "B") for token, _ in place)


def test_an_unlisted_option_never_beats_a_listed_one() -> None:
    response = likelihoods(["(A)", "(B)", "(C)"], [(("B", -4.0), ("It", -4.5), ("A", -5.0), ("x", -9.0))])
    assert response.logprobs[1] == pytest.approx(-4.0) and response.logprobs[2] == pytest.approx(-9.0)


def test_views_are_the_same_pixels_each_time_and_differ_by_side() -> None:
    cloud = np.random.default_rng(0).uniform(-1, 1, (2000, 6)).astype(np.float32)
    cloud[:, 3:] = np.abs(cloud[:, 3:]) * 255
    first, again = views(cloud, 4), views(cloud, 4)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, again))
    assert len({picture.tobytes() for picture in first}) == 4 and first[0].size == (SIZE, SIZE)
    shuffled = cloud[np.random.default_rng(1).permutation(len(cloud))]
    assert [p.tobytes() for p in views(shuffled, 4)] == [p.tobytes() for p in first]  # no order of points shows


def test_what_stands_in_front_hides_what_stands_behind() -> None:
    """A red wall at x = 1 and a blue one at x = -1: from +x one sees red, from -x blue."""
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60)), axis=-1).reshape(-1, 2)
    red = np.concatenate([np.ones((len(grid), 1)), grid, np.tile([255, 0, 0], (len(grid), 1))], axis=1)
    blue = np.concatenate([-np.ones((len(grid), 1)), grid, np.tile([0, 0, 255], (len(grid), 1))], axis=1)
    front, _, back, _ = views(np.concatenate([red, blue]).astype(np.float32), 4)  # from 45, 135, 225 and 315 degrees

    def count(picture, colour: tuple[int, int, int]) -> int:
        return int((np.asarray(picture) == colour).all(axis=-1).sum())

    assert count(front, (255, 0, 0)) > count(front, (0, 0, 255)) > 0
    assert count(back, (0, 0, 255)) > count(back, (255, 0, 0)) > 0


@pytest.mark.parametrize("cloud", [np.zeros((1, 3)), np.ones((5, 4)), np.zeros((3, 7)), np.full((2, 6), 1e6)])
def test_odd_clouds_can_be_drawn(cloud: np.ndarray) -> None:
    assert len(views(cloud.astype(np.float32), 2)) == 2


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=60), st.floats(0.001, 1.0))
def test_the_budget_is_exceeded_by_no_more_than_one_answer_is_dearer_than_all_before(
    calls: list[tuple[int, int]], limit: float
) -> None:
    purse, over = Purse(1.0, 30.0, limit), 0.0
    for prompt_tokens, new_tokens in calls:
        if not purse.affords(0):
            break
        before = purse.dearest or 0.0
        purse.pay(Reply(Response("a"), prompt_tokens, new_tokens))
        over = max(over, (prompt_tokens + 30 * new_tokens) / 1e6 - before)
    assert purse.spent <= limit * (1 + 1e-9) + over + 1e-12


def test_the_cache_forgets_what_is_damaged_and_serves_many_keys(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a" / "c.sqlite")
    reply = Reply(Response("said \ud800", tokens=(2,)), 1, 2, "m", "f", ((("A", -0.5), ("B", -1.0)),))
    for number in range(1200):
        cache.put(str(number), reply)
    cache._base.execute("UPDATE replies SET reply = '{' WHERE key = '7'")
    found = Cache(tmp_path / "a" / "c.sqlite").get([str(number) for number in range(1300)])
    assert len(found) == 1199 and set(found.values()) == {reply}
