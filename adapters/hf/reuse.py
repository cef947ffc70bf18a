"""What is computed once and used again: an encoded image for the whole run, a prompt for all of its options.

Models of transformers take encoded images in place of pixels (`mm_encoder_outputs` of `forward`) and go on from keys and values
that they gave before; but there are hundreds of them, written by many hands. So each way is tried beside the plain one on the
first request of its kind. Where the two differ, or the model refuses, everything is computed anew each time, and a note
says why."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from lamm_bench import media as files
from lamm_bench.lamm.context import attends_to_all
from lamm_bench.lamm.features import FeatureCache
from lamm_bench.lamm.memory import is_out_of_memory
from lamm_bench.types import Media

from .batch import IGNORE, Spoken
from .company import near
from .load import Loaded
from .prepare import Inputs, Refused, fitting

OUTPUTS = "mm_encoder_outputs"
LONG = 1000  # letters from which on a prompt without images is passed over apart from its options; shorter ones go in batches
KNOWN = {*BaseModelOutputWithPooling.__dataclass_fields__, "deepstack_features"}
IMAGE_TOKENS = ("image_token_id", "image_token_index", "image_patch_id")  # of a config: what stands for one token of an image
CROSS = ("cross_attention_mask",)  # which images each token sees, where layers of their own look at them (Llama 3.2 Vision)
KINDS = {
    "images": "every image is encoded again for each request",
    "several": "the images of a question with several are encoded again for each request",
    "prompts": "every option passes over its prompt again",
}

Shown = Sequence[tuple[Media, Image.Image]]
"""The images of one row, each as the request names it and as it was opened."""


Way = Literal["", "own", "alone", "beside"]
"""How images were prepared for the encoder: as their batch was, each as the only one of its question, or with its question."""


class Unfit(Exception):
    """Why a model's computations cannot be used again."""


@dataclass
class Reuse:
    """The encoded images of one model, at most `limit` bytes of them, and what trials said of it. 0 turns all reuse off."""

    loaded: Loaded
    limit: int
    kept: FeatureCache[Tensor] = field(init=False, repr=False)
    faults: dict[str, str] = field(default_factory=dict, init=False)  # which of KINDS is off, and why
    _beside: bool = field(default=False, init=False, repr=False)  # whether an image depends on how many stand in its question
    _output: type = field(default=BaseModelOutputWithPooling, init=False, repr=False)  # of its encoder
    _more: dict[str, Any] = field(default_factory=dict, init=False, repr=False)  # what it says besides, of no image (Ovis 2)
    _layers: int = field(default=1, init=False, repr=False)  # of the language model that its encoder speaks to
    _stacked: bool = field(default=False, init=False, repr=False)  # whether its encoder gives one tensor for all images
    _tried: set[tuple[str, int]] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        self.kept = FeatureCache(self.limit)
        config = self.loaded.model.config
        if not self.limit:
            self.faults = dict.fromkeys(KINDS, "")
            return
        if self.loaded.vision and OUTPUTS not in inspect.signature(self.loaded.model.forward).parameters:
            self.faults["images"] = f"models of type {config.model_type} take no encoded images in this version of transformers"
        if self.loaded.encodes:
            self.faults["prompts"] = "its encoder reads the prompt, and its decoder the option alone"
        elif not attends_to_all(config.get_text_config()):
            self.faults["prompts"] = "not all of its layers attend to all earlier tokens"

    @property
    def notes(self) -> list[str]:
        """A sentence for each kind of reuse that the model does not bear."""
        return [f"{KINDS[kind]}: {reason}" for kind, reason in self.faults.items() if reason]

    def apart(self, letters: int, images: int, options: int) -> bool:
        """Whether a prompt is worth a pass of its own before its options."""
        return "prompts" not in self.faults and options > 1 and (images > 0 or letters >= LONG)

    def shows(self, inputs: Inputs, rows: Sequence[Shown], again: Callable[[Sequence[int]], Inputs]) -> dict[str, Any]:
        """The same inputs with encoded images in place of pixels; `again` prepares some of the rows by themselves."""
        kind = "images" if len(rows[0]) == 1 else "several"
        if not any(rows) or "images" in self.faults or kind in self.faults:
            return dict(inputs)
        with self.watched(kind, lambda: last_logits(self.loaded, inputs)):
            try:
                return self.shown(inputs, rows, again)
            except Exception as error:
                if self._beside or isinstance(error, Refused) or is_out_of_memory(error):
                    raise
                self._beside = True
                self.kept.clear()
                try:
                    return self.shown(inputs, rows, again)
                except Exception as other:
                    raise other if isinstance(other, Refused) or is_out_of_memory(other) else error from None
        return dict(inputs)

    def shown(self, inputs: Inputs, rows: Sequence[Shown], again: Callable[[Sequence[int]], Inputs]) -> dict[str, Any]:
        encoded, row, way = self.see(rows, inputs, again)
        count = len(rows[0])
        if way and (way, count) not in self._tried:
            single = inputs if len(rows) == 1 else again([row])
            other = self.replaced(single, encoded[row * count : (row + 1) * count])
            self.agree(last_logits(self.loaded, single), last_logits(self.loaded, other))
            self._tried.add((way, count))
        return self.replaced(inputs, encoded)

    def weighs(
        self, inputs: dict[str, Any], images: int, options: Sequence[Spoken], room: int, plain: Callable[[], list[float]]
    ) -> list[float]:
        """Log-likelihoods of the options of one prompt, which is passed over once; `plain` computes them for whole rows."""
        if "prompts" in self.faults:
            return plain()
        with self.watched("prompts", plain):
            values = behind(self.loaded, inputs, options, room)
            if ("prompts", images) not in self._tried:
                self.agree(torch.tensor(plain()), torch.tensor(values))
                self._tried.add(("prompts", images))
            return values
        return plain()

    @torch.inference_mode()
    def see(
        self, rows: Sequence[Shown], inputs: Inputs, again: Callable[[Sequence[int]], Inputs]
    ) -> tuple[list[Tensor], int, Way]:
        """Tokens [n, width] of every image of every row; those that are not kept are encoded together.

        Says which row has one that was not, and in which way it was prepared."""
        keys = [[self.key(media, row) for media, _ in row] for row in rows]
        held = {key: tokens for own in keys for key in own if (tokens := self.kept.get(key)) is not None}
        missing = {key: (number, at) for number, own in enumerate(keys) for at, key in enumerate(own) if key not in held}
        first: int = 0
        way: Way = ""
        if missing:
            first = next(iter(missing.values()))[0]
            chosen = sorted({number for number, _ in missing.values()})
            made = [key for number in chosen for key in keys[number]] if self._beside else list(missing)
            pictures = [rows[number][at][1] for number, at in missing.values()]
            own = len(missing) == len(rows) == sum(map(len, rows))
            encoded, way = self.encoded(inputs if own else None, pictures, len(made), lambda: again(chosen))
            for key, one in zip(made, encoded):
                held[key] = one.clone()  # a view would keep the whole batch alive
                self.kept.put(key, held[key])
        return [held[key] for own in keys for key in own], first, way

    def encoded(
        self, inputs: Inputs | None, pictures: Sequence[Image.Image], count: int, again: Callable[[], Inputs]
    ) -> tuple[Sequence[Tensor], Way]:
        """Tokens of images, from what was prepared for the batch where these are all its images, else prepared anew."""
        if inputs is not None:
            try:
                return self.encode(inputs, count), "own"
            except Unfit:  # it may not tell whose tile is which
                pass
        if self._beside:
            return self.encode(again(), count), "beside"
        return self.encode(self.alone(pictures), count), "alone"

    def key(self, media: Media, row: Shown) -> str:
        """What an image is kept under. Beside others it may be another to the model: LLaVA-OneVision cuts single ones into tiles."""
        return f"{files.content(media)} of {len(row)}" if self._beside else files.content(media)

    def alone(self, pictures: Sequence[Image.Image]) -> Inputs:
        """Pixels of images, each prepared as the only one of its question."""
        processor = self.loaded.processor
        words = {**(getattr(processor, "images_kwargs", None) or {}), "return_tensors": "pt"}
        made = processor.image_processor(images=[[one] for one in pictures], **words)
        return {key: fitting(value, self.loaded) for key, value in made.items()}

    def encode(self, pixels: Inputs, count: int) -> Sequence[Tensor]:
        """Tokens [n, width] of each of `count` images; those for deeper layers (Qwen3-VL) stand beside them, as more width."""
        encoder = self.loaded.model.base_model.get_image_features
        taken = inspect.signature(encoder).parameters
        said = encoder(**{key: value for key, value in pixels.items() if key in taken}, return_dict=True)
        found = said.pooler_output
        deep = getattr(said, "deepstack_features", None) or []
        if any(len(layer) != count for layer in deep):
            raise Unfit("its encoder speaks to several layers of the language model, and does not say which tokens are whose")
        self._layers = 1 + len(deep)
        self._output = type(said) if isinstance(said, BaseModelOutputWithPooling) else BaseModelOutputWithPooling
        self._more = {key: value for key, value in vars(said).items() if key not in KNOWN and value is not None}
        self._stacked = isinstance(found, Tensor)
        if len(found) != count and (tiles := tiles_of(pixels, count, len(found))):
            found = [torch.cat(list(one)) for one in found.split(tiles)] if self._stacked else found
        elif len(found) != count and (tokens := places(self.loaded.model, pixels, count)):
            found = parted(found, tokens)
        if len(found) != count or any(one.ndim != 2 for one in found):
            raise Unfit("its encoder does not say which tokens are whose")
        return [torch.cat([one, *(layer[n] for layer in deep)], dim=-1) for n, one in enumerate(found)] if deep else found

    def replaced(self, inputs: Inputs, encoded: Sequence[Tensor]) -> dict[str, Any]:
        """Inputs with encoded images, in the form that its encoder gives them, in place of pixels.

        Sizes and grids, which decide about positions, stay."""
        others = {key: value for key, value in inputs.items() if not key.startswith("pixel_")}
        first, *deeper = ([one.chunk(self._layers, dim=-1)[layer] for one in encoded] for layer in range(self._layers))
        same = len({one.shape for one in first}) == 1
        given: Any = first if not self._stacked else torch.stack(first) if same else torch.cat(first)
        more: dict[str, Any] = {**self._more, **({"deepstack_features": deeper} if deeper else {})}
        return {**others, OUTPUTS: {"image": self._output(pooler_output=given, **more)}}

    def agree(self, one: Tensor, other: Tensor) -> None:
        """Raises `Unfit` where two ways to the same values differ by more than rounding."""
        if not near(one, other, self.loaded.exact):
            raise Unfit("in a trial it said something else that way")

    @contextmanager
    def watched(self, kind: str, plain: Callable[[], object]) -> Iterator[None]:
        """Turns off what a model does not bear. Lack of memory and requests that are refused stay what they are.

        What the model does not bear in the `plain` way either is the request's own fault, and is raised."""
        try:
            yield
        except Refused:
            raise
        except Exception as error:  # foreign models end in nearly every kind of exception
            if is_out_of_memory(error):
                self.kept.clear()
                raise
            plain()
            self.faults[kind] = " ".join(str(error).split())[:200] or type(error).__name__


@torch.inference_mode()
def last_logits(loaded: Loaded, inputs: dict[str, Any]) -> Tensor:
    """What one row without padding says next: [vocabulary]."""
    return loaded.model(**inputs, use_cache=False).logits[0, -1].float()


def places(model: Any, inputs: Inputs, count: int) -> list[int]:
    """How many tokens stand for the one image of each row, by what was prepared for it; nothing where that does not tell."""
    config, ids = getattr(model, "config", None), inputs.get("input_ids")
    token = next((found for name in IMAGE_TOKENS if (found := getattr(config, name, None)) is not None), None)
    return [int(one) for one in (ids == token).sum(1)] if token is not None and ids is not None and len(ids) == count else []


def parted(found: Any, tokens: Sequence[int]) -> Any:
    """Tokens of all tiles of all images, image by image; as they were where they are not so many."""
    flat = torch.cat([one.reshape(-1, one.shape[-1]) for one in found])
    return flat.split(list(tokens)) if sum(tokens) == len(flat) else found


def tiles_of(pixels: Inputs, count: int, total: int) -> list[int]:
    """Into how many tiles each of `count` images was cut, where what was prepared tells of `total` in all; else nothing."""
    for value in pixels.values():
        told = value.tolist() if isinstance(value, Tensor) and value.ndim == 1 else value
        if isinstance(told, list) and len(told) == count and all(isinstance(one, int) for one in told) and sum(told) == total:
            return told
    return []


def going_on(mask: Tensor, rows: Tensor) -> Tensor:
    """A mask over a prompt and the options behind it, which see what its last token sees."""
    longer = torch.cat([mask, mask[:, -1:].expand(-1, rows.shape[1] - 1, *mask.shape[2:])], dim=1)
    return longer.expand(len(rows), *longer.shape[1:])


@torch.inference_mode()
def behind(loaded: Loaded, inputs: dict[str, Any], options: Sequence[Spoken], room: int) -> list[float]:
    """Natural log-likelihood of each option behind the one row of `inputs`, `room` options at a time.

    Neither masks nor positions are given: a row without padding needs none, and each model knows its own."""
    longest = inputs["input_ids"].shape[1] + max(map(len, options))
    if loaded.window and longest > loaded.window:
        raise Refused(f"prompt and option have {longest} tokens, and the model's window is {loaded.window}")
    for module in loaded.model.modules():
        if getattr(module, "rope_deltas", None) is not None:
            module.rope_deltas = None  # Qwen2-VL and its kin remember where the last image ended, of other prompts too
    few = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(loaded.model.forward).parameters else {}
    out = loaded.model(**inputs, **few, use_cache=True)
    sure = torch.log_softmax(out.logits[0, -1].float(), dim=-1)
    sums = [float(sure[option.ids[0]]) if option.ids and option.labels[0] != IGNORE else 0.0 for option in options]
    todo = sorted((number for number, option in enumerate(options) if len(option) > 1), key=lambda n: len(options[n]))
    for start in range(0, len(todo), room):
        part = todo[start : start + room]
        cache = copy.deepcopy(out.past_key_values)
        cache.batch_repeat_interleave(len(part))
        rows = torch.full((len(part), max(len(options[n]) for n in part)), loaded.tokenizer.pad_token_id)
        for row, number in enumerate(part):
            rows[row, : len(options[number])] = torch.tensor(options[number].ids)
        rows = rows.to(loaded.model.device)
        seen = {key: going_on(inputs[key], rows) for key in CROSS if key in inputs}
        logits = loaded.model(input_ids=rows[:, :-1], past_key_values=cache, use_cache=True, **seen).logits.float()
        each = torch.log_softmax(logits, dim=-1).gather(2, rows[:, 1:, None].to(logits.device))[..., 0].double().tolist()
        for values, number in zip(each, part):
            sums[number] += sum(value for value, label in zip(values, options[number].labels[1:]) if label != IGNORE)
    return sums
