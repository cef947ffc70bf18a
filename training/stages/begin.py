"""How the weights begin."""

from __future__ import annotations

import re

import torch

from lamm_bench.lamm.model import Lamm
from lamm_bench.lamm.tokenizer import MiniTokenizer
from lamm_bench.training.data.examples import rng

NUMBER = re.compile(r"-?\d+\.\d\d|\d{1,2}")


def begin_numbers(model: Lamm, tokenizer: MiniTokenizer, seed: int) -> None:
    """Embeds number tokens by their value, so that neighbours begin as neighbours.

    Sines and cosines of the value at eight wavelengths from 0.1 to 50, as positions have them (Vaswani et al. 2017, 3.5),
    thrown into the embedding space by a random matrix, at the scale of the other embeddings."""
    table = model.llama.model.embed_tokens.weight
    stream = rng(seed, "numbers")
    width = table.shape[1]
    lengths = torch.logspace(-1, 1.7, 8)
    throw = torch.from_numpy(stream.normal(size=(16, width)).astype("float32")) / 8**0.5
    shared = {dot: torch.from_numpy(stream.normal(size=width).astype("float32")) for dot in (True, False)}
    scale = float(table.detach().std())
    with torch.no_grad():
        for token, index in tokenizer.fast.get_vocab().items():
            if NUMBER.fullmatch(token):
                turn = 2 * torch.pi * float(token) / lengths
                waves = torch.cat([turn.sin(), turn.cos()]) @ throw
                table[index] = scale * (waves + 0.5 * shared["." in token]) / 1.12
