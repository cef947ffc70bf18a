"""A conversation with any adapter that generates: turn by turn, or a file of questions at once.

A conversation is about at most one image, cloud or other media, which stands in its first question; showing another one begins anew,
which is what the models of the paper were trained for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench import media
from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import parse_json, read_text
from lamm_bench.types import Adapter, Generate, Media, Message, Modality, Response

COMMANDS = {
    "/reset": "/reset         begin anew about what is shown",
    "/help": "/help          these lines",
    "/exit": "/exit          end (also end of input)",
}


def showing() -> dict[str, str]:
    """The commands that show media: command -> name of the modality."""
    return {f"/{one.flag}": one.name for one in media.modalities().values()}


def help_lines() -> list[str]:
    """What `/help` says."""
    known = media.modalities()
    shown = [
        f"{f'{command} PATH':<14} show {known[kind].one or known[kind].name} and begin anew"
        for command, kind in showing().items()
    ]
    return [*shown, *COMMANDS.values()]


@dataclass(frozen=True)
class Manner:
    """How answers are drawn."""

    system: str = ""
    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def request(self, messages: Sequence[Message], label: str = "", turn: int = 0) -> Generate:
        head = (Message("system", (self.system,)),) if self.system else ()
        seed = self.seed + turn if self.temperature > 0 else None
        return Generate((*head, *messages), self.max_new_tokens, (), self.temperature, self.top_p, seed, label)


@dataclass
class Talk:
    """One conversation as it grows."""

    adapter: Adapter
    manner: Manner
    shown: tuple[Media, ...] = ()  # as the model takes it: a video as its frames
    turns: list[Message] = field(default_factory=list)

    def show(self, kind: Modality, path: str) -> None:
        """Opens a media at once, so that a wrong path is told before a question is asked; begins anew."""
        self.shown = opened(self.adapter, kind, path)
        self.turns.clear()

    def reset(self) -> None:
        self.turns.clear()

    def say(self, question: str) -> Iterator[str | Response]:
        """Pieces of the answer as they come, then the response. A question that failed leaves no trace."""
        first = self.shown if not self.turns else ()
        asked = Message("user", (*first, question))
        request = self.manner.request([*self.turns, asked], turn=len(self.turns) // 2)
        for piece in answer(self.adapter, request):
            if isinstance(piece, Response) and piece.error is None:
                self.turns += [asked, Message("assistant", (piece.text,))]
            yield piece


def answer(adapter: Adapter, request: Generate) -> Iterator[str | Response]:
    """The adapter's own stream where it has one, else the whole answer as one piece."""
    stream: Callable[[Generate], Iterator[str | Response]] | None = getattr(adapter, "stream", None)
    if stream is not None:
        yield from stream(request)
        return
    found = [response for _, response in adapter.generate([request])]
    response = found[0] if found else Response(error="the adapter gave no response", status="model_error")
    if response.error is None:
        yield response.text
    yield response


def opened(adapter: Adapter, kind: Modality, path: str) -> tuple[Media, ...]:
    """Checked references, as the model takes them. Raises `BenchError` when the file cannot be used or its kind is not taken."""
    taken = frozenset(adapter.modalities)
    if not media.able(media.modality(kind), taken):
        raise BenchError(f"{adapter.name} takes no {media.many(kind)}")
    one = Media(kind, str(Path(path.strip().strip("'\"")).expanduser().absolute()))
    media.check(one)
    return tuple(media.seal(each) for each in media.instead(one, taken))


def converse(talk: Talk, lines: Iterator[str], write: Callable[[str], None], complain: Callable[[str], None]) -> int:
    """Answers every line until `/exit` or the end. Gives the number of questions that failed."""
    failed = 0
    for line in lines:
        said = line.strip()
        if said.startswith("/"):
            try:
                if not obey(talk, said, complain):
                    return failed
            except BenchError as error:
                complain(str(error))
                failed += 1
        elif said:
            failed += not reply(talk, said, write, complain)
    return failed


def reply(talk: Talk, question: str, write: Callable[[str], None], complain: Callable[[str], None]) -> bool:
    """One question and its answer, written as it comes. False when there was none."""
    last = Response()
    for piece in talk.say(question):
        if isinstance(piece, str):
            write(piece)
        else:
            last = piece
    if last.error is not None:
        complain(f"no answer: {last.error}")
        return False
    write("\n")
    if last.finish == "length":
        complain(f"(cut after {talk.manner.max_new_tokens} tokens; --max-new-tokens sets how many)")
    return True


def obey(talk: Talk, said: str, tell: Callable[[str], None]) -> bool:
    """Carries a command out; False for the one that ends the conversation."""
    word, _, rest = said.partition(" ")
    shows = showing()
    if word not in COMMANDS and word not in shows:
        raise unknown("command", word, [*shows, *COMMANDS])
    if word in shows and not rest.strip():
        raise BenchError(f"{word} needs the path of a file")
    if word in shows:
        talk.show(shows[word], rest)
    elif word == "/reset":
        talk.reset()
    elif word == "/help":
        tell("\n".join(help_lines()))
    return word != "/exit"


@dataclass(frozen=True)
class Question:
    """One line of a question file."""

    id: str | int
    text: str
    shown: tuple[Modality, str] | None


def read_questions(path: Path) -> list[Question]:
    """Upstream's JSON lines: `question_id`, `text`, and `image`, `pcl` or another modality's key. Faults name file and line."""
    lines = enumerate(read_text(path).split("\n"), 1)  # at line feeds alone: JSON texts may hold the other breaks as they are
    found = [question_of(line, f"{path} line {number}") for number, line in lines if line.strip()]
    if not found:
        raise BenchError(f"{path} holds no question; expected JSON lines with question_id, text, and {keys()}")
    return found


def keys() -> str:
    """The keys that name media, for a sentence."""
    names = [one.key for one in media.modalities().values()]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def question_of(line: str, where: str) -> Question:
    """One line of a question file, checked; `where` is its place in errors."""
    item = parse_json(line, where)
    if not isinstance(item, dict):
        raise BenchError(f"{where} is {type(item).__name__}, expected an object with question_id and text")
    identity, text = item.get("question_id"), item.get("text")
    if not isinstance(identity, str | int) or isinstance(identity, bool):
        raise BenchError(f"{where}: question_id is {identity!r}, expected a string or a number")
    if text is None:
        raise BenchError(f"{where} has no text, which is the question")
    if not isinstance(text, str):
        raise BenchError(f"{where}: text is {text!r}, expected a string")
    shown: list[tuple[Modality, str]] = []
    for own in media.modalities().values():
        if item.get(own.key) is not None:
            if not isinstance(item[own.key], str):
                raise BenchError(f"{where}: {own.key} is {item[own.key]!r}, expected a path")
            shown.append((own.name, item[own.key]))
    if len(shown) > 1:
        names = " and a ".join(media.modality(kind).key for kind, _ in shown)
        raise BenchError(f"{where} names a {names}; a question is about one of them")
    return Question(identity, text, shown[0] if shown else None)


def answer_all(adapter: Adapter, manner: Manner, questions: Sequence[Question], root: Path) -> list[dict[str, Any]]:
    """One object for each question, in their order, all asked in one stream so that the adapter can batch."""
    out: list[dict[str, Any]] = [{"question_id": one.id, "prompt": one.text} for one in questions]
    requests, places = [], []
    for place, one in enumerate(questions):
        try:
            first = opened(adapter, one.shown[0], str(root / one.shown[1])) if one.shown else ()
        except BenchError as error:
            out[place] |= {"text": None, "error": str(error)}
            continue
        requests.append(manner.request([Message("user", (*first, one.text))], str(one.id)))
        places.append(place)
    for index, response in adapter.generate(requests):
        ended = (
            {"text": response.text, "finish": response.finish}
            if response.error is None
            else {"text": None, "error": response.error}
        )
        out[places[index]] |= ended
    for entry in out:
        entry["model_id"] = adapter.name
        if "text" not in entry:
            entry |= {"text": None, "error": "the adapter gave no response"}
    return out
