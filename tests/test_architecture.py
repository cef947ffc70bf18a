"""The house: who may import whom, as CONTRIBUTING.md says it, and no circle anywhere, imports within functions and for types included."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELVES = ("adapters", "tasks", "training")
OTHER_NAMES = ("reading", "stats")  # what plug-ins call `read` and `measure.stats`


def files() -> dict[str, Path]:
    """Every module of the engine and the shelves by its dotted name below `lamm_bench`."""
    found = {}
    for top in (ROOT / "lamm_bench", *(ROOT / shelf for shelf in SHELVES)):
        for path in sorted(top.rglob("*.py")):
            relative = path.relative_to(ROOT)
            if top.name == "lamm_bench" and (ROOT / "lamm_bench" / relative.parts[1]).is_symlink():
                continue
            parts = relative.with_suffix("").parts
            name = ".".join(parts[1:] if parts[0] == "lamm_bench" else parts)
            found[name.removesuffix("__init__").removesuffix(".")] = path
    return found


FILES = files()


def imports(name: str) -> Iterator[str]:
    """The modules that a module imports, wherever the import stands; a package stands for its `__init__`."""
    path = FILES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*(["lamm_bench"] if node.level else []), *base, *([node.module] if node.module else [])])
            targets = [f"{start}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            inner = target.removeprefix("lamm_bench.") if target.startswith("lamm_bench.") else None
            while inner and inner not in FILES:
                inner = inner.rpartition(".")[0]
            if inner and inner != name:
                yield inner


def rows(heading: str) -> list[tuple[str, ...]]:
    """The wings of a table of CONTRIBUTING.md, from the top row down."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = text[text.index(f"| {heading}") :].split("\n\n")[0].splitlines()[2:]
    return [tuple(re.findall(r"`(\w+)`", line.split("|")[1])) for line in table]


WINGS, TRAINING = rows("wing of the engine"), rows("wing of training")


def height(name: str, table: list[tuple[str, ...]], part: int) -> int | None:
    """On which row a module stands; None where the table does not know it."""
    parts = name.split(".")
    return next((at for at, wings in enumerate(table) if len(parts) > part and parts[part] in wings), None)


def test_every_file_stands_on_a_row() -> None:
    for name in FILES:
        if name in ("", "__main__", *OTHER_NAMES):
            continue
        assert height(name, WINGS, 0) is not None, f"{name} is in no wing of CONTRIBUTING.md's table"
        if name.startswith("training."):
            assert height(name, TRAINING, 1) is not None, f"{name} is in no wing of CONTRIBUTING.md's second table"


def test_the_tables_name_nothing_that_is_not_there() -> None:
    there = {name.split(".")[0] for name in FILES}
    assert {wing for row in WINGS for wing in row} <= there
    assert {wing for row in TRAINING for wing in row} <= {n.split(".")[1] for n in FILES if n.startswith("training.")}


@pytest.mark.parametrize(("table", "part"), [(WINGS, 0), (TRAINING, 1)])
def test_arrows_run_downward(table: list[tuple[str, ...]], part: int) -> None:
    for name in FILES:
        here = height(name, table, part)
        if here is None or (part and not name.startswith("training.")):
            continue
        for target in imports(name):
            there = height(target, table, part)
            if there is None or (part and not target.startswith("training.")):
                continue
            own = target.split(".")[part] == name.split(".")[part]
            assert own or there > here, (
                f"{name} imports {target}, which stands on {'the same' if there == here else 'a higher'} row"
            )


def test_the_engine_imports_no_shelf_and_nothing_by_a_plugs_ins_name() -> None:
    for name in FILES:
        for target in imports(name):
            first = target.split(".")[0]
            assert first not in OTHER_NAMES, f"{name} imports {target}; plug-ins call it so, here it is read or measure.stats"
            assert first not in SHELVES or name.split(".")[0] == first, f"{name} imports the shelf {target}"


def test_no_circle() -> None:
    arrows = {name: set(imports(name)) for name in FILES}
    while ground := {name for name, targets in arrows.items() if not targets & arrows.keys() - {name}}:
        arrows = {name: targets for name, targets in arrows.items() if name not in ground}
    assert not arrows, f"circles among {sorted(arrows)}"


def test_the_house_stays_small_enough_to_walk_through() -> None:
    """A dozen files directly in the package; rooms of at most 400 lines."""
    assert len(list((ROOT / "lamm_bench").glob("*.py"))) <= 12
    for name, path in FILES.items():
        assert len(path.read_text().splitlines()) <= 400, name


def test_every_package_is_installed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(config["options"]["packages"].split())
    there = {"lamm_bench"} | {f"lamm_bench.{name}" for name, path in FILES.items() if name and path.name == "__init__.py"}
    assert there - listed == set(), "setup.cfg does not install them"
