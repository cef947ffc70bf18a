"""docs/benchmarks.md: its example runs as it stands there, and its tables name all that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lamm_bench.ask.catalog import FOLDER
from lamm_bench.declared.filters import FILTERS
from lamm_bench.declared.metrics import MEASURES
from lamm_bench.declared.readers import READERS
from lamm_bench.declared.schema import file_keys, sample_keys
from lamm_bench.declared.sources import FORMATS

from .commands import done, lamm_bench
from .declared_kit import write_pictures

PAGE = (Path(__file__).parents[1] / "docs/benchmarks.md").read_text()


def block(name: str) -> str:
    found = re.search(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return found.group(1)


@pytest.fixture()
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("street.jsonl", "street.yaml"):
        (tmp_path / name).write_text(block(name))
    write_pictures(tmp_path / "street", 3)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_prints_what_the_page_shows(street: Path) -> None:
    assert block("check") in done("check", "street.yaml")


def test_the_example_runs(street: Path) -> None:
    assert "100.00" in done("run", "--model", "oracle", "--tasks", "street.yaml", "--output", street / "run")
    assert lamm_bench("run", "--model", "majority", "--tasks", "street.yaml", "--output", street / "other").exit_code == 0


def test_the_page_names_every_key_filter_reader_metric_and_benchmark() -> None:
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    names = {part for words in re.findall(r"`([^`]+)`", prose) for part in re.findall(r"[a-z_0-9-]+", words)}
    stems = {file.stem for file in (FOLDER / "tasks").glob("*.yaml")}
    for known in (FILTERS, READERS, MEASURES, file_keys(), sample_keys(), FORMATS, stems):
        assert set(known) <= names, set(known) - names
    assert "[Forty-six]" in PAGE and len(stems) == 46
