"""What verbs that take long share: how loud they are, and a file of what they said."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .options import BARS, JOURNAL, LOUDNESS, can_be_written


def loud_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """`--quiet`, `--verbose`, `--log-file`. `watching` and `remark` heed them; the verb itself is not told."""

    def loud(context: click.Context, option: click.Parameter, value: bool) -> None:
        if value and context.meta.setdefault(LOUDNESS, option.name) != option.name:
            raise click.UsageError("--quiet says less and --verbose more; give one of them", context)

    def log(context: click.Context, option: click.Parameter, value: Path | None) -> None:
        if value is not None and not context.resilient_parsing:
            if reason := can_be_written(value):
                raise click.BadParameter(f"cannot write {value}: {reason}", context, option)
            context.meta[JOURNAL] = value

    options = (
        click.option("--quiet", is_flag=True, expose_value=False, callback=loud, help="Say nothing but results and errors."),
        click.option(
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=loud,
            help="Say more: times, circumstances, libraries' remarks.",
        ),
        click.option(
            "--log-file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=log,
            help="Also append all that --verbose says to a file.",
        ),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


def watching() -> Any:
    """The bars of this command, as loud as it was asked to be, with its journal. Raises `BenchError` where that cannot be written."""
    from lamm_bench.keep.secrets import redacted_command
    from lamm_bench.show.journal import Journal, overhear
    from lamm_bench.show.progress import Bars, stderr_console
    from lamm_bench.version import __version__

    from .configured import words_said

    context = click.get_current_context()
    verbose = context.meta.get(LOUDNESS) == "verbose"
    if isinstance(log := context.meta.get(JOURNAL), Path):
        for name, other in context.params.items():
            if isinstance(other, Path) and other.resolve() == log.resolve():
                raise BenchError(f"--log-file {log} is also --{name.removesuffix('_file').replace('_', '-')}; name another file")
    journal = Journal(context.meta[JOURNAL]) if JOURNAL in context.meta else None
    bars = Bars(stderr_console(quiet=context.meta.get(LOUDNESS) == "quiet"), journal, verbose)
    if journal is not None:
        context.meta[JOURNAL] = journal
        context.call_on_close(journal.close)
    if journal is not None or verbose:
        context.call_on_close(overhear(bars.detail))
        python = ".".join(map(str, sys.version_info[:3]))
        bars.detail(f"lamm-bench {__version__}, python {python}: {' '.join(redacted_command(words_said()))}")
    context.meta[BARS] = bars
    return bars
