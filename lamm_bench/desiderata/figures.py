"""All desiderata of a model, in ChEF's order."""

from __future__ import annotations

from .calibrated import calibration
from .followed import following
from .gathering import Model
from .legs import CALIBRATION, EXAMPLES, FOLLOWING, HALLUCINATION, LANGUAGE, ROBUSTNESS
from .relative import Figure, hallucination, in_context, robustness
from .spoken import language

OF = {
    CALIBRATION: calibration,
    EXAMPLES: in_context,
    FOLLOWING: following,
    LANGUAGE: language,
    HALLUCINATION: hallucination,
    ROBUSTNESS: robustness,
}


def figures(model: Model) -> dict[str, Figure]:
    """One for each desideratum; those that nothing was asked for have no figure, and say so."""
    return {name: of(model) for name, of in OF.items()}
