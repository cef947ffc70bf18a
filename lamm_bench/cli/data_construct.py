"""The verb that makes instruction dialogues from annotations: `data construct`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .away import loud_options, watching
from .configured import Configured
from .crew import crewed
from .options import (
    MISSING,
    SETTINGS,
    WORKER_OPTIONS,
    guarded,
    json_option,
    max_cost_option,
    pairs,
    plugin_option,
    remark,
    with_shortcuts,
    worker_options,
)


@click.command("construct", cls=Configured, context_settings=SETTINGS, short_help="Make instruction dialogues from annotations.")
@click.argument("plan", metavar="PLAN")
@click.option(
    "--out",
    "--output",
    "out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where it is made; stages and answers stay.",
)
@click.option("--llm", metavar="NAME", help="A model adapter that writes C1, C2 and C3; `lamm-bench list models` shows them.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of that model (repeatable)."
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most N dialogues of each kind, drawn with the plan's seed."
)
@click.option("--resume", is_flag=True, help="Insist on going on with what is there; without it both begin and go on.")
@click.option("--review", is_flag=True, help="Also write the page to accept and reject a sample, as `data review` does.")
@click.option("--unstructured", is_flag=True, help="Never hold the server to a JSON schema.")
@max_cost_option
@worker_options
@json_option("Also write the card as JSON (- for stdout).")
@plugin_option
@loud_options
@guarded
def construct(**asked: Any) -> None:
    """Make instruction dialogues in LAMM's format from annotations, as PLAN (a YAML file, or a name) says.

    C4, about vision tasks, needs no language model. Every stage leaves a file in DIR, every answer is kept the moment it is given,
    and the same command goes on where it stopped. Exit status 3 says that answers are missing.

    \b
    Examples:
      lamm-bench data construct miniature --out made --limit 1000
      lamm-bench data construct coco.yaml --out made --llm openai-chat --set model=gpt-4o-mini --set price_in=0.15 --set price_out=0.6 --max-cost 5
      lamm-bench train-baseline --data-root made --set data.image=2D_Instruct/meta_file/constructed.json
    """
    from rich.console import Console

    from lamm_bench.data.construct.plan import read_plan
    from lamm_bench.data.construct.session import Watched
    from lamm_bench.data.construct.session import construct as carry_out

    plan = read_plan(asked["plan"])
    own = ("settings", "max_cost", "workers", *WORKER_OPTIONS)
    if not asked["llm"] and (said := next((name for name in own if asked[name]), "")):
        option = "--set" if said == "settings" else "--" + said.replace("_", "-")
        raise BenchError(f"{option} is of a language model; name it with --llm, or leave it out")
    bars = watching()
    watched = Watched(bars.say, bars.begin, bars.tick, bars.end)
    with writing(asked, bars) if asked["llm"] else nullcontext() as model:
        made = carry_out(plan, asked["out"], model, asked["limit"], asked["resume"], watched)
    if asked["json_file"] is not None:
        from lamm_bench.keep.files import write_json

        if str(asked["json_file"]) == "-":
            click.echo(json.dumps(made.card, ensure_ascii=False, indent=1))
        else:
            write_json(asked["json_file"], made.card)
    if str(asked["json_file"]) != "-":
        show(Console(), made)
    if asked["review"]:
        write_page(made.folder, str(asked["json_file"]) == "-")
    if made.unanswered:
        remark(f"{made.unanswered} requests have no answer yet; run the same command again to go on")
    sys.exit(MISSING if made.unanswered else 0)


def write_page(folder: Path, quiet: bool) -> None:
    """The page of `data review` with its usual sample; none where no dialogue was made. With `quiet` standard output is another's."""
    from lamm_bench.keep.files import write_whole
    from lamm_bench.show.review import gather, page

    shown, total = gather(folder, 60, 30)
    if shown:
        write_whole(folder / "review.html", page(folder.resolve().name, shown, total).encode("utf-8", "replace"))
        click.echo(f"review: {folder / 'review.html'}", err=quiet)


def show(console: Any, made: Any) -> None:
    """The counts by kind and reason, and where the files are."""
    from rich.table import Table

    from lamm_bench.show.plain import put

    def table(width: int) -> Any:
        shown = Table("kind", "requests", "kept", "refused", "reasons", box=None, pad_edge=False)
        for kind, one in made.card["kinds"].items():
            reasons = ", ".join(f"{name} {count:,}" for name, count in one["refused"].items()) or "-"
            requests = f"{one['requests']:,}" if "requests" in one else "-"
            shown.add_row(kind, requests, f"{one['kept']:,}", f"{sum(one['refused'].values()):,}", reasons)
        return shown

    put(table)
    left = made.card["left_out"]
    if left:
        click.echo(
            f"annotations left out: {', '.join(f'{name} {count:,}' for name, count in left.items())} ({made.folder / 'rejected.jsonl'})"
        )
    for note in made.card["notes"]:
        remark(f"note: {note}")
    click.echo("\n".join(f"written: {path}" for path in [*made.files, made.folder / "card.md"]))


@contextmanager
def writing(asked: dict[str, Any], watcher: Any) -> Iterator[Any]:
    """The model that answers, as what constructs knows it: held to a JSON schema where its server can be, or in workers."""
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.session import fingerprint
    from lamm_bench.data.construct.session import Model

    catalog = load_catalog(asked["plugins"])
    settings = with_shortcuts(asked, asked["llm"], catalog)
    adapter = catalog.adapter(asked["llm"], settings)
    label = f"{asked['llm']} {settings.get('model', '')}".strip()
    with crewed(asked, asked["llm"], settings, adapter, catalog, watcher, tell=True) as plain:
        free = asked["unstructured"] or plain is not adapter  # workers make their own adapter, by these settings
        asker = Asker(plain, None if free else structured(catalog, asked["llm"], settings))
        yield Model(label, fingerprint(plain), asker, asker.usage, asker.notes)


def structured(catalog: Any, name: str, settings: dict[str, Any]) -> Callable[[Any], Any] | None:
    """What makes the same adapter held to a schema; None where its server takes no further keys, or has been told otherwise."""
    if "extra" not in catalog.options(name):
        return None
    try:
        extra = json.loads(settings.get("extra") or "{}")
    except ValueError:
        return None  # the adapter says what is wrong with it
    if not isinstance(extra, dict) or "response_format" in extra:
        return None

    def held(schema: Any) -> Any:
        form = {"type": "json_schema", "json_schema": {"name": "dialogue", "strict": True, "schema": schema}}
        return catalog.adapter(name, {**settings, "extra": json.dumps({**extra, "response_format": form})})

    return held


class Asker:
    """Asks, the first question with the schema: a server that refuses it is asked everything without."""

    def __init__(self, plain: Any, held: Callable[[Any], Any] | None) -> None:
        self.plain, self.make = plain, held
        self.folder: Path | None = None  # of the answers
        self.held: dict[str, Any] = {}  # of each form of answer the adapter that is held to it; None where the server refuses

    def __call__(self, units: Sequence[tuple[str, Any]], ledger: Any, tick: Callable[[int], None]) -> None:
        from lamm_bench.ask.attendance import at_once
        from lamm_bench.data.construct.prompting import SCHEMA
        from lamm_bench.data.construct.stepwise import LEDGER, PAIR
        from lamm_bench.judging.verdicts import Unit, ask, kept

        self.folder = ledger.path.parent
        at_once(self.plain, self.keep)
        asked = [Unit(name, request) for name, request in units]
        if ledger.path.stem == "pool":  # another form of answer
            ask(asked, self.plain, ledger, tick)
            return
        form = "round" if ledger.path.stem.endswith(LEDGER) else "dialogue"
        todo = [unit for unit in asked if kept(ledger, unit) is None]
        if self.make is not None and form not in self.held and todo:
            held = self.make(PAIR if form == "round" else SCHEMA)
            if hasattr(self.plain, "purse"):
                held.purse = self.plain.purse  # one budget, whichever way is asked
            self.held[form] = None
            ask(todo[:1], held, ledger)
            self.held[form] = held if kept(ledger, todo[0]) is not None else None
        ask(asked, self.held.get(form) or self.plain, ledger, tick)

    def keep(self) -> None:
        """What is to be known of workers, beside their answers."""
        from lamm_bench.ask.attendance import keep
        from lamm_bench.keep.files import write_json

        if (folder := self.folder) is not None:
            keep(folder, lambda name, value: write_json(folder / name, value), self.plain)

    def notes(self) -> list[str]:
        """What the card is to say of workers that have answered otherwise, or with other versions."""
        from lamm_bench.ask.attendance import alarm, strangers

        if self.folder is None:
            return []
        self.keep()
        within = f"{self.folder.parent.name}/{self.folder.name}/"
        return [said for said in (alarm(self.folder, within), strangers(self.folder, within)) if said]

    def usage(self) -> dict[str, Any] | None:
        """Of all that was asked, in either way."""
        used: dict[str, Any] | None = getattr(self.plain, "usage", lambda: None)()
        return used
