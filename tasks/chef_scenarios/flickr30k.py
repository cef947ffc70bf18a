"""Flickr30k in ChEF's way: a caption that is said, or the likeliest of captions that are drawn in three ways (reference 1.12, 9.3).

The file is LAMM's own. Which captions are near to each other is said by vectors of the sentences, `flickr30k_vectors.json` beside the
pictures' folder: an object of sentence and list of numbers, made with whatever sentence model (docs/chef.md). Only
`chef-flickr30k-ppl-similar` and `-top-p` need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.loading import load_json, shorten
from lamm_bench.task import find_meta, is_numbers, read_items
from lamm_bench.tasks import captioning
from lamm_bench.tasks.loading import most_frequent
from lamm_bench.types import Answer, Sample, Scorer

from .flickr30k_scoring import CHOSEN, HALVES, SAID, CaptionChoice
from .scenario import Scenario, UpstreamItem, picture, sample_of

FILES = tuple(f"{folder}2D_Benchmark/meta_file/Caption_flickr30k.json" for folder in ("LAMM/", ""))
VECTORS = "flickr30k_vectors.json"
PLAIN = captioning.TASKS[0]
Draws = Literal["random", "similar", "top_p"]
OTHERS, NEAREST = 3, 20  # captions of other pictures beside a true one; of how many the near ones are taken
NEAR_PAIRS, NEAR_OTHERS = 250, 5  # top_p: pairs of a true caption and any, nearest first; captions of other pictures
Draw = Callable[[int, Sequence[str], Random], list[str]]  # number of the item, its captions and the draws -> its options


def items(root: Path, draws: Draws | None = None) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file; with options, each item is looked at once, in order."""
    found = list(bare_items(root))
    draw = drawer(root, found, draws)
    rng = Random(0)
    for number, item in enumerate(found):
        yield item if draw is None else {**item, "options": draw(number, item["gt_answers"], rng)}


def bare_items(root: Path) -> Iterator[UpstreamItem]:
    base = find_meta(root, FILES).parent.parent
    for item in read_items(root, FILES):
        sentences = item.texts("sentences")
        yield {"id": item.id, "image_path": picture(root, base, item.text("image"), item), "gt_answers": sentences}


def drawer(root: Path, found: Sequence[UpstreamItem], draws: Draws | None, every: bool = False) -> Draw | None:
    """How the options of an item are drawn; `every`: a caption that another picture has too is no wrong one."""
    sentences = [sentence for item in found for sentence in item["gt_answers"]]
    if draws is None:
        return None
    if draws == "random":
        return partial(at_random, every, sentences)
    starts = np.cumsum([0, *(len(item["gt_answers"]) for item in found)]).tolist()
    return partial(similar if draws == "similar" else top_p, every, sentences, unit_vectors(root, sentences), starts)


def without(sentences: Sequence[str], own: Sequence[str], every: bool) -> list[str]:
    """The captions of other pictures. Upstream takes each of the picture's own out once, wherever it stands first.

    >>> without(["a", "b", "a", "c"], ["a", "b"], every=False), without(["a", "b", "a", "c"], ["a", "b"], every=True)
    (['a', 'c'], ['c'])
    """
    if every:
        return [sentence for sentence in sentences if sentence not in own]
    left = list(sentences)
    for sentence in own:
        if sentence in left:
            left.remove(sentence)
    return left


def at_random(every: bool, sentences: Sequence[str], number: int, own: Sequence[str], rng: Random) -> list[str]:
    """Three captions of other pictures, and one of the item's own behind them."""
    others = without(sentences, own, every)
    rng.shuffle(others)
    mine = list(own)
    rng.shuffle(mine)
    return [*others[:OTHERS], mine[0]]


def similar(
    every: bool,
    sentences: Sequence[str],
    vectors: np.ndarray,
    starts: Sequence[int],
    number: int,
    own: Sequence[str],
    rng: Random,
) -> list[str]:
    """The three captions of other pictures that are most like one of the item's own, among its twenty nearest, and that one behind them."""
    places = list(range(len(own)))
    rng.shuffle(places)
    likeness = vectors @ vectors[starts[number] + places[0]]
    near = [sentences[place] for place in np.argsort(-likeness, kind="stable")[:NEAREST]]
    return [*without(near, own, every)[:OTHERS], own[places[0]]]


def top_p(
    every: bool,
    sentences: Sequence[str],
    vectors: np.ndarray,
    starts: Sequence[int],
    number: int,
    own: Sequence[str],
    rng: Random,
) -> list[str]:
    """All captions of the item, and the five of other pictures that are most like any of them. Nothing is drawn."""
    likeness = (vectors[starts[number] : starts[number] + len(own)] @ vectors.T).ravel()
    near = dict.fromkeys((np.argsort(-likeness, kind="stable")[:NEAR_PAIRS] % len(sentences)).tolist())
    return [*own, *without([sentences[place] for place in near], own, every)[:NEAR_OTHERS]]


def unit_vectors(root: Path, sentences: Sequence[str]) -> np.ndarray:
    """The vectors of the sentences, shape [sentences, numbers], each of length 1. Raises `BenchError` for one that is not there."""
    file = find_meta(root, FILES).parent.parent / VECTORS
    if not file.is_file():
        raise BenchError(f"{file} is missing: an object of sentence and vector, which says which captions are like each other")
    told = load_json(file)
    if not isinstance(told, dict):
        raise BenchError(f"{file} holds {type(told).__name__}, expected an object of sentence and vector")
    rows, size = [], 0
    for sentence in sentences:
        vector: Any = told.get(sentence)
        size = size or (len(vector) if isinstance(vector, list) else 1)
        if not is_numbers(vector, size) or not any(vector):
            raise BenchError(
                f"{file}: the vector of {shorten(sentence)} is {shorten(vector)}, expected {size} numbers that are not all 0"
            )
        rows.append(vector)
    vectors = np.asarray(rows, dtype=np.float64)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def samples(root: Path) -> Iterator[Sample]:
    questions = (item.text("query") for item in read_items(root, FILES))
    for item, question in zip(items(root), questions):
        yield replace(sample_of(root, item, question, (), 0), target=item["gt_answers"])


def drawn_samples(root: Path, draws: Draws) -> Iterator[Sample]:
    """Which of these captions fits? Drawn and put in order by the sample's id; as upstream draws them beside (`meta["as upstream"]`)."""
    found = list(items(root, draws))
    draw = drawer(root, found, draws, every=True)
    if draws == "random":  # in an order that is not the file's
        draw = partial(at_random, True, sorted(sentence for item in found for sentence in item["gt_answers"]))
    for number, item in enumerate(found):
        rng = Random(f"Flickr30k/{draws}/{item['id']}")
        options = draw(number, item["gt_answers"], rng) if draw is not None else []
        if draws != "top_p":  # whose figures count places: the item's own stand first
            rng.shuffle(options)
        question = "\n".join(["Which of these sentences describes the image?", *sorted(options)])
        theirs = {"choices": tuple(item["options"])}
        made = sample_of(root, item, question, options, 0, letters=False, **{"as upstream": theirs})
        yield replace(made, target=item["gt_answers"])


@dataclass(frozen=True, eq=False)
class Captions(Scenario):
    """One sentence about a picture. `Sample.target`: the reference sentences; floor and ceiling are those of `flickr30k`."""

    def oracle(self, sample: Sample, part: str = "") -> str:
        return PLAIN.oracle(sample)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return PLAIN.chance(sample, rng, samples)

    def chances(self, sample: Sample) -> Sequence[str]:
        return ()  # drawn from the file's captions

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return PLAIN.majority(samples)


@dataclass(frozen=True, eq=False)
class DrawnCaptions(Scenario):
    """Which of the drawn sentences fits. `Sample.target`: all sentences that do."""

    def oracle(self, sample: Sample, part: str = "") -> str:
        return next(choice for choice in sample.choices if choice in sample.target)

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return str(most_frequent(choice for sample in samples for choice in sample.choices))


def drawn_task(name: str, draws: Draws, files: tuple[str, ...], chef: Scorer, groups: tuple[str, ...]) -> DrawnCaptions:
    protocols: Mapping[str, Any] = {"standard": CaptionChoice(draws == "top_p"), "chef": chef}
    return DrawnCaptions(
        name=name,
        kind="options",
        meta_files=FILES,
        answer_files=files,
        protocols=protocols,
        read=partial(drawn_samples, draws=draws),
        groups=groups,
        own_format=False,
    )


TASKS = (
    Captions(
        name="chef-flickr30k",
        kind="captioning",
        meta_files=FILES,
        answer_files=("Flickr30k",),
        protocols={"standard": captioning.CaptionScorer(), "chef": SAID},
        read=samples,
        groups=("chef",),
        max_new_tokens=128,
        own_format=False,
        suits=(),
        answer_ways="direct",
    ),
    drawn_task("chef-flickr30k-ppl", "random", ("Flickr30k.random_ppl", "Flickr30k_ppl"), CHOSEN, ("chef",)),
    drawn_task(
        "chef-flickr30k-ppl-similar", "similar", ("Flickr30k.top_similarity_ppl", "Flickr30k_similar"), CHOSEN, ("chef-forms",)
    ),
    drawn_task("chef-flickr30k-ppl-top-p", "top_p", ("Flickr30k.top_p_ppl", "Flickr30k_top_p"), HALVES, ("chef-forms",)),
)
