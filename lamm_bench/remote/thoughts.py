"""Thoughts in the text of a server's answers, and what a reader should know where one may have been taken for an answer.

A server does not show its prompt. Where that opens the thought and the server tells nothing apart, an answer has the closing mark
alone; one that was cut before it looks like any other. The answers themselves give it away, but only together."""

from __future__ import annotations

from dataclasses import dataclass, field

from lamm_bench.read.parting import Marks, chosen, closed_only, thought_apart
from lamm_bench.types import Response


@dataclass
class Thoughts:
    """`thinking=` of an adapter, at work. Raises `BenchError` for marks that are none."""

    setting: str = ""
    marks: tuple[Marks, ...] = field(init=False)
    closing: str = field(default="", init=False)  # the mark that stood alone
    closed: int = field(default=0, init=False)  # answers with the closing mark alone
    cut: int = field(default=0, init=False)  # that were cut, and have no mark

    def __post_init__(self) -> None:
        self.marks = chosen(self.setting)

    def apart(self, response: Response) -> Response:
        """The response with its thought apart."""
        found = thought_apart(response, self.marks)
        if not self.setting and response.error is None:
            alone = closed_only(response.text, self.marks)
            if alone is not None:
                self.closing, self.closed = alone.written, self.closed + 1
            self.cut += bool(response.text) and response.finish == "length" and not found.reasoning
        return found

    @property
    def notes(self) -> list[str]:
        """A sentence, where answers that were cut may be thoughts."""
        if not (self.closed and self.cut):
            return []
        return [
            f"{self.closed} answers had only the mark that ends a thought ({self.closing}), and {self.cut} that were cut had none: where the "
            f'prompt opens the thought, --set "thinking=...{self.closing}" keeps those from being read as answers'
        ]
