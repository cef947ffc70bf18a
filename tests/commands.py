"""The command line as a test calls it."""

from __future__ import annotations

import signal

from click.testing import CliRunner, Result

from lamm_bench.cli import main


def lamm_bench(*words: object, said: str | None = None) -> Result:
    """What `lamm-bench WORDS` gives; `said` is its standard input. An error that is no sentence flies."""
    return CliRunner().invoke(main, [str(word) for word in words], input=said, catch_exceptions=False)


def done(*words: object, said: str | None = None) -> str:
    """What a call that must succeed prints."""
    result = lamm_bench(*words, said=said)
    assert result.exit_code == 0, result.output
    return result.output


def refusal(*words: object) -> str:
    """The sentence of a call that must end with status 2, on one line."""
    result = lamm_bench(*words)
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


def hear_ctrl_c() -> None:
    """For a child process: Ctrl-C reaches it even where the tests run in a shell's background, which lets it pass."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
