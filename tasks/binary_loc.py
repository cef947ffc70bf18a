"""The binary locating metric: hits over objects, pooled over the locating tasks (reference 1.13, O14).

`june` is the evaluator of June 2023 with three data sets; that of July left FSC147 out."""

from __future__ import annotations

from lamm_bench.measure.pooling import Pool

POOLS = (
    Pool(
        name="binary-loc",
        protocol="classic",
        members={
            "june": ("locating-voc2012", "locating-lsp", "locating-fsc147"),
            "july": ("locating-voc2012", "locating-lsp"),
        },
    ),
)
