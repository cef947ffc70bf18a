"""What the documentation promises: its two commands are there, its examples run, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from lamm_bench.ask.corrupt.texts import TEXTS
from lamm_bench.cli import main
from lamm_bench.media import modality

from .commands import done

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def example(name: str) -> str:
    """A code block of docs/extending.md by the name in the comment before it."""
    text = (ROOT / "docs/extending.md").read_text()
    found = re.search(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, name
    return found.group(1)


@pytest.fixture()
def written(tmp_path: Path) -> Path:
    for name in (
        "brightness.py",
        "test_brightness.py",
        "weather.py",
        "two_thoughts.yaml",
        "sound.py",
        "sound.yaml",
        "video.py",
        "worse.py",
    ):
        (tmp_path / name).write_text(example(name))
    return tmp_path


def test_the_example_model_runs(written: Path, mini_root: Path) -> None:
    words = ("--plugin", written / "brightness.py", "--model", "brightness", "--set", "threshold=100", "--tasks", "cifar10")
    done("run", *words, "--data-root", mini_root, "--output", written / "run", "--json", written / "b.json")
    (entry, *_) = json.loads((written / "b.json").read_text())["results"]
    assert entry["counts"]["unread"] == entry["counts"]["expected"]  # `light` is no class of CIFAR-10, and nobody guesses


def test_the_example_model_passes_its_own_test(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(written))
    spec = importlib.util.spec_from_file_location("test_brightness_of_the_docs", written / "test_brightness.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.test_the_doctor_finds_nothing()
    assert "0 failed" in done("doctor", "--plugin", written / "brightness.py", "--model", "brightness")


def test_the_example_task_is_scored_with_intervals_and_floors(written: Path) -> None:
    root = written / "my_data"
    (root / "2D_Benchmark/meta_file").mkdir(parents=True)
    items = []
    for number in range(10):
        Image.fromarray(np.full((8, 8, 3), 20 * number, dtype=np.uint8)).save(root / f"2D_Benchmark/{number}.png")
        items.append(
            {"id": number, "image": f"{number}.png", "query": "Day or night?", "label": "day" if number > 4 else "night"}
        )
    (root / "2D_Benchmark/meta_file/Weather.json").write_text(json.dumps(items))
    for model, value in (("oracle", 100.0), ("majority", 50.0)):
        words = ("--plugin", written / "weather.py", "--model", model, "--tasks", "weather", "--data-root", root)
        done("run", *words, "--output", written / model, "--json", written / "w.json")
        (entry,) = json.loads((written / "w.json").read_text())["results"]
        assert entry["metrics"]["accuracy"]["value"] == value
        assert entry["references"]["oracle"] == 100.0
    assert "weather" in done("list", "tasks", "--plugin", written / "weather.py")


def test_the_example_corruptions_make_it_worse(written: Path, mini_root: Path) -> None:
    common = ("--plugin", written / "worse.py", "--data-root", mini_root)
    shown = done("show", "voc2012", *common, "--corrupt", "rain:4,shout:2", "--picture", written / "rain.png")
    try:
        assert "corrupted by rain:4" in shown and "!!" in shown and (written / "rain.png").is_file()
        words = ("--model", "chance", "--tasks", "svt", "--corruptions", "rain,shout", "--severities", "2")
        assert "rain" in done("robustness", *common, *words, "--output", written / "wet")
    finally:
        modality("image").corruptions.pop("rain")
        TEXTS.pop("shout")


def test_the_example_recipe_asks_twice(written: Path, mini_root: Path) -> None:
    words = ("--model", "oracle", "--tasks", "sqaimage", "--recipe", written / "two_thoughts.yaml", "--data-root", mini_root)
    done("run", *words, "--output", written / "run")
    lines = [json.loads(line) for line in (written / "run/records/sqaimage.jsonl").read_text().splitlines()]
    assert {line["step"] for line in lines} == {0, 1}


def test_the_readme_has_the_two_commands_that_ci_runs() -> None:
    text = (ROOT / "README.md").read_text()
    for name in ("run", "test"):
        found = re.search(rf"<!-- command: {name} -->\n```bash\n(.*?)\n```", text, re.DOTALL)
        assert found
        assert "\n" not in found.group(1)
        assert "-c constraints.txt" in found.group(1)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_the_documentation_leads_to_a_file(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def commands_of(text: str) -> list[list[str]]:
    """The words of every command of ours in a code block, comments and continued lines taken care of."""
    found = []
    fenced = [
        block for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE) if kind in ("", "bash")
    ]
    indented = re.findall(r"^    (?=lamm-bench )[^\n]*\n", text, re.MULTILINE)
    for line in "".join([*fenced, *indented]).replace("\\\n", " ").splitlines():
        words = re.search(r"(?:^|\.venv/bin/|-m )lamm[-_]bench (.+)", line.strip())
        if words:
            found.append(shlex.split(words.group(1), comments=True))
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_of_the_documentation_can_be_read(document: Path) -> None:
    for words in commands_of(document.read_text()):
        command, rest = main, words
        while isinstance(command, click.Group):
            _, command, rest = command.resolve_command(click.Context(command), rest)
        assert command is not None
        one = rest[: rest.index("|")] if "|" in rest else rest  # `tasks | models` shows alternatives
        _, left, _ = command.make_parser(click.Context(command)).parse_args(list(one))
        assert not left, f"{document.name}: {' '.join(words)}: {left}"


def test_the_documentation_has_commands() -> None:
    assert sum(len(commands_of(document.read_text())) for document in DOCUMENTS) > 30


def test_every_verb_and_option_that_the_documentation_shows_exists() -> None:
    for document in DOCUMENTS:
        for line in re.findall(r"lamm-bench ([a-z-]+(?: [a-z]+)?[^\n`]*)", document.read_text()):
            words = line.split()
            command = main.commands.get(words[0])
            if command is None:
                continue
            rest = words[1:]
            if hasattr(command, "commands"):
                command = command.commands[rest[0]]
            known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
            for word in rest:
                if word.startswith("--"):
                    assert word.split("=")[0].rstrip(",.;)") in known, f"{document.name}: {line}"
