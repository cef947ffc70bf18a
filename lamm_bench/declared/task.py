"""A task that a file declares: it has the protocol of every other task, so that run, score, report and doctor take it as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.errors import unknown
from lamm_bench.keep.files import digest
from lamm_bench.loading import read_text
from lamm_bench.measure.caption_scorer import CaptionScorer
from lamm_bench.media import modalities
from lamm_bench.media.point_cloud import POINT_CLOUD
from lamm_bench.types import Answer, Modality, Sample, Scorer

from . import rows
from .document import Document, parse
from .document import Path as Place
from .files import Files
from .gathering import Count
from .importing import Importing, Watching
from .located import LocatedScorer
from .metrics import MEASURES, Settings
from .origin import Origin, changed, demand
from .pictures import Shown
from .readers import READERS, chance, name_of, option, usual
from .rooms import place_of
from .rows import Drawn, Maker, Recast
from .schema import checked
from .scorer import DeclaredScorer, Group
from .sources import Join, Source, format_of
from .store import Damaged, Store, each_of
from .templates import Template

ROOMS = {"vqa": "vqa3d", "grounding": "grounding3d"}  # system messages where what is shown is no picture
STORED = ("parquet", "tar")


@dataclass(frozen=True, eq=False)
class DeclaredTask:
    """A benchmark file. `content` is the digest of all that it says but `about` and `get`; `home` the folder that it lies in."""

    name: str
    kind: str
    modality: Modality
    groups: tuple[str, ...]
    meta_files: tuple[str, ...]
    max_new_tokens: int
    protocols: Mapping[str, Scorer]
    source: Source
    recast: Recast
    content: str
    file: str
    home: Path
    about: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    suits: tuple[str, ...] = ()
    asks_for: str = ""
    apart: bool = True
    own_format: bool = True

    @property
    def answer_files(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def reader(self) -> str:
        """The reader's name; of several the first."""
        return next(iter(self.recast.readers.values()))

    @property
    def stored(self) -> bool:
        """Whether media are known to lie in tables or archives, so that they are imported."""
        shown = self.recast.shown
        if shown is None:
            return False
        every = (self.source, *(join.source for join in self.source.join))
        tables = any((one.format or format_of(name)) in STORED for one in every for name in one.files)
        zipped = any(".zip/" in name.lower() for name in self.source.files) or bool(shown.archives(self.recast.media))
        made = shown.converts(self.recast.media) or self.recast.drawn is not None
        return tables or zipped or made or shown.encoding != "path"

    def samples(self, root: Path, watcher: Watching | None = None) -> list[Sample]:
        """All items in file order. Media in tables and archives are imported at the first time, of which `watcher` is told."""
        root = self.place(root)
        files = Files(root)
        try:
            store = Store.usual()
            if not self.stored:
                return [sample for _, sample in self.made(files, store, set(), 0, watcher)]
            say = watcher.say if watcher is not None else silence
            return store.samples(
                self.key(root, files), lambda skip, ids: self.made(files, store, ids, skip, watcher), say, files.looked
            )
        finally:
            files.close()

    def key(self, root: Path, files: Files) -> list[Any]:
        """What an imported index is found by."""
        shown = self.recast.shown
        rooms = [place_of(files).said] if shown is not None and shown.encoding == "scannet" else []
        return [self.content, str(root.resolve()), self.source.stamps(files), *rooms]

    def first(self, root: Path) -> Iterator[Sample]:
        """The samples while their rows are still being read, or imported; none where no row can be told without the others."""
        if self.source.counts or self.source.gather:
            return
        root = self.place(root)
        files, store = Files(root), Store.usual()
        try:
            index = store.index(self.key(root, files)) if self.stored else None
            if index is not None and index.exists():
                yield from each_of(index)
            else:
                yield from (sample for _, sample in self.made(files, store, set(), 0, None))
        except Damaged:
            return
        finally:
            files.close()

    def bytes_in(self, root: Path) -> int:
        """How large the files are that its rows are read from, with archives of which media are imported."""
        files, shown = Files(self.place(root)), self.recast.shown
        try:
            packed = [path for name in (shown.archives(self.recast.media) if shown else ()) for path in files.root.glob(name)]
            return sum(size for _, size, _ in self.source.stamps(files)) + sum(path.stat().st_size for path in packed)
        finally:
            files.close()

    def lacking(self, folder: Path) -> list[str]:
        """Those of its files that are not in a folder."""
        files = Files(folder)
        try:
            return [name for name in self.meta_files if not files.find(name)]
        finally:
            files.close()

    def place(self, root: Path) -> Path:
        """Where the files are: below the data root, else beside the file that declares them."""

        def there(folder: Path) -> bool:
            return len(self.lacking(folder)) < len(self.meta_files)

        if self.home is None or self.home == root or there(root) or not there(self.home):
            return root
        return self.home

    def made(
        self, files: Files, store: Store | None, ids: set[str], skip: int, watcher: Watching | None
    ) -> Iterator[tuple[int, Sample]]:
        """The samples of the rows behind the first `skip`, of files that the lock has nothing against."""
        say = watcher.say if watcher is not None else silence
        demand(self.origin, files.root, (name for name, *_ in self.source.stamps(files)), say)
        told = Importing(
            self.name, str(store.folder) if store else "", watcher if self.stored else None, lambda: self.source.count(files)
        )
        try:
            for number, sample in rows.samples(self.source, Maker(self.recast, files, store, ids), skip):
                told.row(number)
                yield number, sample
        finally:
            told.end()

    def faults(self, root: Path) -> list[str]:
        """What is wrong with files that `data get` has locked, whether they are read anew or not."""
        return changed(self.origin, root)

    def oracle(self, sample: Sample, part: str = "") -> str:
        return READERS[name_of(sample, self.reader)].write(sample)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return chance(sample, rng, samples, name_of(sample, self.reader))

    def chances(self, sample: Sample) -> Sequence[str]:
        return [option(sample, index) for index in range(len(sample.choices))]

    def majority(self, samples: Sequence[Sample]) -> Answer:
        """The most frequent true answer; the median where errors are counted, the mean box, the most usual caption."""
        own = READERS[self.reader].majority
        if own is not None and len(self.recast.readers) == 1:
            return own(samples)
        if self.scorer.metric == "error":
            return self.oracle(sorted(samples, key=lambda sample: float(sample.target))[(len(samples) - 1) // 2])
        return usual([self.oracle(sample) for sample in samples])

    def places(self, sample: Sample, part: str = "") -> tuple[str, tuple[str, ...]]:
        return self.asks_for, (str(sample.meta.get("thing", sample.question)),)

    @property
    def scorer(self) -> DeclaredScorer:
        own = self.protocols["standard"]
        assert isinstance(own, DeclaredScorer)
        return own


def silence(text: str) -> None:
    """Tells nobody."""


def load_task(path: Path) -> DeclaredTask:
    """The task of a YAML file. Raises `BenchError` with file and line."""
    return task_of(parse(read_text(path), str(path)), path.parent)


def task_of(doc: Document, home: Path) -> DeclaredTask:
    """The task of a document; what the schema cannot say is checked here."""
    own = checked(doc)
    told = own["sample"]
    kinds = [one for one in modalities().values() if one.short in told]
    if len(kinds) > 1:
        raise doc.fault(("sample",), f"has {' and '.join(f'`{one.short}`' for one in kinds)}; expected one of them")
    readers, by = readers_of(own["read"])
    first = next(iter(readers.values()))
    kind = kinds[0] if kinds else None
    flat = kind is None or kind.flat
    recast = recast_of(doc, told, kind, flat, readers, by)
    source = source_of(doc, ("data",), own["data"], recast.columns)
    scorer = scorer_of(doc, own["metric"], readers, recast)
    usual_kind = READERS[first].kind if len(readers) == 1 else "question"
    places = READERS[first].asks_for if flat and len(readers) == 1 and "thing" in told else ""
    content = {key: value for key, value in doc.value.items() if key not in ("about", "get")}
    return DeclaredTask(
        name=own["name"],
        kind=own.get("kind", usual_kind if flat else ROOMS.get(usual_kind, usual_kind)),
        modality=kind.name if kind is not None else next(iter(modalities())),
        groups=("declared", *own.get("groups", ())),
        meta_files=source.files[:1],
        max_new_tokens=own.get("max_new_tokens", max(READERS[name].most_new_tokens for name in readers.values())),
        protocols={"standard": scorer},
        source=source,
        recast=recast,
        content=digest(content, 64),
        file=doc.file,
        home=home,
        about=own.get("about", {}),
        origin=origin_of(doc, own["get"], source) if "get" in own else None,
        suits=("lamm/likelihood",) if set(readers.values()) <= {"letter", "yes_no"} else (),
        asks_for=places,
    )


def origin_of(doc: Document, told: Mapping[str, Any], source: Source) -> Origin:
    """`get`: the patterns of `data` and its joins that lie in the folder, and those that it adds."""
    inside = f"{told['folder']}/"
    every = [*source.files, *(pattern for join in source.join for pattern in join.source.files)]
    own = [pattern.removeprefix(inside) for pattern in every if pattern.startswith(inside)]
    if not own:
        raise doc.fault(("get", "folder"), f"is {told['folder']}, below which none of the files of `data` lie")
    own = list(dict.fromkeys([*own, *told.get("files", ())]))
    return Origin(told["hub"], told["folder"], tuple(own), told.get("revision", ""), told.get("sha256", {}))


def readers_of(told: Any) -> tuple[dict[str, str], Template | None]:
    return ({"": told}, None) if isinstance(told, str) else (told["values"], told["column"])


def recast_of(
    doc: Document, told: Mapping[str, Any], kind: Any, flat: bool, readers: Mapping[str, str], by: Template | None
) -> Recast:
    wanted = {READERS[name].target for name in readers.values()}
    if "choice" in wanted and "choices" not in told:
        raise doc.fault(("sample",), "has no `choices`, among which the reader `letter` looks")
    if "choices" in told and "choice" not in wanted:
        raise doc.fault(("sample", "choices"), f"is of no use to the reader {', '.join(readers.values())}; expected `letter`")
    for key in ("encoding", "folder", "interleave"):
        if key in told and kind is None:
            raise doc.fault(("sample", key), "says how media are found, and there are none")
    boxes = wanted & {"box", "boxes"} or "located" in readers.values()
    for key in ("form", "scale"):
        if key in told and not boxes:
            raise doc.fault(("sample", key), "is about boxes, which no reader here looks for")
    form = told.get("form", "")
    if form and boxes and flat != (form in ("xyxy", "xywh", "cxcywh")):
        raise doc.fault(("sample", "form"), f"is {form}, expected {'xyxy, xywh or cxcywh' if flat else 'centre or corners'}")
    if "draw" in told and (kind is None or not kind.flat):
        raise doc.fault(("sample", "draw"), "draws on pictures, and there are none")
    drawn = Drawn(**told["draw"]) if "draw" in told else None
    shown = Shown(kind.name, told.get("encoding", "path"), told.get("folder", "").rstrip("/")) if kind is not None else None
    plain = ("id", "choices", "thing", "group", "meta", "form", "scale", "interleave")
    if ("located" in readers.values()) != ("box" in told):
        raise doc.fault(("sample",), "has a `box` where the reader is `located`, and only there: what a caption is about")
    if told.get("encoding") == "scannet" and (kind is None or kind.name != POINT_CLOUD):
        raise doc.fault(("sample", "encoding"), "is scannet, which is about clouds")
    return Recast(
        told["question"], told["target"], readers, shown, told[kind.short] if kind is not None else (), reader_by=by, flat=flat, drawn=drawn,
        place=told.get("box"),
        **{key: told[key] for key in plain if key in told},
    )  # fmt: skip


def source_of(doc: Document, path: Place, told: Mapping[str, Any], columns: frozenset[str]) -> Source:
    """`data`, or one entry of `join`. What a joined file has to give is not told by the rows' own columns."""
    if "files" not in told and told.get("format") != "scannet":
        raise doc.fault(path, "has no `files`: the files of rows, below the data root")
    joins = []
    for number, join in enumerate(told.get("join", ())):
        here = (*path, "join", number)
        pairs = [(on["left"], on["right"]) if isinstance(on, dict) else (on, on) for on in join["on"]]
        left, right = (tuple(pair[side] for pair in pairs) for side in (0, 1))
        joins.append(
            Join(source_of(doc, here, join, frozenset({"*"})), left, right, join.get("as", ""), join.get("otherwise", ""))
        )
    keep = {column: tuple(chain(*values)) for column, values in told.get("keep", {}).items()}
    named = columns | frozenset(keep)
    counts = {name: Count(one["of"], tuple(one["among"])) for name, one in told.get("count", {}).items()}
    if joins or counts or told.keys() & {"each", "gather"}:  # whose own columns are no columns of the rows
        named = frozenset({"*"})
    return Source(
        told.get("files", ()),
        told.get("format", ""),
        told.get("at", ""),
        keep,
        tuple(joins),
        told.get("each", ""),
        tuple(told.get("levels", ())),
        counts,
        tuple(told.get("gather", ())),
        named,
    )


def group_told(told: Any) -> Group:
    if isinstance(told, str):
        return Group(told)
    return Group(told["of"], {name: tuple(chain(*values)) for name, values in told["where"].items()})


def scorer_of(doc: Document, told: Any, readers: Mapping[str, str], recast: Recast) -> DeclaredScorer:
    own: Mapping[str, Any] = {"name": told} if isinstance(told, str) else told
    measure = MEASURES[own["name"]]
    for name in readers.values():
        if name not in measure.readers:
            raise doc.fault(
                ("metric",), f"is {own['name']}, which counts {', '.join(measure.readers)} and not what the reader `{name}` reads"
            )
    together = own.get("together", {})
    together = {"consistency": together} if isinstance(together, str) else together
    groups = {name: group_told(one) for name, one in together.items()}
    at_least = own.get("at_least", {})
    for key, names in (
        ("by", own.get("by", ())),
        ("macro", own.get("macro", ())),
        ("together", tuple(each for one in groups.values() for each in (one.column, *one.where))),
        ("at_least", tuple(at_least.values())),
        ("blanks", tuple(own.get("blanks", ()))),
    ):
        for name in names:
            if name not in recast.meta:
                raise doc.fault(("metric", key), f"names {unknown('entry of `sample.meta`', name, recast.meta)}")
    if (together or at_least or own.get("macro")) and not measure.right:
        raise doc.fault(
            ("metric",),
            f"is {own['name']}, which says of no sample that it is all right, so `together`, `at_least` and `macro` have no meaning",
        )
    located = "located" in readers.values()
    if "at" in own and own["name"] not in ("iou", "f1_boxes") and not located:
        raise doc.fault(
            ("metric", "at"), "holds thresholds of IoU, which iou, f1_boxes and captions of the reader `located` have"
        )
    if located and set(readers.values()) != {"located"}:
        raise doc.fault(("read",), "mixes `located` with other readers")
    if "words" in own and own["name"] != "contains":
        raise doc.fault(("metric", "words"), "is about the metric `contains`")
    if "blanks" in own and own["name"] != "contains":
        raise doc.fault(("metric", "blanks"), "is about the metric `contains`")
    blanks = {name: tuple(chain(*values)) for name, values in own.get("blanks", {}).items()}
    also = tuple(own.get("also", ()))
    if also and own["name"] not in ("exact", "contains"):
        raise doc.fault(("metric", "also"), "counts captions of the answers that exact and contains are about")
    if "f_value" in also and own["name"] != "exact":
        raise doc.fault(("metric", "also"), "names f_value, which the metric `exact` has")
    settings = Settings(tuple(own.get("at", (0.5,))), blanks, also, own.get("words") == "yes")
    captions = LocatedScorer(settings.at) if located else CaptionScorer()
    return DeclaredScorer(
        next(iter(readers.values())),
        own["name"],
        settings,
        own.get("by", ()),
        groups,
        own.get("macro", ()),
        at_least=at_least,
        captions=captions,
    )
