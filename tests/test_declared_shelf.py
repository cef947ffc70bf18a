"""Laws of every shipped benchmark file, on data in the form in which it is published: the oracle is perfect, chance is at chance, nothing
is worst, no question gives its answer away by itself, and a column that is not there is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamm_bench.ask.catalog import FOLDER
from lamm_bench.ask.runner import content_of, plan
from lamm_bench.declared import DeclaredTask, load_task
from lamm_bench.declared.check import broken_media, look, nulls
from lamm_bench.declared.document import parse
from lamm_bench.declared.files import Files
from lamm_bench.declared.rows import Maker
from lamm_bench.declared.schema import json_schema
from lamm_bench.declared.store import Store
from lamm_bench.errors import BenchError
from lamm_bench.measure import caption_scorer
from lamm_bench.measure.floors import chance_answer

from .commands import done
from .declared_kit import scored
from .declared_made import MADE

pytest.importorskip("pyarrow", reason="parquet needs the extra `data`")
FILES = sorted((FOLDER / "tasks").glob("*.yaml"))
COUNT = 12
TRAITS = {"F1", "yes_ratio", "CIDEr", "METEOR", "ROUGE-L"}  # of which no value is the best, or not on so few
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture(autouse=True)
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR starts a Java program; its own test runs it."""
    monkeypatch.setattr(caption_scorer, "meteor_absent", lambda: "METEOR is absent: this is a test")


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A data root for each file."""
    found = {}
    for name, make in MADE.items():
        found[name] = tmp_path_factory.mktemp(name)
        make(found[name], COUNT)
    return found


def test_every_file_has_its_data_in_the_official_form() -> None:
    assert {file.stem for file in FILES} == set(MADE) and len(FILES) >= 40


@every_file
def test_first_samples_are_those_of_the_whole_file(
    file: Path, roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    task = load_task(file)
    before = list(task.first(roots[file.stem]))
    whole = task.samples(roots[file.stem])
    after = list(task.first(roots[file.stem]))  # of the index, where media were imported
    told = not (task.source.counts or task.source.gather)
    assert [content_of(one) for one in whole if told] == [content_of(one) for one in before]
    assert (whole if told else []) == after and task.bytes_in(roots[file.stem]) > 0


@every_file
def test_a_file_says_what_it_is(file: Path) -> None:
    task = load_task(file)
    assert task.name == file.stem and task.apart and "declared" in task.groups
    assert {"title", "paper", "source"} <= set(task.about)
    first = file.read_text().splitlines()[0]
    assert first.startswith(f"# lamm-bench run --model MODEL --tasks {task.name} ") and "--data-root DATA" in first
    assert len(file.read_text().splitlines()) <= 45


@every_file
def test_a_file_is_valid_by_the_schema_for_editors(file: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the extra `test` brings it")
    jsonschema.Draft202012Validator(json_schema()).validate(parse(file.read_text(), str(file)).value)


@every_file
def test_the_oracle_is_perfect_chance_is_at_chance_and_silence_is_worst(file: Path, roots: dict[str, Path]) -> None:
    task = load_task(file)
    samples = task.samples(roots[task.name])
    assert len(samples) >= 6 and not list(broken_media(samples))
    perfect = scored(task, samples)
    assert perfect.counts["ok"] == len(samples)
    told = {name: each.value for name, each in perfect.metrics.items() if name.partition("@")[0] not in TRAITS and each.n}
    assert told == {name: pytest.approx(0.0 if name in ("MAE", "RMSE") else 100.0) for name in told}
    drawn = {sample.id: str(chance_answer(task, sample, samples)) for sample in samples}
    assert scored(task, samples, drawn).counts["ok"] == len(samples)
    if all(sample.choices for sample in samples):
        expected = 100 * sum(1 / len(sample.choices) for sample in samples) / len(samples)
        if "macro" not in perfect.headline[0]:
            assert perfect.references["chance"] == pytest.approx(expected)
    silent = scored(task, samples, {sample.id: "" for sample in samples})
    assert silent.counts["unread"] == len(samples) and silent.headline[1].value == pytest.approx(0.0, abs=1e-6)


@every_file
def test_null_models_are_where_they_belong(file: Path, roots: dict[str, Path]) -> None:
    task = load_task(file)
    found = nulls(task, task.samples(roots[task.name]))
    assert found["oracle"] == pytest.approx(100.0)
    assert found["copy"] is not None and found["copy"] < 40  # a caption shares words with its question
    assert all(value is not None and -1e-6 <= value <= 100 for value in found.values())


@every_file
def test_an_answer_is_read_the_same_whatever_the_truth_is(file: Path, roots: dict[str, Path]) -> None:
    from dataclasses import replace

    task = load_task(file)
    samples = task.samples(roots[task.name])
    for sample in samples[:4]:
        others = [
            one.target for one in samples if task.recast.readers.get("", "") or one.meta.get("read") == sample.meta.get("read")
        ]
        for text in ("(B)", "The answer is 3.", "yes", "[0.1, 0.2, 0.5, 0.6]", "none", task.oracle(sample)):
            assert len({repr(task.scorer.read(text, replace(sample, target=target))) for target in others}) == 1


@every_file
def test_the_whole_command_runs(file: Path, roots: dict[str, Path], tmp_path: Path) -> None:
    task = load_task(file)
    words = ("run", "--model", "oracle", "--tasks", task.name, "--data-root", roots[task.name], "--limit", 5)
    done(*words, "--output", tmp_path / "run", "--json", tmp_path / "r.json")
    (entry,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert entry["task"] == task.name and entry["counts"]["ok"] == entry["counts"]["expected"] == 5
    assert list(json.loads((tmp_path / "run/manifest.json").read_text())["identity"]["plugins"]) == [f"{task.name}.yaml"]


@every_file
def test_a_column_that_is_not_there_is_named(file: Path, roots: dict[str, Path]) -> None:
    from dataclasses import replace

    task = load_task(file)
    for column in sorted(task.recast.columns):
        if column.endswith("?") or "*" in column:
            continue
        name = column.partition(".")[0]
        for template in ("question", "target"):
            if name in {one.partition(".")[0] for one in getattr(task.recast, template).columns}:
                other = renamed(task, name)
                with pytest.raises(BenchError, match="column"):
                    replace(other, content="other").samples(roots[task.name])


def renamed(task: DeclaredTask, column: str) -> DeclaredTask:
    """The same file with one column misspelled everywhere."""
    import re

    from lamm_bench.declared.task import task_of

    text = Path(task.file).read_text()
    return task_of(parse(re.sub(rf"\{{{re.escape(column)}(?=[}}|.])", f"{{{column}x", text), task.file), task.home)


@every_file
def test_check_finds_nothing_wrong(file: Path, roots: dict[str, Path]) -> None:
    task = load_task(file)
    found = look(task, roots[task.name])
    assert not found.faults and len(found.samples) == len(task.samples(roots[task.name]))


def test_files_are_asked_by_their_group_and_never_with_all(roots: dict[str, Path]) -> None:
    said = done("list", "tasks")
    assert all(file.stem in said for file in FILES)
    from lamm_bench.ask.catalog import load_catalog

    catalog = load_catalog()
    assert {task.name for task in catalog.select_tasks("declared")} == set(MADE)
    assert not {task.name for task in catalog.select_tasks("all")} & set(MADE)


def test_a_limit_draws_the_same_from_index_and_table(roots: dict[str, Path]) -> None:
    task = load_task(FOLDER / "tasks/mmstar.yaml")
    first, second = (plan(task, task.samples(roots["mmstar"]), 5, 0, None) for _ in range(2))
    assert first.data == second.data


WRONG = (
    None,
    "",
    " ",
    "?",
    "[",
    "Z",
    -1,
    99,
    2.5,
    float("nan"),
    True,
    [],
    [None],
    [[]],
    {},
    {"bytes": None, "path": None},
    b"",
    b"no picture",
    "../x",
)


@every_file
def test_whatever_a_cell_holds_is_a_sample_or_one_sentence_with_its_row(file: Path, roots: dict[str, Path]) -> None:
    task = load_task(file)
    files = Files(roots[task.name])
    row = next(task.source.rows(files))
    store = Store.usual()
    for column in (name for name in row.data if not name.startswith("@")):
        for value in (*WRONG, Ellipsis):
            data = {name: each for name, each in row.data.items() if name != column or value is not Ellipsis}
            data |= {} if value is Ellipsis else {column: value}
            try:
                made = Maker(task.recast, files, store).sample(row.with_(data))
            except BenchError as error:
                assert str(error).startswith(row.where) and "\n" not in str(error), (column, value)
            else:
                truth = str(task.oracle(made))
                words = truth.rpartition("] ")[2]  # behind a box; a truth of marks alone may be one that nobody can say
                assert task.scorer.read(truth, made) is not None or not any(map(str.isalnum, words)), (column, value)
    files.close()
