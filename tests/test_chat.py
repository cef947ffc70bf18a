"""`lamm-bench chat`: several turns, commands, streams, and files of questions, with piped input as a user would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import Result

from lamm_bench.ask.chat import Manner, Talk, read_questions
from lamm_bench.errors import BenchError
from lamm_bench.types import Generate, Media, Response

from .commands import lamm_bench
from .toys import cloud, picture, toy_checkpoint

PLUGIN = '''
from dataclasses import dataclass
from lamm_bench.types import Response, Media

class Parrot:
    """Says what it was told: the roles, the kinds of media and the last question."""
    name = "parrot"
    modalities = frozenset({"image"})
    def fingerprint(self):
        return "parrot"
    def generate(self, requests):
        for index, request in enumerate(requests):
            if "fail" in request.messages[-1].text:
                yield index, Response(error="it hurts", status="model_error")
                continue
            seen = "+".join(p.kind for m in request.messages for p in m.parts if isinstance(p, Media)) or "nothing"
            roles = "".join(m.role[0] for m in request.messages)
            yield index, Response(text=f"{roles} {seen}: {request.messages[-1].text}", tokens=(3,))

@dataclass
class Placed(Parrot):
    """Says where and how it computes."""
    device: str = "auto"
    dtype: str = "auto"
    attn: str = "auto"
    def generate(self, requests):
        for index, _ in enumerate(requests):
            yield index, Response(text=f"{self.device} {self.dtype} {self.attn}")

ADAPTERS = {"parrot": Parrot, "placed": Placed}
'''


@pytest.fixture
def parrot(tmp_path: Path) -> Path:
    (tmp_path / "parrot.py").write_text(PLUGIN)
    return tmp_path


def chat(folder: Path, *words: object, said: str = "") -> Result:
    return lamm_bench("chat", "--plugin", folder / "parrot.py", "--model", "parrot", "--system", "", *words, said=said)


def test_turns_build_on_each_other_until_reset(parrot: Path) -> None:
    one = picture(parrot, "a.png")
    result = chat(parrot, "--image", one.path, "--system", "Look.", said="Hello?\n\nAnd now?\n/reset\nAgain?\n/exit\nnever\n")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["su image: Hello?", "suau image: And now?", "su image: Again?"]


def test_another_picture_begins_anew(parrot: Path) -> None:
    picture(parrot, "two words.png")
    said = f"Blind?\n/image {parrot}/two words.png\nSeen?\nMore?\n"
    assert chat(parrot, said=said).stdout.splitlines() == ["u nothing: Blind?", "u image: Seen?", "uau image: More?"]


def test_a_failed_question_leaves_no_trace_and_the_conversation_goes_on(parrot: Path) -> None:
    result = chat(parrot, said="One?\nfail\nTwo?\n")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == ["u nothing: One?", "uau nothing: Two?"]
    assert "no answer: it hurts" in result.stderr


@pytest.mark.parametrize(
    "line, said",
    [
        ("/imgae x.png", "Did you mean '/image'"),
        ("/image", "/image needs the path of a file"),
        ("/image nowhere.png", "nowhere.png"),
        ("/points a.npy", "parrot takes no point clouds"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_ends_nothing(parrot: Path, line: str, said: str) -> None:
    result = chat(parrot, said=f"{line}\nStill there?\n")
    assert said in result.stderr and result.stdout == "u nothing: Still there?\n" and result.exit_code == 3


def test_help_lists_the_commands(parrot: Path) -> None:
    result = chat(parrot, said="/help\n")
    assert "/points PATH" in result.stderr and result.exit_code == 0


def test_a_question_file_is_answered_line_by_line_in_order(parrot: Path) -> None:
    picture(parrot, "a.png")
    lines = [
        {"question_id": 7, "text": "What?", "image": "a.png"},
        {"question_id": "x", "text": "fail"},
        {"question_id": 8, "text": "Lost?", "image": "lost.png"},
        {"question_id": 9, "text": "Ünïcode?"},
    ]
    (parrot / "q.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    result = chat(parrot, "--question-file", parrot / "q.jsonl", "--answer-file", parrot / "a.jsonl")
    assert result.exit_code == 3 and "2 of 4 questions have no answer" in result.stderr
    answers = [json.loads(line) for line in (parrot / "a.jsonl").read_text().splitlines()]
    assert [a["question_id"] for a in answers] == [7, "x", 8, 9]
    assert answers[0] == {"question_id": 7, "prompt": "What?", "text": "u image: What?", "finish": "stop", "model_id": "parrot"}
    assert answers[1]["error"] == "it hurts" and answers[1]["text"] is None
    assert "lost.png" in answers[2]["error"] and answers[3]["text"] == "u nothing: Ünïcode?"
    (parrot / "pictures").mkdir()
    (parrot / "a.png").rename(parrot / "pictures/a.png")
    result = chat(parrot, "--question-file", parrot / "q.jsonl", "--vision-root", parrot / "pictures")
    assert json.loads(result.stdout.splitlines()[0])["text"] == "u image: What?"


@pytest.mark.parametrize(
    "line, said",
    [
        ("", "holds no question"),
        ("{", "line 1 is not JSON"),
        ("[]", "line 1 is list"),
        ('{"text": "a"}', "question_id is None"),
        ('{"question_id": 1, "text": 3}', "text is 3"),
        ('{"question_id": 1, "text": "a", "image": 5}', "image is 5"),
        ('{"question_id": 1, "text": "a", "image": "a", "pcl": "b"}', "one of them"),
    ],
)
def test_a_wrong_question_file_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "q.jsonl").write_text(line)
    with pytest.raises(BenchError, match=said):
        read_questions(tmp_path / "q.jsonl")


@pytest.mark.parametrize(
    "words, said",
    [
        (("--image", "a.png", "--points", "b.npy"), "one of --image, --points and --media"),
        (("--answer-file", "a.jsonl"), "belongs to --question-file"),
        (("--image", "nowhere.png"), "nowhere.png"),
        (("--question-file", "nowhere.jsonl"), "nowhere.jsonl is missing"),
        (("--device", "cpu"), "model parrot has no device; leave --device out"),
        (("--model", "lamm", "--device", "gpu"), "device called 'gpu'"),
    ],
)
def test_wrong_options_are_one_sentence(parrot: Path, words: Sequence[str], said: str) -> None:
    result = chat(parrot, *words, said="Hello?\n")
    assert result.exit_code == 2 and said in result.stderr


def test_the_model_runs_where_and_how_it_is_told(parrot: Path) -> None:
    words = ("--model", "placed", "--device", "cuda:1", "--dtype", "float16", "--attn", "eager")
    assert chat(parrot, *words, said="Where?\n").stdout == "cuda:1 float16 eager\n"
    doctor = lamm_bench("doctor", "--plugin", parrot / "parrot.py", *words, "--check", "parts", "--json", "-")
    assert json.loads(doctor.stdout)["model"]["settings"] == {"device": "cuda:1", "dtype": "float16", "attn": "eager"}


def test_the_lamm_model_streams_and_remembers(tmp_path: Path) -> None:
    folder = toy_checkpoint(tmp_path / "toy")
    one, points = picture(tmp_path, "a.png", 1), cloud(tmp_path, "b.npy", 2)
    words = ["chat", "--system", "", "--set", f"checkpoint={folder}", "--max-new-tokens", "7"]
    said = f"What is it?\nWhere?\n/points {points.path}\nWhat is it?\n"
    printed = lamm_bench(*words, "--image", one.path, said=said).stdout
    from lamm_bench.adapters.lamm import Lamm

    talk = Talk(Lamm(checkpoint=str(folder)), Manner(max_new_tokens=7))
    talk.show("image", one.path)
    expected = []
    for question in ("What is it?", "Where?"):
        *pieces, last = talk.say(question)
        assert isinstance(last, Response) and "".join(map(str, pieces)) == last.text
        expected.append(last.text)
    talk.show("point_cloud", points.path)
    *_, last = talk.say("What is it?")
    assert isinstance(last, Response)
    assert printed == "".join(f"{text}\n" for text in [*expected, last.text])


def test_an_adapter_with_a_stream_is_shown_as_it_grows(tmp_path: Path) -> None:
    class Typist:
        name = "typist"
        modalities = frozenset({"image"})

        def fingerprint(self) -> str:
            return ""

        def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
            raise AssertionError("the stream was there")

        def stream(self, request: Generate) -> Iterator[str | Response]:
            yield from ("a", "b")
            yield Response(text="ab", finish="length")

    talk = Talk(Typist(), Manner(), (Media("image", "/a.png"),))  # type: ignore[arg-type]
    assert list(talk.say("?")) == ["a", "b", Response(text="ab", finish="length")]
    assert [message.text for message in talk.turns] == ["?", "ab"]
