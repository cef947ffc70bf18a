"""Ours of VOC2012's boxes that were said: those of `voc2012`, also where they were asked for class by class or are in Kosmos-2's marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lamm_bench.read import Frame, Place, convention, read_boxes
from lamm_bench.tasks.boxes import BoxScorer
from lamm_bench.tasks.loading import frame_of
from lamm_bench.types import Answer, Sample

from .voc2012_scoring import in_order


@dataclass(frozen=True, eq=False)
class SaidBoxes(BoxScorer):
    """As detection; in turns a box without a name is of the class that its turn asked for, which says so of true classes only."""

    spoken: str = ""  # the convention of places where an answer file is read, and no run says which; empty: fractions

    def read(self, answer: Answer, sample: Sample) -> list[Place] | None:
        if self.spoken and frame_of(sample) is None:
            sample = replace(sample, meta={**sample.meta, "frame": Frame(convention(self.spoken))})
        if isinstance(answer, str):
            return super().read(answer, sample)
        return self.in_turns(answer, sample)

    def in_turns(self, answer: Mapping[str, str], sample: Sample) -> list[Place] | None:
        vocabulary, found = self.vocabulary(sample), []
        for prefix, text in in_order(answer, sample.meta["turns"])[1:]:
            label = vocabulary.label(prefix)
            places = read_boxes(text, vocabulary, self.size, frame_of(sample)) or ()
            found += [replace(place, label=place.label or label) for place in places]
        return found or None
