"""One self-contained HTML file per run: scores with intervals, and samples with their pictures, boxes and answers.

The file needs no network and no second file; everything that a model or a data set says is escaped, and the page's own
policy forbids any script but its own. Samples are those of the `standard` protocol, the worst first."""

from __future__ import annotations

from pathlib import Path

from lamm_bench.ask.catalog import Catalog
from lamm_bench.keep.files import write_whole

from .gather import gather
from .page import page


def write_report(run_folder: Path, catalog: Catalog, root: Path, out: Path, per_task: int = 24) -> Path:
    """Writes the report of a finished run to `out`, whole or not at all, and returns its path.

    `root` holds the data that the run was asked about; a task whose data are others, or absent, is shown without samples.
    Raises `BenchError` when the folder is no finished run or `out` cannot be written."""
    text = page(gather(run_folder, catalog, root, per_task))
    write_whole(out, text.encode("utf-8", "replace"))  # a lone surrogate in an answer is no UTF-8
    return out


__all__ = ["write_report"]
