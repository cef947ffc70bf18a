"""The desiderata from end to end: a model whose every answer is known, its legs, its figures and what they are worth near chance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.data.mini import make
from lamm_bench.desiderata import session
from lamm_bench.desiderata.legs import NAMES, Way
from lamm_bench.desiderata.relative import Figure
from lamm_bench.show.desiderata import published, save_hexagon, save_reliability
from lamm_bench.types import Generate, Job, Response, Score

from .commands import lamm_bench

SURE = 0.75  # how sure the model is of what it chooses


@dataclass
class Knowing:
    """Is right about a share of the samples, the same ones however it is asked, and always equally sure."""

    right: float
    name: str = "knowing"
    modalities: frozenset[str] = frozenset({"image"})
    begins: bool = True
    job: Job | None = None
    asked: list[Any] = field(default_factory=list)

    def fingerprint(self) -> str:
        return f"knowing {self.right}"

    def begin(self, job: Job) -> None:
        self.job = job

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        assert self.job is not None
        targets = {sample.id: sample.target for sample in self.job.samples}
        for number, request in enumerate(requests):
            self.asked.append(request)
            share = int(hashlib.sha256(request.sample.encode()).hexdigest()[:8], 16) / 2**32
            count = len(request.options)
            place = targets[request.sample] if share < self.right else (targets[request.sample] + 1) % count
            logs = [log(SURE) if n == place else log((1 - SURE) / max(count - 1, 1)) for n in range(count)]
            yield number, Response(logprobs=tuple(logs), tokens=(1,) * count)

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            self.asked.append(request)
            yield number, Response("It is plain to see. So (A).")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desiderata") / "mini"
    make(folder, 0, ("test",), counts={"test": 24})
    return folder


def asked(root: Path, output: Path, adapter: Knowing, **options: Any) -> session.Result:
    catalog = load_catalog()
    wanted = session.Options(adapter.name, output, **options)
    folders, missing = session.ask(wanted, catalog, adapter, root, "miniature", Watcher())  # type: ignore[arg-type]
    if "language-performance" in wanted.want:
        judge = session.Judge("grading", Grading(), {}, votes=2)  # type: ignore[arg-type]
        assert session.have_judged(wanted, judge, catalog, root, Watcher()) == ""
    result = session.evaluate(folders, catalog, root, lambda text: None)
    result.missing |= missing
    return result


class Grading:
    """A judge that gives an eight."""

    name = "grading"
    modalities: frozenset[str] = frozenset()

    def fingerprint(self) -> str:
        return "eight"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number in range(len(requests)):
            yield number, Response("Good enough. [Overall Score] 8")


@pytest.fixture(scope="module")
def known(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, session.Result, Knowing]:
    output, adapter = tmp_path_factory.mktemp("known"), Knowing(0.85)
    return output, asked(root, output, adapter), adapter


def figures(result: session.Result) -> dict[str, Figure]:
    return result.models[0][1]


def test_a_model_that_nothing_moves_has_the_figures_of_one(known: tuple[Path, session.Result, Knowing]) -> None:
    _, result, _ = known
    assert not result.missing and result.complete
    found = figures(result)
    values = {name: figure.standard.value if figure.standard else None for name, figure in found.items()}
    assert values["in-context-learning"] == pytest.approx(50)  # examples change nothing
    assert values["instruction-following"] == pytest.approx(100)
    assert values["robustness"] == pytest.approx(100)
    assert values["language-performance"] == pytest.approx(80) and found["language-performance"].chef == pytest.approx(80)
    for name in ("calibration", "hallucination"):
        ends = found[name].standard.ci95  # type: ignore[union-attr]
        assert ends is not None and ends[0] <= values[name] <= ends[1]
    accuracies = [each["accuracy"].value for each in found["hallucination"].details.values()]
    assert values["hallucination"] == pytest.approx(sum(accuracies) / 3)
    for details in found["calibration"].details.values():
        assert details["equal mass"].value >= abs(SURE - details["accuracy"]) - 1e-9
        assert details["confidence"] == pytest.approx(SURE)


def test_the_same_command_asks_nothing_again_and_the_folder_gives_the_same_figures(
    root: Path, known: tuple[Path, session.Result, Knowing]
) -> None:
    output, before, adapter = known
    count = len(adapter.asked)
    again = asked(root, output, adapter)
    assert len(adapter.asked) == count
    assert again.to_json() == before.to_json()
    told = lamm_bench("desiderata", output, "--data-root", root)
    assert told.exit_code == 0, told.output
    assert json.loads((output / "desiderata.json").read_text("utf-8"))["models"] == before.to_json()["models"]
    assert (output / "desiderata.png").read_bytes().startswith(b"\x89PNG")
    drawn = (output / "desiderata.svg").read_text("utf-8")
    assert all(name in drawn for name in ("InstructBLIP", "knowing", "Robustness"))
    assert "instruction-following" in told.output and "100.00" in told.output


def test_near_chance_nothing_is_divided_by_the_margin(root: Path, tmp_path: Path) -> None:
    result = asked(root, tmp_path / "poor", Knowing(0.3), want=("in-context-learning", "robustness"))
    for name in ("in-context-learning", "robustness"):
        figure = figures(result)[name]
        assert figure.standard is None and "not surely above chance" in figure.why
        assert figure.details
    assert result.to_json()["models"][0]["desiderata"]["robustness"]["standard"] is None


def test_without_likelihoods_there_is_no_calibration(root: Path, tmp_path: Path) -> None:
    result = asked(root, tmp_path / "said", Knowing(0.9), want=("calibration",), way=Way("lamm/standard"))
    assert figures(result)["calibration"].standard is None
    assert "no likelihoods" in figures(result)["calibration"].why


def test_runs_of_two_models_stand_side_by_side(root: Path, tmp_path: Path) -> None:
    for name, right in (("a", 0.9), ("b", 0.6)):
        asked(root, tmp_path / name, Knowing(right, name=name), want=("calibration", "hallucination"))
    told = lamm_bench("desiderata", tmp_path / "a", tmp_path / "b", "--data-root", root, "--output", tmp_path / "both")
    assert "Desiderata of a" in told.output and "Desiderata of b" in told.output
    models = json.loads((tmp_path / "both/desiderata.json").read_text("utf-8"))["models"]
    assert [each["model"] for each in models] == ["a", "b"]
    first, second = (each["desiderata"]["hallucination"]["standard"]["value"] for each in models)
    assert first > second
    assert sorted(path.name for path in (tmp_path / "both").glob("*.svg")) == [
        "calibration-a.svg",
        "calibration-b.svg",
        "desiderata.svg",
    ]


def test_a_leg_with_another_limit_is_left_out(root: Path, tmp_path: Path) -> None:
    adapter = Knowing(0.9)
    asked(root, tmp_path / "one", adapter, want=("calibration",))
    asked(root, tmp_path / "two", adapter, want=("hallucination",), limit=10)
    told = lamm_bench("desiderata", tmp_path / "one", tmp_path / "two", "--data-root", root)
    assert "left out, it was asked other items" in told.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "name a model to ask"),
        (("--model", "chance", "--only", "calibratoin"), "Did you mean 'calibration'"),
        (("--model", "chance", "--tasks", "chef-scienceqq"), "Did you mean 'chef-scienceqa'"),
        (("--model", "chance", "--retrievers", "topk_txt"), "Did you mean 'topk_text'"),
        (("--model", "chance", "--recipe", "desiderata/nothing"), "desiderata/"),
        (("--model", "chance", "--only", ""), "--only names none"),
        (("--model", "chance", "--judge-set", "model=x"), "name one with --judge"),
        (("--model", "chance", "--judge", "oracle"), "cannot judge"),
        (("--model", "chance", "--only", "robustness", "--corrupted-files"), "is missing; without it corruptions are made"),
        (("nowhere",), "nowhere is no folder"),
        (("--model", "chance", "."), "leave one of them out"),
    ],
)
def test_bad_input_is_one_sentence(
    words: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = lamm_bench("desiderata", *words)
    assert told.exit_code == 2 and sentence in told.output, told.output
    assert "Traceback" not in told.output and not list(tmp_path.iterdir())


def test_tasks_without_options_are_one_sentence(root: Path, tmp_path: Path) -> None:
    told = lamm_bench("desiderata", "--model", "chance", "--tasks", "voc2012", "--data-root", root, "--output", tmp_path / "out")
    assert told.exit_code == 2 and "voc2012 cannot be asked for plain" in told.output, told.output
    assert "Traceback" not in told.output and not list(tmp_path.iterdir())


def test_other_multiple_choice_sets_can_be_asked(root: Path, tmp_path: Path) -> None:
    words = ("desiderata", "--model", "chance", "--tasks", "sqaimage", "--data-root", root, "--limit", 12)
    told = lamm_bench(*words, "--only", "calibration,in-context-learning,robustness", "--output", tmp_path / "own")
    assert told.exit_code == 0, told.output
    figures = json.loads((tmp_path / "own/desiderata.json").read_text("utf-8"))["models"][0]["desiderata"]
    assert figures["calibration"]["standard"]["value"] is not None and figures["calibration"]["chef"] is None


def test_a_folder_that_was_asked_otherwise_is_refused_and_stays(root: Path, tmp_path: Path) -> None:
    words = ("desiderata", "--model", "chance", "--only", "hallucination", "--data-root", root, "--output", tmp_path / "one")
    assert lamm_bench(*words, "--limit", 8).exit_code == 0
    before = {path: path.read_bytes() for path in sorted((tmp_path / "one").rglob("*")) if path.is_file()}
    told = lamm_bench(*words)
    assert told.exit_code == 2 and "was asked otherwise (limit 8)" in told.output
    assert {path: path.read_bytes() for path in sorted((tmp_path / "one").rglob("*")) if path.is_file()} == before


def test_runs_that_say_nothing_of_desiderata_leave_nothing(root: Path, tmp_path: Path) -> None:
    assert (
        lamm_bench("run", "--model", "chance", "--tasks", "svt", "--data-root", root, "--output", tmp_path / "r/svt").exit_code
        == 0
    )
    told = lamm_bench("desiderata", tmp_path / "r", "--data-root", root)
    assert told.exit_code == 2 and "says anything of a desideratum" in told.output
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["svt"]


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = lamm_bench("desiderata", tmp_path / "empty")
    assert told.exit_code == 2 and "holds no runs" in told.output


def test_published_hexagons_have_all_their_corners() -> None:
    assert len(published()) == 9
    assert all(set(values) == set(NAMES) and None not in values.values() for values in published().values())


def test_drawings_are_the_same_twice(known: tuple[Path, session.Result, Knowing], tmp_path: Path) -> None:
    _, result, _ = known
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save_hexagon(result, tmp_path / folder / "hexagon.svg")
        save_reliability(result, tmp_path / folder)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["calibration-knowing.png", "calibration-knowing.svg", "hexagon.png", "hexagon.svg"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
