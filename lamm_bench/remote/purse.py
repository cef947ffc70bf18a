"""Tokens and money: what was spent, and whether the next question can be afforded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .reply import Reply


@dataclass
class Purse:
    """Prices are per million tokens, in whatever currency the user thinks in; `max_cost` 0 is no limit."""

    price_in: float = 0.0
    price_out: float = 0.0
    max_cost: float = 0.0
    spent: float = 0.0
    dearest: float | None = None  # the cost of the dearest answer so far
    calls: int = 0  # answers that were paid for
    remembered: int = 0  # answers from the cache: free
    repeated: int = 0  # calls that were repeated after trouble
    prompt_tokens: int = 0
    new_tokens: int = 0
    uncounted: int = 0  # paid answers for which the server counted no tokens
    answered_by: Counter[str] = field(default_factory=Counter)  # answers of each server, where there are several
    answered_as: Counter[str] = field(default_factory=Counter)  # model versions as the server names them

    def pay(self, reply: Reply, url: str = "") -> None:
        """Counts one answer that came over the wire; from which server, where there are several."""
        self.calls += 1
        if url:
            self.answered_by[url] += 1
        self.answered_as[f"{reply.model} {reply.fingerprint}".strip() or "unnamed"] += 1
        if reply.prompt_tokens is None or reply.new_tokens is None:
            self.uncounted += 1
            return
        self.prompt_tokens += reply.prompt_tokens
        self.new_tokens += reply.new_tokens
        cost = (reply.prompt_tokens * self.price_in + reply.new_tokens * self.price_out) / 1e6
        self.spent += cost
        self.dearest = max(self.dearest or 0.0, cost)

    def affords(self, open_calls: int) -> bool:
        """Whether one more call may be sent beside `open_calls` unpaid ones, each as dear as the dearest so far.

        Until the first answer has told what one costs, only one call is open at a time."""
        if not self.max_cost:
            return True
        if self.dearest is None:
            return open_calls == 0
        return self.spent + (open_calls + 1) * self.dearest <= self.max_cost * (1 + 1e-9)  # sums of cents are not exact

    def to_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "remembered": self.remembered,
            "repeated": self.repeated,
            "prompt_tokens": self.prompt_tokens,
            "new_tokens": self.new_tokens,
            "uncounted": self.uncounted,
            "cost": round(self.spent, 6),
            "answered_as": dict(sorted(self.answered_as.items())),
            **({"answered_by": dict(sorted(self.answered_by.items()))} if self.answered_by else {}),
        }
