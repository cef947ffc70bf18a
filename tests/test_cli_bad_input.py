"""What a newcomer does in the first hour: wrong numbers, places that cannot be written, half-made adapters, data that moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.errors import BenchError, unknown
from lamm_bench.show.figures import Entry, read_published
from lamm_bench.show.leaderboard import show_leaderboard
from lamm_bench.show.ranking import leaderboard
from lamm_bench.testing import CHECK_NAMES

PLUGIN = """
from lamm_bench.types import Response

class Mine:
    name = "mine"
    modalities = frozenset({"image"})
    def fingerprint(self):
        return "mine"
    def generate(self, requests):
        GENERATE

ADAPTERS = {"mine": Mine}
"""


def lamm_bench(*words: object, typed: str = "") -> Result:
    from lamm_bench.cli import main

    return CliRunner().invoke(main, [str(word) for word in words], input=typed, catch_exceptions=False)


@pytest.fixture
def mine(tmp_path: Path):
    """Writes an adapter whose `generate` is the line given."""

    def write(line: str) -> tuple[object, ...]:
        file = tmp_path / "mine.py"
        file.write_text(PLUGIN.replace("GENERATE", line))
        return "--model", "mine", "--plugin", file

    return write


ANSWERS = "yield from ((n, Response('hello')) for n, _ in enumerate(requests))"


def test_a_piped_conversation_may_end_itself_after_a_mistake(mine, tmp_path: Path) -> None:
    result = lamm_bench("chat", *mine(ANSWERS), typed=f"hi\n/image {tmp_path / 'nowhere.png'}\n/exit\nnever asked\n")
    assert result.exit_code == 3 and result.stdout == "hello\n"
    assert "nowhere.png is missing" in result.stderr


@pytest.mark.parametrize("words", [("chat", "--temperature"), ("chat", "--top-p"), ("judge", "run", "--temperature")])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_what_is_no_number_is_refused_before_anything_is_loaded(words: tuple[str, ...], value: str) -> None:
    result = lamm_bench(*words, value)
    assert result.exit_code == 2 and "Invalid value" in result.stderr


@pytest.mark.parametrize(
    "verb", [("run", "--model", "oracle"), ("score", "x"), ("compare", "x", "y"), ("judge", "x"), ("doctor",)]
)
def test_json_that_cannot_be_written_is_told_before_the_work(verb: tuple[str, ...], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    for target, reason in ((tmp_path / "file" / "x.json", "is a file"), (tmp_path, "is a folder")):
        result = lamm_bench(*verb, "--json", target)
        assert result.exit_code == 2 and "cannot write" in result.stderr and reason in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("yield 0, 'hello'", "(int, str)"),
        ("yield 'hello'", "yielded str"),
        ("yield '0', Response('hello')", "(str, Response)"),
        ("return None", "gave NoneType"),
    ],
)
def test_an_adapter_that_yields_something_else_is_told_in_a_sentence(
    mine, mini_root: Path, tmp_path: Path, line: str, named: str
) -> None:
    where = ("--tasks", "svt", "--data-root", mini_root, "--output", tmp_path / "run")
    result = lamm_bench("run", *mine(line), *where)
    assert result.exit_code == 2
    assert named in result.stderr and "expected" in result.stderr and "(index, Response)" in result.stderr
    assert not (tmp_path / "run" / "errors").exists()


def test_a_run_without_answers_says_why(mine, mini_root: Path, tmp_path: Path) -> None:
    line = "yield from ((n, Response(error='the lamp\\nis out', status='model_error')) for n, _ in enumerate(requests))"
    result = lamm_bench("run", *mine(line), "--tasks", "svt", "--data-root", mini_root, "--output", tmp_path / "run")
    assert result.exit_code == 3
    assert "svt: 6 of 6 samples failed: the lamp is out" in result.stdout
    again = lamm_bench("score", tmp_path / "run")
    assert again.exit_code == 3 and "svt: 6 of 6 samples failed: the lamp is out" in again.stdout


def oracle(root: Path, run: Path) -> None:
    result = lamm_bench("run", "--model", "oracle", "--tasks", "svt", "--data-root", root, "--output", run)
    assert result.exit_code == 0, result.output


def test_a_stored_run_knows_where_its_data_are(mini_root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    oracle(mini_root, Path("one"))
    shutil.copytree("one", "two")
    for words in (("score", "one"), ("report", "one"), ("compare", "one", "two")):
        result = lamm_bench(*words)
        assert result.exit_code == 0, result.output
        assert f"data: {mini_root.resolve()}, where one met them" in result.stderr.replace("\n", "")


@pytest.mark.parametrize("happened", ["gone", "changed"])
def test_data_that_are_not_the_runs_any_more_are_looked_for_elsewhere(
    mini_root: Path, tmp_path: Path, monkeypatch, happened: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(mini_root, "data")
    oracle(Path("data"), Path("run"))
    if happened == "gone":
        shutil.rmtree("data")
    else:
        (meta,) = Path("data").glob("2D_Benchmark/meta_file/OCR_SVT*")
        items = json.loads(meta.read_text())
        items[0]["query"] += " Please."
        meta.write_text(json.dumps(items))
    monkeypatch.setenv("LAMM_BENCH_DATA", str(mini_root))
    result = lamm_bench("score", "run")
    assert result.exit_code == 0, result.output
    assert "met them" not in result.stderr


def test_scoring_tasks_that_a_run_was_not_asked_is_an_error(mini_root: Path, tmp_path: Path) -> None:
    oracle(mini_root, tmp_path / "run")
    result = lamm_bench("score", tmp_path / "run", "--tasks", "ai2d")
    assert result.exit_code == 2 and "was not asked about ai2d; it holds svt" in result.stderr


def test_max_cost_is_an_option_of_run_and_judge_for_models_that_cost() -> None:
    from lamm_bench.cli.options import with_shortcuts

    for verb in (("run", "--model"), ("judge", "run", "--judge")):
        assert "has no costs; leave --max-cost out" in lamm_bench(*verb, "lamm", "--max-cost", 5).stderr
        assert "max_cost needs price_in" in lamm_bench(*verb, "openai-chat", "--set", "model=m", "--max-cost", 5).stderr
        assert lamm_bench(*verb, "openai-chat", "--max-cost", "nan").exit_code == 2
    asked = {"settings": {"model": "m"}, "max_cost": 0.5}
    assert with_shortcuts(asked, "openai-chat", load_catalog()) == {"model": "m", "max_cost": "0.5"}


def test_a_chat_server_that_is_sent_no_images_ignores_them() -> None:
    catalog = load_catalog()
    assert catalog.adapter("openai-chat", {"model": "m", "images": "none"}).ignores == {"media"}
    assert catalog.adapter("openai-chat", {"model": "m"}).ignores == frozenset()
    assert catalog.adapter("openai-chat", {"model": "m", "images": "none", "render": "4views"}).ignores == frozenset()


def test_a_cache_of_zero_is_no_cache() -> None:
    torch = pytest.importorskip("torch")
    from lamm_bench.lamm.features import FeatureCache

    load_catalog().adapter("lamm", {"cache": "0", "prefix_cache": "0"})
    none, small = FeatureCache(0), FeatureCache(1)
    for cache in (none, small):
        cache.put("a", torch.zeros(9))
    assert len(none) == 0 and none.get("a") is None and none.bytes == 0
    assert len(small) == 1  # one that is too large stays, as before
    for wrong in ({"cache": "-1"}, {"threads": "-1"}, {"batch_size": "0"}):
        with pytest.raises(BenchError, match="must be at least"):
            load_catalog().adapter("lamm", wrong)


def test_a_wrong_engine_is_refused_by_a_dry_run_too() -> None:
    result = lamm_bench("train-baseline", "--engine", "fast", "--dry-run")
    assert result.exit_code == 2 and "'fast' is not one of" in result.stderr


def test_the_leaderboard_fits_a_terminal_of_100_columns(tmp_path: Path, capsys) -> None:
    show_leaderboard(tmp_path, "table", None, None, published=True)
    short = capsys.readouterr().out
    assert max(map(len, short.splitlines())) <= 100 and len(short.splitlines()) < 60
    assert "LAMM-13B" in short and "cifar10 60.83" in short and "--full" in short
    show_leaderboard(tmp_path, "table", None, None, published=True, full=True)
    assert len(capsys.readouterr().out.splitlines()) > 2 * len(short.splitlines())


def test_the_short_leaderboard_shows_all_figures_of_few_tasks_and_none_that_are_not_there() -> None:
    from lamm_bench.show.board_brief import asked, figures

    entries = [
        Entry("a", "standard", "miniature", "svt", "word_recall", 50.0, digest="1"),
        Entry("b", "standard", "miniature", "svt", "word_recall", 40.0, digest="1"),
        Entry("b", "standard", "miniature", "svt", "word_recall", 30.0, digest="2"),
        Entry("b", "standard", "miniature", "fsc147", "MAE", 3.0, better="lower", unit="score", digest="3"),
        Entry("a", "standard", "miniature", "fsc147", "MAE", None, status="failed", digest="3"),
    ]
    (table,) = leaderboard(entries).summaries
    assert figures(table, "a") == "svt [1] 50.00" and asked(table, "a") == 1
    assert sorted(figures(table, "b").split(", ")) == ["fsc147 3.00 ↓", "svt [1] 40.00", "svt [2] 30.00"]
    wide = next(table for table in leaderboard(read_published()).summaries if len(table.columns) > 10)
    assert "voc2012" not in figures(wide, "LLaVA") and asked(wide, "LLaVA") == 10


def test_a_model_that_does_not_answer_is_spared_thirty_lines(mine) -> None:
    result = lamm_bench("doctor", *mine("yield 0, 'hello'"))
    assert result.exit_code == 1
    assert "(int, str)" in result.stdout and f"{len(CHECK_NAMES) - 2} other checks were not asked" in result.stdout
    assert result.stdout.count("named on its own") == 1


def test_a_judge_without_verdicts_is_quoted(mine, mini_root: Path, tmp_path: Path) -> None:
    oracle(mini_root, tmp_path / "run")
    model, name, *plugin = mine(ANSWERS)
    result = lamm_bench("judge", tmp_path / "run", "--judge", name, *plugin, "--votes", 2)
    assert result.exit_code == 3
    assert "svt: 6 judge errors; for instance the judge said what is no verdict: 'hello'" in result.stdout
    assert "said what is no verdict: 'hello'" in lamm_bench("judge", tmp_path / "run", "--replay").stdout


def test_a_baseline_says_that_it_cannot_chat() -> None:
    result = lamm_bench("chat", "--model", "chance", typed="hi\n")
    assert result.exit_code == 2 and "can neither chat nor judge" in result.stderr


def test_answers_that_cannot_be_read_leave_no_run_folder(mini_root: Path, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_bytes(b"\xff")
    words = ("--model", "scripted", "--set", f"answers={tmp_path / 'answers.json'}", "--tasks", "svt")
    result = lamm_bench("run", *words, "--data-root", mini_root, "--output", tmp_path / "run")
    assert result.exit_code == 2 and "cannot be read" in result.stderr
    assert not (tmp_path / "run").exists()


def test_data_that_are_nowhere_are_not_looked_for_in_the_miniature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mini_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lamm_bench.data.locate.miniature", lambda: mini_root)
    told = lamm_bench("run", "--model", "chance", "--tasks", "chef-mme")
    assert told.exit_code == 2 and "MME is not here" in told.output and "name the folder above it with --data-root" in told.output
    assert not list(tmp_path.iterdir())


def test_of_more_names_than_a_sentence_holds_where_they_are_found_is_told() -> None:
    many = [f"model-{number}" for number in range(99)]
    assert "`lamm-bench list tasks` shows them" in str(unknown("task", "x", many))
    said = str(unknown("published model", "model-8", [each for each in many if each != "model-8"]))
    assert "There are 98, as" in said and "model-88" in said and "lamm-bench list" not in said
    assert "Did you mean" not in str(unknown("task", "vqa", ["svt", "lsp"]))
