"""Agreement of readers as a table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.errors import visible
from lamm_bench.judging.readers import OURS, Agreement, Readings

from .plain import put
from .tables import number

ORDER = ("strict", "classic", "chef")
FEW = 5  # samples named of each kind


def cell(own: Agreement, name: str) -> str:
    """`95.00, κ 0.90`: how often a reader says what ours says."""
    if name not in own.same:
        return "-"
    beyond = own.kappa[name]
    return number(own.same[name]) + ("" if beyond is None else f", κ {beyond:.2f}")


def table(found: Readings) -> Table:
    """One line a task: right by ours and by the strict reader, agreement with each other reader, what is to be looked at."""
    made = Table(
        title=f"Readers of {visible(str(found.run))}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    others = [name for name in ORDER if any(name in own.same for own in found.tasks)]
    judges = list(dict.fromkeys(name for own in found.tasks for name in own.judges))
    heads = [
        "task",
        "n",
        "ours right",
        "strict right",
        *(f"as {name}" for name in others),
        "misread",
        "generous",
        *(f"judge {at + 1}" for at in range(len(judges))),
    ]
    for at, name in enumerate(heads):
        made.add_column(name, justify="right" if at else "left", no_wrap=not at)
    for own in found.tasks:
        marks = ["-" if own.judges.get(name) is None else f"ρ {own.judges[name]:.2f}" for name in judges]
        right = [number(own.right.get(name)) for name in (OURS, "strict")]
        made.add_row(
            own.task,
            str(own.n),
            *right,
            *(cell(own, name) for name in others),
            str(len(own.misread)),
            str(len(own.generous)),
            *marks,
        )
    return made


def show_readings(found: Readings) -> None:
    """On standard output, with the samples that are worth a look."""
    console = Console()
    put(lambda width: table(found), console)
    say = lambda text: console.print(visible(text), highlight=False, markup=False, soft_wrap=True)  # noqa: E731
    say(
        "as: how often a reader says of an answer what ours says, in percent, and beyond chance (kappa); misread: right by the strict reader alone"
    )
    for own in found.tasks:
        for what, names in (("misread", own.misread), ("generous", own.generous)):
            if names:
                more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
                say(f"{own.task}, {what}: {', '.join(names[:FEW])}{more}")
    for at, name in enumerate(dict.fromkeys(name for own in found.tasks for name in own.judges)):
        say(f"judge {at + 1}: {name}")
    for task, why in found.left_out.items():
        say(f"{task}: left out, {why}")
