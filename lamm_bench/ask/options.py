"""What a user asks of a run, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.keep.claims import PATIENCE
from lamm_bench.keep.files import digest

from .corrupt.chain import parse
from .shares import Share


@dataclass(frozen=True)
class Options:
    """What a user asks of a run."""

    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    tasks: str = "all"
    data_root: Path | None = None  # None: found, or the miniature
    recipe: str = "lamm/standard"
    overrides: tuple[str, ...] = ()  # of the recipe's settings: `instruction.prompt=3`
    protocols: tuple[str, ...] = ()  # empty: the recipe's
    limit: int | None = None
    seed: int = 0
    control: str | None = None
    corrupt: str = ""  # as `--corrupt` has it (ask/corrupt/chain.py)
    output: Path | None = None
    mode: str = "auto"  # lamm_bench.keep.runs.MODES
    share: Share | None = None  # of several jobs: only its samples are asked, and nothing is scored
    claims: Path | None = None  # where the jobs of `share` say who has what, so that the fast ones do what others have not begun
    claim_patience: float = PATIENCE  # seconds after which a job that has said nothing there is given up
    name: str = ""  # by which leaderboards show the run, and its folder is called where `output` names none
    command: tuple[str, ...] = ()  # that the manifest keeps

    @property
    def drawn(self) -> dict[str, Any]:
        """The part of the identity that says what is drawn, and how."""
        worse = str(parse(self.corrupt))
        return {"limit": self.limit, "seed": self.seed, "control": self.control, **({"corrupt": worse} if worse else {})}

    def folder(self, identity: Mapping[str, Any]) -> Path:
        """Where the run is kept."""
        if self.output is not None:
            return self.output
        which = self.share.folder if self.share is not None else ""
        if self.name:
            return Path("runs") / f"{file_name(self.name)}{which}"
        return Path("runs") / f"{file_name(self.model)}-{digest(identity, 8)}{which}"


def file_name(name: str) -> str:
    """A name that can be a folder's, whatever it holds.

    >>> file_name("../a/b c"), file_name("Qwen2-VL")
    ('a-b-c', 'Qwen2-VL')
    """
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name)[:80].lstrip(".-") or "run"
