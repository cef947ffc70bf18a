"""Attributes of faces: smiling or not, and the colour of the hair (CelebA).

Smiling is read as yes or no by whole words, contractions included (reference, Appendix H, O7); neither said is unread, not
"smiling" as upstream has it. Hair colours have the names of the table below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from lamm_bench.read import read_yes_no
from lamm_bench.task import Item
from lamm_bench.types import Media, Modality, Sample, Scorer

from .chef import CHEF
from .classic import CLASSIC
from .classification import Classification
from .hair import HAIR, find_hair, hair_colour
from .labels import LabelScorer
from .loading import ItemByItem, most_frequent, protocols

SMILING = frozenset(
    {"smile", "smiles", "smiling", "smiled", "smiley", "grin", "grins", "grinning", "laugh", "laughs", "laughing", "beaming"}
)
NOT_SMILING = frozenset({"unsmiling", "frown", "frowns", "frowning", "neutral", "serious", "stern", "scowling", "sad"})


CHEERFUL = frozenset({"happy", "cheerful", "joyful", "joyous"})  # where nothing is said of smiling itself


def find_smile(text: str, sample: Sample) -> tuple[str, ...]:
    """ "1" where an answer says that the person smiles, "-1" where it says the contrary."""
    said = read_yes_no(text, SMILING, NOT_SMILING, CHEERFUL)
    return () if said is None else ("1",) if said else ("-1",)


def smiling(sample: Sample) -> str:
    return str(sample.target)


@dataclass(frozen=True, eq=False)
class Smile(ItemByItem):
    """Is this person smiling? `Sample.target`: "1" or "-1"."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: dict[str, Scorer]
    kind: str = "facial_classification"
    groups: tuple[str, ...] = ("2d",)
    modality: Modality = "image"
    max_new_tokens: int = 64

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, str]:
        attr = item.get("attr", check=lambda v: v in ("1", "-1") and isinstance(v, str), expected='"1" (smiling) or "-1"')
        return {"target": attr}

    def oracle(self, sample: Sample, part: str = "") -> str:
        return "yes" if sample.target == "1" else "no"

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return rng.choice(("yes", "no"))

    def chances(self, sample: Sample) -> Sequence[str]:
        return ("yes", "no")

    def majority(self, samples: Sequence[Sample]) -> str:
        return "yes" if most_frequent(sample.target for sample in samples) == "1" else "no"


TASKS = (
    Smile(
        name="celeba-smile",
        meta_files=("2D_Benchmark/meta_file/Facial_Classification_CelebA(Smile).json",),
        answer_files=("Facial_Classification_CelebA(Smile)",),
        protocols=protocols(LabelScorer(find_smile, smiling), "celeba-smile", ("classic", CLASSIC), ("chef", CHEF)),
    ),
    Classification(
        name="celeba-hair",
        kind="facial_classification",
        meta_files=("2D_Benchmark/meta_file/Facial_Classification_CelebA(Hair).json",),
        answer_files=("Facial_Classification_CelebA(Hair)",),
        protocols=protocols(LabelScorer(find_hair, hair_colour), "celeba-hair", ("classic", CLASSIC), ("chef", CHEF)),
        key="attr",
        closed=tuple(HAIR.aliases),
    ),
)
