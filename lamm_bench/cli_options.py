"""What the verbs of the command line share: options, and how errors end.

Exit status: 0 all done; 2 something the user can mend; 3 done, but answers are missing; 130 interrupted."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .errors import BenchError

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
MISSING = 3
INTERRUPTED = 130


def guarded(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Errors for people are one sentence and exit status 2; Ctrl-C says that nothing is lost."""

    @functools.wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            verb(*args, **kwargs)
        except BenchError as error:
            click.echo(f"lamm-bench: {error}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            sys.exit(0)
        except KeyboardInterrupt:
            click.echo(
                "\nlamm-bench: interrupted; everything answered so far is kept, run the same command again to go on", err=True
            )
            sys.exit(INTERRUPTED)

    return wrapped


def pairs(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """`--set key=value` options as a mapping."""
    found = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"'{value}' is not of the form key=value")
        found[key.strip()] = rest
    return found


def plugin_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "A Python file that defines TASKS, ADAPTERS or RECIPES (repeatable)."
    return click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help=text)(verb)


def data_root_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "Folder that holds 2D_Benchmark/ and 3D_Benchmark/. Without it: $LAMM_BENCH_DATA, ./LAMM, else the miniature."
    return click.option("--data-root", type=click.Path(path_type=Path), metavar="DIR", help=text)(verb)


def protocol_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "Score only under these protocols: standard, classic, chef (repeatable, or separated by commas)."
    return click.option("--protocol", "protocols", multiple=True, metavar="NAME", help=text)(verb)


def protocol_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """The protocols named, checked."""
    from .errors import unknown
    from .recipe import PROTOCOLS

    names = tuple(name.strip() for value in values for name in value.split(",") if name.strip())
    for name in names:
        if name not in PROTOCOLS:
            raise unknown("protocol", name, PROTOCOLS)
    return names
