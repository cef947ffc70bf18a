"""A run as one table, a row for each sample and protocol: CSV and Parquet, media by reference."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import storable
from lamm_bench.measure.intervals import evaluate
from lamm_bench.types import Metric, Row, Sums, to_json

from .bundle import Bundle

COLUMNS = (
    *("model", "recipe", "control", "corrupt", "task", "protocol", "sample", "group", "status"),
    *("metric", "value", "question", "choices", "target", "answer", "prediction", "scores", "seconds", "error", "media"),
)


def value_of(metric: Metric, row: Row) -> float | None:
    """The metric of one sample alone, in the metric's unit; None where it is not defined for one."""
    import numpy as np

    sums = Sums({name: np.array([float(value)]) for name, value in row.stats.items()})
    found = float(evaluate(metric, sums)[0]) if sums else float("nan")
    return found if np.isfinite(found) else None


def rows(bundle: Bundle) -> Iterator[dict[str, Any]]:
    """One row a sample and protocol. `choices`, `target`, `answer` (of several parts) and `prediction` are JSON."""
    identity, protocols = bundle.identity, bundle.run.manifest["protocols"]
    head = {
        "model": bundle.run.manifest.get("name") or bundle.model,
        "recipe": identity["recipe"]["name"],
        "control": identity["control"] or "",
        "corrupt": identity.get("corrupt", ""),
    }
    for part in bundle.parts:
        for protocol in (name for name in protocols if name in part.task.protocols):
            metric = part.task.protocols[protocol].metrics[0]
            for row in bundle.rows(part, protocol):
                record = part.ledger.ended.get(row.sample.id)
                yield {
                    **head,
                    "task": part.task.name,
                    "protocol": protocol,
                    "sample": row.sample.id,
                    "group": row.sample.group.replace("\\", "/").rsplit("/", 1)[-1],
                    "status": row.status,
                    "metric": metric.name,
                    "value": value_of(metric, row),
                    "question": row.sample.question,
                    "choices": list(row.sample.choices),
                    "target": text_of(row.sample.target),
                    "answer": row.answer if isinstance(row.answer, str) or row.answer is None else text_of(row.answer),
                    "prediction": text_of(row.prediction) if row.prediction is not None else None,
                    "scores": list(record.prediction.scores) if record is not None and record.prediction is not None else [],
                    "seconds": record.seconds if record is not None else None,
                    "error": record.error if record is not None else None,
                    "media": [{"kind": m.kind, "path": bundle.place(m), "sha256": m.sha256} for m in row.sample.media],
                }


def text_of(value: Any) -> str:
    """A value as JSON; of what JSON does not know its text."""
    return value if isinstance(value, str) else json.dumps(storable(to_json(value)), ensure_ascii=False, default=str)


def as_csv(bundle: Bundle) -> dict[str, bytes]:
    """`samples.csv`; lists are JSON, and a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(bundle):
        writer.writerow({key: cell(value) for key, value in row.items()})
    return {"samples.csv": text.getvalue().encode("utf-8", "backslashreplace")}


def cell(value: Any) -> Any:
    """
    >>> cell(["a"]), cell("=1"), cell(-1.5)
    ('["a"]', "'=1", -1.5)
    """
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ")[:1] in tuple("=+-@\t\r\n|%") else value


def as_parquet(bundle: Bundle) -> dict[str, bytes]:
    """`samples.parquet`, with media as a list of kind, path and hash. Raises `BenchError` where pyarrow is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise BenchError("--to parquet needs pyarrow: pip install 'pyarrow>=20'") from None
    text, number, texts = pyarrow.string(), pyarrow.float64(), pyarrow.list_(pyarrow.string())
    medium = pyarrow.list_(pyarrow.struct([(name, text) for name in ("kind", "path", "sha256")]))
    other = {"value": number, "seconds": number, "choices": texts, "scores": pyarrow.list_(number), "media": medium}
    schema = pyarrow.schema([(name, other.get(name, text)) for name in COLUMNS])
    whole = [storable(row) for row in rows(bundle)]
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(whole, schema=schema), buffer, compression="zstd")
    return {"samples.parquet": buffer.getvalue()}
