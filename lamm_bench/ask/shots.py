"""Which samples are shown as examples before a sample's question.

`standard`: never the sample itself, nor anything of its cluster or with its very media, and no two of one cluster. Candidates are the
whole file, whatever `--limit` and shard are; what is drawn is drawn by names, so that neither its order, a batch nor other processes
move it. `chef`: upstream's rows (measure/draws.py), by which a sample may be its own example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import Any

import numpy as np

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.measure.draws import fixed_rows, nearest_rows, products, random_rows, sliced
from lamm_bench.types import Media, Sample, Task

from .embedding import (
    DESCRIPTOR,
    FALLBACK,
    TEXT,
    TF_IDF,
    Descriptor,
    Embedder,
    content_of,
    tf_idf,
    tf_idf_fingerprint,
    vectors_of,
)
from .examples import Examples
from .transforms import CONTROLS

DIGITS = 6  # of similarities: what differs behind them is rounding, and a tie
NEAR = 64  # candidates that are put in order at first


@dataclass(eq=False)
class Shots:
    """Chooses the examples of one task's samples."""

    task: Task
    file: Sequence[Sample]  # all samples, in the file's order
    examples: Examples
    embedder: Embedder | None = None  # of topk_*; None: what is built in
    change: Callable[[Sample], Sample] | None = None  # what is done to every sample before it is shown: the run's control
    _ready: dict[str, Sample | str] = field(default_factory=dict, repr=False)  # by id: as it is shown, or why it cannot be

    def __call__(self, sample: Sample) -> tuple[Sample, ...]:
        """The examples of a sample, as they are shown. Raises `MediaError` where not enough of them can be read."""
        if self.examples.rules == "chef":
            return tuple(self.readable(self.file[place]) for place in self.rows[self.places[sample.id]])
        own = self.file[self.places[sample.id]]
        seen = {part.sha256 for part in self.sealed(own)}
        found: list[Sample] = []
        groups = {own.group}
        for one in self.candidates(own):
            if len(found) == self.examples.count:
                break
            if one.group in groups or one.id == own.id:
                continue
            shown = self.ready(one)
            if isinstance(shown, str) or seen & {part.sha256 for part in self.sealed(one)}:
                continue
            found.append(shown)
            groups.add(one.group)
        if len(found) < self.examples.count:
            raise MediaError(
                f"{self.examples.count} examples are to stand before sample {sample.id}, and of the other samples of {self.task.name} "
                f"only {len(found)} have media that can be read"
            )
        return tuple(found)

    @property
    def why_not(self) -> str | None:
        """Why the file has no such examples; None where it has."""
        wanted, name = self.examples.count, self.task.name
        if self.examples.rules == "chef":
            spare = 1 if self.examples.retriever.startswith("topk") else 0
            if wanted + spare > (there := len(self.file) - (len(self.removed) if spare else 0)):
                return f"{wanted} examples are wanted, and {name} has {there} samples to choose from"
            outside = [one for one in self.examples.names if int(one) >= len(self.file)]
            return (
                f"`ids` of examples names place {outside[0]}, and {name} has {len(self.file)} samples" if outside else self.unlike
            )
        groups = len({sample.group for sample in self.file})
        if groups <= wanted:
            images = "image or scene" if groups == 1 else "images or scenes"
            return f"{wanted} examples of other images or scenes are wanted, and {name} has {groups} {images} in all"
        absent = [one for one in self.examples.names if one not in self.places]
        return f"`ids` of examples names '{absent[0]}', and {name} has no such sample" if absent else self.unlike

    @property
    def unlike(self) -> str | None:
        """Why this file's samples cannot be compared; None where they can, or need not be."""
        if self.examples.retriever == "topk_text" and len({sample.question for sample in self.file}) < 2:
            return f"topk_text compares questions, and all of {self.task.name} ask the same; use random, fixed or topk_image"
        able = TEXT if self.examples.retriever == "topk_text" else self.task.modality
        can = getattr(self.comparing, "embeds", None)
        if self.examples.retriever.startswith("topk") and can is not None and able not in can:
            what = "texts" if able == TEXT else media.many(able)
            return f"{self.examples.retriever} compares {what}, which the embedder {self.embedder_name} does not"
        return None

    @property
    def comparing(self) -> Embedder | None:
        """What gives vectors; None for tf-idf, which needs all texts at once, and for retrievers that compare nothing."""
        return self.embedder or (Descriptor() if self.examples.retriever == "topk_image" else None)

    @property
    def embedder_name(self) -> str:
        return self.examples.embedder_name or built_in(self.examples.retriever)

    @cached_property
    def places(self) -> dict[str, int]:
        return {sample.id: place for place, sample in enumerate(self.file)}

    @cached_property
    def order(self) -> list[Sample]:
        """The file's samples in an order that it cannot move: by their ids."""
        return sorted(self.file, key=lambda sample: sample.id)

    def candidates(self, own: Sample) -> Iterator[Sample]:
        """Every sample of the file, those first that are to be shown first."""
        told, seed = self.examples, str(self.examples.seed)
        if told.retriever == "random":
            yield from permuted(self.order, Random(f"examples/{seed}/{self.task.name}/{own.id}"))
        elif told.retriever == "fixed":
            yield from (self.file[self.places[name]] for name in told.names)
            # a sample that is an example itself, or of one's cluster, gets another in its place
            rest = permuted(self.order, Random(f"examples/{seed}/{self.task.name}"))
            yield from (one for one in rest if one.id not in told.names)
        else:
            yield from (self.order[place] for place in self.nearest(self.alike(own)))

    def nearest(self, alike: np.ndarray) -> Iterator[int]:
        """All places, the most alike first; of those that nobody will look at the order is not made."""
        near = np.ones(len(alike), dtype=bool)
        if len(alike) > NEAR:
            near = alike >= np.partition(alike, len(alike) - NEAR)[len(alike) - NEAR]
        for some in (near, ~near):
            places = np.flatnonzero(some)
            yield from places[np.lexsort((self.tiebreak[places], -alike[places]))]

    @cached_property
    def tiebreak(self) -> np.ndarray:
        """A drawn order of the candidates, for those that are equally near."""
        places = list(range(len(self.order)))
        Random(f"examples/{self.examples.seed}/{self.task.name}/ties").shuffle(places)
        return np.array(places)

    def alike(self, own: Sample) -> np.ndarray:
        """Cosines [candidates, in `order`] with a sample, in as many digits as do not depend on who computes them."""
        return np.round(products(self.table, self.table[self.at[own.id]]), DIGITS)

    @cached_property
    def at(self) -> dict[str, int]:
        return {sample.id: place for place, sample in enumerate(self.order)}

    @cached_property
    def table(self) -> Any:
        """Rows of length 1 for every candidate, in `order`; dense or sparse."""
        if self.comparing is None:
            return tf_idf([text_of(sample) for sample in self.order])
        return self.vectors(self.order)

    def vectors(self, samples: Sequence[Sample], raw: bool = False) -> np.ndarray:
        """float32 [samples, width]; several media of a sample are their mean, one that cannot be read is nothing's neighbour."""
        assert self.comparing is not None
        things: list[tuple[str | Media, ...]] = [
            (text_of(sample),) if self.examples.retriever == "topk_text" else sample.media for sample in samples
        ]
        known = vectors_of(self.comparing, [one for some in things for one in some], raw)
        width = max((len(vector) for vector in known.values()), default=1)
        rows = []
        for some in things:
            own = [vector for one in some if (vector := known.get(name_of(one))) is not None]
            rows.append(np.mean(own, axis=0) if own else np.zeros(width))
        return np.array(rows, dtype=np.float32)

    @cached_property
    def rows(self) -> list[list[int]]:
        """Upstream's rows (`rules: chef`): for each sample of the file the places of its examples."""
        told, count = self.examples, len(self.file)
        if told.retriever == "random":
            rows = random_rows(count, told.count, told.seed)
        elif told.retriever == "fixed":
            rows = fixed_rows(count, told.count, told.seed, [int(one) for one in told.names][: told.count])
        else:
            own = self.comparing is None
            table = tf_idf([text_of(sample) for sample in self.file]) if own else self.vectors(self.file, raw=True)
            rows = nearest_rows(table, told.count, self.removed)
        return sliced(rows, told.batch)

    @cached_property
    def removed(self) -> frozenset[int]:
        """Rows that ask another's question again with its options turned (MMBench): upstream's neighbours are none of them."""
        return frozenset(place for place, sample in enumerate(self.file) if sample.meta.get("base", sample.id) != sample.id)

    def sealed(self, sample: Sample) -> tuple[Media, ...]:
        """Its media with their hashes; none where they cannot be read."""
        try:
            return tuple(media.seal(one) for one in sample.media)
        except MediaError:
            return ()

    def ready(self, sample: Sample) -> Sample | str:
        """A sample as it is shown, or why it cannot be."""
        if sample.id not in self._ready:
            try:
                shown = replace(sample, media=tuple(media.seal(one) for one in sample.media))
                self._ready[sample.id] = self.change(shown) if self.change is not None else shown
            except MediaError as error:
                self._ready[sample.id] = str(error)
        return self._ready[sample.id]

    def readable(self, sample: Sample) -> Sample:
        shown = self.ready(sample)
        if isinstance(shown, str):
            raise MediaError(f"its example {sample.id}: {shown}")
        return shown


def name_of(thing: str | Media) -> str:
    """As `content_of`; empty for what cannot be read."""
    try:
        return content_of(thing)
    except MediaError:
        return ""


def text_of(sample: Sample) -> str:
    return sample.question


def built_in(retriever: str) -> str:
    """The embedder that a retriever has where none is named."""
    return {"topk_text": TF_IDF, "topk_image": DESCRIPTOR}.get(retriever, "")


def permuted(things: Sequence[Sample], stream: Random) -> Iterator[Sample]:
    """All of them in a drawn order, made as far as it is looked at (Fisher and Yates, with what was moved kept aside)."""
    moved: dict[int, int] = {}
    for place in range(len(things)):
        other = stream.randrange(place, len(things))
        yield things[moved.get(other, other)]
        moved[other] = moved.get(place, place)


def shots_for(
    examples: Examples, make: Callable[[str, dict[str, Any]], Embedder], control: str | None
) -> Callable[[Task, Sequence[Sample]], Shots]:
    """The chooser of each task; the embedder is made once. Raises `BenchError` where a control hides what examples are chosen by."""
    if control and examples.retriever == "topk_image":
        raise BenchError(
            f"topk_image chooses examples by what the control {control} hides, so that their answers would tell of it; "
            "use another retriever with --control"
        )
    named = examples.embedder_name
    own = make(named, examples.embedder_settings) if named and named != built_in(examples.retriever) else None
    change = CONTROLS[control] if control else None
    return lambda task, file: Shots(task, file, examples, own, change)


def told_of(examples: Examples, compared_by: str = "") -> dict[str, Any]:
    """What a manifest and a result say of the examples: settings that are not the defaults, and by what texts or pictures were compared,
    the fingerprint of an embedder (empty: what is built in)."""
    found = {"retriever": examples.retriever, **examples.identity()}
    name = built_in(examples.retriever)
    if not name:
        return found
    if compared_by:
        return {**found, "compared_by": compared_by}
    mark = tf_idf_fingerprint() if name == TF_IDF else Descriptor().fingerprint()
    return {**found, "compared_by": mark, "fallback": FALLBACK[name]}
