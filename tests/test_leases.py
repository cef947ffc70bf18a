"""Who has which request: every order of answers and deaths, without a process."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.spread.leases import ALONE, Call, Lease, lease_size, medium_of
from lamm_bench.types import Generate, Media, Message, Request, Response


def question(sample: str, picture: str, **more: float) -> Generate:
    return Generate((Message("user", (Media("image", picture), "What?")),), sample=sample, **more)  # type: ignore[arg-type]


def call_of(count: int, pictures: int) -> Call:
    return Call("generate", [question(str(number), f"{number % pictures}.png") for number in range(count)])


def drained(call: Call) -> list[int]:
    found = [number for number, _ in call.ready]
    call.ready.clear()
    return found


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 5), st.sets(st.integers(0, 59), max_size=4), st.integers(0, 2**32))
def test_whoever_dies_every_request_ends_once_and_only_the_guilty_are_condemned(
    count: int, pictures: int, workers: int, deadly: set[int], seed: int
) -> None:
    rng, call, number, worker = Random(seed), call_of(count, pictures), 0, workers
    working: dict[int, Lease] = {}
    crew, ended, randomly = list(range(workers)), [], 8
    while not call.over:
        for one in [one for one in crew if one not in working]:
            number += 1
            lease = call.lend(number, one, lease_size(call.waiting, workers, 4)) if call.waiting else None
            if (lease := lease or call.copy(number, one)) is not None:
                working[one] = lease
        assert working, "nobody works, and something is open"
        one = rng.choice(list(working))
        lease = working[one]
        open_places = [place for place, asked in enumerate(lease.numbers) if asked in lease.left]
        shot = not lease.alone and randomly > 0 and rng.random() < 0.1
        if open_places and (lease.numbers[open_places[0]] in deadly or shot):
            randomly -= shot
            crew.remove(one)
            worker += 1
            crew.append(worker)
            call.lost(working.pop(one), "was ended by signal 9")
            call.homeless(one)
        elif open_places:
            call.take(lease, open_places[0], Response(f"answer {lease.numbers[open_places[0]]}"))
        else:
            call.end(working.pop(one))
        ready = list(call.ready)
        ended += drained(call)
        for asked, response in ready:
            if asked in deadly:
                assert response.status == "model_error" and f"{ALONE} times" in str(response.error)
            else:
                assert response.text == f"answer {asked}"
    assert sorted(ended) == list(range(count))
    assert call.waiting == 0 and not call.differing


def test_all_requests_about_one_medium_go_to_one_worker() -> None:
    call = call_of(40, 10)
    found: dict[str, set[int]] = {}
    for number in range(20):
        lease = call.lend(number, number % 3, lease_size(call.waiting, 3, 0) if call.waiting else 1)
        for asked in lease.numbers if lease else ():
            found.setdefault(medium_of(call.requests[asked], asked), set()).add(number)
    assert len(found) == 10 and all(len(leases) == 1 for leases in found.values())


def test_a_worker_is_given_what_it_knows_and_steals_only_where_nothing_else_is_left() -> None:
    homes = {f"image {number}.png": number % 2 for number in range(4)}
    call = Call("generate", [question(str(number), f"{number}.png") for number in range(6)], homes)
    lent = [call.lend(number, 0, 2) for number in range(3)]
    assert [one.numbers for one in lent if one] == [(0, 2), (4, 5), (1, 3)]


def test_what_was_answered_before_a_death_is_not_asked_again() -> None:
    call = call_of(8, 8)
    lease = call.lend(1, 0, 8)
    assert lease is not None
    for place in range(5):
        call.take(lease, place, Response("yes"))
    call.lost(lease, "died")
    again = call.lend(2, 1, 8)
    assert again is not None and again.numbers == (5, 6, 7)


def test_what_died_in_two_leases_is_asked_alone_and_one_that_answers_then_is_innocent() -> None:
    call = call_of(3, 3)
    for number in (1, 2):
        lease = call.lend(number, number, 3)
        assert lease is not None and len(lease.numbers) == 3
        call.lost(lease, "died")
    for number in (3, 4, 5):
        lease = call.lend(number, number, 3)
        assert lease is not None and len(lease.numbers) == 1 and lease.alone
        assert call.copy(9, 9) is None  # a suspect ends one worker at a time
        call.take(lease, 0, Response("yes"))
        call.end(lease)
    assert call.over and len(drained(call)) == 3


def test_a_copy_begins_at_the_other_end_and_a_different_answer_is_noticed() -> None:
    call = call_of(4, 4)
    first = call.lend(1, 0, 4)
    copy = call.copy(2, 1)
    assert first is not None and copy is not None and copy.numbers == first.numbers[::-1]
    assert call.copy(3, 2) is None  # one copy is enough
    for place, said in ((0, "a"), (1, "b"), (2, "other")):
        call.take(copy, place, Response(said))
    call.take(first, 0, Response("d"))
    assert call.over and call.settled() == [first, copy]
    call.take(first, 1, Response("other"))
    call.take(first, 2, Response("b"))
    assert call.differing == []
    call.take(first, 3, Response("z"))
    assert call.differing == [(3, Response("z"))] and [number for number, _ in call.ready] == [3, 2, 1, 0]


def test_a_copy_begins_with_one_that_was_answered_so_that_two_workers_are_compared() -> None:
    call = call_of(5, 5)
    first = call.lend(1, 0, 5)
    assert first is not None
    call.take(first, 0, Response(error="out of memory", status="model_error"))  # compared with nothing
    call.take(first, 1, Response("a"))
    copy = call.copy(2, 1)
    assert copy is not None and copy.numbers == (1, 4, 3, 2)
    call.take(copy, 0, Response("b"))
    assert call.differing == [(1, Response("b"))] and not call.settled()
    for place in (1, 2, 3):
        call.take(copy, place, Response("yes"))
    assert call.over and call.settled() == [first]
    call.end(copy)
    assert [(number, response.text) for number, response in call.ready][1:] == [(1, "a"), (4, "yes"), (3, "yes"), (2, "yes")]


def test_where_the_model_may_answer_otherwise_nothing_is_compared() -> None:
    call = call_of(3, 3)
    call.may_copy = False
    first = call.lend(1, 0, 3)
    assert first is not None and call.copy(2, 1) is None and not call.checkable(0)


@pytest.mark.parametrize("request_", [question("a", "a.png", temperature=0.7)])
def test_sampled_answers_without_a_seed_are_not_asked_twice(request_: Request) -> None:
    call = Call("generate", [request_])
    assert call.lend(1, 0, 1) is not None and call.copy(2, 1) is None
    seeded = Call("generate", [question("a", "a.png", temperature=0.7, seed=1)])
    assert seeded.lend(1, 0, 1) is not None and seeded.copy(2, 1) is not None


def test_no_copies_for_adapters_whose_answers_depend_on_the_batch() -> None:
    call = Call("generate", [question("a", "a.png")], may_copy=False)
    assert call.lend(1, 0, 1) is not None and call.copy(2, 1) is None


def test_what_an_adapter_leaves_out_ends_and_is_not_asked_for_ever() -> None:
    call = call_of(3, 3)
    lease = call.lend(1, 0, 3)
    assert lease is not None
    call.take(lease, 1, Response("yes"))
    call.end(lease)
    assert call.over and drained(call) == [1]


def test_leases_are_large_first_and_never_below_a_batch_while_there_are_batches_for_all() -> None:
    sizes: list[tuple[int, int]] = []
    left = 1000
    while left:
        sizes.append((left, min(left, lease_size(left, 4, 32))))
        left -= sizes[-1][1]
    assert sizes[0][1] == 64 and sizes[-1][1] <= 8
    assert all(size >= 32 for left, size in sizes if left > 4 * 32)
    assert lease_size(1000, 4, 32, remembers=2) == 2


def test_workers_that_are_killed_as_they_begin_condemn_no_innocent() -> None:
    call, number = call_of(12, 12), 0
    for _ in range(2 + 12):  # twice in company, then each alone once
        number += 1
        lease = call.lend(number, number, 12)
        assert lease is not None
        call.lost(lease, "was killed from outside")
    assert not call.ready and call.waiting == 12
    while (lease := call.lend(number := number + 1, number, 12)) is not None:
        call.take(lease, 0, Response("yes"))
        call.end(lease)
    assert call.over and {response.text for _, response in call.ready} == {"yes"}
