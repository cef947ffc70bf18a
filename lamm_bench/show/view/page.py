"""The page itself: one document, its styles and its scripts, none of them from elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

from lamm_bench.show.report.text import esc

HERE = Path(__file__).parent
MARK = "lamm-bench view"  # stands in the page of every folder that may be written over
STYLES = ("page.css", "parts.css")
SCRIPTS = (
    "base.js",
    "state.js",
    "load.js",
    "charts.js",
    "overview.js",
    "search.js",
    "filter.js",
    "list.js",
    "cloud.js",
    "picture.js",
    "sample.js",
    "live.js",
    "main.js",
)
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"


def page_text(title: str) -> str:
    """The document, which loads what lies beside it and nothing else."""
    styles = "".join(f'<link rel="stylesheet" href="page/{name}">' for name in STYLES)
    scripts = "".join(f'<script src="page/{name}"></script>\n' for name in SCRIPTS)
    return (
        f'<!doctype html>\n<!-- {MARK} -->\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{esc(title, 200)} · lamm-bench</title>\n{styles}</head>\n"
        f'<body><div id="page"><noscript>This page needs its scripts, which lie beside it.</noscript></div>\n{scripts}'
        '<script src="data/meta.js"></script></body></html>\n'
    )


def write_page(place: Path, title: str) -> None:
    """The page with its style and its scripts, as files of a folder."""
    (place / "index.html").write_text(page_text(title), encoding="utf-8")
    (place / "page").mkdir()
    for name in (*STYLES, *SCRIPTS):
        shutil.copyfile(HERE / name, place / "page" / name)
