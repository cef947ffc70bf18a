"""`data.without`: dialogues that a training must not see, so that its checkpoint has never met a task (leave one task out).

An entry is `FOLDER` (all that is said about the media of a folder), `FOLDER/TASK_TYPE` (what is said of one kind about them), or
the name of a task of LAMM's benchmark, which stands for the folders and kinds in which LAMM's layout and the miniature teach it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lamm_bench.errors import BenchError, unknown

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


def left_out(dialogues: Sequence[Dialogue], without: Sequence[str]) -> tuple[list[Dialogue], int]:
    """What remains, and how many dialogues are left out.

    Raises BenchError for an entry that is no task's name and fits no dialogue, with the nearest that does, and where nothing remains."""
    if not without:
        return list(dialogues), 0
    there = sorted({place for one in dialogues for place in places(one)})
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
    kept = [one for one in dialogues if not wanted & set(places(one))]
    if not kept:
        raise BenchError(f"data.without: {', '.join(without)} leaves nothing to learn from")
    return kept, len(dialogues) - len(kept)


def places(one: Dialogue) -> tuple[str, str]:
    """What of `data.without` would leave a dialogue out. Of media in folders within folders the nearest to the file counts."""
    folder = Path(one.media.path).parent.name
    return folder, f"{folder}/{one.task_types[0]}"
