"""The command line: verbs only. Nothing heavy is imported before a verb needs it, so that `--help` answers in a blink."""

from __future__ import annotations

import click

from . import __version__
from .cli_chat import chat
from .cli_checkpoint import checkpoint
from .cli_doctor import doctor
from .cli_judge import compare, judge
from .cli_look import leaderboard, list_, report, show
from .cli_make import data
from .cli_options import SETTINGS
from .cli_prompts import prompts
from .cli_run import run, score
from .cli_train import train_baseline


@click.group(context_settings=SETTINGS)
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


VERBS = (run, score, judge, compare, leaderboard, report, list_, show, chat, doctor, data, train_baseline, checkpoint, prompts)
for verb in VERBS:
    main.add_command(verb)


if __name__ == "__main__":
    main()
