"""Workers as processes of this machine: nothing but the standard library.

Each is watched and ended as every child process here is (`remote/child.py`): it dies with the driver, whatever ends that."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamm_bench.remote.child import Child

from .engines import Heard

BEGIN = "import sys; sys.path[:] = {path!r}; from lamm_bench.spread.worker import main; main()"


@dataclass
class Processes:
    """One process a seat."""

    seats: Sequence[Mapping[str, str]]

    def start(self, seat: int, heard: Heard) -> Child:
        command = [sys.executable, "-c", BEGIN.format(path=[entry or "." for entry in sys.path])]
        return Child(command, variables=self.seats[seat], heard=heard)

    def close(self) -> None:
        """Nothing but workers was started."""
