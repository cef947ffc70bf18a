"""OmniBenchmark with the Bamboo tree: names of four levels, coarse to fine, and how deep an answer agrees (ChEF, reference 1.17.1, 9.3).

`ChEF/OmniBenchmark_Bamboo/meta_file/Classification_Omnibenchmark.json` and `Bamboo/tree.json` (`id2name`, `father2child`,
`child2father`). One answer is to name the finest; answer files of upstream's four turns, each with the true name
of the level above in its question, are scored too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import load_json, shorten
from lamm_bench.task import Item, find_meta, read_items
from lamm_bench.types import Sample, Turn

from .omnibenchmark_scoring import LEVELS, ChainScorer, ChainStandard
from .scenario import Scenario, UpstreamItem, picture, sample_of

FILE = "ChEF/OmniBenchmark_Bamboo/meta_file/Classification_Omnibenchmark.json"
TREE = ("Bamboo/tree.json", "ChEF/OmniBenchmark_Bamboo/Bamboo/tree.json")
OTHERS = 3  # siblings that are options beside the true name


@dataclass(frozen=True)
class Bamboo:
    """The tree of categories; a name stands for the last id that has it, as its first name or another."""

    names: dict[str, list[str]]
    children: dict[str, list[str]]
    fathers: dict[str, list[str]]
    ids: dict[str, str]

    def siblings(self, chain: list[str], level: int) -> list[str]:
        """The ids among which a label of a chain stands: the children of the one above it, at the top of its own first father."""
        if level:
            father = self.ids.get(chain[level - 1], "")
        else:
            father = next(iter(self.fathers.get(self.ids.get(chain[0], ""), [])), "")
        return self.children.get(father, [])

    def known(self, ids: list[str], label: str) -> list[str]:
        """The first names of those ids that their names lead back to, but for the one that the label stands for."""
        led = [one for one in ids if self.names.get(one) and self.ids[self.names[one][0]] == one]
        return [self.names[one][0] for one in led if one != self.ids.get(label)]


def bamboo(root: Path) -> Bamboo:
    file = find_meta(root, TREE)
    data = load_json(file)
    keys = ("id2name", "father2child", "child2father")
    if not isinstance(data, dict) or any(not isinstance(data.get(key), dict) for key in keys):
        raise BenchError(f"{file} is no Bamboo tree; expected an object with {', '.join(keys)}")
    for key in keys:
        for one, named in data[key].items():
            if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
                raise BenchError(f"{file}: `{key}` of {shorten(one)} is {shorten(named)}, expected a list of texts")
    ids = {name: one for one, names in data["id2name"].items() for name in names}
    return Bamboo(data["id2name"], data["father2child"], data["child2father"], ids)


def chain_of(item: Item) -> list[str]:
    chain = item.texts("chain", least=LEVELS)
    if len(chain) != LEVELS or len(set(chain)) != LEVELS:
        raise item.fault(f"`chain` is {shorten(chain)}, expected {LEVELS} different names, coarse to fine")
    return chain


def items(root: Path, multi: bool = True) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file, with options, drawn in the file's order."""
    file, tree = find_meta(root, (FILE,)), bamboo(root)
    rng = Random(0)
    found = list(read_items(root, (FILE,)))
    sets = label_sets([chain_of(item) for item in found], tree)
    for item in found:
        chain = chain_of(item)
        turns = []
        for level, (label, prefix) in enumerate(zip(chain, [None, *chain])):
            turn = {"prompt_idx": int(level > 0), "prefix": prefix}
            turns.append({**turn, "options": drawn(label, sets[label], rng)})
        yield {
            "id": item.id,
            "image_path": picture(root, file.parent.parent, item.text("image"), item),
            "gt_answers": chain,
            "realm_name": item.text("realm_name"),
            **({"multi_turn_prefix": [{key: turn[key] for key in ("prompt_idx", "prefix")} for turn in turns]} if multi else {}),
            "options": turns if multi else turns[-1]["options"],
        }


def label_sets(chains: list[list[str]], tree: Bamboo) -> dict[str, list[str]]:
    """For each label itself and its siblings, as they were when it was first met; a sibling's set is that of the last of its own met."""
    sets: dict[str, list[str]] = {}
    for chain in chains:
        for level, label in enumerate(chain):
            if label not in sets:
                names = tree.known(tree.siblings(chain, level), label)
                sets |= dict.fromkeys([*names, label], [label, *names])
    return sets


def drawn(label: str, names: list[str], rng: Random) -> list[str]:
    others = [name for name in names if name != label]
    rng.shuffle(others)
    options = [*others[:OTHERS], label]
    rng.shuffle(options)
    return options


def samples(root: Path) -> Iterator[Sample]:
    """One question an item, with the finest level's options; answers to the turns of upstream's four levels are read too."""
    tree = bamboo(root)
    for item in items(root):
        chain, turns = item["gt_answers"], [tuple(turn["options"]) for turn in item["options"]]
        question = "\n".join(["What is shown in the image?", *turns[-1]])
        ids = ((), *(tuple(tree.siblings(chain, level)) for level in range(1, LEVELS)))  # at the top they cannot change anything
        known: dict[str, Any] = {"chain": tuple(chain), "turns": tuple(turns), "ids": ids}
        yield sample_of(root, item, question, turns[-1], turns[-1].index(chain[-1]), letters=False, **known)


@dataclass(frozen=True, eq=False)
class Chains(Scenario):
    """Names from coarse to fine, asked one after the other or the finest alone."""

    def turns(self, sample: Sample) -> list[Turn]:
        """One turn a level, each behind the true name of the level above."""
        chain = ("", *sample.meta["chain"])
        return [Turn(int(level > 0), chain[level], options) for level, options in enumerate(sample.meta["turns"])]


TASKS = (
    Chains(
        name="chef-omnibenchmark",
        kind="options",
        meta_files=(FILE,),
        answer_files=("Omnibenchmark",),
        protocols={"standard": ChainStandard(), "chef": ChainScorer()},
        read=samples,
    ),
)
