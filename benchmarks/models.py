"""Models of random weights for the benchmarks, and the plain loop that they are measured against."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lamm_bench.lamm.ask import Asker
from lamm_bench.lamm.config import ImageEncoder, LammConfig, Llm, Lora
from lamm_bench.lamm.context import use_attention
from lamm_bench.lamm.encode import encode_messages, layout_called
from lamm_bench.lamm.encoder_configs import Epcl
from lamm_bench.lamm.features import FeatureCache
from lamm_bench.lamm.model import Lamm, collate
from lamm_bench.lamm.products import Product, choose_products
from lamm_bench.lamm.vision import Block
from lamm_bench.media import open_image
from lamm_bench.types import Generate, Media, Message, Response, Score


class Letters:
    """A tokenizer of one token for each letter; no token ends an answer, so that every answer has its full length."""

    bos, eos, pad = 1, -1, 0
    ends: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return 300

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(3 + byte for byte in text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(chr(SAID + i) for i in ids)


SAID = 0x10000
"""Where the letters of what a random model says begin; `Turned` reads each as the token that it was."""


class Turned(Letters):
    """Letters for what is asked, SmolLM2's tokens for what a recipe puts around it, and an answer read as it was said."""

    words = (" ###", "###", " Assistant", "AN", "SW", "ER")  # "\n\n### Assistant:" has 5 tokens there, " ###\nANSWER:" 6
    pattern = re.compile("|".join(map(re.escape, words)) + "|.", re.DOTALL)

    def encode(self, text: str) -> tuple[int, ...]:
        ids: list[int] = []
        for part in self.pattern.findall(text):
            if part in self.words:
                ids.append(260 + self.words.index(part))
            else:
                ids += [ord(part) - SAID] if ord(part) >= SAID else super().encode(part)
        return tuple(ids)


class Tower(nn.Module):
    """A vision transformer of any size, such as CLIP's ViT-L/14: 24 blocks of 1024 over 256 patches."""

    def __init__(self, side: int, patch: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.side = side
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))

    def prepare(self, media: Media, transform: str) -> np.ndarray:
        return np.asarray(open_image(media).resize((self.side, self.side)), dtype=np.uint8)

    def tensor(self, prepared: list[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(prepared)).permute(0, 3, 1, 2).float() / 255

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        x = self.patches(batch.to(self.patches.weight.dtype)).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return x


def random_epcl_lamm(llm: dict[str, Any], epcl: Epcl, seed: int = 0, dtype: torch.dtype = torch.float32) -> Lamm:
    """The same for clouds, with LAMM's own encoder of them."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = LlamaConfig(max_position_embeddings=2048, bos_token_id=1, eos_token_id=None, pad_token_id=0, **llm)
        own = Llm(vocabulary=llm["vocab_size"], width=llm["hidden_size"], layers=1, heads=1, window=2048)
        return Lamm(LammConfig("random", own, Lora(), encoders={"point_cloud": epcl}), LlamaForCausalLM(sizes)).to(dtype).eval()


def random_lamm(
    llm: dict[str, Any], tower: dict[str, int], seed: int = 0, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Lamm:
    """A LAMM of the given LLaMA and vision-transformer sizes; `tower` may be empty."""
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng(), torch.device(device):
        torch.manual_seed(seed)
        default = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            sizes = LlamaConfig(max_position_embeddings=2048, bos_token_id=1, eos_token_id=None, pad_token_id=0, **llm)
            llama = LlamaForCausalLM(sizes).eval()
            image = None
            if tower:
                side = tower["side"] // tower["patch"]
                # the config only has to tell how many tokens of which width there are: sixteenths of a side of 16 * tokens
                image = ImageEncoder(size=2 * side, widths=(tower["width"],), blocks=(0,), layers=0, heads=1)
            own = Llm(vocabulary=llm["vocab_size"], width=llm["hidden_size"], layers=1, heads=1, window=2048)
            model = Lamm(LammConfig("random", own, Lora(), encoders={"image": image} if image else {}), llama)
            if tower:
                model.encoders["image"] = Tower(**tower)
        finally:
            torch.set_default_dtype(default)
    return model.to(device=device, dtype=dtype).eval()


def asker_of(model: Lamm, batch_size: int, attn: str = "auto", tokenizer: Letters | None = None) -> Asker:
    use_attention(model.llama, attn)
    if model.device.type == "cpu":
        choose_products(model)
    return Asker(model, tokenizer or Letters(), batch_size, FeatureCache(2**30))  # type: ignore[arg-type]


class Plain:
    """One request at a time, the media encoded for each, transformers' own `generate`: upstream's way.

    `lora`: with LoRA beside the weights, as upstream's model always has it (reference 3.1), and not folded into them."""

    def __init__(self, model: Lamm, asker: Asker, lora: bool = False) -> None:
        self.model, self.asker = stock(model), asker
        self.llama: Any = beside(self.model.llama) if lora else self.model.llama

    @torch.inference_mode()
    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for index, request in enumerate(requests):
            row = self.asker.prompt(request.messages)
            batch = collate([row], self.model.config.slots).to(self.model.device)
            ids = self.llama.generate(
                inputs_embeds=self.model.embed(batch, self.tokens(row)),
                attention_mask=torch.ones_like(batch.ids),
                max_new_tokens=request.max_new_tokens,
                do_sample=False,
                pad_token_id=0,
            )
            yield index, Response(text=self.asker.tokenizer.decode(ids[0].tolist()).strip(), tokens=(ids.shape[1],))

    @torch.inference_mode()
    def score(self, requests: Sequence[Score], once: bool = False) -> Iterator[tuple[int, Response]]:
        """One full pass for each option; with `once` the media is encoded once for all options of a question."""
        layout = layout_called(self.asker.layout)
        for index, request in enumerate(requests):
            values = []
            tokens = None
            for option in request.options:
                messages = (*request.messages, Message("assistant", (option,)))
                row = encode_messages(messages, layout, self.asker.tokenizer, self.model.config.slots)
                if tokens is None or not once:
                    tokens = self.tokens(row)
                batch = collate([row], self.model.config.slots).to(self.model.device)
                values.append(float(self.model.likelihoods(batch, tokens)))
            yield index, Response(logprobs=tuple(values))

    def tokens(self, row: Any) -> torch.Tensor | None:
        if not row.media:
            return None
        kind = row.media[0][1].kind
        encoder: Any = self.model.encoders[kind]
        inputs = encoder.tensor([encoder.prepare(one, "squash") for _, one in row.media]).to(self.model.device)
        return self.model.project(kind, self.model.see(kind, inputs))


def stock(model: Lamm) -> Lamm:
    """The same weights, not copied, in PyTorch's own layers: its products go to the library that it chooses itself."""
    held = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copy = deepcopy(model, held)
    for module in copy.modules():
        if type(module) is Product:
            module.__class__ = nn.Linear
    return copy


def beside(llama: Any) -> Any:
    """A copy with upstream's LoRA (reference 3.1: rank 32 on the four projections of attention), which is zero at first and so
    changes no answer, in whatever precision the weights have."""
    from peft import LoraConfig, get_peft_model

    dtype = next(llama.parameters()).dtype
    config = LoraConfig(r=32, lora_alpha=32, lora_dropout=0.1, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
    return get_peft_model(deepcopy(llama), config).to(dtype).eval()


class Clock:
    """Seconds of this process: on the processor (what is compared, for the machine may be shared) and on the wall."""

    def __init__(self) -> None:
        self.cpu, self.wall = -time.process_time(), -time.perf_counter()

    def stop(self) -> Clock:
        self.cpu += time.process_time()
        self.wall += time.perf_counter()
        return self


@contextmanager
def forwards(model: Lamm) -> Iterator[list[float]]:
    """Adds up the processor seconds of every forward pass: encoders, projections and the language model."""
    spent = [0.0]
    begun: list[float] = []
    modules = [*model.encoders.values(), *model.llama_proj.values(), model.llama]

    def before(*_: Any) -> None:
        begun.append(time.process_time())

    def after(*_: Any) -> None:
        spent[0] += time.process_time() - begun.pop()

    hooks = [hook for m in modules for hook in (m.register_forward_pre_hook(before), m.register_forward_hook(after))]
    try:
        yield spent
    finally:
        for hook in hooks:
            hook.remove()


def pictures(folder: Path, count: int) -> list[Media]:
    """Pictures of noise."""
    from PIL import Image

    stream = np.random.default_rng(0)
    out = []
    for number in range(count):
        path = folder / f"{number}.png"
        Image.fromarray(stream.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
        out.append(Media("image", str(path)))
    return out


def scene_of(folder: Path, points: int) -> Media:
    """A cloud of noise in a room of eight metres, with colours."""
    stream = np.random.default_rng(0)
    cloud = np.concatenate([stream.uniform(0, 8, (points, 3)), stream.integers(0, 255, (points, 3))], axis=1)
    path = folder / "scene.npy"
    np.save(path, cloud.astype(np.float32))
    return Media("point_cloud", str(path))
