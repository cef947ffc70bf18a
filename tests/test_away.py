"""Runs taken elsewhere: every format has every answer and every figure, and the form that its readers expect."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from .commands import done, refusal

SCHEMAS = json.loads(Path(__file__).with_name("eee_0.3.json").read_text())


@pytest.fixture(scope="module")
def run(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("away") / "run"
    tasks = "cifar10,fsc147,voc2012,scanqa,lsp,flickr30k"
    done("run", "--model", "chance", "--tasks", tasks, "--limit", "4", "--data-root", mini_root, "--output", folder)
    return folder


def exported(run: Path, form: str, output: Path, *more: object) -> list[Path]:
    done("export", run, "--to", form, "--output", output, *more)
    return sorted(path for path in output.rglob("*") if path.is_file())


def results_of(run: Path) -> list[dict[str, Any]]:
    return list(json.loads((run / "result.json").read_text())["results"])


def test_csv_has_every_sample_under_every_protocol_and_its_means_are_the_scores(run: Path, tmp_path: Path) -> None:
    (path,) = exported(run, "csv", tmp_path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for result in results_of(run):
        own = [row for row in rows if (row["task"], row["protocol"]) == (result["task"], result["protocol"])]
        assert len(own) == (result["counts"]["expected"] if own else 0)
        name, metric = next(iter(result["metrics"].items()))
        if name in ("accuracy", "MAE") and own:
            assert own[0]["metric"] == name
            assert sum(float(row["value"]) for row in own) / len(own) == pytest.approx(metric["value"])
    first = json.loads(rows[0]["media"])[0]
    assert not first["path"].startswith("/") and len(first["sha256"]) == 64


def test_parquet_has_the_same(run: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    (path,) = exported(run, "parquet", tmp_path / "p")
    (table,) = exported(run, "csv", tmp_path / "c")
    rows = parquet.read_table(path).to_pylist()
    with table.open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [(row["task"], row["protocol"], row["sample"], row["answer"] or "") for row in rows] == [
        (
            row["task"],
            row["protocol"],
            row["sample"],
            row["answer"].removeprefix("'") if row["answer"][:2] != "''" else row["answer"],
        )
        for row in told
    ]
    assert rows[0]["media"][0]["kind"] and isinstance(rows[0]["value"], float)


def read_eee(output: Path) -> tuple[dict[str, Any], list[dict[str, Any]], Path]:
    (path,) = output.glob("data/lamm-bench/*/*/*.json")
    whole = json.loads(path.read_text())
    lines = (output / whole["detailed_evaluation_results"]["file_path"]).read_bytes()
    assert hashlib.sha256(lines).hexdigest() == whole["detailed_evaluation_results"]["checksum"]
    return whole, [json.loads(line) for line in lines.splitlines()], path


def test_every_eval_ever_has_the_form_of_its_schemas(run: Path, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    about = ("--about", "organization=Us", "--about", "relationship=third_party", "--about", "model_id=us/guesser")
    exported(run, "eee", tmp_path, *about)
    whole, lines, path = read_eee(tmp_path)
    jsonschema.Draft7Validator(SCHEMAS["eval"]).validate(whole)
    one = jsonschema.Draft7Validator(SCHEMAS["instance"])
    for line in lines:
        one.validate(line)
    assert path.parts[-3:-1] == ("us", "guesser") and whole["model_info"]["id"] == "us/guesser"
    assert not jsonschema.Draft7Validator(SCHEMAS["eval"]).is_valid({**whole, "extra": 1})  # it can fail


def test_every_eval_ever_has_every_figure_and_the_same_bytes_twice(run: Path, tmp_path: Path) -> None:
    first, again = (exported(run, "eee", tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert [path.name for path in first] == [path.name for path in again]
    whole, lines, _ = read_eee(tmp_path / "a")
    asked = {line["evaluation_name"] for line in lines}
    expected = {
        f"{result['task']}/{result['protocol']}/{name}": metric["value"]
        for result in results_of(run)
        if result["task"] in asked
        for name, metric in result["metrics"].items()
        if metric["value"] is not None
    }
    assert {each["evaluation_result_id"]: each["score_details"]["score"] for each in whole["evaluation_results"]} == expected
    assert {line["evaluation_result_id"] for line in lines} <= expected.keys()
    assert all(line["metadata"]["media 0"].count(" ") >= 2 for line in lines)


def test_model_cards_have_the_headlines_of_the_data_sets_that_are_named(run: Path, tmp_path: Path) -> None:
    more = ("--about", "cifar10=owner/cifar10:test", "--about", "fsc147=owner/fsc", "--about", "url=https://example.org/run")
    (path,) = exported(run, "hf-eval-results", tmp_path, *more)
    assert path.relative_to(tmp_path).as_posix() == ".eval_results/lamm-bench.yaml"
    data = yaml.safe_load(path.read_text())
    assert [entry["dataset"] for entry in data] == [
        {"id": "owner/cifar10", "task_id": "test"},
        {"id": "owner/fsc", "task_id": "default"},
    ]
    headline = {r["task"]: next(iter(r["metrics"].values()))["value"] for r in results_of(run) if r["protocol"] == "standard"}
    assert [entry["value"] for entry in data] == [round(headline[name], 4) for name in ("cifar10", "fsc147")]
    assert "lower is better" in data[1]["notes"] and "4 samples" in data[0]["notes"]
    hub = pytest.importorskip("huggingface_hub")
    if hasattr(hub, "parse_eval_result_entries"):
        entries = hub.parse_eval_result_entries(data)
        assert hub.eval_result_entries_to_yaml(entries) == data


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--to", "excel"), "no format called 'excel'"),
        (("--to", "hf-eval-results"), "name the data set of a task on the hub"),
        (("--to", "hf-eval-results", "--about", "cifar=a/b"), "Did you mean 'cifar10'"),
        (("--to", "hf-eval-results", "--about", "cifar10=b"), "expected owner/dataset"),
        (("--to", "hf-eval-results", "--about", "cifar10=a/b", "--about", "name=us"), "a source needs its url"),
        (("--to", "eee", "--about", "relationship=cousin"), "expected first_party"),
        (("--to", "eee", "--about", "licence=mit"), "no key of --about"),
        (("--to", "chef", "--about", "url=x"), "says nothing about a run"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(run: Path, tmp_path: Path, more: tuple[str, ...], said: str) -> None:
    assert said in refusal("export", run, *more, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_that_is_there_is_written_over(run: Path, tmp_path: Path) -> None:
    exported(run, "csv", tmp_path)
    assert "is there already" in refusal("export", run, "--to", "csv", "--output", tmp_path)
