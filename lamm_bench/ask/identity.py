"""What a run is (its identity), with what it was asked (its circumstances), and how a run that is there may grow into a larger one."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lamm_bench import media
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import storable
from lamm_bench.keep.runs import FORMAT, Run
from lamm_bench.keep.secrets import redacted_command, redacted_settings
from lamm_bench.read.conventions import FRACTIONS
from lamm_bench.types import Adapter, Task, to_json
from lamm_bench.version import __version__

from .attendance import keep_alarms, mixed
from .catalog import Catalog
from .coordinates import declared, spoken
from .corrupt.chain import parse
from .recipe import Recipe
from .runner import Plan, plan


@dataclass(frozen=True)
class Grown:
    """Checks that a run which is there may become the one that is wanted, and says what its manifest then is."""

    folder: Path
    catalog: Catalog
    root: Path
    plans: Sequence[Plan]
    name: str  # that the user gives the run; empty: the one it has

    def __call__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        before, now = old["identity"], new["identity"]
        if not {"data", "limit"} <= before.keys() or not isinstance(before.get("plugins", {}), Mapping):
            raise self.another("data, limit or plug-ins, which its manifest does not tell")
        self.no_smaller(before.get("limit"), now["limit"], before["data"], now["data"])
        self.same_items(before, now)
        for file, digest in before.get("plugins", {}).items():
            if now.get("plugins", {}).get(file, digest) != digest:
                raise self.another(f"the plug-in {file} was edited since")
        plugins = {**before.get("plugins", {}), **now.get("plugins", {})}
        identity = {**now, "data": self.in_order({**before["data"], **now["data"]}), **({"plugins": plugins} if plugins else {})}
        asked = [entry for entry in listed(old.get("asked")) if isinstance(entry, dict) and isinstance(entry.get("date"), str)]
        if not asked or any(
            asked[-1].get(key) != value for key, value in new["asked"][0].items() if key not in ("date", "workers")
        ):
            asked += new["asked"]
        samples = self.in_order({**old.get("samples", {}), **new["samples"]})
        merged = {**new, "identity": identity, "samples": samples, "asked": asked}
        name = self.name or old.get("name", "")
        return {**merged, "protocols": old.get("protocols", new["protocols"]), **({"name": name} if name else {})}

    def in_order(self, by_task: Mapping[str, Any]) -> dict[str, Any]:
        """In the catalogue's order, so that it does not matter how a run has grown."""
        place = {task.name: number for number, task in enumerate(self.catalog.ordered())}
        return {name: by_task[name] for name in sorted(by_task, key=lambda name: (place.get(name, len(place)), name))}

    def another(self, why: str) -> BenchError:
        return BenchError(f"{self.folder} holds another run (different: {why}); choose another --output or use --fresh")

    def no_smaller(self, before: int | None, now: int | None, held: Mapping[str, str], named: Mapping[str, str]) -> None:
        """A limit may grow, for all tasks of the run together."""
        if before == now:
            return
        if before is None or (now is not None and now < before):
            raise self.another(
                f"limit: it was asked {'all samples' if before is None else before} of each task, and this asks {now}"
            )
        unnamed = [name for name in held if name not in named]
        if unnamed:
            raise BenchError(
                f"{self.folder} holds {', '.join(unnamed)} too; a larger --limit is for all tasks of a run, so name them as well "
                f"(--tasks {','.join([*held, *(name for name in named if name not in held)])})"
            )

    def same_items(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """The items that were asked must still be what they were."""
        for work in self.plans:
            name = work.task.name
            known = before["data"].get(name)
            if known is None or known == now["data"][name]:
                continue
            if before["limit"] == now["limit"] or self.planned(work.task, before).data != known:
                raise self.another(f"data: the items of {name} are not those that it was asked about")

    def planned(self, task: Task, identity: Mapping[str, Any]) -> Plan:
        return plan(
            task, task.samples(self.root), identity["limit"], identity["seed"], None, identity.get("corrupt", ""), self.root
        )


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def describe(
    model: str,
    settings: Mapping[str, Any],
    recipe: Recipe,
    adapter: Adapter,
    plans: Sequence[Plan],
    drawn: Mapping[str, Any],  # limit, seed, control, corruptions
    catalog: Catalog,
) -> dict[str, Any]:
    """The part of the manifest that says what the run is. Two runs with the same identity are the same run."""
    plugins = catalog.plugins_of(
        model, [work.task.name for work in plans], [step.name for step in parse(drawn.get("corrupt")).steps]
    )
    asked = spoken(recipe, adapter)
    return {
        "format": FORMAT,
        "identity": {
            "recipe": recipe.identity(),
            "model": {"name": model, "fingerprint": fingerprint(adapter)},
            "data": {work.task.name: work.data for work in plans},
            **drawn,
            **({"plugins": plugins} if plugins else {}),
            **({"coordinates": asked.name} if asked.name != FRACTIONS else {}),
        },
        **declared(asked),
        "model": {"name": model, "settings": to_json(redacted_settings(settings)), **noted(adapter, "model_notes")},
        "samples": {work.task.name: len(work.samples) for work in plans},
        "versions": {"lamm-bench": __version__, **media.decoder_versions()},
    }


def circumstances(command: Sequence[str], catalog: Catalog, adapter: Adapter | None) -> dict[str, Any]:
    """When, how and on what a process asked. It moves no answer that the identity does not speak of, and stands in no result."""
    told = getattr(adapter, "workers_told", None)  # of many workers: on what they compute
    return {
        "date": datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"),
        "command": redacted_command(command),
        "plugins": catalog.plugin_files,
        "hardware": hardware(),
        **({"workers": told()} if told is not None else {}),
        "versions": {"python": platform.python_version(), **{name: version_of(name) for name in ("torch", "transformers")}},
    }


def remember(opened: Run, adapter: Adapter) -> None:
    """Of many workers: on what those have computed that came after the first, too, and what two of them have answered otherwise."""
    told = getattr(adapter, "workers_told", None)
    if told is None:
        return
    asked = opened.manifest["asked"][-1]
    if asked.get("workers") != (now := mixed(listed(asked.get("workers")), told())):
        asked["workers"] = now
        opened.save(opened.paper, storable(opened.manifest))
    keep_alarms(opened.folder, opened.save, adapter)


def hardware() -> dict[str, Any]:
    """The machine in a few words; GPUs only where torch has been loaded for the model anyway."""
    found: dict[str, Any] = {"system": platform.platform(terse=True), "machine": platform.machine(), "processors": os.cpu_count()}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        found["processor"] = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
        found["memory_gib"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (OSError, ValueError):
        pass
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        found["gpus"] = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return found


def version_of(package: str) -> str | None:
    """Without importing it, which takes seconds."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def noted(adapter: Adapter, of: str = "notes") -> dict[str, Any]:
    """What the adapter wants a reader of the manifest to know, if it has `notes`. `model_notes`: of many workers only what the model
    notes, not what became of them, which moves no result."""
    notes = getattr(adapter, of if hasattr(adapter, of) else "notes", ())
    return {"notes": [str(note) for note in notes]} if notes else {}


def fingerprint(adapter: Adapter) -> str:
    """The adapter's own; a stranger's that fails is named in one sentence."""
    try:
        return str(adapter.fingerprint())
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(f"the fingerprint of model {adapter.name} cannot be taken: {type(error).__name__}: {error}") from error
