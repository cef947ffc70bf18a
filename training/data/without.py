"""What a training must not see, so that its checkpoint has never met a task (leave one task out): `data.without`, `data.without_words`.

An entry of `without` is `FOLDER` (all that is said about the media of a folder), `FOLDER/TASK_TYPE` (what is said of one kind about
them), or the name of a task of LAMM's benchmark, which stands for the folders and kinds in which LAMM's layout and the miniature
teach it. `without_words` leaves out what a folder's name does not tell: every media of which any dialogue says one of the words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from lamm_bench.errors import BenchError, unknown
from lamm_bench.training.config.preset import Data
from lamm_bench.types import Media

from .dialogues import Dialogue

TAUGHT: dict[str, tuple[str, ...]] = {
    "cifar10": ("cifar10_images",),
    "voc2012": ("voc2012_images/detection",),
    "sqaimage": ("voc2012_images/VQA",),
    "ai2d": ("ai2d_images/VQA",),
    "flickr30k": ("voc2012_images/description",),
    "ucmerced": ("ucmerced_images",),
    "fsc147": ("fsc147_images/counting",),
    "svt": ("svt_images",),
    "celeba-smile": ("celeba_images",),
    "celeba-hair": ("celeba_images",),
    "lsp": ("lsp_images",),
    "locating-voc2012": ("voc2012_images/locating",),
    "locating-lsp": ("lsp_images/locating",),
    "locating-fsc147": ("fsc147_images/locating",),
    "scannet": ("scannet_pcls/detection3d",),
    "scanrefer": ("scannet_pcls/visual_grounding3d",),
    "scanqa": ("scannet_pcls/VQA3D",),
}
"""Where the miniature's train split teaches each task. A task whose answer is also told in descriptions of its pictures (the class
of an aerial picture, the colour of hair) takes its pictures along whole."""


def left_out(dialogues: Sequence[Dialogue], data: Data) -> tuple[list[Dialogue], list[Dialogue]]:
    """What remains, and what is left out, each in its order.

    Raises BenchError for an entry of `without` that is no task's name and fits no dialogue, with the nearest that does, and where
    nothing remains. Words that nobody says are no error: they are looked for in everything, what `without` leaves out included."""
    places_out, media_out = wanted_out(dialogues, data.without), saying(dialogues, data.without_words)
    kept: list[Dialogue] = []
    gone: list[Dialogue] = []
    for one in dialogues:
        (gone if one.media in media_out or not places_out.isdisjoint(places(one)) else kept).append(one)
    if gone and not kept:
        raise BenchError(f"data.without: {', '.join((*data.without, *data.without_words))} leaves nothing to learn from")
    return kept, gone


def wanted_out(dialogues: Sequence[Dialogue], without: Sequence[str]) -> set[str]:
    """Folders, and FOLDER/TASK_TYPE, that the entries stand for."""
    there = sorted({place for one in dialogues for place in places(one)}) if without else []
    wanted: set[str] = set()
    for entry in without:
        if entry in there:
            wanted.add(entry)
        elif found := {place for place in TAUGHT.get(entry, ()) if place in there}:
            wanted |= found
        elif entry in TAUGHT:
            raise BenchError(f"data.without: {entry} is taught in {', '.join(TAUGHT[entry])}, of which these data have nothing")
        else:
            raise unknown("entry of data.without (a task, a folder of media, or FOLDER/TASK_TYPE)", entry, [*TAUGHT, *there])
    return wanted


def saying(dialogues: Sequence[Dialogue], words: Sequence[str]) -> set[Media]:
    """The media of which any question or answer has one of the words, as a whole word in capitals or not.

    A word that is only a wrong option counts as well, so that nothing that is learnt holds any of them."""
    if not words:
        return set()
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
    return {one.media for one in dialogues if any(pattern.search(said) for turn in one.turns for said in turn)}


def places(one: Dialogue) -> tuple[str, str]:
    """What of `data.without` would leave a dialogue out. Of media in folders within folders the nearest to the file counts."""
    folder = Path(one.media.path).parent.name
    return folder, f"{folder}/{one.task_types[0]}"


def counted(dialogues: Iterable[Dialogue]) -> str:
    """How many there are about the media of each folder, in words.

    >>> counted([])
    'nothing'
    """
    talks: Counter[str] = Counter()
    media: dict[str, set[Media]] = {}
    for one in dialogues:
        folder = places(one)[0]
        talks[folder] += 1
        media.setdefault(folder, set()).add(one.media)
    return ", ".join(f"{name} {talks[name]:,} (of {len(media[name]):,} media)" for name in sorted(talks)) or "nothing"
