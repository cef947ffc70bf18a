"""Statistics under the name that plug-ins know; they live in `lamm_bench.measure`."""

from .measure.stats import draws, estimates, f1, interval, paired_metric, ratio, seed_of

__all__ = ["draws", "estimates", "f1", "interval", "paired_metric", "ratio", "seed_of"]
