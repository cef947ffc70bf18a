"""Naming the class of an image: CIFAR10 (ten classes) and UCMerced (21 kinds of land use).

A class is named by its label, its plural, or a name of the tables below. To let another name count, add it there.
UCMerced's labels are split into words (`baseballdiamond` = `baseball diamond`); its label set is what the file holds, so a
file with other classes is scored by its own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from lamm_bench.read import read_labels
from lamm_bench.read.vocabulary import Lexicon
from lamm_bench.task import Item
from lamm_bench.types import Media, Modality, Sample, Scorer

from .chef import CHEF
from .classic import CLASSIC
from .labels import LabelScorer
from .loading import Labelled, label_of, most_frequent, protocols

CIFAR10 = Lexicon({
    "airplane": ("aeroplane", "air plane", "plane", "aircraft", "jet", "jetliner", "airliner", "jumbo jet", "fighter jet", "jet plane", "biplane",
                 "seaplane", "airbus", "boeing"),
    "automobile": ("car", "auto", "auto mobile", "motorcar", "motor car", "sedan", "suv", "convertible", "taxi", "cab", "coupe", "hatchback",
                   "station wagon", "minivan", "van", "limousine", "jeep", "race car", "sports car"),
    "bird": ("birdie", "songbird", "duck", "ostrich", "sparrow", "eagle", "hawk", "owl", "parrot", "robin", "finch", "emu", "pelican", "pigeon",
             "dove", "gull", "seagull", "swan", "goose", "crow", "raven", "woodpecker", "hummingbird", "penguin", "flamingo", "peacock", "rooster",
             "hen", "chicken", "heron", "stork", "egret", "falcon", "vulture", "kingfisher", "canary", "cockatoo", "macaw", "magpie", "wren",
             "cassowary", "quail", "pheasant", "bluebird", "blackbird", "starling", "swallow bird", "budgie", "parakeet"),
    "cat": ("kitten", "kitty", "tabby", "house cat", "housecat", "tomcat", "feline"),
    "deer": ("cervid", "stag", "doe", "fawn", "elk", "moose", "reindeer", "antelope", "caribou", "gazelle"),
    "dog": ("puppy", "pup", "doggy", "hound", "terrier", "poodle", "chihuahua", "dachshund", "spaniel", "bulldog", "golden retriever", "retriever",
            "labrador", "beagle", "husky", "corgi", "collie", "german shepherd", "pug", "dalmatian", "rottweiler", "greyhound", "schnauzer",
            "doberman", "pomeranian", "shih tzu", "maltese", "mastiff", "great dane", "pit bull", "canine", "bird dog", "doggie"),
    "frog": ("toad", "bullfrog", "bull frog", "tree frog", "treefrog"),
    "horse": ("pony", "foal", "colt", "mare", "stallion", "racehorse", "race horse"),
    "ship": ("boat", "vessel", "sailboat", "sailing boat", "sailing ship", "speedboat", "motorboat", "ferry", "yacht", "ocean liner",
             "cruise ship", "cargo ship", "container ship", "tanker", "steamship", "tugboat", "warship", "battleship", "barge", "fishing boat"),
    "truck": ("lorry", "motortruck", "pickup", "pick up", "pickup truck", "pick up truck", "dump truck", "fire truck", "firetruck", "fire engine",
              "tow truck", "tanker truck", "trailer truck", "semi truck", "tractor trailer", "box truck", "garbage truck", "cement truck"),
}, hides=(
    "hot dog", "dog house", "dog bed", "dog food", "dog tag", "prairie dog", "bird house", "bird cage", "bird bath", "bird feeder", "bird s eye",
    "birds eye", "bird eye", "bird nest", "bird s nest", "cat s eye", "cat eye", "cat fish", "cat walk", "cat food", "cat bed", "cat tree", "car seat", "car park",
    "car wash", "car door", "jet black", "auto focus", "horse power", "horse shoe", "horse drawn", "horse fly", "sea horse", "inclined plane",
    "focal plane", "image plane", "picture plane", "flat plane", "guinea hen", "boat house", "boat trailer", "deer in the headlights", "duck tape",
))  # fmt: skip

UCMERCED = Lexicon({
    "agricultural": ("agricultural land", "agriculture", "farmland", "cropland", "farm field", "crop field"),
    "airplane": ("aeroplane", "plane", "aircraft", "jet"),
    "baseballdiamond": ("baseball diamond", "baseball field"),
    "beach": ("seashore", "sandy shore"),
    "buildings": ("building",),
    "chaparral": ("shrubland", "scrubland"),
    "denseresidential": ("dense residential", "dense residential area", "high density residential", "dense residential buildings",
                         "dense housing", "densely residential"),
    "forest": ("woodland", "woods"),
    "freeway": ("highway", "motorway", "expressway"),
    "golfcourse": ("golf course",),
    "harbor": ("harbour", "marina"),
    "intersection": ("crossroads", "crossroad", "road intersection"),
    "mediumresidential": ("medium residential", "medium residential area", "medium density residential", "medium residential buildings"),
    "mobilehomepark": ("mobile home park", "trailer park"),
    "overpass": ("over pass", "flyover"),
    "parkinglot": ("parking lot", "car park"),
    "river": ("stream",),
    "runway": ("run way", "airstrip"),
    "sparseresidential": ("sparse residential", "sparse residential area", "low density residential", "sparse residential buildings"),
    "storagetanks": ("storage tank", "oil tank", "fuel tank"),
    "tenniscourt": ("tennis court",),
})  # fmt: skip
ANY_FILE = Lexicon({})


def lexicon_for(labels: Sequence[str], known: Lexicon) -> Lexicon:
    """UCMerced's table when the file holds at least one of its labels; else no table, only the file's own names."""
    return known if set(labels) & set(known.aliases) else ANY_FILE


def find_cifar10(text: str, sample: Sample) -> tuple[str, ...]:
    return read_labels(text, CIFAR10.vocabulary(sample.meta["labels"]))


def find_ucmerced(text: str, sample: Sample) -> tuple[str, ...]:
    labels = sample.meta["labels"]
    return read_labels(text, lexicon_for(labels, UCMERCED).vocabulary(labels))


def cifar10_label(sample: Sample) -> str:
    return CIFAR10.vocabulary(sample.meta["labels"]).label(sample.target)


def ucmerced_label(sample: Sample) -> str:
    labels = sample.meta["labels"]
    return lexicon_for(labels, UCMERCED).vocabulary(labels).label(sample.target)


@dataclass(frozen=True, eq=False)
class Classification(Labelled):
    """One image, one class name. `Sample.target`: the label; `meta["labels"]`: the classes that answers may name."""

    name: str
    kind: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    key: str = "label"
    closed: tuple[str, ...] = field(default=())
    groups: tuple[str, ...] = ("2d",)
    modality: Modality = "image"
    max_new_tokens: int = 64

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        return {"target": label_of(item, self.key)}

    def oracle(self, sample: Sample, part: str = "") -> str:
        return str(sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return rng.choice(sample.meta["labels"])

    def chances(self, sample: Sample) -> Sequence[str]:
        return list(sample.meta["labels"])

    def majority(self, samples: Sequence[Sample]) -> str:
        return str(most_frequent(sample.target for sample in samples))


TASKS = (
    Classification(
        name="cifar10",
        kind="classification",
        meta_files=("2D_Benchmark/meta_file/Classification_CIFAR10.json",),
        answer_files=("Classification_CIFAR10",),
        protocols=protocols(LabelScorer(find_cifar10, cifar10_label), "cifar10", ("classic", CLASSIC), ("chef", CHEF)),
        closed=tuple(CIFAR10.aliases),
    ),
    Classification(
        name="ucmerced",
        kind="fine_grained_classification",
        meta_files=("2D_Benchmark/meta_file/Fine-grained_Classification_UCMerced.json",),
        answer_files=("Fine-grained_Classification_UCMerced",),
        protocols=protocols(LabelScorer(find_ucmerced, ucmerced_label), "ucmerced", ("classic", CLASSIC), ("chef", CHEF)),
    ),
)
