"""ChEF's chains, drawn for each item (reference 9.2). Draws are by the run's seed and the sample's id, where upstream has one stream for
a whole file: the method is the same, the draws are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from lamm_bench.media.corruptions import FAMILIES

Steps = tuple[tuple[str, int], ...]
FIRST, OPTIONS = ("contract", "expand"), ("options_left", "options_right", "options_reverse")
WORDS, CHARACTERS = ("synonyms", "insert_adverb", "append_irrelevant"), ("ocr", "typos", "spelling", "keyboard")
OR = "|"  # between methods of which the first counts that changes anything


@dataclass(frozen=True)
class Mix:
    """A chain that is drawn for each item."""

    draw: Callable[[Random], Steps]
    media: bool  # whether it changes media; else questions
    left_out: str = ""  # what of upstream's it lacks
    moves: bool = False
    cuts: bool = False


def eight(rng: Random) -> Steps:
    """One of each of four families, then the four that move the picture, each with its own severity."""
    drawn = [(rng.choice(FAMILIES[family]), rng.randint(1, 5)) for family in FAMILIES if family != "geometry"]
    return (*drawn, *((name, rng.randint(1, 5)) for name in FAMILIES["geometry"]))


def texts(rng: Random) -> Steps:
    """Lower case, contractions, a method of words, one of characters, and the options: turned by one place either way, or reversed.

    Of words and characters all methods are named in the order drawn: one that finds nothing to change gives way to the next."""
    words, characters = (OR.join(rng.sample(names, len(names))) for names in (WORDS, CHARACTERS))
    order = rng.choice((rng.choice(OPTIONS[:2]), OPTIONS[2]))
    return (("lower_case", 1), (rng.choice(FIRST), 1), (words, rng.randint(1, 5)), (characters, rng.randint(1, 5)), (order, 1))


NOT_HERE = (
    "chef-texts leaves out ChEF's sentence level (active and passive voice, formal and casual style, back translation), which needs "
    "models, and uses word lists of its own"
)
MIXES: dict[str, Mix] = {"chef-images": Mix(eight, True, moves=True, cuts=True), "chef-texts": Mix(texts, False, NOT_HERE)}
