"""What the scenarios share: from an upstream item to a sample, and a task made of such samples.

A scenario file reads upstream's files into *items*, which hold what upstream's dataset class returns (reference 9.3): `id`,
`image_path` (relative to the data root), `question`, `gt_answers`, `options` ... Samples are made of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import load_json
from lamm_bench.read import LETTERS
from lamm_bench.task import Item, inside, items_in, lettered
from lamm_bench.tasks.loading import most_frequent
from lamm_bench.tasks.upstream_scorer import plain
from lamm_bench.types import Answer, Media, Modality, Sample, Scorer

UpstreamItem = dict[str, Any]
YES_NO = ("Yes", "No")


@dataclass(frozen=True, eq=False)
class Scenario:
    """A question with a closed set of answers about one or more images. `Sample.target`: the index of the right one in `choices`."""

    name: str
    kind: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    read: Callable[[Path], Iterable[Sample]]
    content_of: Callable[[Mapping[str, Any]], Hashable | None] | None = None
    oddities: Callable[[Path], Iterable[tuple[str, str]]] | None = None
    groups: tuple[str, ...] = ("chef",)
    modality: Modality = "image"
    max_new_tokens: int = 64
    apart: bool = True
    own_format: bool = True
    suits: tuple[str, ...] = ("lamm/likelihood",)
    corrupted: Callable[[Path, str], Iterable[Sample]] | None = None  # the released files with corrupted images, texts, or both
    corrupted_folder: str = ""  # where these lie
    answer_ways: str = ""  # a pattern of what may end the name of an answer file, where a set has several tasks

    def samples(self, root: Path) -> list[Sample]:
        return list(self.read(root))

    def oracle(self, sample: Sample, part: str = "") -> str:
        return said(sample, sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return said(sample, rng.randrange(len(sample.choices)))

    def chances(self, sample: Sample) -> Sequence[str]:
        return [said(sample, index) for index in range(len(sample.choices))]

    def majority(self, samples: Sequence[Sample]) -> Answer:
        """The letter, or the text of options without letters, that is most often right."""
        return str(most_frequent(said(sample, sample.target) for sample in samples))

    def as_upstream(self, sample: Sample) -> Sample:
        """The sample with what upstream draws for it where ours is drawn by its id (`meta["as upstream"]`): its options, or its turns."""
        drawn = dict(sample.meta.get("as upstream", {}))
        choices = drawn.pop("choices", sample.choices)
        return replace(sample, choices=choices, meta={**sample.meta, **drawn})


def said(sample: Sample, index: int) -> str:
    """An option as an answer.

    >>> said(Sample("1", "", (), 0, "", ("a", "b")), 1), said(Sample("1", "", (), 0, "", YES_NO, meta={"letters": False}), 1)
    ('(B)', 'No')
    """
    return f"({LETTERS[index]})" if lettered(sample) else sample.choices[index]


def listed(question: str, choices: Sequence[str]) -> str:
    """A question with its options behind it, one a line.

    >>> listed("Which?", ("a cat", "a dog"))
    'Which?\\n(A) a cat\\n(B) a dog'
    """
    return "\n".join([question.strip(), *(f"({letter}) {choice}" for letter, choice in zip(LETTERS, choices))])


def sample_of(root: Path, item: UpstreamItem, question: str, choices: Sequence[str], target: int, **meta: Any) -> Sample:
    """A sample of an upstream item; what errors are clustered by are its pictures."""
    paths = [item["image_path"]] if isinstance(item["image_path"], str) else item["image_path"]
    media = tuple(Media("image", str(root / path)) for path in paths)
    return Sample(str(item["id"]), question, media, target, " ".join(paths), tuple(choices), (), {"letters": "alone", **meta})


def chosen_text(answer: Answer, sample: Sample) -> str:
    """An answer as upstream's likelihoods would give it: of options that are level the first, where ours say that they are."""
    text, scores = plain(answer, sample), sample.meta.get("scores", ())
    if text.startswith("tie: ") and len(scores) == len(sample.choices):
        return sample.choices[scores.index(max(scores))]
    return text


def yes_no_sample(root: Path, item: UpstreamItem, **meta: Any) -> Sample:
    """A sample of a question that is to be answered with yes or no."""
    target = YES_NO.index(item["gt_answers"].capitalize())
    return sample_of(root, item, item["question"], YES_NO, target, letters=False, **meta)


def entries_of(file: Path, key: str, name: str) -> Iterable[Item]:
    """The items of a file that holds an object with a list under `key`; ids are called `name`."""
    data = load_json(file)
    found = data.get(key) if isinstance(data, dict) else None
    if not isinstance(found, list):
        raise BenchError(f"{file} has no list under `{key}`; expected the official file, an object with `{key}`")
    return items_in(file, found, name)


def picture(root: Path, folder: Path, relative: str, item: Item) -> str:
    """A picture's path below the data root; refused where it leaves its folder."""
    return inside(folder, relative, item).relative_to(root).as_posix()
