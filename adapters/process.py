"""A model in a process of its own: `--model process --set "command=python serve.py"`.

For models that need another Python, another torch or no Python at all. The process reads requests and writes answers, one JSON
object a line (docs/adapters.md has the form, and a whole example); the parts of this adapter are in `adapters/served/`."""

from __future__ import annotations

import hashlib
import math
import shlex
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.media import many
from lamm_bench.read import convention
from lamm_bench.types import Generate, Modality, Request, Response, Score, Task

from .served.files import Files
from .served.served import Served
from .served.wire import Hello, media_of


@dataclass
class Process:
    """Starts the process when it is first asked what it is, and ends it with all that it has started."""

    command: str  # words as a shell would take them; no shell is started
    folder: str = ""  # where it is started; empty: here
    start: float = 600.0  # seconds until it must have said hello
    timeout: float = 600.0  # seconds without any answer after which it is started again
    restarts: int = 5  # in a row, without an answer between them, after which asking ends
    outstanding: int = 8  # requests that are sent before their answers have come
    coordinates: str = ""  # whose numbers its boxes and points are (docs/coordinates.md); empty: what its hello says
    log: str = ""  # a file that gets its standard error; empty: only its last words are kept, for errors
    name: ClassVar[str] = "process"
    _served: Served = field(init=False, repr=False)
    _words: list[str] = field(init=False, repr=False)
    _files: Files = field(default_factory=Files, init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            self._words = shlex.split(self.command)
        except ValueError as error:
            raise BenchError(f"command={self.command} of the model process cannot be taken apart: {error}") from None
        if not self._words:
            raise BenchError('the model process needs its command, as in --set "command=python serve.py"')
        if self.coordinates:
            convention(self.coordinates)  # one that nobody knows is told before anything is started
        if self.folder and not Path(self.folder).expanduser().is_dir():
            raise BenchError(f"folder={self.folder} of the model process is no folder")
        self.folder = str(Path(self.folder).expanduser().resolve()) if self.folder else ""
        if shutil.which(self._words[0]) is None and not (Path(self.folder) / self._words[0]).is_file():
            raise BenchError(f"command={self.command}: there is no program called '{self._words[0]}'")
        for option, least in (("restarts", 0), ("outstanding", 1)):
            if getattr(self, option) < least:
                raise BenchError(f"{option}={getattr(self, option)} of the model process must be at least {least}")
        for option in ("start", "timeout"):
            if not 0.0 < getattr(self, option) < math.inf:
                raise BenchError(f"{option}={getattr(self, option)} of the model process must be a number of seconds above 0")
        if self.log and not Path(self.log).expanduser().absolute().parent.is_dir():
            raise BenchError(f"log={self.log} of the model process cannot be written: its folder is not there")
        log = str(Path(self.log).expanduser().absolute()) if self.log else ""
        self._served = Served(self._words, self.folder, log, self.start, self.timeout, self.restarts, self.outstanding)
        weakref.finalize(self, self._served.stop)

    @property
    def hello(self) -> Hello:
        return self._served.hello or self._served.greet()

    @property
    def modalities(self) -> frozenset[Modality]:
        return self.hello.modalities

    @property
    def exact(self) -> bool:
        return self.hello.exact

    @property
    def one_medium(self) -> bool:
        """Whether its conversations hold one picture or cloud at most, by its hello."""
        return not self.hello.several

    @property
    def begins(self) -> bool:
        """Whether it knows `begun` and `window` of a score, by its hello."""
        return self.hello.begins

    @property
    def speaks(self) -> str:
        """The convention of its places, by its hello."""
        return self.hello.coordinates

    @property
    def notes(self) -> list[str]:
        return self._served.notes

    def fingerprint(self) -> str:
        """What the process says of itself, and a hash of the files that its command names: edited, they may answer otherwise."""
        files = [Path(self.folder) / word for word in self._words[1:] if (Path(self.folder) / word).is_file()]
        hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.stat().st_size < 2**24]
        told = f"-{hashlib.sha256(''.join(hashes).encode()).hexdigest()[:12]}" if hashes else ""
        return f"{self.hello.name} {self.hello.fingerprint}{told}"

    def why_not(self, task: Task, inferencer: Mapping[str, Any]) -> str | None:
        """Why a task cannot be asked, in the user's terms."""
        if inferencer.get("name") in ("likelihood", "turns_likelihood") and not self.hello.scores:
            return f"{self.hello.name} gives no likelihoods (its hello says `scores`: false)"
        return None

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from self.asked(requests)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        if self.hello.scores:
            yield from self.asked(requests)
        else:
            yield from (
                (n, Response(error="the process gives no likelihoods", status="model_error")) for n in range(len(requests))
            )

    def asked(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Answers to what the process can be shown; what it cannot ends its own request, and is not sent."""
        able: list[tuple[int, Request]] = []
        for number, request in enumerate(requests):
            try:
                able.append((number, self.sendable(request)))
            except MediaError as error:
                yield number, Response(error=str(error), status="media_error")
            except BenchError as error:
                yield number, Response(error=str(error), status="model_error")
        for at, response in self._served.ask([request for _, request in able]):
            yield able[at][0], response

    def sendable(self, request: Request) -> Request:
        """The request with files that the process can open. Raises `MediaError` for those that nobody can, `BenchError` for kinds
        of media that it does not take."""
        if isinstance(request, Score) and (request.begun or request.window != "message") and not self.hello.begins:
            raise BenchError(
                f"{self.hello.name} cannot score behind the beginning of an answer (its hello does not say `begins`)"
            )
        for medium in media_of(request):
            if medium.kind not in self.modalities:
                raise BenchError(f"{self.hello.name} takes no {many(medium.kind)}")
        return self._files.shown(request)


ADAPTERS = {"process": Process}
