"""A study of recipes and seeds as a table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.ask.study import Study
from lamm_bench.errors import visible

from .plain import put
from .tables import number


def study_table(study: Study) -> Table:
    """One line a task: mean and range, and the standard deviations between recipes, between seeds, and of sampling."""
    title = f"{len(study.recipes) - len(study.refused)} recipes x {len(study.seeds)} seeds ({study.protocol})"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    asked = [recipe for recipe in study.recipes if recipe not in study.refused]
    for name in ("task", "metric", *asked, "lowest", "highest", "sd recipes", "sd seeds", "sd sampling"):
        table.add_column(name, justify="left" if name in ("task", "metric") else "right", no_wrap=True)
    for line in study.lines:
        means = []
        for recipe in asked:
            own = line.values.get(recipe, {})
            means.append(number(sum(own.values()) / len(own) if own else None))
        found = line.found
        lower = " \u2193" if line.better == "lower" else ""
        spread = (number(found.between), number(found.within), number(line.sampling))
        table.add_row(line.task, line.metric + lower, *means, number(found.low), number(found.high), *spread)
    return table


def show_study(study: Study) -> None:
    """On standard output, with what its columns mean below."""
    console = Console()
    put(lambda width: study_table(study), console)
    say = lambda text: console.print(visible(text), highlight=False, markup=False, soft_wrap=True)  # noqa: E731
    say(
        "under each recipe its mean over seeds; sd: standard deviation between recipes, between seeds of one recipe, and the error that one run's interval tells"
    )
    if study.limit is not None and len(study.seeds) > 1:
        say("--limit draws other samples with each seed, so that what seeds move holds what samples move")
    for recipe, why in study.refused.items():
        say(f"{recipe}: NOT ASKED, {why}")
    for name in study.incomplete:
        say(f"answers are missing: {name}; the same command asks them")
