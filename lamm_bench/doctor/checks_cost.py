"""Checks over everything that was said, and of what it cost."""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

from lamm_bench.types import Response

from .patient import Patient, short
from .verdict import Check, Failed, NotApplicable, check

CHECKS: list[Check] = []
ROUNDS = 6
LEAK = 64 * 2**20  # bytes that asking the same questions again may add


@check(CHECKS, "errors", "an error has a status and no text; an answer has neither error nor status")
def errors(p: Patient) -> str:
    p.generate(p.questions())
    for method, response in p.seen:
        fault = malformed(response)
        if fault:
            raise Failed(f"a response of `{method}` {fault}")
    failed = sum(response.error is not None for _, response in p.seen)
    return f"{len(p.seen)} responses, of which {failed} are errors"


def malformed(response: Response) -> str:
    """What is wrong with the form of a response; empty when nothing is."""
    if not isinstance(response.text, str):
        return f"has a text of type {type(response.text).__name__}"
    if response.finish not in ("stop", "length"):
        return f"has finish={response.finish!r}, expected stop or length"
    if response.error is None:
        return f"has status '{response.status}' without an error" if response.status else ""
    if not isinstance(response.error, str) or not response.error.strip() or "\n" in response.error.strip():
        return f"has the error {short(repr(response.error))}, expected one sentence"
    if response.status not in ("refused", "model_error", "media_error"):
        return f"has the error '{short(response.error)}' with status '{response.status}'"
    return f"has the error '{short(response.error)}' and also the text {short(response.text)!r}" if response.text else ""


@check(CHECKS, "memory", "asking the same questions again takes no more memory")
def memory(p: Patient) -> str:
    if not sys.platform.startswith("linux"):
        raise NotApplicable("the memory of a process is read from /proc, which only Linux has")
    for _ in range(2):
        p.generate(p.questions())
    before = resident()  # after what nobody holds any more is gone, which else would hide a leak
    for _ in range(ROUNDS):
        p.generate(p.questions())
    grown = resident() - before
    if grown > LEAK:
        raise Failed(f"{ROUNDS} rounds of the same {len(p.material.samples)} questions took {grown / 2**20:.0f} MiB more")
    return f"{max(grown, 0) / 2**20:.0f} MiB more after {ROUNDS} rounds; {resident() / 2**20:,.0f} MiB in all"


def resident() -> int:
    """Bytes of this process in memory, without what waits to be collected."""
    import resource

    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@check(CHECKS, "speed", "how fast it answers (never fails)")
def speed(p: Patient) -> str:
    asked = p.questions() * 2
    begun = time.perf_counter()
    p.generate(asked)
    batched = time.perf_counter() - begun
    begun = time.perf_counter()
    for request in p.questions():
        p.generate([request])
    single = time.perf_counter() - begun
    return f"{len(asked) / max(batched, 1e-9):,.1f} samples a second in one stream, {len(p.questions()) / max(single, 1e-9):,.1f} one by one"
