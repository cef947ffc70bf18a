"""What a batch of rows has been told so far: keys and values that grow token by token, behind shared beginnings or not.

Any causal language model of transformers can be asked through it. Those whose layers all attend to everything share
beginnings; the others (sliding windows, state spaces) are given whole rows, padded on the left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from lamm_bench.errors import BenchError

from . import attention, shared_attention
from .shared_attention import Beginnings, Shared

ROOM = 64  # places that a cache grows by, so that it is copied once in 64 tokens and not at every one


class Growing(DynamicLayer):
    """A cache layer with room to spare: transformers' own copies all keys and values at every token."""

    def __init__(self) -> None:
        super().__init__()
        self._room: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        had = self.get_seq_length()
        need = had + key_states.shape[2]
        if self._room is None or self._room[0].shape[2] < need:
            old = (self.keys, self.values)
            self._room = (roomy(key_states, need + ROOM), roomy(value_states, need + ROOM))
            for room, before in zip(self._room, old):
                if had and before is not None:
                    room[:, :, :had] = before
        self.is_initialized, self.dtype, self.device = True, key_states.dtype, key_states.device
        self._room[0][:, :, had:need] = key_states
        self._room[1][:, :, had:need] = value_states
        self.keys, self.values = self._room[0][:, :, :need], self._room[1][:, :, :need]
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        if self.keys is not None and self.values is not None:
            indices = indices.to(self.keys.device)
            self._room = None
            self.keys, self.values = self.keys[indices], self.values[indices]


def roomy(like: Tensor, length: int) -> Tensor:
    return like.new_empty(like.shape[0], like.shape[1], length, like.shape[3])


def can_share(llama: Any) -> bool:
    """Whether every layer attends to all earlier tokens and to nothing else, by an attention that can be exchanged."""
    return attends_to_all(llama.config) and bool(getattr(llama, "_supports_attention_backend", False))


def attends_to_all(config: Any) -> bool:
    """Whether a language model of this config has neither windows nor caps nor layers of another kind."""
    kinds = set(getattr(config, "layer_types", None) or ())
    odd = (getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size", "attn_logit_softcapping"))
    windowed = any(odd) and getattr(config, "use_sliding_window", True)
    return kinds <= {"full_attention"} and not windowed


def use_attention(llama: Any, name: str) -> bool:
    """Sets the attention by name (`auto`: ours where the model allows it), and says whether beginnings are then shared without copies."""
    sharing = name == "auto" and can_share(llama)
    if sharing:
        shared_attention.register()
    plain = "sdpa" if getattr(llama, "_supports_sdpa", False) else "eager"  # some families (Gemma 2) have no fused kernel
    chosen = name if name != "auto" else shared_attention.NAME if sharing else plain
    try:
        llama.set_attn_implementation(chosen)
    except (ImportError, ValueError) as error:
        raise BenchError(f"attn={name} cannot be used here: {' '.join(str(error).split())[:200]}") from None
    return sharing


class Context:
    """Rows of one batch on their way. `beginnings` and `group` say what they stand behind; both are given or neither."""

    def __init__(
        self,
        llama: Any,
        beginnings: Beginnings | None = None,
        group: Tensor | None = None,
        own: int = 0,
        pasts: Sequence[Beginnings | None] = (),
    ) -> None:
        """`own` is how many tokens the longest row has of its own: a beginning shorter than that is copied for each row,
        because the fused kernels are worth more than the memory. `pasts` are what earlier turns left of each row's own."""
        self.llama = llama
        self.shared: Shared | None = None
        self.real: Tensor | None = None  # bool [rows, places], the beginnings' places only where they were copied
        self.position: Tensor | None = None  # [rows], of each row's last token
        self.front = 0  # places of the beginnings where they were copied
        full = can_share(llama)
        layers = llama.config.get_text_config().num_hidden_layers
        self.cache: Cache = Cache(layers=[Growing() for _ in range(layers)]) if full else DynamicCache(config=llama.config)
        self.own_mask = full and llama.config._attn_implementation in (shared_attention.NAME, attention.NAME, "sdpa", "eager")
        if beginnings is not None and group is not None:
            if llama.config._attn_implementation == shared_attention.NAME and beginnings.real.shape[1] >= own:
                self.shared = Shared(beginnings, group)
            else:
                self.remember(beginnings.select(group))
                self.front = beginnings.real.shape[1]
        known = [past for past in pasts if past is not None]
        if known:
            self.remember(lined_up(pasts, known))

    def remember(self, told: Beginnings) -> None:
        """What each row was told already, put behind what it was told before that."""
        for number, (keys, values) in enumerate(told.layers):
            self.cache.update(keys, values, number)
        self.real = told.real if self.real is None else torch.cat([self.real, told.real.to(self.real.device)], dim=1)

    def extend(self, real: Tensor, positions: Tensor, last: int = 1, **tokens: Tensor) -> Tensor:
        """Logits float [rows, last, vocabulary] of the last places, `last` 0 for all.

        `real` and `positions` are [rows, new]; `tokens` are `input_ids` or `inputs_embeds`."""
        self.position = positions[:, -1]
        before = None if self.real is None else self.real.to(real.device)
        self.real = real if before is None else torch.cat([before, real], dim=1)
        given: dict[str, Any] = dict(tokens)
        if self.shared is not None:
            given["shared"] = self.shared
        dtype = next(self.llama.parameters()).dtype
        mask = additive(self.real, real.shape[1], dtype) if self.own_mask else self.real.long()
        kept: Any = last
        if last and real.device.type == "cpu":
            # by number and not as a slice, whose gaps make the output layer a product for each row (a second for 60 of them);
            # elsewhere a number would have to lie on the last of perhaps several devices
            kept = torch.arange(real.shape[1] - last, real.shape[1])
        return self.llama(
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=kept,
            **given,
        ).logits.float()

    def follow(self, chosen: list[int]) -> Tensor:
        """Logits [rows, vocabulary] after one more token of each row."""
        assert self.position is not None
        tokens = torch.tensor(chosen, device=self.position.device)[:, None]
        return self.extend(torch.ones_like(tokens, dtype=torch.bool), self.position[:, None] + 1, input_ids=tokens)[:, -1]

    def select(self, keep: Tensor) -> None:
        """Only the given rows go on."""
        if self.position is not None:
            self.position = self.position[keep.to(self.position.device)]
        self.cache.batch_select_indices(keep)
        if self.real is not None:
            self.real = self.real[keep.to(self.real.device)]
        if self.shared is not None:
            self.shared = self.shared.select(keep)

    def as_beginnings(self) -> Beginnings:
        """Everything these rows were told, for others to stand behind; a shared beginning is copied in front of each row."""
        assert self.real is not None
        own: tuple[tuple[Tensor, Tensor], ...] = tuple((layer.keys, layer.values) for layer in self.cache.layers)  # type: ignore[union-attr,misc]
        if self.shared is None:
            return closed_up(Beginnings(own, self.real))
        group = self.shared.group
        front = self.shared.beginnings.select(group)
        pairs = tuple((torch.cat([k0, k1], dim=2), torch.cat([v0, v1], dim=2)) for (k0, v0), (k1, v1) in zip(front.layers, own))
        return closed_up(Beginnings(pairs, torch.cat([front.real, self.real.to(front.real.device)], dim=1)))

    def own(self, row: int, count: int) -> Beginnings:
        """The first `count` tokens that a row has of its own, those of earlier turns included, on memory of their own."""
        assert self.real is not None
        places = self.real[row, self.front :].nonzero()[:count, 0] + self.front
        begin, end = int(places[0]), int(places[-1]) + 1

        def taken(tensor: Tensor) -> Tensor:
            mine = tensor[row : row + 1, :, begin:end]
            if end - begin == count:
                return mine.clone(memory_format=torch.contiguous_format)
            return mine.index_select(2, (places - begin).to(tensor.device))

        layers = tuple((taken(layer.keys), taken(layer.values)) for layer in self.cache.layers)  # type: ignore[union-attr,arg-type]
        return Beginnings(layers, torch.ones(1, count, dtype=torch.bool, device=self.real.device))


def lined_up(pasts: Sequence[Beginnings | None], known: Sequence[Beginnings]) -> Beginnings:
    """Each row's past beside the others', padded on the left; a row without one is nothing but padding."""
    length = max(past.real.shape[1] for past in known)
    real = known[0].real.new_zeros(len(pasts), length)
    layers = tuple(
        tuple(part.new_zeros(len(pasts), part.shape[1], length, part.shape[3]) for part in pair) for pair in known[0].layers
    )
    for row, past in enumerate(pasts):
        if past is None:
            continue
        begin = length - past.real.shape[1]
        real[row, begin:] = past.real[0]
        for wide, pair in zip(layers, past.layers):
            wide[0][row, :, begin:], wide[1][row, :, begin:] = pair[0][0], pair[1][0]
    return Beginnings(layers, real)  # type: ignore[arg-type]


def closed_up(beginnings: Beginnings) -> Beginnings:
    """Padding moved to the left, out of the gap between a beginning and what follows it. Order is kept, positions are in the keys."""
    real = beginnings.real
    if bool((real.long().diff(dim=1) >= 0).all()):
        return beginnings
    order = real.long().argsort(dim=1, stable=True)

    def moved(tensor: Tensor) -> Tensor:
        index = order.to(tensor.device)[:, None, :, None].expand(-1, tensor.shape[1], -1, tensor.shape[3])
        return tensor.gather(2, index)

    return Beginnings(tuple((moved(k), moved(v)) for k, v in beginnings.layers), real.gather(1, order))


def additive(real: Tensor, new: int, dtype: torch.dtype) -> Tensor | None:
    """Mask [rows, 1, new, places] for the last `new` places: 0 where a place is seen, very negative elsewhere.

    None where a single new place of each row sees everything."""
    if new == 1 and bool(real.all()):
        return None
    places = real.shape[1]
    causal = torch.ones(new, places, dtype=torch.bool, device=real.device).tril(places - new)
    seen = causal & real[:, None, :]
    # padding sees itself, for a row of the softmax that sees nothing is not a number
    seen = seen | torch.eye(new, places, dtype=torch.bool, device=real.device).roll(places - new, dims=1)
    return torch.zeros(seen.shape, dtype=dtype, device=real.device).masked_fill(~seen, torch.finfo(dtype).min)[:, None]
