"""`--corrupt`: samples whose media and questions are worse than they were, made on the fly.

`chain.py` reads what a user asks for and applies it; `texts.py` and `options.py` change questions; media are changed by what their
modalities know (`lamm_bench/media/corruptions`); `mixed.py` draws ChEF's chains by item."""

from .chain import Chain, apply, left_out, parse, why_not
from .texts import TEXTS, add_texts

__all__ = ["TEXTS", "Chain", "add_texts", "apply", "left_out", "parse", "why_not"]
