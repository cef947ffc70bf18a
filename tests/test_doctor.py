"""The doctor: a sound adapter passes, and each check is seen to fail on an adapter with the fault it is there for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.doctor import CHECKS, Finding, examine
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.media import BLANK
from lamm_bench.testing import CHECK_NAMES, check_adapter
from lamm_bench.types import Generate, Media, Response, Score

from .commands import lamm_bench
from .fakes import ColourTask, Looker, draw_root
from .patients import FAULTS, Broods, ImagesOnly, Mute, Sociable, Sound, Thinks

ROOT = Path(__file__).parents[1]
PLUGIN = """
from tests.patients import *
ADAPTERS = {name: globals()[name] for name in ("Sound", "Sociable", "Mute")}
"""


def found(adapter: object, *only: str) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(adapter, only=only)}  # type: ignore[arg-type]


def faults(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.reason for name, finding in findings.items() if finding.verdict == "fail"}


def doctor(*words: object) -> tuple[int, str]:
    result = lamm_bench("doctor", *words)
    return result.exit_code, result.output


def test_a_sound_adapter_passes_every_check_and_nearly_all_apply() -> None:
    findings = found(Sound())
    assert not faults(findings)
    assert [name for name, finding in findings.items() if finding.verdict != "pass"] == ["thoughts", "foreign", "coordinates"]
    assert tuple(findings) == CHECK_NAMES
    assert all(finding.reason and "\n" not in finding.reason for finding in findings.values())


def test_an_adapter_for_images_is_not_asked_for_clouds() -> None:
    findings = found(ImagesOnly())
    assert not faults(findings)
    assert findings["cloud-used"].verdict == "not applicable"
    assert findings["foreign"].verdict == "pass"


def test_without_likelihoods_the_answers_themselves_are_compared() -> None:
    class Speaker(Sound):
        score = None  # type: ignore[assignment]

    findings = found(Speaker())
    assert not faults(findings)
    for name in ("score", "score-sum", "score-batch", "score-options", "score-loss"):
        assert findings[name].verdict == "not applicable"
        assert "no likelihoods" in findings[name].reason
    assert "answers" in findings["image-used"].reason

    class BlindSpeaker(Speaker):
        def seen(self, media):  # type: ignore[no-untyped-def]
            return b""

    assert set(faults(found(BlindSpeaker(), "image-used", "cloud-used", "several"))) == {"image-used", "cloud-used", "several"}


@pytest.mark.parametrize(("name", "number"), [(name, n) for name, made in FAULTS.items() for n in range(len(made))])
def test_each_check_finds_the_fault_that_it_is_there_for(name: str, number: int) -> None:
    (finding,) = found(FAULTS[name][number](), name).values()
    assert finding.verdict == "fail", finding
    assert finding.reason


def test_no_check_but_the_speed_goes_without_such_a_fault() -> None:
    assert {check.name for check in CHECKS} - set(FAULTS) == {
        "speed",
        "coordinates",
    }  # tests/test_measured_places.py has the wrong ones


def test_a_model_that_thinks_is_told_from_one_that_never_comes_to_an_end() -> None:
    assert found(Sound(), "thoughts")["thoughts"].reason == "it does not think before it answers"
    finding = found(Thinks(), "thoughts")["thoughts"]
    assert finding.verdict == "pass"
    assert "6 of 6 answers were thought first, and every thought ended; the longest counted one has 4 tokens" in finding.reason
    cut = found(Broods())
    assert "6 of them were thoughts that did not end; thoughts get room" in cut["answers"].reason
    assert "6 of 6 answers were thoughts that 128 new tokens did not let end" in found(Broods(), "thoughts")["thoughts"].reason


def test_an_exception_of_the_adapter_is_a_finding_and_the_next_check_goes_on() -> None:
    class Falls(Sound):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            raise ZeroDivisionError("division by zero")

    findings = found(Falls(), "batch", "score", "order")
    assert findings["batch"].reason == "it raised ZeroDivisionError: division by zero"
    assert [finding.verdict for finding in findings.values()] == ["fail", "fail", "pass"]


def test_an_adapter_that_answers_nothing_is_told_once() -> None:
    findings = found(Mute())
    assert list(faults(findings)) == ["answers"]
    assert "the server is not there" in findings["answers"].reason
    assert {finding.verdict for name, finding in findings.items() if name not in ("parts", "answers")} == {"not applicable"}
    assert tuple(findings) == CHECK_NAMES


@pytest.mark.parametrize(
    ("yields", "message"),
    [
        ([(0, "red")], "expected pairs"),
        ([Response("red")], "expected pairs"),
        ([(3, Response("red"))], "asked 0 to 0"),
        ([("0", Response("red"))], "answered request '0'"),
    ],
)
def test_a_stream_of_another_form_is_told_plainly(yields: list[object], message: str) -> None:
    class Odd(Sound):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            yield from yields

    assert message in found(Odd(), "once")["once"].reason or message in found(Odd(), "empty")["empty"].reason


def test_an_adapter_that_declares_itself_inexact_may_round() -> None:
    class Rounding(Sound):
        exact = False

        def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
            for index, response in super().score(requests):
                yield index, replace(response, logprobs=tuple(v - 0.05 * len(requests) for v in response.logprobs))

    assert not faults(found(Rounding(), "score-batch"))
    Rounding.exact = True
    assert faults(found(Rounding(), "score-batch"))


def test_a_server_that_scores_letters_only_is_asked_for_letters() -> None:
    class Letters(Sound):
        def weigh(self, request: Score, key: str, company: int) -> Response:
            if any(option.strip("()") not in "ABCD" for option in request.options):
                return Response(error="only letters can be scored", status="model_error")
            return super().weigh(request, key, company)

    findings = found(Letters())
    assert not faults(findings)
    assert "which are letters: it refuses to score options: only letters can be scored" in findings["score"].reason

    class Never(Sound):
        def weigh(self, request: Score, key: str, company: int) -> Response:
            return Response(error="no log-probabilities here", status="model_error")

    findings = found(Never())
    assert not faults(findings)
    assert findings["score"].verdict == "not applicable"
    assert findings["score"].reason == "it refuses to score options: no log-probabilities here"
    assert "answers" in findings["image-used"].reason


def test_without_media_only_text_is_asked() -> None:
    class Reader(Sound):
        def seen(self, media):  # type: ignore[no-untyped-def]
            raise AssertionError("it was shown media")

    findings = {finding.check: finding for finding in check_adapter(Reader(), media=False)}
    assert findings["image-used"].reason == "it is examined without media, as was asked for"
    assert findings["score-loss"].verdict == "pass"


@pytest.mark.parametrize("name", ["oracle", "chance", "majority"])
def test_the_baselines_pass(name: str) -> None:
    findings = found(load_catalog().adapter(name, {}))
    assert not faults(findings)
    assert findings["image-used"].reason == "it never looks at media, by its own declaration"


def test_scripted_answers_pass_about_the_task_they_are_for(mini_root: Path, tmp_path: Path) -> None:
    task = load_catalog().tasks["svt"]
    (tmp_path / "a.json").write_text(json.dumps({sample.id: task.oracle(sample) for sample in task.samples(mini_root)}))
    words = ("--model", "scripted", "--set", f"answers={tmp_path / 'a.json'}")
    code, output = doctor(*words, "--task", "svt", "--data-root", mini_root)
    assert code == 0, output
    code, output = doctor(*words)  # the doctor's own samples are not in the file, which is told and not passed over
    assert code == 1
    assert "has no answer for sample 'doctor-0'" in " ".join(output.split())


@pytest.mark.parametrize("name", ["lsp", "scannet", "sqaimage"])
def test_samples_of_a_task_can_be_asked(name: str, mini_root: Path) -> None:
    task = load_catalog().tasks[name]
    for model in ("oracle", "chance", "majority"):
        check_adapter(load_catalog().adapter(model, {}), task, mini_root)
    assert not faults({finding.check: finding for finding in examine(Sound(), task, mini_root)})


def test_the_built_in_model_passes_about_rooms(mini_root: Path) -> None:
    only = ["answers", "once", "batch", "padding", "stop", "score-batch", "score-loss", "media-own", "missing", "empty"]
    check_adapter(load_catalog().adapter("lamm", {}), load_catalog().tasks["scannet"], mini_root, only)


def test_the_built_in_model_passes() -> None:
    findings = check_adapter(load_catalog().adapter("lamm", {}))
    quiet = {"thoughts", "foreign", "coordinates", "prompt", "score-plain"}
    assert {finding.check for finding in findings if finding.verdict != "pass"} == quiet


@pytest.mark.parametrize("name", ["llava", "qwen2-vl", "idefics3", "text"])
def test_chat_models_pass(name: str, tmp_path: Path) -> None:
    from .tiny_hf import TINY

    adapter = load_catalog().adapter("hf-chat", {"model": str(TINY[name](tmp_path / "m"))})
    findings = {finding.check: finding for finding in check_adapter(adapter)}
    blind = {
        "coordinates",
        "thoughts",
        "image-used",
        "cloud-used",
        "media-own",
        "sizes",
        "several",
        "missing",
        "broken",
        "forms",
        "foreign",
    }
    expected = blind if name == "text" else {"cloud-used", "thoughts", "coordinates"}
    assert {check for check, finding in findings.items() if finding.verdict != "pass"} == expected


def test_check_adapter_names_every_fault_with_its_reason() -> None:
    with pytest.raises(AssertionError, match=r"1 of 2 checks failed\nbatch: alone instead of in a batch") as caught:
        check_adapter(Sociable(), only=["greedy", "batch"])
    assert "must hold" in str(caught.value)
    assert [f.check for f in check_adapter(Sociable(), skip=[n for n in CHECK_NAMES if n not in ("greedy", "stop")])] == [
        "greedy",
        "stop",
    ]
    with pytest.raises(AssertionError, match="the server is not there"):
        check_adapter(Mute(), only=["answers"])
    for words in ({"only": ["bach"]}, {"skip": ["bach"]}):
        with pytest.raises(BenchError, match="Did you mean 'batch'"):
            check_adapter(Sound(), **words)  # type: ignore[arg-type]


def test_the_command_tells_by_its_exit_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "p.py").write_text(PLUGIN)
    plugin = ("--plugin", tmp_path / "p.py")
    code, output = doctor("--model", "Sound", *plugin, "--json", tmp_path / "f.json")
    assert code == 0
    assert f"{len(CHECKS) - 3} passed, 0 failed, 3 not applicable" in output
    told = json.loads((tmp_path / "f.json").read_text())
    assert told["passed"] is True
    assert [entry["check"] for entry in told["checks"]] == list(CHECK_NAMES)
    code, output = doctor("--model", "Sociable", *plugin, "--check", "batch", "--check", "greedy", "--json", "-")
    assert code == 1
    told = json.loads(output)
    assert told["passed"] is False
    assert [entry["verdict"] for entry in told["checks"]] == ["pass", "fail"]
    code, output = doctor("--model", "Sociable", *plugin, "--check", "batch")
    assert code == 1
    assert "0 passed, 1 failed, 0 not applicable" in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "lam"), "Did you mean 'lamm'"),
        (("--model", "oracle", "--check", "bach"), "Did you mean 'batch'"),
        (("--model", "oracle", "--task", "svtt"), "Did you mean 'svt'"),
        (("--model", "lamm", "--set", "checkpoint=/nowhere"), "nowhere"),
        (("--model", "hf-chat", "--set", "model=/nowhere"), "no such folder"),
    ],
)
def test_what_a_user_got_wrong_is_one_sentence(words: tuple[str, ...], message: str) -> None:
    code, output = doctor(*words)
    assert code == 2
    assert message in output
    assert len(output.strip().splitlines()) == 1


def test_testing_needs_neither_pytest_nor_torch() -> None:
    code = "import sys, lamm_bench.testing; assert not {'torch', 'pytest', 'transformers', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


class Reader(Looker):
    """Sees the colours of a task's own pictures and nothing in any other, as a model for text reads nothing in a landscape."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            media = [part for message in request.messages for part in message.parts if isinstance(part, Media)]
            try:
                said = self.answer(request) if media else ""
            except MediaError as error:
                yield number, Response(error=str(error), status="media_error")
                continue
            yield number, Response(said if media and str(self.root) in media[0].path and media[0].sha256 != BLANK else "")


def test_with_a_task_every_check_shows_the_tasks_own_samples(tmp_path: Path) -> None:
    task, root = ColourTask(), draw_root(tmp_path / "data")
    reader: Any = Reader(root)
    reader.score = None
    findings = {finding.check: finding for finding in examine(reader, task, root, only=("image-used", "media-own", "answers"))}
    assert {name: finding.verdict for name, finding in findings.items()} == dict.fromkeys(findings, "pass")
    assert found(reader, "image-used")["image-used"].verdict != "pass"


def test_empty_answers_alone_pass_nothing() -> None:
    class Silent(Sound):
        score = None  # type: ignore[assignment]

        def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
            for number, response in super().generate(requests):
                yield number, response if response.error is not None else Response("")

    assert "every answer is empty" in faults(found(Silent()))["answers"]
    for name in ("greedy", "batch", "order", "padding", "media-own"):
        assert found(Silent(), name)[name].verdict != "pass", name
