"""Text on its way into HTML: escaped, of bounded length, without characters that a page cannot hold."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from lamm_bench.measure.stats import decimals

TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # would turn a line around: shown as escapes
HELD = re.compile("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # by no page
LONGEST = 4000  # characters of one text


def esc(value: Any, longest: int = LONGEST) -> str:
    """Text that a browser shows as it is, wherever it stands in the page; what is longer than `longest` is cut.

    >>> esc('<b onclick="x">&\\x00')
    '&lt;b onclick=&quot;x&quot;&gt;&amp;\ufffd'
    """
    return html.escape(clean(value, longest), quote=True)


def clean(value: Any, longest: int = LONGEST) -> str:
    """Text of bounded length without characters that a page cannot hold, or that would turn its lines around; not escaped."""
    text = str(value)
    if len(text) > longest:
        text = f"{text[:longest]} … ({len(text) - longest:,} more characters)"
    if text.isprintable():
        return text
    return TURNS.sub(lambda found: f"\\u{ord(found[0]):04x}", HELD.sub("\ufffd", text))


def as_script(value: Any) -> str:
    """JSON for a `<script type="application/json">`: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def figure(value: Any, digits: int = 2) -> str:
    """A number for a table; a dash where there is none.

    >>> figure(12.3456), figure(3), figure(None), figure(0.0123)
    ('12.35', '3', '-', '0.012')
    """
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return str(value)
    return decimals(value, 3 if 0 < abs(value) < 0.1 else digits)
