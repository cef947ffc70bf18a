"""One model, many who ask: what waits is given to the adapter together, so that it can make batches, by one thread that alone meets it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lamm_bench.ask.chat import answer
from lamm_bench.types import Adapter, Generate, Request, Response, Score

MOST = 64  # requests that are given to the adapter at once
NOTHING = Response(error="the adapter gave no response", status="model_error")


@dataclass
class Task:
    """A request on its way; pieces of text, then the response, come through `said`."""

    request: Request
    stream: bool = False
    said: queue.SimpleQueue[str | Response] = field(default_factory=queue.SimpleQueue)
    left: bool = False  # nobody listens any more

    def heard(self) -> Iterator[str | Response]:
        """Everything that is said, the response last."""
        try:
            while True:
                one = self.said.get()
                yield one
                if isinstance(one, Response):
                    return
        finally:
            self.left = True


class Desk:
    """Carries requests to an adapter. `close` ends it; what still waits then is told so."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def ask(self, request: Request, stream: bool = False) -> Task:
        task = Task(request, stream)
        self.waiting.put(task)
        return task

    def close(self) -> None:
        self.waiting.put(None)
        self.thread.join(5.0)

    def work(self) -> None:
        """Until it is closed: all that waits, at once."""
        while True:
            some, open_ = self.gathered()
            for task in [one for one in some if one.stream]:
                self.carry([task])
            for kind in (Generate, Score):
                same = [one for one in some if not one.stream and isinstance(one.request, kind)]
                if same:
                    self.carry(same)
            if not open_:
                return

    def gathered(self) -> tuple[list[Task], bool]:
        some: list[Task] = []
        one = self.waiting.get()
        while one is not None:
            some.append(one)
            if len(some) == MOST or self.waiting.empty():
                return some, True
            one = self.waiting.get()
        return some, False

    def carry(self, tasks: Sequence[Task]) -> None:
        """Every task gets exactly one response, whatever the adapter does."""
        ended: set[int] = set()
        try:
            if tasks[0].stream:
                assert isinstance(tasks[0].request, Generate)
                for said in answer(self.adapter, tasks[0].request):
                    tasks[0].said.put(said)
                    if isinstance(said, Response):
                        ended.add(0)
                        break
                    if tasks[0].left:  # the rest would be for nobody, and others wait
                        break
            else:
                self.together(tasks, ended)
        except Exception as error:  # a model's own fault ends those who asked, and not the server
            fault = Response(error=f"{type(error).__name__}: {error}"[:500], status="model_error")
        else:
            fault = NOTHING
        for number, task in enumerate(tasks):
            if number not in ended:
                task.said.put(fault)

    def together(self, tasks: Sequence[Task], ended: set[int]) -> None:
        if isinstance(tasks[0].request, Score):
            responses = self.adapter.score([task.request for task in tasks if isinstance(task.request, Score)])
        else:
            responses = self.adapter.generate([task.request for task in tasks if isinstance(task.request, Generate)])
        for number, response in responses:
            if number not in ended:
                ended.add(number)
                tasks[number].said.put(response)
