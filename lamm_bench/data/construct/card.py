"""The data card: what is in a constructed set, of what it was made, and what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lamm_bench.keep.files import digest
from lamm_bench.loading import read_text
from lamm_bench.version import __version__

from .checks import REASONS
from .dialogue import Dialogue, Verdict
from .facts import Facts
from .plan import Plan

HERE = Path(__file__).parent


def wording() -> str:
    """A digest of templates and prompts: other wordings make other data."""
    return digest([read_text(HERE / name) for name in ("templates.yaml", "prompts.yaml", "names.yaml")], 8)


def card(
    plan: Plan,
    facts: Sequence[Facts],
    rejected: Sequence[Mapping[str, Any]],
    dialogues: Sequence[Dialogue],
    verdicts: Sequence[Verdict],
    model: str,
    asked: Mapping[str, Mapping[str, int]],
    spent: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Everything that is counted, as JSON."""
    kept = {one.id for one in verdicts if not one.reason}
    kind_of = {one.id: one.kind for one in dialogues}
    mine = [one for one in dialogues if one.id in kept]
    kinds: dict[str, Any] = {}
    for kind in plan.kinds:
        reasons = Counter(v.reason for v in verdicts if v.reason and kind_of.get(v.id, v.id.split("/")[0]) == kind)
        own = [one for one in mine if one.kind == kind]
        kinds[kind] = {
            **asked.get(kind, {}),
            "kept": len(own),
            "turns": sum(len(one.turns) for one in own),
            "media": len({one.facts for one in own}),
            "task_types": dict(Counter(one.task_type for one in own).most_common()),
            "refused": dict(reasons.most_common()),
        }
    return {
        "name": plan.name,
        "licence": plan.licence,
        "made_with": f"lamm-bench {__version__}, wordings {wording()}",
        "plan": plan.digest,
        "seed": plan.seed,
        "model": model or None,
        "spent": total(spent),
        "dialogues": len(mine),
        "kinds": kinds,
        "sources": [
            {
                "name": source.name,
                "reader": source.reader,
                "licence": source.licence,
                "media": sum(one.source == source.name for one in facts),
                "left_out": dict(Counter(r["reason"] for r in rejected if r["source"] == source.name).most_common()),
            }
            for source in plan.sources
        ],
        "left_out": dict(Counter(r["reason"] for r in rejected).most_common()),
        "notes": list(notes),
    }


def total(spent: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Calls, tokens and cost of all processes that asked."""
    sums: Counter[str] = Counter()
    for one in spent:
        sums.update({key: value for key, value in one.items() if isinstance(value, int | float) and not isinstance(value, bool)})
    return {key: round(value, 6) for key, value in sums.items()}


def as_text(data: Mapping[str, Any]) -> str:
    """The card in Markdown."""
    lines = [
        f"# {data['name']}",
        "",
        f"{data['dialogues']:,} dialogues in LAMM's format, constructed with {data['made_with']} (plan {data['plan']}, seed {data['seed']}). Licence: {data['licence']}.",
        f"Language model: {data['model']}." if data["model"] else "No language model was used.",
        *([f"Spent: {', '.join(f'{key} {value:,}' for key, value in data['spent'].items())}."] if data["spent"] else []),
        "",
        "| kind | kept | turns | media | refused | reasons |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for kind, one in data["kinds"].items():
        reasons = ", ".join(f"{name} {count:,}" for name, count in one["refused"].items())
        lines.append(
            f"| {kind} | {one['kept']:,} | {one['turns']:,} | {one['media']:,} | {sum(one['refused'].values()):,} | {reasons} |"
        )
    lines += ["", "| task_type | dialogues |", "| --- | ---: |"]
    types: Counter[str] = Counter()
    for one in data["kinds"].values():
        types.update(one["task_types"])
    lines += [f"| {name} | {count:,} |" for name, count in types.most_common()]
    lines += ["", "| source | reader | licence | media | left out |", "| --- | --- | --- | ---: | --- |"]
    for one in data["sources"]:
        left = ", ".join(f"{name} {count:,}" for name, count in one["left_out"].items())
        lines.append(f"| {one['name']} | {one['reader']} | {one['licence']} | {one['media']:,} | {left} |")
    seen = [name for one in data["kinds"].values() for name in one["refused"]]
    lines += ["", *(f"- `{name}`: {REASONS[name]}" for name in REASONS if name in seen)]
    lines += ["", *(f"- {note}" for note in data["notes"])]
    return "\n".join(lines).rstrip() + "\n"
