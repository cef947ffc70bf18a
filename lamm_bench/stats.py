"""Statistics under the name that plug-ins know; they live in `lamm_bench.measure`."""

from .measure.intervals import Paired
from .measure.stats import estimates, f1, paired_metric, ratio, seed_of

__all__ = ["Paired", "estimates", "f1", "paired_metric", "ratio", "seed_of"]
