"""How samples ended is kept as bytes, and comes out as it went in; what samples share lies in memory once and cannot be changed."""

from __future__ import annotations

import copy
from random import Random

import pytest

from lamm_bench.keep.ends import Ends
from lamm_bench.measure.scoring import from_records
from lamm_bench.measure.shown import Alike, Answered
from lamm_bench.types import NOTHING, STATUSES, Prediction, Record, Sample, to_json


def drawn(rng: Random, name: str) -> Record:
    """Any record."""
    text = rng.choice(["", "a cat", "é\n\x00", "HO\ud83dTEL", {"nose": "1"}])
    scores = rng.choice([(), (), (-1.5, float("-inf"))])
    said = Prediction(text, 0 if scores else None, scores, rng.choice([{}, {}, {"0": (0.5,)}]))
    times = [rng.choice([0.0, 0.1, 1e-300, 3]) for _ in range(2)]
    return Record(
        name, rng.choice(STATUSES), said if rng.random() < 0.9 else None, rng.choice([None, None, "HTTP 500"]), times[0], times[1]
    )


def test_what_comes_out_is_what_was_put_in() -> None:
    rng, ends, wanted = Random(0), Ends(), {}
    for number in range(2000):
        name = str(number % 700)
        wanted[name] = ends[name] = drawn(rng, name)
    assert list(ends) == list(wanted) and dict(ends) == wanted and len(ends) == 700
    assert [repr(to_json(one)) for one in ends.values()] == [repr(to_json(one)) for one in wanted.values()]
    assert any(isinstance(kept, bytes) for kept in ends._kept.values()) and "none" not in ends and ends.get("none") is None


def test_answers_are_made_of_records_when_they_are_looked_at() -> None:
    ends = Ends()
    ends["a"], ends["b"] = Record("a", "ok", Prediction("x", 1, (-1.0, -2.0))), Record("b", "refused", None)
    assert dict(from_records(ends)) == {"a": Answered("x", scores=(-1.0, -2.0)), "b": Answered(None, "refused")}
    assert from_records(ends).get("c") is None and "c" not in from_records(ends)


def test_only_statistics_of_the_same_bits_and_types_are_one() -> None:
    alike = Alike()
    several = [{"a": 1}, {"a": 1.0}, {"a": True}, {"a": 0.0}, {"a": -0.0}, {"a": 0.1, "b": 1}, {"b": 1, "a": 0.1}]
    for stats in several:
        assert alike.one(stats) is stats
    assert [alike.one(dict(stats)) for stats in several] == several
    assert all(alike.one(dict(stats)) is stats for stats in several)


def test_only_equal_words_are_one_and_nobody_is_told_what_another_answer_meant() -> None:
    alike = Alike()
    text, words = "a b", ["a", "b"]
    assert alike.read(text, words) == (text, words)
    shared = alike.read("a " + "b"[:1], ["a", "b"])
    assert shared[0] is text and shared[1] is words
    for other in (["b"], [1, 2], None, 1, 1.0, True, "a", [True], {"a": 1}):  # read otherwise of another sample
        assert alike.read(text, other)[1] is other
    assert alike.read("1", [1])[1] == [1] and alike.read("1", [True])[1] == [True] and alike.read("1", [1.0])[1] == [1.0]
    assert alike.read({"x": "a"}, None) == ({"x": "a"}, None) and alike.read(None, None) == (None, None)


def test_nothing_can_be_put_into_what_all_samples_share() -> None:
    sample = Sample("1", "?", (), "x", "g")
    assert sample.meta is NOTHING and sample.meta == {} and to_json(sample)["meta"] == {}
    for change in (lambda meta: meta.update(a=1), lambda meta: meta.setdefault("a", 1), lambda meta: meta.__setitem__("a", 1)):
        with pytest.raises(TypeError, match="shared"):
            change(sample.meta)
    assert copy.deepcopy(sample) == sample
