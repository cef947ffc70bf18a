"""One self-contained HTML page to review a constructed data set: a sample of dialogues with their media, facts and verdicts.

It needs no server and no network. Decisions are made by keyboard, stay in the browser until they are saved as a file, and are taken
into the construction by `lamm-bench data review DIR --take FILE`, where `data construct` honours them."""

from .gather import Reviewed, gather
from .page import page

__all__ = ["Reviewed", "gather", "page"]
