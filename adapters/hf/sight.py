"""Proof that a model sees: of one that transformers lists as a language model, or whose code comes with it, before it is asked anything.

Such a model may take pictures and leave them out without a word, and would then be a blind control that nobody asked for."""

from __future__ import annotations

import torch
from PIL import Image

from lamm_bench.errors import BenchError
from lamm_bench.types import Media, Message

from .chat import Wording
from .company import near
from .kind import BLIND
from .load import Loaded
from .prepare import prepare

SIZE = (96, 64)
COLOURS = ((255, 255, 255), (200, 30, 30))


@torch.inference_mode()
def prove(loaded: Loaded, wording: Wording) -> None:
    """Asks the same question about a white and a red picture. Raises `BenchError` where that is not possible, or changes nothing."""
    asked = wording.prompt((Message("user", (Media("image", ""), "What is this?")),))
    try:
        said = []
        for colour in COLOURS:
            inputs = prepare(loaded, [asked.text], [[Image.new("RGB", SIZE, colour)]], "right")
            said.append(loaded.model(**inputs, use_cache=False).logits[0, -1].float())
        fault = "" if not near(said[0], said[1], loaded.exact) else "a white and a red picture are the same to it"
    except Exception as error:  # foreign code ends in nearly every kind of exception
        fault = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    if fault:
        raise BenchError(f"{loaded.name} has eyes, and hf-chat cannot show it images ({fault}); {BLIND}")
