"""The command line: verbs only. Nothing heavy is imported before a verb needs it, so that `--help` answers in a blink."""

from __future__ import annotations

import click

from lamm_bench.version import __version__

from .chat import chat
from .check import check
from .checkpoint import checkpoint
from .compare import compare
from .completion import complete_names, completion
from .data import data
from .demo import demo
from .desiderata import desiderata
from .doctor import doctor
from .export import export
from .items import items
from .judge import judge
from .leaderboard import leaderboard
from .ledger import ledger
from .list import list_
from .merge import merge
from .options import SETTINGS, Verbs
from .plan import plan
from .prompts import prompts
from .publish import publish
from .report import report
from .robustness import robustness
from .run import run
from .score import score
from .serve import serve
from .show import show
from .table import plot, table
from .train import train_baseline
from .view import view


@click.group(cls=Verbs, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="lamm-bench")
def main() -> None:
    """Evaluate multimodal language models on images and point clouds.

    \b
    Examples:
      lamm-bench run --model lamm --tasks all       ask the built-in baseline about the miniature benchmark
      lamm-bench leaderboard                        published figures and local runs
      lamm-bench chat --image cat.png               talk with it about a picture
      lamm-bench train-baseline                     train the built-in baseline again, from nothing
    """


VERBS = (
    plan,
    run,
    merge,
    score,
    judge,
    desiderata,
    compare,
    items,
    robustness,
    leaderboard,
    ledger,
    table,
    plot,
    report,
    view,
    export,
    list_,
    show,
    check,
    chat,
    serve,
    demo,
    doctor,
    data,
    train_baseline,
    checkpoint,
    publish,
    prompts,
    completion,
)
for verb in VERBS:
    main.add_command(verb)
complete_names(main)
