"""`--config FILE`: a command's options from a YAML file, by the same names.

A file is turned into the words that would have said the same and put before those of the command line, so that everything that
checks words checks it, what the command line says wins, and what is recorded is a command that needs no file."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError, unknown

WORDS = "lamm_bench.words"  # in a context's `meta`: the command in words, with what a file said
OPTION = "config"
SCALARS = (str, int, float, datetime.date)


class Configured(click.Command):
    """A command that takes `--config FILE`."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        text = "Options from a YAML file, by the same names (tasks: 2d); what the command line says wins."
        self.params.append(click.Option(["--config"], type=click.Path(path_type=Path), metavar="FILE", help=text))

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        said: list[str] = list(args)
        read: tuple[str, ...] = ()
        file = None if context.resilient_parsing else config_of(self, context, args)  # a shell that completes reads no file
        if file is not None:
            try:
                read = words_of(file, self, spoken(self, context, args))
            except BenchError as error:
                raise click.UsageError(str(error), context) from error
            args = [*read, *without(args)]
        context.meta[WORDS] = [*path_of(context), *(args if file is not None else said)]
        try:
            return super().parse_args(context, args)
        except click.BadParameter as error:
            if error.param is None or not set(error.param.opts) & set(read):
                raise
            raise click.BadParameter(f"{error.message.rstrip('.')} ({file})", context, error.param) from error

    def invoke(self, context: click.Context) -> Any:
        context.params.pop(OPTION, None)
        return super().invoke(context)


def path_of(context: click.Context) -> list[str]:
    """The verbs that lead to a command: `data construct`."""
    names: list[str] = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        names.insert(0, at.info_name or "")
        at = at.parent
    return names


def words_said() -> tuple[str, ...]:
    """The command that is being carried out, in words, those of a config file among them."""
    context = click.get_current_context(silent=True)
    return tuple(context.meta.get(WORDS, ())) if context is not None else ()


def spoken(command: click.Command, context: click.Context, args: Sequence[str]) -> dict[str, Any]:
    """What the command line itself says, by the names of parameters, before anything is checked."""
    if not args:
        return {}
    resilient, context.resilient_parsing = context.resilient_parsing, True
    try:
        return dict(command.make_parser(context).parse_args(args=list(args))[0])
    finally:
        context.resilient_parsing = resilient


def config_of(command: click.Command, context: click.Context, args: Sequence[str]) -> Path | None:
    """The file that `--config` names."""
    if not any(word.partition("=")[0] == "--config" for word in args):
        return None
    named = spoken(command, context, args).get(OPTION)
    return Path(named) if isinstance(named, str) else None


def without(args: Sequence[str]) -> list[str]:
    """The words without `--config FILE`, which are said by what it holds."""
    kept: list[str] = []
    skip = False
    for word in args:
        if skip:
            skip = False
        elif word == "--config":
            skip = True
        elif not word.startswith("--config="):
            kept.append(word)
    return kept


def words_of(file: Path, command: click.Command, said: Mapping[str, Any]) -> tuple[str, ...]:
    """The words for what a file holds and the command line does not say. Raises `BenchError`."""
    from lamm_bench.loading import load_yaml

    value = load_yaml(file)
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise BenchError(f"{file}: expected options, one a line, as `tasks: 2d`; it holds {type(value).__name__}")
    options = {name: one for one in command.params if isinstance(one, click.Option) for name in names_of(one)}
    del options[OPTION]
    options.pop("help", None)
    words: list[str] = []
    for key, held in value.items():
        name = str(key).replace("_", "-")
        if name not in options:
            raise BenchError(f"{file}: {unknown('option', name, options)}")
        words += words_for(options[name], name, held, said, f"{file}: `{key}`")
    return tuple(words)


def names_of(option: click.Option) -> list[str]:
    """By which names a file may call an option: its long ones."""
    return [name[2:] for name in (*option.opts, *option.secondary_opts) if name.startswith("--")]


def words_for(option: click.Option, name: str, held: Any, said: Mapping[str, Any], where: str) -> list[str]:
    """One option of a file in words. Of options KEY=VALUE the command line's keys win, of all others its whole value."""
    own = said.get(option.name or "")
    if held is None:
        raise BenchError(f"{where} has no value; give it one, or take the line out")
    if option.is_flag:
        if not isinstance(held, bool):
            raise BenchError(f"{where} is {shown(held)}, expected true or false")
        other = next((word for word in option.secondary_opts if word.startswith("--")), None)
        return [] if own is not None else [f"--{name}"] if held else [other] if other is not None else []
    if "=" in (option.metavar or ""):
        keys = {str(word).partition("=")[0].strip() for word in own or ()}
        return [word for pair in settings_of(held, where) if pair.partition("=")[0] not in keys for word in (f"--{name}", pair)]
    if own:
        return []
    if isinstance(held, Sequence) and not isinstance(held, str):
        texts = [text_of(one, where) for one in held]
        return [word for text in texts for word in (f"--{name}", text)] if option.multiple else [f"--{name}", ",".join(texts)]
    return [f"--{name}", text_of(held, where)]


def settings_of(held: Any, where: str) -> list[str]:
    """`key=value` for each key of a mapping, values that are no scalars as JSON; or a list of such texts as it stands.

    >>> settings_of({"batch_size": 8, "cache": False, "extra": {"top_k": 1}}, "")
    ['batch_size=8', 'cache=false', 'extra={"top_k": 1}']
    """
    if isinstance(held, Mapping):
        if any(value is None for value in held.values()):
            raise BenchError(f"{where}: `{next(key for key, value in held.items() if value is None)}` has no value")
        return [f"{key}={value if isinstance(value, str) else json.dumps(value, default=str)}" for key, value in held.items()]
    if isinstance(held, list) and all(isinstance(one, str) and "=" in one for one in held):
        return list(held)
    raise BenchError(f"{where} is {shown(held)}, expected a mapping, as {{batch_size: 8}}")


def text_of(held: Any, where: str) -> str:
    """A scalar as the command line has it."""
    if isinstance(held, bool) or not isinstance(held, SCALARS):
        raise BenchError(f"{where} is {shown(held)}, expected a text or a number{' in quotes' if isinstance(held, bool) else ''}")
    return str(held)


def shown(held: Any) -> str:
    from lamm_bench.loading import shorten

    return shorten(held)
