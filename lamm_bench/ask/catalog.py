"""Finds tasks, adapters and recipes by name: on the shelves, in entry points, and in `--plugin` files.

The file is the registration: a module of `tasks/` that defines `TASKS`, of `adapters/` that defines `ADAPTERS`, a YAML file
under `recipes/`, or one of `tasks/` that declares a benchmark (docs/benchmarks.md). Other packages offer modules of the same form
under the entry-point groups `lamm_bench.tasks` (also with `TASK_FILES`, names of YAML files beside the module), `lamm_bench.adapters`
and `lamm_bench.recipes` (a mapping `RECIPES` from name to YAML text)."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from lamm_bench import media
from lamm_bench.declared import DeclaredTask, load_task
from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import read_bytes
from lamm_bench.read import convention
from lamm_bench.types import Adapter, Task

from .corrupt.texts import add_texts
from .embedding import Embedder
from .overrides import overridden
from .recipe import Recipe, build, load_recipe, parse_recipe

# the order of LAMM's own tables (reference 1.1); tasks of others follow by name
ORDER = ["cifar10", "voc2012", "sqaimage", "ai2d", "flickr30k", "ucmerced", "fsc147", "svt", "celeba-smile", "celeba-hair"]
ORDER += ["lsp", "locating-voc2012", "locating-lsp", "locating-fsc147", "scannet", "scanrefer", "scanqa"]
FOLDER = Path(__file__).parents[1]
TEXT = "text"  # the key of corruptions of questions
PARTS = ("TASKS", "ADAPTERS", "RECIPES", "MODALITIES", "CORRUPTIONS", "EMBEDDERS")  # what a plug-in may define
YAML = (".yaml", ".yml")
ADAPTER_PARTS = ("name", "modalities", "fingerprint", "generate")
TASK_PARTS = (
    *("name", "kind", "modality", "groups", "meta_files", "answer_files", "max_new_tokens", "protocols"),
    *("samples", "oracle", "chance", "majority"),
)


@dataclass
class Catalog:
    """Everything that can be named on the command line."""

    tasks: dict[str, Task] = field(default_factory=dict)
    adapters: dict[str, Callable[..., Adapter]] = field(default_factory=dict)
    recipes: dict[str, Callable[[], Recipe]] = field(default_factory=dict)
    embedders: dict[str, Callable[..., Embedder]] = field(default_factory=dict)  # that are no models to ask
    pools: list[Any] = field(default_factory=list)
    plugin_files: dict[str, str] = field(default_factory=dict)  # `--plugin` files and the sha256 of what was run
    brought: dict[tuple[str, str], str] = field(default_factory=dict)  # ("task" or "adapter", name) -> the plug-in file
    files: dict[str, DeclaredTask] = field(default_factory=dict)  # task files by their paths
    _known: list[ModuleType] = field(default_factory=list, repr=False)

    def add_module(self, module: ModuleType, where: str) -> None:
        """Takes in what a module defines under TASKS, ADAPTERS, RECIPES and POOLS; once, however often it is named."""
        if module in self._known:
            return
        self._known.append(module)
        for name, kind, form in (
            ("TASKS", list | tuple, "a tuple of tasks"),
            ("ADAPTERS", Mapping, "a mapping"),
            ("EMBEDDERS", Mapping, "a mapping"),
            ("RECIPES", Mapping, "a mapping"),
            ("MODALITIES", list | tuple, "a tuple of modalities"),
            ("CORRUPTIONS", Mapping, "a mapping from a modality, or `text`, to corruptions by name"),
        ):
            if hasattr(module, name) and not isinstance(getattr(module, name), kind):
                raise BenchError(f"{where}: {name} is {type(getattr(module, name)).__name__}, expected {form}")
        for one in getattr(module, "MODALITIES", ()):
            media.register(one, where)
        for kind, more in getattr(module, "CORRUPTIONS", {}).items():
            (add_texts(more, where) if kind == TEXT else media.add_corruptions(kind, more, where))
            self.brought |= {("corruption", name): where for name in more if where in self.plugin_files}
        for task in getattr(module, "TASKS", ()):
            lacking = [part for part in TASK_PARTS if not hasattr(task, part)]
            if lacking:
                raise BenchError(f"{where}: the task {getattr(task, 'name', task)} lacks `{lacking[0]}` (docs/extending.md)")
            self.put(self.tasks, "task", task.name, task, where)
        for file in getattr(module, "TASK_FILES", ()):
            self.add_file(str(Path(module.__file__ or "").parent / file), ours=True)
        for name, make in getattr(module, "ADAPTERS", {}).items():
            self.put(self.adapters, "adapter", name, make, where)
        for name, make in getattr(module, "EMBEDDERS", {}).items():
            self.put(self.embedders, "embedder", name, make, where)
        for name, text in getattr(module, "RECIPES", {}).items():
            self.put(self.recipes, "recipe", name, lambda text=text, name=name: parse_recipe(text, name), where)
        self.pools.extend(pool for pool in getattr(module, "POOLS", ()) if pool not in self.pools)

    def add_file(self, path: str, ours: bool = False) -> DeclaredTask:
        """Takes in a benchmark that a file declares; once, however often it is named. One of somebody's own counts as a plug-in."""
        place = os.path.abspath(path)  # where a later command, in another folder, finds it again
        if place not in self.files:
            file = Path(path)
            kept = ours and file.is_file()
            task = shelved(path, file.stat().st_mtime_ns, tuple(media.modalities())) if kept else load_task(file)
            self.apart(task, path)
            self.put(self.tasks, "task", task.name, task, path)
            self.files[place] = task
            if not ours:
                self.plugin_files[place] = task.content
        return self.files[place]

    def apart(self, task: DeclaredTask, path: str) -> None:
        """Refuses a name that is a group's, and a group that is called as a task: who asks for one would be asked about the other."""
        groups = {group for other in (*self.tasks.values(), task) for group in other.groups} | {"all"}
        if task.name in groups:
            raise BenchError(f"{path} brings a task called '{task.name}', which is the name of a group; rename it")
        for group in task.groups:
            if group == "all" or group in self.tasks:
                raise BenchError(
                    f"{path} names a group '{group}', which is the name of {'others' if group == 'all' else 'a task'}; rename it"
                )

    def task(self, name: str) -> Task:
        """A task by its name, or by the path of the file that declares it. Raises `BenchError` where there is none."""
        if name.endswith(YAML):
            return self.add_file(name)
        if name not in self.tasks:
            raise unknown("task", name, self.tasks)
        return self.tasks[name]

    def bring(self, asked: Any) -> None:
        """Takes in the task files that a stored run was asked with, where they are still there and say the same."""
        for entry in asked if isinstance(asked, list) else ():
            plugins = entry.get("plugins") if isinstance(entry, dict) else None
            for path, content in plugins.items() if isinstance(plugins, Mapping) else ():
                if isinstance(path, str) and path.endswith(YAML) and path not in self.files and Path(path).is_file():
                    with contextlib.suppress(BenchError):
                        task = load_task(Path(path))
                        if task.content == content and task.name not in self.tasks:
                            self.add_file(path)

    def put(self, shelf: dict[str, Any], kind: str, name: str, thing: Any, where: str) -> None:
        if name in shelf and shelf[name] is not thing:
            raise BenchError(f"{where} brings a second {kind} called '{name}'; rename one of them")
        shelf[name] = thing
        if where in self.plugin_files:
            self.brought[kind, name] = where

    def plugins_of(self, model: str, tasks: Sequence[str], corruptions: Sequence[str] = ()) -> dict[str, str]:
        """The names and digests of the plug-in files that bring a model, tasks or corruptions: edited, they may answer and ask
        otherwise."""
        declared = [task for task in map(self.tasks.get, tasks) if isinstance(task, DeclaredTask)]
        found = {f"{task.name}.yaml": task.content[:16] for task in declared}
        for key in (("adapter", model), *(("task", task) for task in tasks), *(("corruption", name) for name in corruptions)):
            if key in self.brought:
                file = self.brought[key]
                found[Path(file).name] = self.plugin_files[file][:16]
        return dict(sorted(found.items()))

    def select_tasks(self, names: str | Sequence[str], asked: Collection[str] = ()) -> list[Task]:
        """Tasks by names and groups (`2d`, `3d`, `locating`, `chef` ...), without repeats, in the catalogue's order.

        `all` are LAMM's and those of plug-ins, without those that stand `apart`: another benchmark is asked by its own name. Of a
        stored run they are all that it was `asked` about."""
        wanted = [name.strip() for name in (names.split(",") if isinstance(names, str) else names) if name.strip()]
        wanted = [self.add_file(name).name if name.endswith(YAML) else name for name in wanted]
        groups = {group for task in self.tasks.values() for group in task.groups} | {"all"}
        chosen = set()
        for name in wanted:
            members = [t.name for t in self.tasks.values() if belongs(t, name, asked)]
            if not members:
                raise unknown("task or group", name, [*self.tasks, *groups])
            chosen.update(members)
        if not chosen:
            raise BenchError("no task was named; try --tasks all, or see `lamm-bench list tasks`")
        return [task for task in self.ordered() if task.name in chosen]

    def ordered(self) -> list[Task]:
        place = {name: number for number, name in enumerate(ORDER)}
        return sorted(self.tasks.values(), key=lambda task: (place.get(task.name, len(place)), task.name))

    def adapter(self, name: str, settings: Mapping[str, Any]) -> Adapter:
        """An adapter by name, its `--set` options checked against the fields of its dataclass."""
        if name not in self.adapters:
            raise unknown("model", name, self.adapters)
        make = self.adapters[name]
        try:
            adapter = (
                build(make, settings, f"model {name} (--set)")
                if is_dataclass(make) and isinstance(make, type)
                else make(**settings)
            )
        except BenchError:
            raise
        except Exception as error:
            raise BenchError(f"model {name} cannot be made: {type(error).__name__}: {error}") from error
        if "coordinates" in settings:
            convention(str(settings["coordinates"]))  # an empty name too is told before anything is asked
        lacking = [part for part in ADAPTER_PARTS if not hasattr(adapter, part)]
        if lacking:
            raise BenchError(f"model {name} lacks `{lacking[0]}`; an adapter has {', '.join(ADAPTER_PARTS)} (docs/extending.md)")
        return adapter

    def embedder(self, name: str, settings: Mapping[str, Any]) -> Embedder:
        """What gives vectors by name: an entry of `EMBEDDERS`, or a model whose adapter has `embed`."""
        if name in self.embedders:
            return build(self.embedders[name], settings, f"embedder {name}")  # type: ignore[arg-type]
        if name not in self.adapters:
            raise unknown("embedder", name, [*self.embedders, *self.adapters])
        found: Any = self.adapter(name, settings)
        if not hasattr(found, "embed"):
            raise BenchError(f"the model {name} embeds nothing: its adapter has no `embed` (docs/adapters.md)")
        return cast(Embedder, found)

    def options(self, name: str) -> list[str]:
        """The `--set` options of an adapter."""
        make = self.adapters[name]
        own = ("name", "modalities")  # what an adapter is, not how it is set
        return [f.name for f in fields(make) if f.init and f.name not in own and f.name[0] != "_"] if is_dataclass(make) else []

    def recipe(self, name: str, overrides: Sequence[str] = ()) -> Recipe:
        """A recipe by name, or from a YAML file, with what is said otherwise for this once (`path=value`)."""
        if name in self.recipes:
            return overridden(self.recipes[name](), overrides)
        if name.endswith((".yaml", ".yml")):
            return overridden(load_recipe(Path(name), Path(name).stem), overrides)
        raise unknown("recipe", name, self.recipes)


def belongs(task: Task, name: str, asked: Collection[str]) -> bool:
    """Whether a task is called so, or is of the group of this name."""
    everything = name == "all" and (task.name in asked or not getattr(task, "apart", False))
    return name == task.name or name in task.groups or everything


def shelf(name: str) -> list[ModuleType]:
    """All modules of a shelf, by name order."""
    package = importlib.import_module(f"lamm_bench.{name}")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"lamm_bench.{name}.{module}") for module in names]


@functools.lru_cache(maxsize=256)
def shelved(path: str, changed: int, kinds: tuple[str, ...]) -> DeclaredTask:
    """The task of a file that lies on a shelf, as it was `changed` last and with the modalities there are: read once, not once a catalogue."""
    return load_task(Path(path))


def from_file(path: str) -> ModuleType:
    """A `--plugin` file as a module. It is the user's own code, named by the user; nothing else is ever run."""
    file = Path(path)
    spec = importlib.util.spec_from_file_location(f"lamm_bench_plugin_{file.stem}", file) if file.suffix == ".py" else None
    if spec is None or spec.loader is None or not file.is_file():
        missing = "" if file.exists() else " is missing"
        raise BenchError(f"--plugin {path}{missing}: expected a Python file that defines {', '.join(PARTS[:-1])} or {PARTS[-1]}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and type hints look their module up by name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BenchError(f"--plugin {path} cannot be loaded: {type(error).__name__}: {error}") from error
    if not any(hasattr(module, name) for name in PARTS):
        raise BenchError(f"--plugin {path} defines none of {', '.join(PARTS)}")
    return module


def digest_of(module: ModuleType, plugin: Path) -> str:
    """A hash of what a plug-in is made of: its file, and those beside or below it from which it has taken something."""
    home, waiting, files = plugin.resolve().parent, [module], {plugin.resolve()}
    while waiting:
        for thing in list(vars(waiting.pop()).values()):
            name = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
            other = sys.modules.get(name) if isinstance(name, str) else None
            file = Path(getattr(other, "__file__", None) or "/").resolve()
            if other is not None and file.suffix == ".py" and file.is_relative_to(home) and file not in files:
                files.add(file)
                waiting.append(other)
    hashes = [hashlib.sha256(read_bytes(file)).hexdigest() for file in (plugin.resolve(), *sorted(files - {plugin.resolve()}))]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def load_catalog(plugins: Sequence[str] = ()) -> Catalog:
    """The shelves, then entry points, then plugin files."""
    catalog = Catalog()
    for name in ("tasks", "adapters"):
        for module in shelf(name):
            catalog.add_module(module, module.__name__)
    for path in sorted((FOLDER / "tasks").glob("*.yaml")):
        catalog.add_file(str(path), ours=True)
    root = FOLDER / "recipes"
    for path in sorted(root.rglob("*.yaml")):
        name = path.relative_to(root).with_suffix("").as_posix()
        if not name.startswith("prompts/"):
            catalog.recipes[name] = lambda path=path, name=name: load_recipe(path, name)  # type: ignore[misc]
    installed = importlib.metadata.entry_points()
    for group in ("lamm_bench.tasks", "lamm_bench.adapters", "lamm_bench.recipes"):
        for entry in installed.select(group=group):
            try:
                catalog.add_module(entry.load(), f"entry point {entry.name}")
            except ImportError as error:
                raise BenchError(f"entry point {entry.name} ({entry.value}) cannot be loaded: {error}") from error
    for plugin in plugins:
        if plugin.endswith(YAML):
            catalog.add_file(plugin)
            continue
        module = from_file(plugin)
        catalog.plugin_files[plugin] = digest_of(module, Path(plugin))
        catalog.add_module(module, plugin)
    return catalog
