"""Long commands from far away: a file of options, how much is said, a log, completion, 80 columns and no colour."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from lamm_bench.cli import main
from lamm_bench.cli.completion import SHELLS

from .commands import done, lamm_bench, refusal


@pytest.fixture
def config(tmp_path: Path, mini_root: Path) -> Path:
    file = tmp_path / "run.yaml"
    file.write_text(
        f"model: chance\ntasks: [svt, cifar10]\nlimit: 3\nset: {{seed: 3}}\ndata_root: {mini_root}\nprotocol: [standard, classic]\n"
    )
    return file


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def test_a_file_says_what_words_would_say(config: Path, tmp_path: Path, mini_root: Path) -> None:
    done("run", "--config", config, "--output", tmp_path / "a")
    words = ["--model", "chance", "--tasks", "svt,cifar10", "--limit", 3, "--set", "seed=3", "--data-root", mini_root]
    words += ["--protocol", "standard", "--protocol", "classic"]
    done("run", *words, "--output", tmp_path / "b")
    a, b = (manifest(tmp_path / name) for name in "ab")
    assert a["identity"] == b["identity"] and a["protocols"] == b["protocols"]
    assert a["asked"][0]["command"][:-2] == ["run", *map(str, words)], "what is recorded needs no file"
    assert b["asked"][0]["command"] == ["run", *map(str, words), "--output", str(tmp_path / "b")]


def test_the_command_line_wins_by_option_and_by_key(config: Path, tmp_path: Path) -> None:
    done("run", f"--config={config}", "--tasks", "svt", "--set", "seed=4", "--protocol", "standard", "--output", tmp_path / "a")
    found = manifest(tmp_path / "a")
    assert list(found["identity"]["data"]) == ["svt"] and found["identity"]["limit"] == 3
    assert found["model"]["settings"] == {"seed": "4"} and found["protocols"] == ["standard"]


def test_flags_and_switches_of_a_file(config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text() + "resume: true\ncontrols: false\n")
    assert lamm_bench("run", "--config", config, "--output", tmp_path / "a").exit_code == 2, "there is nothing to go on with"
    done("run", "--config", config, "--fresh", "--output", tmp_path / "a")
    assert not (tmp_path / "a-blind").exists()
    done("run", "--config", config, "--output", tmp_path / "a")  # which is resumed


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tsks: 2d", "no option called 'tsks'. Did you mean 'tasks'?"),
        ("config: other.yaml", "no option called 'config'"),
        ("limit: many", "Invalid value for '--limit': 'many' is not a valid integer range (FILE)"),
        ("limit:", "FILE: `limit` has no value"),
        ("tasks: {a: b}", 'FILE: `tasks` is {"a": "b"}, expected a text or a number'),
        ("model: yes", "FILE: `model` is true, expected a text or a number in quotes"),
        ("controls: 3", "FILE: `controls` is 3, expected true or false"),
        ("set: 3", "FILE: `set` is 3, expected a mapping"),
        ("set: {seed: }", "FILE: `set`: `seed` has no value"),
        ("- tasks", "FILE: expected options, one a line"),
        ("a: b: c", "FILE is not YAML"),
    ],
)
def test_what_a_file_must_not_say(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "run.yaml").write_text(line)
    words = ["run", "--config", tmp_path / "run.yaml", "--output", tmp_path / "a"]
    found = refusal(*words, *([] if line.startswith("model") else ["--model", "chance"]))
    assert said.replace("FILE", str(tmp_path / "run.yaml")) in found
    assert not (tmp_path / "a").exists()


def test_a_file_that_is_not_there_and_an_option_that_is_not(tmp_path: Path) -> None:
    assert f"{tmp_path / 'no.yaml'} is missing" in refusal("run", "--config", tmp_path / "no.yaml")
    (tmp_path / "run.yaml").write_text("limit: 3")
    assert "No such option" in refusal("run", "--config", tmp_path / "run.yaml", "--tsks", "2d")
    assert "--config" in done("plan", "--help") and "--config" in done("data", "construct", "--help")


def test_quiet_says_results_and_errors_alone(config: Path, tmp_path: Path) -> None:
    result = lamm_bench("run", "--config", config, "--output", tmp_path / "a", "--quiet")
    assert result.exit_code == 0 and result.stderr == "" and "cifar10" in result.stdout
    result = lamm_bench("run", "--config", config, "--tasks", "nosuch", "--quiet")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and "nosuch" in result.stderr
    assert "give one of them" in refusal("run", "--config", config, "--quiet", "--verbose")


def test_a_log_holds_everything_with_its_time_and_no_secret(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-0123456789")
    log = tmp_path / "logs" / "run.log"
    words = ["run", "--config", config, "--output", tmp_path / "a", "--log-file", log, "--quiet"]
    done(*words, "--name", "sk-0123456789")
    lines = log.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d ", line) for line in lines)
    assert "3/3 in" in log.read_text() and "processors" in log.read_text() and f"run folder: {tmp_path / 'a'}" in lines[-1]
    assert "sk-0123456789" not in log.read_text() and "[secret]" in log.read_text()
    before = len(lines)
    lamm_bench("run", "--config", config, "--log-file", log, "--output", tmp_path / "a", "--resume", "--seed", "9")
    assert "lamm-bench: " in log.read_text().splitlines()[-1] and len(log.read_text().splitlines()) > before, (
        "appended, errors too"
    )
    assert "cannot write" in refusal("run", "--config", config, "--log-file", tmp_path / "a" / "manifest.json")


def test_a_log_that_cannot_be_is_told_by_its_own_name(config: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.txt"
    words = ("run", "--config", config, "--output", tmp_path / "a")
    assert "is also --json; name another file" in refusal(*words, "--json", one, "--log-file", tmp_path / "." / "one.txt")
    assert not (tmp_path / "a").exists()
    if Path("/dev/full").exists():
        assert "--log-file /dev/full cannot be written: No space left" in refusal(*words, "--log-file", "/dev/full")


def test_a_terminal_without_our_signs_shows_escapes_and_no_traceback(two_runs: tuple[Path, Path], mini_root: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words in (
        ["leaderboard", "--results", two_runs[0].parent],
        ["score", two_runs[0], "--data-root", mini_root],
        ["nosuch-ü"],
    ):
        result = subprocess.run(
            [sys.executable, "-m", "lamm_bench", *map(str, words)], env={**os.environ, **plain}, capture_output=True, timeout=120
        )
        assert (result.stdout + result.stderr).isascii() and b"Traceback" not in result.stderr
        assert result.returncode == (2 if words == ["nosuch-ü"] else 0) and b"\\u2500" not in result.stdout


def test_verbose_tells_libraries_and_tracebacks_and_leaves_logging_as_it_was(
    config: Path, tmp_path: Path, mini_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lamm_bench.ask import carrying

    def broken(*_: object, **__: object) -> None:
        logging.getLogger("a.library").info("retrying")
        warnings.simplefilter("always")
        warnings.warn("old form", stacklevel=1)
        raise RuntimeError("a bug of the task")

    before = (list(logging.getLogger().handlers), logging.getLogger().level)
    monkeypatch.setattr(carrying, "ask_alone", broken)
    quiet = lamm_bench("run", "--config", config, "--output", tmp_path / "a").stderr
    loud = lamm_bench("run", "--config", config, "--output", tmp_path / "b", "--verbose").stderr
    assert "Traceback" not in quiet and "retrying" not in quiet
    assert "Traceback" in loud and "a.library: info: retrying" in loud and "old form" in loud
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before


@pytest.mark.parametrize("shell", list(SHELLS))
def test_a_shell_gets_clicks_script(shell: str) -> None:
    assert "_LAMM_BENCH_COMPLETE" in done("completion", shell) and "lamm-bench" in done("completion", shell)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lamm-bench ru", {"run"}),
        ("lamm-bench run --mod", {"--model"}),
        ("lamm-bench run --model ch", {"chance"}),
        ("lamm-bench run --tasks svt,celeba-", {"svt,celeba-smile", "svt,celeba-hair"}),
        ("lamm-bench run --recipe lamm/likeli", {"lamm/likelihood"}),
        ("lamm-bench run --control sh", {"shuffled"}),
        ("lamm-bench run --config nowhere.yaml --model ch", {"chance"}),
        ("lamm-bench run --protocol cl", {"classic"}),
        ("lamm-bench robustness --corruptions fo", {"fog"}),
        ("lamm-bench data construct p --llm openai", {"openai-chat"}),
    ],
)
def test_names_are_completed(line: str, expected: set[str]) -> None:
    from click.shell_completion import ShellComplete

    words = line.split()
    found = ShellComplete(main, {}, "lamm-bench", "_X").get_completions(words[1:-1], words[-1])
    assert {item.value for item in found} >= expected and len(found) <= 3


def test_completion_loads_no_torch() -> None:
    code = (
        "import sys\nfrom click.shell_completion import ShellComplete\nfrom lamm_bench.cli import main\n"
        "found = ShellComplete(main, {}, 'l', '_X').get_completions(['run', '--model'], 'lam')\n"
        "print([item.value for item in found], 'torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "['lamm', 'lamm-vllm'] False\n"


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory, mini_root: Path) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("narrow")
    for name in ("chance", "majority"):
        done("run", "--model", name, "--tasks", "svt,cifar10,lsp,scanqa", "--data-root", mini_root, "--output", folder / name)
    return folder / "chance", folder / "majority"


def test_no_table_is_wider_than_80_columns_or_coloured_against_the_wish(
    two_runs: tuple[Path, Path], mini_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("NO_COLOR", "1")
    a, b = two_runs
    told = (
        *(("score", a, "--data-root", mini_root), ("compare", a, b, "--data-root", mini_root), ("items", a, b, b)),
        *(("leaderboard", "--results", a.parent), ("leaderboard", "--full"), ("plan", "--data-root", mini_root, "--pilot", a)),
        *(("ledger", a, "--as", "LAMM-13B"), ("score", a, "--readers", "--data-root", mini_root)),
        *(("list", what) for what in ("tasks", "models", "recipes", "conventions", "corruptions")),
    )
    for words in told:
        out = done(*words)
        bare = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out)
        assert not re.search(r"\x1b\[[0-9;]*\b(3[0-7]|9[0-7]|4[0-7]|38|48)[;m]", out), f"{words[0]} is coloured"
        wide = [line for line in bare.splitlines() if len(line) > 80 and "  " in line.strip()]  # sentences a terminal wraps
        assert not wide, f"{' '.join(map(str, words[:2]))}: {wide[:3]}"


def test_every_help_is_at_most_80_columns_wide_but_for_examples() -> None:
    for name in main.commands:
        example = False
        for line in done(name, "--help").splitlines():
            example = line.strip().startswith("Example") or (example and bool(line.strip()))
            assert len(line) <= 80 or example, (name, line)
