"""The verb `chat`: a conversation with a model about one picture or cloud, or a file of questions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError, unknown, visible

from .options import (
    INTERRUPTED,
    MISSING,
    SETTINGS,
    Finite,
    can_be_written,
    device_options,
    guarded,
    pairs,
    plugin_option,
    say_hints,
    with_shortcuts,
)


@click.command(context_settings=SETTINGS, short_help="Talk with a model about a picture or a cloud.")
@click.option("--model", default="lamm", show_default=True, metavar="NAME", help="A model adapter.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the model (repeatable)."
)
@device_options
@click.option("--image", "show_image", metavar="PATH", help="The picture that the conversation is about.")
@click.option("--points", "show_points", metavar="PATH", help="The point cloud (.npy) that it is about.")
@click.option("--media", multiple=True, callback=pairs, metavar="KIND=PATH", help="Other media that it is about: sound=bell.wav.")
@click.option(
    "--system", metavar="TEXT", help="The system message; default: that of conversations in the prompt file `standard`."
)
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=256, show_default=True, metavar="N")
@click.option("--temperature", type=Finite(min=0), default=0.0, show_default=True, help="0 is greedy.")
@click.option("--top-p", type=Finite(min=0, max=1, min_open=True), default=1.0, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the drawing, when not greedy.")
@click.option(
    "--question-file", type=click.Path(path_type=Path), metavar="FILE", help="JSON lines: question_id, text, image or pcl."
)
@click.option(
    "--vision-root", type=click.Path(path_type=Path), metavar="DIR", help="Where its media lie; default: beside the file."
)
@click.option("--answer-file", type=click.Path(path_type=Path), metavar="FILE", help="Where its answers go; default: stdout.")
@plugin_option
@guarded
def chat(**asked: Any) -> None:
    """Talk with a model about a picture, a point cloud or other media.

    Lines are read from the terminal or a pipe. Commands: /image PATH, /points PATH, /reset, /help, /exit.
    With --question-file every line of the file is a conversation of its own; answers are JSON lines with question_id,
    prompt, text, finish and model_id, in the same order. Exit status 3 says that answers are missing.

    \b
    Examples:
      lamm-bench chat --image cat.png
      lamm-bench chat --image cat.png --device cuda --dtype bfloat16
      echo "How many chairs are there?" | lamm-bench chat --points room.npy
      lamm-bench chat --question-file questions.jsonl --vision-root pictures --answer-file answers.jsonl
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.chat import Manner, Talk, converse, showing
    from lamm_bench.ask.instruction import prompt_file

    shown = {name.removeprefix("show_"): path for name, path in asked.items() if name.startswith("show_") and path}
    shown |= asked["media"]
    if len(shown) > 1:
        raise BenchError("a conversation is about one thing; give one of --image, --points and --media")
    if asked["question_file"] and shown:
        raise BenchError("a question file names its own media; leave --image, --points and --media out")
    for option in ("vision_root", "answer_file"):
        if asked[option] and not asked["question_file"]:
            raise BenchError(f"--{option.replace('_', '-')} belongs to --question-file")
    catalog = load_catalog(asked["plugins"])
    adapter = catalog.adapter(asked["model"], with_shortcuts(asked, asked["model"], catalog))
    say_hints(adapter)
    system = prompt_file("standard").of_kind("conversation") if asked["system"] is None else asked["system"]
    manner = Manner(system, asked["max_new_tokens"], asked["temperature"], asked["top_p"], asked["seed"])
    if asked["question_file"]:
        sys.exit(MISSING if from_file(adapter, manner, asked) else 0)
    talk = Talk(adapter, manner)
    for word, path in shown.items():
        commands = showing()
        if f"/{word}" not in commands:
            raise unknown("kind of media", word, [command[1:] for command in commands])
        talk.show(commands[f"/{word}"], path)
    try:
        failed = converse(talk, lines(), write, lambda sentence: click.echo(visible(sentence), err=True))
    except KeyboardInterrupt:
        click.echo(err=True)
        sys.exit(INTERRUPTED)
    sys.exit(MISSING if failed and not sys.stdin.isatty() else 0)


def write(piece: str) -> None:
    """At once, so that an answer is seen as it grows."""
    click.echo(visible(piece), nl=False)
    sys.stdout.flush()


def lines() -> Iterator[str]:
    """What is typed, after a `> `, or what comes through a pipe."""
    if not sys.stdin.isatty():
        if hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(errors="replace")  # a byte that is no UTF-8 ends no conversation
        yield from iter(sys.stdin.readline, "")  # `yield from sys.stdin` would close it with the conversation
        return
    click.echo("Ask away; /help shows the commands.", err=True)
    while True:
        try:
            yield input("> ")
        except EOFError:
            click.echo(err=True)
            return


def from_file(adapter: Any, manner: Any, asked: dict[str, Any]) -> int:
    """Asks every question of the file and writes the answers, whole or not at all; gives how many are missing."""
    import json

    from lamm_bench.ask.chat import answer_all, read_questions
    from lamm_bench.keep.files import write_whole

    path: Path = asked["question_file"]
    target: Path | None = asked["answer_file"]
    if target is not None and not target.absolute().parent.is_dir():
        raise BenchError(f"--answer-file {target}: there is no folder {target.absolute().parent}")
    if target is not None and (reason := can_be_written(target)):
        raise BenchError(f"--answer-file {target}: {reason}")
    answers = answer_all(adapter, manner, read_questions(path), asked["vision_root"] or path.absolute().parent)
    written = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in answers)
    text = written.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair becomes its JSON escape
    if target is None:
        click.echo(text, nl=False)
    else:
        write_whole(target, text.encode())
    missing = sum("error" in entry for entry in answers)
    if missing:
        click.echo(f"{missing} of {len(answers)} questions have no answer; their lines say why", err=True)
    return missing
