"""The runs that the desiderata are made of: which there are to be, and which of them a run folder holds.

A leg is an ordinary run of the same items asked in another way, so it resumes, reports and compares as any other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.errors import BenchError, unknown

CALIBRATION, EXAMPLES, FOLLOWING, LANGUAGE, HALLUCINATION, ROBUSTNESS = NAMES = (
    "calibration",
    "in-context-learning",
    "instruction-following",
    "language-performance",
    "hallucination",
    "robustness",
)
"""In the order of ChEF's table."""

SETS = ("chef-scienceqa", "chef-mmbench")  # of all but hallucination; language performance has the first of them only
POPE = ("chef-pope-random", "chef-pope-popular", "chef-pope-adversarial")
SHOTS = (1, 2, 3)
RETRIEVERS = ("random", "fixed", "topk_text", "topk_image")
VERBALIZERS = ("natural-0", "natural-1", "natural-2", "neutral-0", "neutral-1", "unnatural-0")
CORRUPTED = ("images", "texts", "both")
PLAIN = "plain"


@dataclass(frozen=True)
class Leg:
    """One run: what it is called, and how it differs from the plain one."""

    name: str  # of its folder
    tasks: tuple[str, ...]
    recipe: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    corrupt: str = ""


@dataclass(frozen=True)
class Way:
    """How is asked: the base recipe, that of reasoning, and where corrupted items come from."""

    recipe: str = "desiderata/likelihood"
    reasoning: str = "desiderata/reasoning"
    retrievers: tuple[str, ...] = ("random",)
    files: bool = False  # ChEF's own corrupted folders instead of corruptions made on the fly

    def corruption(self, setting: str) -> str:
        """The value of `--corrupt` for one of CORRUPTED."""
        if self.files:
            return f"chef-files:{setting}"
        return "chef-images,chef-texts" if setting == "both" else f"chef-{setting}"


def legs(want: Collection[str], sets: Sequence[str] = SETS, pope: Sequence[str] = POPE, way: Way = Way()) -> list[Leg]:
    """The runs that some desiderata need, the plain one first. Raises `BenchError` for a name that is none of theirs."""
    for name in want:
        if name not in NAMES:
            raise unknown("desideratum", name, NAMES)
    if not want:
        raise BenchError(f"name at least one desideratum of {', '.join(NAMES)}")
    several = tuple(sets)
    found = []
    if {CALIBRATION, EXAMPLES, FOLLOWING, ROBUSTNESS} & set(want):
        found.append(Leg(PLAIN, several, way.recipe))
    if EXAMPLES in want:
        for retriever in way.retrievers:
            for count in SHOTS:
                own = {"instruction.examples.retriever": retriever, "instruction.examples.count": count}
                found.append(Leg(f"examples-{retriever}-{count}", several, way.recipe, own))
    if FOLLOWING in want:
        found += [Leg(f"verbalizer-{one}", several, way.recipe, {"instruction.verbalizer": one}) for one in VERBALIZERS]
    if LANGUAGE in want:
        found.append(Leg("reasoning", several[:1], way.reasoning))
    if HALLUCINATION in want:
        found.append(Leg("hallucination", tuple(pope), way.recipe))
    if ROBUSTNESS in want:
        found += [Leg(f"corrupted-{one}", several, way.recipe, corrupt=way.corruption(one)) for one in CORRUPTED]
    return found


def role_of(identity: Mapping[str, Any]) -> str:
    """The name of the leg that a run is, by what its manifest says of how it was asked; empty for one that is none.

    >>> plain = {"recipe": {"instruction": {}, "inferencer": {"name": "likelihood"}}, "data": {"chef-mmbench": ""}}
    >>> role_of(plain), role_of({**plain, "corrupt": "chef-images"}), role_of({**plain, "control": "blind"})
    ('plain', 'corrupted-images', '')
    """
    if identity.get("control"):
        return ""
    instruction, inferencer = identity["recipe"].get("instruction", {}), identity["recipe"].get("inferencer", {})
    examples = instruction.get("examples") or {}
    told = [
        f"examples-{examples.get('retriever', RETRIEVERS[0])}-{examples['count']}" if examples.get("count") else "",
        f"verbalizer-{instruction['verbalizer']}" if instruction.get("verbalizer") else "",
        corrupted(str(identity["corrupt"])) if identity.get("corrupt") else "",
        "reasoning" if inferencer.get("name") == "chain_of_thought" else "",
    ]
    roles = [role for role in told if role]
    if len(roles) > 1:
        return ""  # two changes at once are no leg of anything
    if roles:
        return roles[0]
    return "hallucination" if any("pope" in task for task in identity["data"]) else PLAIN


def corrupted(told: str) -> str:
    """The leg of a corruption; that of one which is none of ChEF's is no part of the desiderata.

    >>> corrupted("chef-images,chef-texts"), corrupted("chef-files:texts"), corrupted("fog:3")
    ('corrupted-both', 'corrupted-texts', '-')
    """
    names = {f"chef-{one}": one for one in CORRUPTED} | {f"chef-files:{one}": one for one in CORRUPTED}
    names |= {"chef-images,chef-texts": "both", "chef-texts,chef-images": "both"}
    return f"corrupted-{names[told]}" if told in names else "-"
