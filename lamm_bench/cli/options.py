"""What the verbs of the command line share: options, and how errors end.

Exit status: 0 all done; 2 something the user can mend; 3 done, but answers are missing; 130 interrupted."""

from __future__ import annotations

import contextlib
import errno
import functools
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from lamm_bench.errors import BenchError, visible
from lamm_bench.keep.secrets import redacted

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
MISSING = 3
INTERRUPTED = 130
JOURNAL, LOUDNESS, BARS = "lamm_bench.journal", "lamm_bench.loudness", "lamm_bench.bars"
"""In a context's `meta`, put there by cli/away.py: the file of `--log-file`; `quiet` or `verbose`; what shows progress."""


def guarded(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Errors for people are one sentence and exit status 2; Ctrl-C says that nothing is lost."""

    @functools.wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            try:
                verb(*args, **kwargs)
            finally:
                sys.stdout.flush()  # a full disk is told here, not by the interpreter on its way out
        except BenchError as error:
            note(f"lamm-bench: {error}")
            click.echo(f"lamm-bench: {visible(redacted(str(error)))}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            hush()
            sys.exit(0)
        except OSError as error:  # a name that is too long, a disk that is full, a folder that is closed: the user's to mend
            end_with(error)
        except KeyboardInterrupt:
            note("interrupted")
            click.echo(
                "\nlamm-bench: interrupted; everything answered so far is kept, run the same command again to go on", err=True
            )
            sys.exit(INTERRUPTED)
        except Exception as error:  # a bug: it flies, but somebody who was away finds it in the journal
            note(error)
            raise

    return wrapped


def note(said: str | Exception) -> None:
    """Writes how a command ended into its journal, where it keeps one."""
    context = click.get_current_context(silent=True)
    journal = context.meta.get(JOURNAL) if context is not None else None
    if journal is not None and hasattr(journal, "write"):
        (journal.write if isinstance(said, str) else journal.fault)(said)


def end_with(error: OSError) -> NoReturn:
    """One sentence for what the system refuses."""
    place = f" {visible(str(error.filename))[:200]}" if error.filename else ""
    where = place or (" standard output" if error.errno == errno.ENOSPC else "")
    click.echo(f"lamm-bench: cannot use{where}: {error.strerror or error}", err=True)
    hush()
    sys.exit(2)


class Verbs(click.Group):
    """A group whose help, too, meets full disks and closed pipes."""

    def main(self, *words: Any, **more: Any) -> Any:
        try:
            return super().main(*words, **more)
        except BrokenPipeError:
            hush()
            sys.exit(0)
        except OSError as error:
            end_with(error)


def hush() -> None:
    """Nothing more is written to a standard output that takes nothing: the interpreter would complain of it at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Finite(click.FloatRange):
    """A number of a range; `nan`, which lies in every range, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def once(folders: Sequence[Path]) -> list[Path]:
    """Run folders, each once however often and by whatever name it was given: a run is no second opinion on itself."""
    return list({folder.resolve(): folder for folder in reversed(folders)}.values())[::-1]


def can_be_written(path: Path) -> str:
    """Why a file cannot be written there, its missing folders made; empty when it can. Asked before hours of work, not after."""
    if path.is_dir():
        return "it is a folder"
    from lamm_bench.keep.runs import own_file

    if own_file(path):
        return "it belongs to a run folder, whose answers would be lost"
    if path.exists() and not path.is_file():
        return "" if os.access(path, os.W_OK) else "permission denied"  # a device or a pipe
    place = path.absolute().parent
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        return f"{place} is a file"
    if not os.access(place, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return "permission denied"
    return ""


def json_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--json FILE`: refused at once where it cannot be written; folders on the way are made when it is."""

    def checked(_context: click.Context, _option: click.Parameter, value: Path | None) -> Path | None:
        if value is not None and str(value) != "-" and (reason := can_be_written(value)):
            raise click.BadParameter(f"cannot write {value}: {reason}")
        return value

    return click.option("--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", callback=checked, help=text)


def remark(text: str) -> None:
    """Something beside the results: onto standard error unless it is to be quiet, and into the journal."""
    context = click.get_current_context()
    if BARS in context.meta:
        context.meta[BARS].say(text)
    elif context.meta.get(LOUDNESS) != "quiet":
        click.echo(visible(text), err=True)


by_option = click.option("--by", is_flag=True, help="Show the figures of every category, however many there are.")


def say_hints(adapter: Any) -> None:
    """What an adapter has to say about this machine before the user waits (`hints`); no part of any result."""
    for sentence in getattr(adapter, "hints", ()):
        remark(f"note: {sentence}")


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
    text = "A Python file that defines TASKS, ADAPTERS, RECIPES, MODALITIES or CORRUPTIONS (repeatable)."
    return click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help=text)(verb)


def modalities_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    """`--plugin` for verbs that name no task or model: what the files bring is made known before the verb begins."""

    def bring(_context: click.Context, _option: click.Parameter, files: tuple[str, ...]) -> None:
        if files:
            from lamm_bench.ask.catalog import load_catalog

            try:
                load_catalog(files)
            except BenchError as error:
                raise click.UsageError(str(error)) from error

    text = "A Python file that defines MODALITIES (repeatable)."
    return click.option("--plugin", multiple=True, metavar="FILE.py", help=text, callback=bring, expose_value=False)(verb)


def data_root_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "Folder that holds 2D_Benchmark/ and 3D_Benchmark/. Without it: $LAMM_BENCH_DATA, ./LAMM, else the miniature."
    return click.option("--data-root", type=click.Path(path_type=Path), metavar="DIR", help=text)(verb)


def override_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "Another value of one of the recipe's settings, as instruction.prompt=3 (repeatable); the run is called by it."
    return click.option("--override", "overrides", multiple=True, metavar="PATH=VALUE", help=text)(verb)


def protocol_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "Score only under these protocols: standard, classic, chef (repeatable, or separated by commas)."
    return click.option("--protocol", "protocols", multiple=True, metavar="NAME", help=text)(verb)


def protocol_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """The protocols named, checked."""
    from lamm_bench.ask.recipe import PROTOCOLS
    from lamm_bench.errors import unknown

    names = tuple(name.strip() for value in values for name in value.split(",") if name.strip())
    for name in names:
        if name not in PROTOCOLS:
            raise unknown("protocol", name, PROTOCOLS)
    return names


SHORTCUTS = {
    "batch_size": "batch size",
    "device": "device",
    "dtype": "dtype",
    "attn": "attn",
    "feature_cache": "feature cache",
    "max_cost": "costs",
}


def device_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """`--device`, `--dtype`, `--attn`: where and how a model computes (see `with_shortcuts`)."""
    texts = {
        "device": "Where the model runs: auto, cpu, cuda, cuda:N",
        "dtype": "Its precision: float32, bfloat16, float16",
        "attn": "Its attention: auto, sdpa, eager, flash_attention_2",
    }
    for name, text in reversed(texts.items()):
        verb = click.option(f"--{name}", metavar="NAME", help=f"{text} (same as --set {name}=NAME).")(verb)
    return verb


WORKER_OPTIONS = ("engine", "address", "gpus_per_worker", "patience", "allow_mixed")


def worker_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """`--workers` and what is said of them (docs/scale.md). None of it is part of a run's identity."""
    options = (
        click.option(
            "--workers",
            metavar="N|gpus",
            help="Ask with N workers, each with a model and a share of the cores; `gpus`: one on each GPU.",
        ),
        click.option("--engine", metavar="NAME", help="What starts workers: `processes` of this machine (default), or `ray`."),
        click.option("--address", metavar="HOST:PORT", help="The Ray cluster to join; without it, Ray starts on this machine."),
        click.option("--gpus-per-worker", type=int, metavar="K", help="Each worker gets K GPUs (with --set device_map=auto)."),
        click.option(
            "--patience",
            type=float,
            metavar="SECONDS",
            help="What a worker has that says nothing for so long is lent to others (default 1800).",
        ),
        click.option(
            "--allow-mixed",
            is_flag=True,
            default=None,
            help="Take in workers of other versions, and record them in the manifest.",
        ),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb


def max_cost_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "Asking ends before more than this is spent (same as --set max_cost=N; needs price_in, price_out)."
    return click.option("--max-cost", type=Finite(min=0, min_open=True), metavar="N", help=text)(verb)


def with_shortcuts(asked: dict[str, Any], model: str, catalog: Any) -> dict[str, Any]:
    """The `--set` options and those that have an option of their own; a model without such a setting is told apart."""
    settings = dict(asked["settings"])
    for name, words in SHORTCUTS.items():
        if asked.get(name) is not None:
            option = "--" + name.replace("_", "-")
            if model in catalog.adapters and name not in catalog.options(model):
                raise BenchError(f"model {model} has no {words}; leave {option} out")
            settings[name] = str(asked[name])
    return settings
