"""What a run asked, word by word: its dialogues are begun again, and every request is compared with the digest in the run's records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.coordinates import Wording, of_manifest, spoken
from lamm_bench.ask.recipe import BEHIND, Recipe, recipe_of
from lamm_bench.ask.runner import Plan, flow_of
from lamm_bench.ask.shots import Shots, shots_for
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.keep.files import request_digest
from lamm_bench.keep.ledger import Ledger
from lamm_bench.types import Generate, Media, Request, Sample

MOST = 20  # requests that are shown of one sample
OTHER = "today's code would ask this; the run's records are of other words"
EXAMPLES = "its examples were chosen with an embedder, which is not asked again for a page"


@dataclass(frozen=True)
class Said:
    """One request of a dialogue: its messages as role and texts (media as `<kind>`), options to weigh, and the beginning of an answer."""

    messages: tuple[tuple[str, str], ...]
    options: tuple[str, ...] = ()
    begun: str = ""
    part: str = ""
    exact: bool = True  # whether it is the very request that the records answer


@dataclass
class Questions:
    """The dialogues of one run about one task."""

    recipe: Recipe | None
    work: Plan
    ledger: Ledger
    manifest: Mapping[str, Any]
    catalog: Catalog
    why_not: str = ""
    shots: Shots | None = field(default=None, repr=False)
    wording: Wording | None = None

    @classmethod
    def of(cls, manifest: Mapping[str, Any], work: Plan, ledger: Ledger, catalog: Catalog) -> Questions:
        """Never fails: where a dialogue cannot be begun again, `why_not` says it."""
        own = cls(None, work, ledger, manifest, catalog)
        try:
            own.recipe = recipe_of_run(manifest, catalog)
            own.wording = Wording(of_manifest(manifest) or spoken(own.recipe, None))
            examples = own.recipe.instruction.examples
            if examples.count and examples.embedder_name:
                own.why_not = EXAMPLES
            elif examples.count:
                chosen = shots_for(examples, catalog.embedder, manifest["identity"].get("control"))
                own.shots = chosen(work.task, work.file)
        except BenchError as error:
            own.why_not = str(error)
        return own

    def __call__(self, sample: Sample) -> tuple[Said, ...]:
        """The requests of a sample, as far as the records go. `sample` is that of the plan, its media hidden where the run hid them."""
        if self.recipe is None or self.why_not:
            return ()
        said = self.ledger.said.get(sample.id, {})
        found: list[Said] = []
        try:
            shown = self.shots(sample) if self.shots is not None else ()
            seed = self.manifest["identity"].get("seed", 0)
            flow = flow_of(self.recipe, self.work.task, sample, seed, self.wording, shown)
            request = next(flow)
            for step in range(MOST):
                digest, response = said.get(step, ("", None))
                found.append(as_said(request, digest == request_digest(request)))
                if response is None or response.error is not None:
                    break
                request = flow.send(response)
        except (StopIteration, MediaError, BenchError):
            pass
        return tuple(found)


def as_said(request: Request, exact: bool) -> Said:
    messages = tuple(
        (message.role, "".join(f"<{part.kind}>\n" if isinstance(part, Media) else part for part in message.parts))
        for message in request.messages
    )
    if isinstance(request, Generate):
        return Said(messages, part=request.part, exact=exact)
    return Said(messages, request.options, request.begun, request.part, exact)


def recipe_of_run(manifest: Mapping[str, Any], catalog: Catalog) -> Recipe:
    """The recipe that a run was asked by: the one of its name if it is still the same, else the one that the manifest holds.

    Raises `BenchError` where it holds none that can be understood."""
    told = manifest["identity"]["recipe"]
    name = str(told.get("name", ""))
    base, _, changes = name.partition(BEHIND)
    if base in catalog.recipes:
        try:
            known = catalog.recipe(base, split(changes))
            if known.identity() == told:
                return known
        except BenchError:
            pass  # it is another one now
    worded = {key: value for key, value in told.get("instruction", {}).items() if key not in ("texts", "pools")}
    return recipe_of(
        {
            **{key: told.get(key) for key in ("scenario", "inferencer")},
            "instruction": worded,
            "metric": {"protocols": ["standard"]},
        },
        name,
    )


def split(changes: str) -> Sequence[str]:
    """The overrides in a recipe's name.

    >>> split("instruction.prompt=3, inferencer.option=text"), split("")
    (['instruction.prompt=3', 'inferencer.option=text'], [])
    """
    return changes.split(", ") if changes else []
