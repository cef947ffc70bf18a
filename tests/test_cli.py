"""The command line as a user meets it: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import ORDER, load_catalog

from .commands import lamm_bench, refusal

ROOT = Path(__file__).parents[1]


def test_every_verb_explains_itself_with_an_example() -> None:
    for verb in (
        ("run",),
        ("score",),
        ("leaderboard",),
        ("list",),
        ("show",),
        ("report",),
        ("train-baseline",),
        ("judge",),
        ("compare",),
        ("export",),
        ("data", "mini"),
        ("data", "verify"),
    ):
        result = lamm_bench(*verb, "--help")
        assert result.exit_code == 0
        assert "Example" in result.output, verb


def test_the_oracle_is_perfect_on_all_seventeen_tasks_and_the_folder_says_so(mini_root: Path, tmp_path: Path) -> None:
    result = lamm_bench(
        "run",
        "--model",
        "oracle",
        "--tasks",
        "all",
        "--data-root",
        mini_root,
        "--output",
        tmp_path / "run",
        "--json",
        tmp_path / "o.json",
    )
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "o.json").read_text())
    standard = {entry["task"]: entry for entry in written["results"] if entry["protocol"] == "standard"}
    assert len(standard) == 18  # seventeen files, and the objects of the three locating files pooled
    for task, entry in standard.items():
        name, headline = next(iter(entry["metrics"].items()))
        assert headline["value"] == (0.0 if headline["better"] == "lower" else 100.0), (task, name)
        counts = entry["counts"]
        assert counts["expected"] == sum(value for key, value in counts.items() if key != "expected") == counts["ok"]
        assert all("status" in sample for sample in entry["samples"].values())
    assert {"binary-loc", "locating-pooled"} <= {entry["task"] for entry in written["results"]}
    assert (tmp_path / "run/result.json").is_file()


@pytest.mark.parametrize("model", ["chance", "majority"])
def test_floors_run_on_everything(mini_root: Path, tmp_path: Path, model: str) -> None:
    result = lamm_bench("run", "--model", model, "--tasks", "all", "--data-root", mini_root, "--output", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "locating-fsc147" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--model", "lam", "--tasks", "svt"), "Did you mean 'lamm'"),
        (("run", "--model", "oracle", "--tasks", "cifar"), "Did you mean 'cifar10'"),
        (("run", "--model", "oracle", "--recipe", "lamm/standart"), "Did you mean 'lamm/standard'"),
        (("run", "--model", "oracle", "--protocol", "clasic", "--tasks", "svt"), "Did you mean 'classic'"),
        (("run", "--model", "chance", "--set", "sed=3", "--tasks", "svt"), "Did you mean 'seed'"),
        (("run", "--model", "oracle", "--tasks", "svt", "--data-root", "/nowhere/at/all"), "is no folder"),
        (("run", "--model", "oracle", "--tasks", "svt", "--control", "blnd"), "Did you mean 'blind'"),
        (("run", "--model", "oracle", "--batch-size", "4", "--tasks", "svt"), "no batch size"),
        (("run", "--model", "scripted", "--tasks", "svt", "--set", "answers=/nowhere.json"), "nowhere.json"),
        (("score", "/nowhere/at/all"), "no run folder"),
        (("score",), "name either a run folder or --answers"),
        (("score", "--answers", "/nowhere/at/all"), "is no folder"),
        (("show", "svtt"), "Did you mean 'svt'"),
        (("show", "svt", "nobody"), "has no sample 'nobody'"),
        (("list", "tasks", "--plugin", "missing.py"), "expected a Python file"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_exit_status_2(mini_root: Path, words: tuple[str, ...], message: str) -> None:
    given = list(words)
    if "--data-root" not in given and given[0] in ("run", "show", "score"):
        given += ["--data-root", str(mini_root)]
    result = lamm_bench(*given)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") <= 2, result.output


def test_a_run_without_data_draws_the_miniature_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = lamm_bench("run", "--model", "chance", "--tasks", "svt", "--limit", "3")
    assert result.exit_code == 0, result.output
    assert "not comparable with published" in result.output
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "result.json").read_text())["source"] == "miniature"


def test_missing_files_end_with_status_3_and_are_listed(mini_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "part"
    (root / "2D_Benchmark").mkdir(parents=True)
    for folder in ("meta_file", "svt_images"):
        (root / "2D_Benchmark" / folder).symlink_to(mini_root / "2D_Benchmark" / folder)
    result = lamm_bench("run", "--model", "oracle", "--tasks", "svt,scanqa", "--data-root", root, "--output", tmp_path / "run")
    assert result.exit_code == 3
    assert "scanqa: MISSING" in result.output


def test_json_on_standard_output_is_nothing_but_json(mini_root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lamm_bench", "run", "--model", "oracle", "--tasks", "svt", "--data-root", str(mini_root)]
    done = subprocess.run([*command, "--output", str(tmp_path / "r"), "--json", "-"], capture_output=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout)["results"][0]["task"] == "svt"


def test_score_of_upstreams_answer_files_gives_the_goldens(goldens: Path, tmp_path: Path) -> None:
    result = lamm_bench("score", "--answers", goldens / "answers", "--data-root", goldens / "data", "--json", tmp_path / "s.json")
    assert result.exit_code == 0, result.output
    results = {(entry["task"], entry["protocol"]): entry for entry in json.loads((tmp_path / "s.json").read_text())["results"]}
    for protocol in ("classic", "chef"):
        expected = json.loads((goldens / "expected" / f"{protocol}.json").read_text())
        for task, values in expected.items():
            metrics = results[task, protocol]["metrics"]
            for name, value in values["metrics"].items():
                if name == "METEOR" and metrics[name]["value"] is None:
                    assert metrics[name]["note"]
                    continue
                wanted = value["accuracy"] if isinstance(value, dict) else value
                tolerance = 0.1 if task == "flickr30k" and protocol == "chef" else 1e-9
                assert metrics[name]["value"] == pytest.approx(wanted, abs=tolerance), (task, name)
            for sample, shown in values["samples"].items():
                if task == "flickr30k":
                    continue
                ours = results[task, protocol]["samples"][sample]
                for key, number in (shown if isinstance(shown, dict) else {"value": shown}).items():
                    assert ours[key] == pytest.approx(number, abs=1e-9), (task, sample, key)


def test_answers_are_joined_by_id_under_standard_and_by_position_under_classic(mini_root: Path, tmp_path: Path) -> None:
    meta = json.loads((mini_root / "2D_Benchmark/meta_file/OCR_SVT.json").read_text())
    entries = [{"id": item["id"], "text": " ".join(item["word_list"])} for item in meta]
    (tmp_path / "OCR_SVT.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in reversed(entries)))
    lamm_bench("score", "--answers", tmp_path, "--data-root", mini_root, "--tasks", "svt", "--json", tmp_path / "s.json")
    results = {
        e["protocol"]: next(iter(e["metrics"].values()))["value"]
        for e in json.loads((tmp_path / "s.json").read_text())["results"]
    }
    assert results["standard"] == 100.0
    assert results["classic"] < 100.0


def test_more_answers_than_items_have_no_figure_by_position(mini_root: Path, tmp_path: Path) -> None:
    meta = json.loads((mini_root / "2D_Benchmark/meta_file/OCR_SVT.json").read_text())
    entries = [{"id": item["id"], "text": " ".join(item["word_list"])} for item in meta]
    (tmp_path / "OCR_SVT.json").write_text(json.dumps([*entries, {"id": "stranger", "text": "HOTEL"}]))
    lamm_bench("score", "--answers", tmp_path, "--data-root", mini_root, "--tasks", "svt", "--json", tmp_path / "s.json")
    found = {e["protocol"]: e for e in json.loads((tmp_path / "s.json").read_text())["results"]}
    assert {name: next(iter(each["metrics"].values()))["value"] for name, each in found.items()} == {
        "standard": 100.0,
        "classic": None,
        "chef": 100.0,
    }
    assert any("1 answer too many" in note for note in found["classic"]["notes"])


def test_an_answer_that_is_not_there_is_missing_and_ends_with_status_3(mini_root: Path, tmp_path: Path) -> None:
    meta = json.loads((mini_root / "2D_Benchmark/meta_file/OCR_SVT.json").read_text())
    (tmp_path / "OCR_SVT.json").write_text(json.dumps([{"id": meta[0]["id"], "text": "HOTEL"}]))
    result = lamm_bench("score", "--answers", tmp_path, "--data-root", mini_root, "--tasks", "svt", "--json", tmp_path / "s.json")
    assert result.exit_code == 3
    counts = json.loads((tmp_path / "s.json").read_text())["results"][0]["counts"]
    assert counts["missing"] == len(meta) - 1


@pytest.mark.parametrize(
    "text", ["{", '{"a": 1}', '[{"id": 1}]', '[{"id": 1, "text": [5]}]', '["yes"]', '[{"id": [1], "text": "x"}]', "\x00"]
)
def test_a_broken_answer_file_is_named(mini_root: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "OCR_SVT.json").write_text(text)
    assert "OCR_SVT.json" in refusal("score", "--answers", tmp_path, "--data-root", mini_root, "--tasks", "svt")
    good = [{"id": 0, "text": "2"}]  # beside one that can be read it is missing, and the other is scored
    (tmp_path / "Counting_FSC147.json").write_text(json.dumps(good))
    result = lamm_bench("score", "--answers", tmp_path, "--data-root", mini_root, "--tasks", "svt,fsc147")
    assert result.exit_code == 3 and "OCR_SVT.json" in result.output and "fsc147" in result.output


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"answer": [5]}, "`answer` is [5]"),
        ({"turn_answer": 3}, "`turn_answer` is 3"),
        ({}, "there is no `text` (ChEF's files: `answer`)"),
    ],
)
def test_the_key_that_a_file_has_is_named(mini_root: Path, tmp_path: Path, entry: dict[str, Any], words: str) -> None:
    (tmp_path / "OCR_SVT.json").write_text(json.dumps([{"id": 1, **entry}]))
    assert words in refusal("score", "--answers", tmp_path, "--data-root", mini_root, "--tasks", "svt")


@pytest.mark.parametrize("other", ["OCR_SVT.jsonl", "OCR_SVT.ppl.json", "OCR_SVT_20240301120000.json"])
def test_of_two_files_of_one_task_none_is_taken(mini_root: Path, tmp_path: Path, other: str) -> None:
    for name in ("OCR_SVT.json", other):
        (tmp_path / name).write_text("[]")
    said = refusal("score", "--answers", tmp_path, "--data-root", mini_root, "--tasks", "svt")
    assert "OCR_SVT.json" in said and other in said and "leave one of them there" in said


def test_show_tells_every_step_of_a_dialogue_once(mini_root: Path) -> None:
    said = lamm_bench("show", "sqaimage", "--data-root", mini_root, "--recipe", "lamm/reasoning").output
    assert (
        said.count("step by step") == 1 and "asked (assistant, 2): ..." in said and "asked (user, 2): So the answer is:" in said
    )
    assert "options: (A)" in lamm_bench("show", "sqaimage", "--data-root", mini_root, "--recipe", "lamm/likelihood").output


def test_show_refuses_before_it_prints(mini_root: Path, tmp_path: Path) -> None:
    said = refusal("show", "svt", "--data-root", mini_root, "--picture", tmp_path / "svt.bmq")
    assert "ends with .png" in said and "ground truth" not in said
    assert "is made for" in refusal("show", "svt", "--data-root", mini_root, "--recipe", "chef/mme/direct")


def test_show_gives_the_question_and_the_truth(mini_root: Path) -> None:
    output = lamm_bench("show", "lsp", "--data-root", mini_root).output
    assert "right ankle" in output
    assert "ground truth" in output
    assert "asked (system)" in output


def test_lists_name_what_there_is() -> None:
    lines = lamm_bench("list", "tasks").output.splitlines()
    assert len(lines) == 1 + len(load_catalog().tasks)
    names = [line.split()[0] for line in lines[1:]]
    assert names[:17] == ORDER  # whose order is LAMM's own; other benchmarks stand behind it
    assert "checkpoint" in lamm_bench("list", "models").output
    assert "lamm/classic" in lamm_bench("list", "recipes").output


SLOW_MODEL = """
import time
from dataclasses import dataclass
from lamm_bench.types import Response

@dataclass
class Slow:
    name: str = "slow"
    modalities: frozenset = frozenset({"image", "point_cloud"})
    def fingerprint(self): return "slow"
    def generate(self, requests):
        for number, request in enumerate(requests):
            time.sleep(0.002)
            yield number, Response("[0.5, 0.5]" if request.part else "HOTEL")

ADAPTERS = {"slow": Slow}
"""


def test_kill_9_at_any_time_then_the_same_command_gives_the_same_bytes(mini_root: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "slow.py"
    plugin.write_text(SLOW_MODEL)

    def command(name: str) -> list[str]:
        words = ["run", "--plugin", str(plugin), "--model", "slow", "--tasks", "lsp,svt,locating", "--data-root", str(mini_root)]
        return [sys.executable, "-m", "lamm_bench", *words, "--output", str(tmp_path / name)]

    subprocess.run(command("whole"), check=True, capture_output=True, cwd=ROOT)
    kills = 0
    for lines in (1, 20, 60):
        process = subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
        while process.poll() is None and said(tmp_path / "killed") < lines:
            time.sleep(0.001)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    subprocess.run(command("killed"), check=True, capture_output=True, cwd=ROOT)
    assert kills >= 2
    assert (tmp_path / "whole/result.json").read_bytes() == (tmp_path / "killed/result.json").read_bytes()
    for path in sorted((tmp_path / "whole/scores").iterdir()):
        assert path.read_bytes() == (tmp_path / "killed/scores" / path.name).read_bytes(), path.name


def said(folder: Path) -> int:
    """Whole lines on disk."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("records/*.jsonl"))
