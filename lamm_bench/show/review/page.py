"""Puts a review together: one HTML page with its style, its scripts and all its data inside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lamm_bench.data.construct.facts import Facts
from lamm_bench.keep.files import digest
from lamm_bench.show.report.cards import media_html
from lamm_bench.show.report.pictures import PackedCloud
from lamm_bench.show.report.shapes import Shape
from lamm_bench.show.report.text import as_script, esc
from lamm_bench.types import Media

from .gather import Reviewed

HERE = Path(__file__).parent
REPORT = HERE.parent / "report"


@dataclass(frozen=True)
class Places:
    """What is annotated, drawn on the picture or into the cloud."""

    true_shapes: Sequence[Shape]
    answer_shapes: Sequence[Shape] = ()


def page(name: str, shown: Sequence[Reviewed], total: int) -> str:
    """The whole page. Its policy allows no network at all and only the two scripts that stand in it."""
    style = "".join((folder / file).read_text(encoding="utf-8") for folder, file in ((REPORT, "page.css"), (HERE, "review.css")))
    scripts = [(folder / file).read_text(encoding="utf-8") for folder, file in ((REPORT, "page.js"), (HERE, "review.js"))]
    clouds: dict[str, PackedCloud] = {}
    cards = "".join(card(one, clouds) for one in shown)
    state = {"name": name, "page": digest([[one.dialogue.id, one.text] for one in shown])}
    hashed = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {hashed}; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{esc(name)} · review</title>\n<style>\n{style}</style></head>\n'
        f"<body><header><h1>{esc(name)} <small>{len(shown)} of {total:,} dialogues</small></h1>"
        '<p class="legend keys"><kbd>j</kbd> <kbd>k</kbd> next, previous · <kbd>a</kbd> accept · <kbd>r</kbd> reject · <kbd>u</kbd> undo · <kbd>s</kbd> save the decisions as a file</p></header>'
        f'{filters(shown)}<main><p class="none" id="none" hidden>No dialogue has this kind and this verdict.</p><section class="task" data-task=""><div class="cards">{cards}</div></section></main>\n'
        f'<script type="application/json" id="clouds">{as_script([asdict(cloud) for cloud in clouds.values()])}</script>\n'
        f'<script type="application/json" id="review">{as_script(state)}</script>\n'
        f"<script>{scripts[0]}</script>\n<script>{scripts[1]}</script></body></html>\n"
    )


def filters(shown: Sequence[Reviewed]) -> str:
    """Choices of kind and verdict, how far the review is, and the button that saves."""
    kinds = "".join(
        f'<option value="{esc(kind)}">{esc(kind)}</option>' for kind in dict.fromkeys(one.dialogue.kind for one in shown)
    )
    reasons = dict.fromkeys(one.verdict.reason or "kept" for one in shown)
    options = "".join(f'<option value="{esc(reason)}">{esc(reason)}</option>' for reason in reasons)
    return (
        f'<nav><label>kind <select id="by-task"><option value="">all</option>{kinds}</select></label>'
        f'<label>verdict <select id="by-status"><option value="">all</option>{options}</select></label>'
        '<label class="truth"><input type="checkbox" id="show-truth" checked> annotated</label><input type="checkbox" id="show-said" hidden>'
        '<span id="count"></span><span id="decided"></span><button type="button" id="save">save decisions</button></nav>'
    )


def card(one: Reviewed, clouds: dict[str, PackedCloud]) -> str:
    """One `<article>`: medium, turns, facts and verdict beside each other."""
    reason = one.verdict.reason
    pill = f'<span class="pill bad">{esc(reason)}</span>' if reason else '<span class="pill good">kept</span>'
    why = f'<p class="note">{esc(one.verdict.what)}</p>' if reason else ""
    turns = "".join(
        f"<dt>asked</dt><dd>{esc(turn.question)}</dd><dt>answer</dt><dd>{esc(turn.answer)}</dd>" for turn in one.dialogue.turns
    )
    picture = media_html(Media(one.facts.kind, one.facts.file), Places(places(one.facts)), clouds)
    return (
        f'<article class="card" tabindex="-1" data-task="{esc(one.dialogue.kind)}" data-status="{esc(reason or "kept")}"'
        f' data-id="{esc(one.dialogue.id, 10**6)}" data-text="{esc(one.text)}" data-decision="{esc(one.decision)}">'
        f'<div class="top"><b>{esc(one.dialogue.id)}</b>{pill}<span class="pill decision"></span></div>'
        f"{picture}{why}<dl>{turns}</dl><details><summary>facts</summary><pre>{esc(told(one.facts))}</pre></details>"
        '<p class="buttons"><button type="button" data-say="accept">accept</button> <button type="button" data-say="reject">reject</button></p></article>'
    )


def places(facts: Facts) -> tuple[Shape, ...]:
    """Boxes, joints and points to be drawn."""
    found = [Shape(thing.label, thing.box) for thing in facts.things if thing.box]
    found += [Shape(name, point) for name, point in facts.joints.items()] + [Shape("", point) for point in facts.points]
    return (*found, *(Shape("sought", one.box) for one in facts.sought))


def told(facts: Facts) -> str:
    """The facts as lines, without what the page shows anyway."""
    return "\n".join(
        f"{name}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in facts.to_json().items()
        if name not in ("id", "kind", "file")
    )
