"""Every page there is, in the states in which it is looked at: where it is, and what is done before it is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from .faces_made import Made

DESK, PHONE = (1280, 860), (390, 844)
HELPS = """
const until = async (what, rounds = 3000) => { for (let i = 0; i < rounds && !what(); i++) await new Promise((go) => setTimeout(go, 10)); if (!what()) throw new Error("never: " + what); };
const all = (selector) => [...document.querySelectorAll(selector)], one = (selector) => document.querySelector(selector);
const key = (name) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
const settled = async () => {
  await document.fonts.ready;
  await until(() => [...document.images].every((image) => image.complete || image.loading === "lazy"));
  for (let frames = 0; frames < 3; frames++) await new Promise((go) => requestAnimationFrame(go));
};
"""
LOADED = "await until(() => lammView.loaded && (one('.scores') || one('.row') || one('.hint') || one('.chart')));"
TILES = LOADED + "await until(() => all('.tile').length === 4);"
SAMPLE = LOADED + "await until(() => one('.side') && !one('.stage.loading'));"
CLOUD = SAMPLE + "await until(() => one('canvas.cloud')?.width > 300); lammView.turning.look(0.6, 1.0);"


@dataclass(frozen=True)
class Page:
    """One state of one page. A `figure` is seen as large as it is; where a server `refuses`, the browser says so in its log; what is
    `mixed` is covered by a dialog or a white drawing, so that its mean tells no shade."""

    name: str
    address: Callable[[Made], str]
    steps: str = ""
    figure: bool = False
    refuses: bool = False
    mixed: bool = False


def viewed(name: str, link: Callable[[Made], str] | str, steps: str, mixed: bool = False) -> Page:
    return Page(f"view-{name}", lambda made: made.view + (link if isinstance(link, str) else link(made)), steps, mixed=mixed)


def drawn(name: str) -> Page:
    return Page(f"figure-{name}", lambda made: made.figure(name), figure=True)


VIEW = (
    viewed("overview", "#overview", TILES),
    viewed(
        "facts",
        "#overview",
        TILES + "for (const fold of all('details.run')) fold.open = true; one('.facts').scrollIntoView();",
    ),
    viewed("samples", "#samples", LOADED),
    viewed("none", "#samples&q=nobody+says+this", LOADED),
    viewed("disagreement", lambda made: made.sample("cifar10").replace("&open", "&pair=a%3Eb&open"), SAMPLE),
    viewed("picture", lambda made: made.sample("voc2012"), SAMPLE),
    viewed("points", lambda made: made.sample("lsp"), SAMPLE),
    viewed("cloud", lambda made: made.sample("scannet"), CLOUD),
    viewed("caption", lambda made: made.sample("flickr30k"), SAMPLE),
    viewed(
        "prompt",
        lambda made: made.sample("sqaimage", 3),
        SAMPLE + "for (const fold of all('details')) fold.open = true; one('.sides').scrollIntoView();",
    ),
    viewed("failed", lambda made: made.first("model_error"), SAMPLE),
    viewed("truncated", lambda made: made.first("truncated"), SAMPLE),
    viewed(
        "large", lambda made: made.sample("voc2012"), SAMPLE + "one('.frame').click(); await until(() => one('dialog.large'));"
    ),
    viewed("keys", "#overview", TILES + "key('?'); await until(() => one('dialog.help'));", mixed=True),
    viewed("charts", "#charts&task=cifar10", LOADED),
    viewed("charts-sizes", "#charts&task=voc2012", LOADED),
    viewed("charts-counts", "#charts&task=fsc147", LOADED),
    Page("view-alone-overview", lambda made: f"{made.alone}#overview", LOADED),
    Page("view-alone-likelihood", lambda made: f"{made.alone}#samples&task=sqaimage", LOADED + "key('j');" + SAMPLE),
    Page(
        "view-alone-reliability",
        lambda made: f"{made.alone}#charts&task=cifar10",
        LOADED + "one('.reliability').closest('.chart').scrollIntoView();",
    ),
)
LIVE = (
    Page("live-waiting", lambda made: f"{made.waiting}#overview", LOADED),
    Page("live-waiting-samples", lambda made: f"{made.waiting}#samples", LOADED),
    Page("live-overview", lambda made: f"{made.live}#overview", LOADED + "await until(() => one('.coming'));"),
    Page("live-samples", lambda made: f"{made.live}#samples&task=cifar10", LOADED + "key('j');" + SAMPLE),
)
REPORT = (
    Page("report-top", lambda made: made.report),
    Page("report-cards", lambda made: made.report, "one('#task-voc2012').scrollIntoView();"),
    Page(
        "report-metrics",
        lambda made: made.report,
        "one('#task-voc2012 details').open = true; one('#task-voc2012').scrollIntoView();",
    ),
    Page(
        "report-large",
        lambda made: made.report,
        "const shape = one('#task-voc2012 figure:not(.cloud)'), small = shape.clientWidth; shape.click(); await until(() => shape.clientWidth > small); one('.card.large').scrollIntoView();",
    ),
    Page("report-cloud", lambda made: made.report, "one('#task-scannet').scrollIntoView(); await until(() => views.size > 0);"),
    Page("report-words", lambda made: made.report, "one('#task-flickr30k').scrollIntoView();"),
    Page(
        "report-sure",
        lambda made: made.sure_report,
        "for (const one of all('details')) one.open = true; one('section.task').scrollIntoView();",
        mixed=True,
    ),
)
REVIEW = (
    Page("review-top", lambda made: made.review),
    Page(
        "review-decided",
        lambda made: made.review,
        "for (const one of ['j', 'a', 'r', 'a']) key(one); all('.card details')[3].open = true;",
    ),
    Page("review-cloud", lambda made: made.review, "one('.cloud').scrollIntoView(); await until(() => views.size > 0);"),
    Page(
        "review-none",
        lambda made: made.review,
        "byId('by-status').append(new Option('place')); byId('by-status').value = 'place'; filter();",
    ),
)
PUT = (
    "const asked = async (words) => { byId('words').value = words; byId('say').requestSubmit(); await until(() => !talk.busy); };"
)


def shown(made: Made) -> str:
    """What gives the picture and the cloud to the demo, as data of the page."""
    import base64

    files = {"house.png": ("image/png", made.photo), "room.npy": ("application/octet-stream", made.cloud)}
    return json.dumps(
        {name: f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}" for name, (kind, path) in files.items()}
    )


DEMO = (
    Page("demo-empty", lambda made: made.demo),
    Page(
        "demo-picture",
        lambda made: made.demo,
        PUT
        + "await show('house.png', FILES['house.png']); await until(() => one('.frame img')); await asked('Where is the house?'); await asked('Give its place again, please, and say what else there is to be seen in this picture.'); await until(() => one('rect.shape'));",
    ),
    Page(
        "demo-cloud",
        lambda made: made.demo,
        PUT
        + "await show('room.npy', FILES['room.npy']); await until(() => one('canvas.cloud')); await asked('What stands in this room?'); await until(() => lammView.turning.boxes.length === 4); lammView.turning.look(0.6, 1.0);",
    ),
    Page(
        "demo-failed",
        lambda made: made.demo,
        PUT + "await show('house.png', FILES['house.png']); await until(() => one('.frame img')); await asked('explode');",
        refuses=True,
    ),
    Page(
        "demo-broken",
        lambda made: made.demo,
        "await show('notes.npy', 'data:application/octet-stream;base64,AAAA'); await until(() => one('.broken'));",
        refuses=True,
    ),
    Page(
        "demo-alone",
        lambda made: made.demo_alone,
        PUT
        + "await show('house.png', FILES['house.png']); await until(() => one('.frame img')); for (const words of ['Where is the house?', 'Is anybody at home?', 'What is the weather like?', 'And where is the door?']) await asked(words);",
    ),
)
KINDS = ("forest", "radar", "samples", "seeds", "reliability", "hexagon", "robustness")
FIGURES = tuple(drawn(name) for name in KINDS)
GRADIO = (
    Page("gradio-empty", lambda made: made.gradio, "await until(() => one('textarea') && all('.bubble-wrap').length === 2);"),
    Page(
        "gradio-picture",
        lambda made: made.gradio,
        "await until(() => one('.image-container img, [data-testid=image] img, .image-frame img'));"
        "const words = one('textarea'); words.value = 'Where is the house?'; words.dispatchEvent(new Event('input', { bubbles: true }));"
        "await until(() => !one('.submit-button').disabled); one('.submit-button').click();"
        "await until(() => document.body.textContent.split('its door is closed').length > 2 && !one('textarea').value);",
    ),
)
PAGES = {page.name: page for page in (*VIEW, *LIVE, *REPORT, *REVIEW, *DEMO)}
