"""The verb that prints what makes a shell complete `lamm-bench`, and the names that are completed: of tasks, models, recipes and the like.

Names are looked up only while a shell asks, from the catalogue, which loads no torch. What goes wrong then completes nothing: nobody
wants a sentence in the middle of a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from .options import SETTINGS, guarded

SHELLS = {
    "bash": 'eval "$(lamm-bench completion bash)"   # at the end of ~/.bashrc; bash 4.4 or newer',
    "zsh": 'eval "$(lamm-bench completion zsh)"   # at the end of ~/.zshrc',
    "fish": "lamm-bench completion fish > ~/.config/fish/completions/lamm-bench.fish",
}
VARIABLE = "_LAMM_BENCH_COMPLETE"


@click.command(context_settings=SETTINGS, short_help="Print what makes a shell complete this command.")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
@guarded
def completion(context: click.Context, shell: str) -> None:
    """Print a script by which bash (4.4 or newer), zsh or fish complete verbs, options, and names of tasks, models and recipes.

    \b
    Examples:
      eval "$(lamm-bench completion bash)"                  at the end of ~/.bashrc
      eval "$(lamm-bench completion zsh)"                   at the end of ~/.zshrc
      lamm-bench completion fish > ~/.config/fish/completions/lamm-bench.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(context.find_root().command, {}, "lamm-bench", VARIABLE).source())


def tasks_and_groups(catalog: Any) -> list[str]:
    groups = {group for task in catalog.tasks.values() for group in task.groups}
    return ["all", *sorted(groups), *catalog.tasks]


def corruption_names(_catalog: Any) -> list[str]:
    from lamm_bench.show.shelves import every_corruption

    return sorted({name for name, _, _ in every_corruption()})


def transforms(_catalog: Any) -> list[str]:
    from lamm_bench.ask.transforms import CONTROLS

    return list(CONTROLS)


def protocols(_catalog: Any) -> list[str]:
    from lamm_bench.ask.recipe import PROTOCOLS

    return list(PROTOCOLS)


def conventions(_catalog: Any) -> list[str]:
    from lamm_bench.read.conventions import known

    return list(known())


KNOWN: dict[str, Callable[[Any], Sequence[str]]] = {
    "tasks": tasks_and_groups,
    "task": lambda catalog: list(catalog.tasks),
    "model": lambda catalog: list(catalog.adapters),
    "judge": lambda catalog: list(catalog.adapters),
    "llm": lambda catalog: list(catalog.adapters),
    "recipe": lambda catalog: list(catalog.recipes),
    "recipes": lambda catalog: list(catalog.recipes),
    "control": transforms,
    "corrupt": corruption_names,
    "corruptions": corruption_names,
    "protocol": protocols,
    "protocols": protocols,
    "coordinates": conventions,
}
"""What a parameter of this name may be."""


class Names(click.types.StringParamType):
    """A text that a shell completes with names; after a comma with another."""

    def __init__(self, known: Callable[[Any], Sequence[str]]) -> None:
        self.known = known

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from lamm_bench.ask.catalog import load_catalog

        try:
            names = self.known(load_catalog(ctx.params.get("plugins") or ()))
        except Exception:
            return []
        before, comma, begun = incomplete.rpartition(",")
        said = before.split(",")
        return [CompletionItem(before + comma + name) for name in names if name.startswith(begun) and name not in said]


def complete_names(command: click.Command) -> None:
    """Lets a shell complete names wherever a parameter of this command, or of those below it, is called as in KNOWN."""
    for parameter in command.params:
        if isinstance(parameter.type, click.types.StringParamType) and parameter.name in KNOWN:
            parameter.type = Names(KNOWN[parameter.name])
    for below in getattr(command, "commands", {}).values():
        complete_names(below)
