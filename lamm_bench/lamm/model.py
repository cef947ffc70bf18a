"""The LAMM model: tokens of frozen encoders -> one linear layer (`llama_proj`) -> a LLaMA with LoRA (reference 3.1).

Module names are upstream's (reference 3.8) wherever upstream has the module: `llama_model.base_model.model.model.layers...`
and `llama_proj`, here with one projection for each kind of media."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lamm_bench.media import modality, resolve

from . import llm
from .config import LammConfig, Lora
from .encode import IGNORE, SPAN, Encoded


def build_encoder(kind: str, config: Any) -> nn.Module:
    """An encoder from its config: what the modality names for the config's `kind`."""
    return resolve(modality(kind).encoders[config.kind].build)(config)


@dataclass(frozen=True)
class Batch:
    """Encoded conversations side by side, as tensors [batch, L]."""

    ids: Tensor  # 0 where a media token or nothing stands
    labels: Tensor
    positions: Tensor
    segments: Tensor  # -1 where nothing stands
    media: Tensor  # row of the batch's media tokens (all media, one after the other), -1 elsewhere

    @property
    def real(self) -> Tensor:
        """True where a token stands."""
        return self.segments >= 0

    def to(self, device: torch.device) -> Batch:
        return Batch(*(tensor.to(device) for tensor in (self.ids, self.labels, self.positions, self.segments, self.media)))


def collate(rows: Sequence[Encoded], slots: Mapping[str, int], left: bool = False) -> Batch:
    """Pads to the longest, on the right for training and on the left for generation.

    The k-th media of the batch, counted row by row, owns the k-th run of media tokens, whatever its kind."""
    length = max(len(row) for row in rows)
    shape = (len(rows), length)
    ids, labels = torch.zeros(shape, dtype=torch.long), torch.full(shape, IGNORE)
    positions, segments, media = torch.zeros(shape, dtype=torch.long), torch.full(shape, -1), torch.full(shape, -1)
    used = 0
    for index, row in enumerate(rows):
        begin = length - len(row) if left else 0
        here = slice(begin, begin + len(row))
        ids[index, here] = torch.tensor(row.ids)
        labels[index, here] = torch.tensor(row.labels)
        positions[index, here] = torch.tensor(row.positions)
        segments[index, here] = torch.tensor(row.segments)
        for start, one in row.media:
            count = slots[one.kind]
            media[index, begin + start : begin + start + count] = torch.arange(used, used + count)
            used += count
    return Batch(ids, labels, positions, segments, media)


def visible(batch: Batch) -> Tensor:
    """float [batch, 1, L, L], added to attention scores: 0 where a token is seen, very negative where not.

    A token sees itself and the earlier ones of its own conversation that are in segment 0 or in its own segment."""
    length, device = batch.ids.shape[1], batch.ids.device
    causal = torch.ones(length, length, dtype=torch.bool, device=device).tril()
    keys, queries = batch.segments[:, None, :], batch.segments[:, :, None]
    shared = (keys % SPAN == 0) & (keys // SPAN == queries // SPAN)
    seen = causal & (shared | (keys == queries))
    # padding sees itself, for a row of the softmax that sees nothing is not a number
    seen = seen | torch.eye(length, dtype=torch.bool, device=device)
    return torch.zeros(seen.shape, device=device).masked_fill(~seen, torch.finfo(torch.float32).min)[:, None]


class Lamm(nn.Module):
    """All weights of a checkpoint. `llama_model` is a peft model once `add_lora` was called."""

    def __init__(self, config: LammConfig, llama: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleDict({kind: build_encoder(kind, c) for kind, c in config.encoders.items()})
        self.llama_proj = nn.ModuleDict({k: nn.Linear(c.width, config.llm.width) for k, c in config.encoders.items()})
        self.llama_model = llama if llama is not None else llm.build_llm(config.llm)

    @property
    def llama(self) -> Any:
        """The causal language model, with or without LoRA layers inside."""
        model: Any = self.llama_model
        return model.get_base_model() if hasattr(model, "get_base_model") else model

    @property
    def decoder(self) -> Any:
        """The language model without its output layer."""
        return self.llama.base_model

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states of the decoder to logits over the vocabulary."""
        return llm.logits(self.llama, hidden)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def add_lora(self, lora: Lora) -> None:
        """Puts LoRA layers, which begin as no change, into the language model."""
        from peft import LoraConfig, TaskType, get_peft_model

        llm.check_targets(self.llama_model, lora.targets)
        settings = LoraConfig(
            task_type=TaskType.CAUSAL_LM,
            r=lora.r,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=list(lora.targets),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that it has renamed
            warnings.filterwarnings("ignore", "fan_in_fan_out")  # of GPT-2's layers, which peft then sets by itself
            self.llama_model = get_peft_model(self.llama_model, settings)

    def merge_lora(self) -> None:
        """Folds LoRA into the language model's own weights: the same function, fewer operations."""
        if hasattr(self.llama_model, "merge_and_unload"):
            model: Any = self.llama_model
            self.llama_model = model.merge_and_unload()

    def see(self, kind: str, inputs: Tensor) -> Tensor:
        """Media of one kind to encoder tokens [media, tokens, width]."""
        return self.encoders[kind](inputs.to(self.device))

    def project(self, kind: str, tokens: Tensor) -> Tensor:
        """Encoder tokens to the language model's space, [media * tokens, llm width]."""
        layer: Any = self.llama_proj[kind]
        weight: Tensor = layer.weight
        tokens = tokens.to(weight.device)  # features are kept in the host's memory
        if not torch.is_autocast_enabled(weight.device.type):
            tokens = tokens.to(weight.dtype)
        return layer(tokens).flatten(0, 1)

    def embed(self, batch: Batch, media: Tensor | None) -> Tensor:
        """Input embeddings [batch, L, width]; `media` are the projected tokens in the batch's order."""
        embedded = self.llama.get_input_embeddings()(batch.ids)
        if media is None or not len(media):
            return embedded
        own = batch.media >= 0
        filled = embedded.clone()
        filled[own] = media[batch.media[own]].to(embedded.dtype)
        return filled

    def label_logits(self, batch: Batch, media: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """What the model says where a label stands: logits [labels, vocabulary], the labels, and the row of each."""
        batch = batch.to(self.device)
        embedded = self.embed(batch, media)
        if self.config.llm.kind != "mini" and bool((batch.segments <= 0).all()):
            mask = batch.real.long()  # the model makes its own masks of it: some architectures have windows
        else:
            seen = visible(batch).to(torch.float32 if torch.is_autocast_enabled("cpu") else embedded.dtype)
            mask = llm.windowed(self.llama.config.get_text_config(), seen, batch.positions)
        hidden = self.decoder(
            inputs_embeds=embedded, attention_mask=mask, position_ids=batch.positions, use_cache=False
        ).last_hidden_state
        rows, places = (batch.labels != IGNORE).nonzero(as_tuple=True)
        # a label's predecessor in the row is its predecessor in the conversation: answers never begin a segment
        return self.logits(hidden[rows, places - 1]), batch.labels[rows, places], rows

    def likelihoods(self, batch: Batch, media: Tensor | None) -> Tensor:
        """log p of each row's labels, summed: [batch]. Minus the summed cross entropy of training, by construction."""
        logits, labels, rows = self.label_logits(batch, media)
        each = torch.log_softmax(logits.float(), dim=-1).gather(1, labels[:, None])[:, 0]
        return torch.zeros(len(batch.ids), device=each.device).index_add(0, rows, each)

    def loss(self, batch: Batch, media: Tensor | None) -> Tensor:
        """Mean cross entropy over the label tokens (reference 3.5)."""
        logits, labels, _ = self.label_logits(batch, media)
        return nn.functional.cross_entropy(logits.float(), labels)
