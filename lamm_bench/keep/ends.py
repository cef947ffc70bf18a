"""How samples ended, as bytes until somebody looks: of a million of them, each object would cost more than its answer."""

from __future__ import annotations

import struct

from lamm_bench.types import STATUSES, Prediction, Record

from .held import Held

HEAD = struct.Struct("<Bdd")  # place of the status, seconds of work, seconds of waiting


class Ends(Held[Record]):
    """The record of each sample, in the order in which they ended first. What comes out is equal to what was put in.

    >>> ends = Ends()
    >>> ends["a"] = Record("a", "ok", Prediction("a cat"), seconds=0.25)
    >>> ends["a"].prediction.text, len(ends)
    ('a cat', 1)
    """

    def __setitem__(self, name: str, record: Record) -> None:
        self._kept[name] = packed(record) if record.sample == name and plain(record) else record

    def __getitem__(self, name: str) -> Record:
        kept = self._kept[name]
        return kept if isinstance(kept, Record) else unpacked(name, kept)


def plain(record: Record) -> bool:
    """Whether a record is a text, a status and two numbers: neither error nor likelihoods, and numbers that are floats."""
    said = record.prediction
    return (
        said is not None
        and type(said.text) is str
        and not (said.choice is not None or said.scores or said.turn_scores or record.error is not None)
        and type(record.seconds) is float
        and type(record.queued) is float
        and record.status in STATUSES
    )


def packed(record: Record) -> bytes:
    """The bytes of a `plain` record; halves of surrogate pairs stay what they are."""
    said = record.prediction
    text = str(said.text) if said is not None else ""
    return HEAD.pack(STATUSES.index(record.status), record.seconds, record.queued) + text.encode("utf-8", "surrogatepass")


def unpacked(name: str, kept: bytes) -> Record:
    """The other way of `packed`."""
    status, seconds, queued = HEAD.unpack_from(kept)
    return Record(name, STATUSES[status], Prediction(kept[HEAD.size :].decode("utf-8", "surrogatepass")), None, seconds, queued)
