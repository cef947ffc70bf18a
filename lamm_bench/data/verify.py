"""Checks benchmark files before a run trips over them: every meta file, item, box and media file, all faults at once.

An `error` is what a run would count as missing or refuse; a `warning` is odd and can be scored all the same. Keys that no
task reads are tolerated. What a task accepts is decided by the task itself (`Task.samples`), so plug-ins are checked too."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Group
from rich.table import Table
from rich.text import Text

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError, visible
from lamm_bench.loading import id_text, load_json, shorten
from lamm_bench.task import Item, find_meta, options_unseen
from lamm_bench.types import Media, Task

from .digests import generation
from .geometry_faults import faults_2d, faults_3d

SHOWN = 20  # findings printed for each task


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and where."""

    task: str
    file: str  # relative to the data root
    item: str  # index and id; empty when the whole file is meant
    what: str
    severity: str  # "error" or "warning"


class Watcher(Protocol):
    """Told how far the check is; `lamm_bench.show.progress.Bars` is one."""

    def begin(self, task: str, total: int) -> None: ...
    def tick(self, count: int) -> None: ...
    def end(self, task: str) -> None: ...


def verify(root: Path, tasks: Sequence[Task], deep: bool = True, watcher: Watcher | None = None) -> list[Finding]:
    """Everything that is wrong with the files of `tasks` under `root`. `deep` decodes every image and cloud once;
    without it media only have to be there and images to have a readable header."""
    known: dict[str, str | None] = {}  # media path -> fault, shared by all tasks
    findings: list[Finding] = []
    for task in tasks:
        findings += verify_task(root, task, deep, known, watcher)
        findings += corrupted_findings(root, task, deep, known)
    return findings


def corrupted_findings(root: Path, task: Task, deep: bool, known: dict[str, str | None]) -> list[Finding]:
    """Of the files with corrupted samples that a task may have (`--corrupt chef-files:both`); nothing where they are not there."""
    read, folder = getattr(task, "corrupted", None), getattr(task, "corrupted_folder", "")
    if read is None or not (root / folder).is_dir():
        return []
    findings = []
    try:
        clean = {sample.id for sample in task.samples(root)}
    except Exception:  # what is wrong with the task's own files is said of them
        return []
    for part in ("images", "texts"):
        try:
            samples = list(read(root, part))
        except BenchError as error:
            findings.append(Finding(task.name, folder, "", f"corrupted {part}: {local(str(error), root)}", "error"))
            continue
        missing = sorted(clean - {sample.id for sample in samples})
        if missing:
            what = f"corrupted {part}: item {missing[0]} is missing" + (f" (and {len(missing) - 1} more)" if missing[1:] else "")
            findings.append(Finding(task.name, folder, "", what, "error"))
        users = {medium: sample.id for sample in reversed(samples) for medium in sample.media}
        check_media(list(users), deep, known, None)
        findings += [
            Finding(task.name, relative(medium.path, root), f"(id {user})", fault, "error")
            for medium, user in users.items()
            if (fault := known[medium.path]) is not None and part == "images"
        ]
    return findings


def verify_task(root: Path, task: Task, deep: bool, known: dict[str, str | None], watcher: Watcher | None) -> list[Finding]:
    """The findings of one task: the file, its items, then media and what is drawn on them."""
    try:
        file = find_meta(root, task.meta_files)
        if file.suffix != ".json" or getattr(task, "own_format", False):  # only its task knows what is an item there
            return foreign_findings(root, task, file, deep, known, watcher)
        entries = read_list(file)
    except BenchError as error:
        what = local(str(error), root).removeprefix(f"{task.meta_files[0]} ")
        return [Finding(task.name, task.meta_files[0], "", what, "error")]
    name = file.relative_to(root).as_posix()
    items, findings = identified(task.name, name, file, entries)
    findings += [
        Finding(task.name, name, item, what, "error") for item, what in item_faults(root, task, file, items, bool(findings))
    ]
    findings += [
        Finding(task.name, name, "", what, "warning") for what in (generation(file, entries), *unseen_options(root, task)) if what
    ]
    used = media_of(items, task)
    if watcher:
        watcher.begin(task.name, len(used))
    check_media(list(used), deep, known, watcher)
    for medium, users in used.items():
        fault = known[medium.path]
        if fault is not None:
            more = f" (and {len(users) - 1} more items)" if len(users) > 1 else ""
            findings.append(Finding(task.name, relative(medium.path, root), place(users[0]) + more, fault, "error"))
        else:
            findings += drawn_faults(task.name, name, medium, users, deep)
    if watcher:
        watcher.end(task.name)
    return findings


def foreign_findings(
    root: Path, task: Task, file: Path, deep: bool, known: dict[str, str | None], watcher: Watcher | None
) -> list[Finding]:
    """Of a file that is no JSON: what the task itself says of it, and its media."""
    name = file.relative_to(root).as_posix()
    locked = getattr(task, "faults", None)
    if locked is not None and (faults := locked(root)):
        return [Finding(task.name, name, "", local(what, root), "error") for what in faults]
    try:
        samples = task.samples(root)
    except Exception as error:  # a stranger's task
        said = local(str(error), root) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"
        return [Finding(task.name, name, "", said, "error")]
    users: dict[Media, str] = {medium: sample.id for sample in reversed(samples) for medium in sample.media}
    if watcher:
        watcher.begin(task.name, len(users))
    check_media(list(users), deep, known, watcher)
    if watcher:
        watcher.end(task.name)
    odd = getattr(task, "oddities", None)
    return [
        *(Finding(task.name, path, "", what, "warning") for path, what in (odd(root) if odd is not None else ())),
        *(
            Finding(task.name, relative(medium.path, root), f"(id {user})", fault, "error")
            for medium, user in users.items()
            if (fault := known[medium.path]) is not None
        ),
    ]


def unseen_options(root: Path, task: Task) -> Iterator[str]:
    """A warning where a question has options that its text does not tell: the model never sees them."""
    try:
        samples = [sample for sample in task.samples(root) if sample.choices]
    except Exception:  # told elsewhere
        return
    blind = [sample.id for sample in samples if options_unseen(sample)]
    if blind:
        yield (
            f"the questions of {len(blind)} of {len(samples)} items do not tell their options (the first: id {blind[0]}); a recipe with "
            "{options} in its template shows them"
        )


def read_list(file: Path) -> list[Any]:
    """The entries of a meta file, whatever they are. Raises `BenchError` when it is not a list with something in it."""
    data = load_json(file)
    if not isinstance(data, list):
        raise BenchError(f"{file} holds {type(data).__name__}, expected a list of objects")
    if not data:
        raise BenchError(f"{file} holds no items")
    return data


def identified(task: str, name: str, file: Path, entries: Sequence[Any]) -> tuple[list[Item], list[Finding]]:
    """The entries that are objects with a usable id, and what is wrong with the others (as `lamm_bench.task.read_items`)."""
    items: list[Item] = []
    findings: list[Finding] = []
    first: dict[str, int] = {}
    nameless = 0
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            findings.append(Finding(task, name, str(index), f"is {shorten(entry)}, expected an object", "error"))
            continue
        nameless += entry.get("id") is None
        id_ = id_text(index if entry.get("id") is None else entry["id"])
        if id_ is None:
            what = f"`id` is {shorten(entry['id'])}, expected a text or a number"
            findings.append(Finding(task, name, str(index), what, "error"))
            continue
        if id_ in first:
            what = f"the id is also that of item {first[id_]}; answers are joined to `{id_}#{index}`"
            findings.append(Finding(task, name, f"{index} (id {id_})", what, "warning"))
        first.setdefault(id_, index)
        items.append(Item(file, index, id_, entry))
    if nameless:
        what = f"{nameless} of {len(entries)} items have no `id`; their index is used"
        findings.append(Finding(task, name, "", what, "warning"))
    return items, findings


def item_faults(root: Path, task: Task, file: Path, items: Sequence[Item], explained: bool) -> Iterator[tuple[str, str]]:
    """Where and what: each item that the task refuses. Only a file that is refused as a whole is taken apart.

    `explained`: faults are known already for which the task may refuse the whole file."""
    try:
        task.samples(root)
        return
    except BenchError as error:
        whole = local(str(error), root)
    except Exception as error:  # a stranger's task
        yield "", f"its task ends with {type(error).__name__}: {error}"
        return
    found = False
    with tempfile.TemporaryDirectory() as folder:
        mirror = mirrored(root, file, Path(folder))
        for item in items:
            mirror.write_text(json.dumps([{**item.data, "id": item.id}]), encoding="utf-8")
            try:
                task.samples(Path(folder))
            except BenchError as error:
                found = True
                if str(mirror) not in str(error) and f"(id {item.id}" not in str(error) and folder in str(error):
                    yield "", local(str(error), Path(folder))  # another file that the task needs: no item's fault, said once
                    return
                yield place(item), own_words(str(error), mirror, item)
    if not found and not explained:
        yield "", whole


def own_words(message: str, mirror: Path, item: Item) -> str:
    """The message without what `Item.fault` puts in front; of a single item that is the mirror's path and index.

    >>> own_words("t/x.json: item 0 (id a, `object` 1): has no key", Path("t/x.json"), Item(Path("x.json"), 7, "a", {}))
    '`object` 1: has no key'
    """
    message = message.removeprefix(f"{mirror}: item 0 ").removeprefix(f"(id {item.id}): ")
    if message.startswith(f"(id {item.id}, "):
        message = message.removeprefix(f"(id {item.id}, ").replace("): ", ": ", 1)
    return message.replace(str(mirror), str(item.file))


def mirrored(root: Path, file: Path, folder: Path) -> Path:
    """The place of `file` in `folder`, made to look like `root` by links to everything but the meta files beside it."""
    inside = file.relative_to(root)
    here, there = root, folder
    for part in inside.parts[:-1]:
        for entry in here.iterdir():
            if entry.name != part:
                (there / entry.name).symlink_to(entry.absolute())
        here, there = here / part, there / part
        there.mkdir()
    return folder / inside


def media_of(items: Sequence[Item], task: Task) -> dict[Media, list[Item]]:
    """Each media file with the items that use it; paths that the task refuses have been found already."""
    used: dict[Media, list[Item]] = {}
    for item in items:
        try:
            for medium in item.media(task.modality):
                used.setdefault(medium, []).append(item)
        except BenchError:
            continue
    return used


def check_media(used: Sequence[Media], deep: bool, known: dict[str, str | None], watcher: Watcher | None) -> None:
    """Opens what has not been opened for another task; decoders work outside Python's lock, so several at a time."""
    new = [medium for medium in used if medium.path not in known]
    if watcher:
        watcher.tick(len(used) - len(new))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for medium, fault in zip(new, pool.map(lambda medium: media_fault(medium, deep), new)):
            known[medium.path] = fault
            if watcher:
                watcher.tick(1)


def media_fault(medium: Media, deep: bool) -> str | None:
    """Why a file cannot be used; None when it can."""
    try:
        glance = media.modality(medium.kind).glance
        if deep:
            media.check(medium)
        elif glance is not None:
            glance(medium.path)
        elif not media.is_there(medium.path):
            return "is missing"
        return None
    except MediaError as error:
        return str(error).removeprefix(medium.path).strip()


def drawn_faults(task: str, name: str, medium: Media, users: Sequence[Item], deep: bool) -> Iterator[Finding]:
    """Boxes, joints and points that do not lie where they could be right."""
    own = media.modality(medium.kind)
    if own.flat:
        size = media.image_size(medium.path)
        for item in users:
            yield from (Finding(task, name, place(item), what, "warning") for what in faults_2d(item.data, size))
    elif own.points is not None:
        found = own.points(medium) if deep else None
        points = None if found is None else found[:, :3]
        for item in users:
            yield from (Finding(task, name, place(item), what, "warning") for what in faults_3d(item.data, points))


def place(item: Item) -> str:
    return f"{item.index} (id {item.id})"


def relative(path: str, root: Path) -> str:
    return os.path.relpath(path, root)


def local(text: str, root: Path) -> str:
    """The message with paths as seen from the data root."""
    return text.replace(f"{root}{os.sep}", "")


def shown_findings(findings: Sequence[Finding], tasks: Sequence[Task], shown: int = SHOWN) -> Group:
    """For the console: the findings, at most `shown` of each task, then how many there are of each."""
    counts = Counter((finding.task, finding.severity) for finding in findings)
    summary = Table("task", "errors", "warnings", box=None, pad_edge=False)
    for task in tasks:
        errors, warnings = counts[task.name, "error"], counts[task.name, "warning"]
        summary.add_row(task.name, str(errors or "-"), str(warnings or "-"), style="red" if errors else "")
    errors = sum(finding.severity == "error" for finding in findings)
    ending = (
        f"{errors} errors, {len(findings) - errors} warnings in {len(tasks)} task{'s' if len(tasks) != 1 else ''}"
        if findings
        else f"{len(tasks)} task{'s' if len(tasks) != 1 else ''}: all in order"
    )
    return Group(*([findings_table(findings, shown)] if findings else []), summary, ending)


def findings_table(findings: Sequence[Finding], shown: int) -> Table:
    """The findings for the console, at most `shown` of each task."""
    table = Table("task", "severity")
    for column in ("where", "what"):
        table.add_column(column, overflow="fold")
    printed: Counter[str] = Counter()
    for finding in findings:
        printed[finding.task] += 1
        if printed[finding.task] <= shown:
            file = Path(finding.file).name if finding.file.endswith(".json") else finding.file
            where = f"{file}{f', item {finding.item}' if finding.item else ''}"
            cells = (finding.task, finding.severity, where, finding.what)
            table.add_row(*(Text(visible(cell), style="red" if cell == "error" else "") for cell in cells))
    for task, number in printed.items():
        if number > shown:
            table.add_row(Text(task), "", "", Text(f"... and {number - shown} more findings"))
    return table
