"""How much faster the `lamm` adapter asks than a plain loop does, on the same weights in one run. No test; prints a table.

    python benchmarks/inference.py              all of it (four to five minutes on one core)
    python benchmarks/inference.py --only scene
    python benchmarks/inference.py --only turns     a scene as upstream's evaluation of July 2023 asks, in two turns
    python benchmarks/inference.py --only scene --dtype bfloat16      both ways in half precision (`turns` too)
    python benchmarks/inference.py --only single --dtype bfloat16 --plain-dtype float32      what half precision buys a user
    python benchmarks/inference.py --only turns --lora      the plain loop with LoRA beside the weights, as upstream runs it
    python benchmarks/inference.py --tiny       seconds, with shapes that say nothing about speed

The language model has the shape of SmolLM2-135M (Allal et al. 2025), random weights and float32. The plain loop asks one
sample at a time, encodes the media every time, and calls transformers' `generate` with its key-value cache, as upstream does
(reference 1.2.2, 3.4, 3.5: clouds one at a time). In two ways it is faster than upstream: LoRA is folded in, and the cloud's tokenizer
is ours; in `scene` also in a third: a ScanQA question is asked once and not in two turns that each encode the cloud. Ratios compare the processor
seconds of this process, because the machine may be shared; wall seconds stand beside them.

The work of a scene is shaped after ScanQA's multiple choice: 105 golden queries in the benchmark's format, options included, have
33 to 55 tokens of SmolLM2's tokenizer, 41 on average, and the invitation to answer 4; here each question has 47 of its own.
`turns` asks in upstream's layout (the system message after the cloud), where the invitation has 5 tokens, 46 with the question;
its second turn is the question, the first answer and ` ###\\nANSWER:` (reference 1.2.1), 11 tokens with the invitation."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import torch
from models import Clock, Plain, Turned, asker_of, forwards, pictures, random_epcl_lamm, random_lamm, scene_of

from lamm_bench.lamm.ask import Asker
from lamm_bench.lamm.encoder_configs import Epcl
from lamm_bench.lamm.model import Lamm
from lamm_bench.types import Generate, Message, Response, Score

SMOLLM = {
    "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
    "num_key_value_heads": 3, "tie_word_embeddings": True,
}  # fmt: skip
TINY = {
    "vocab_size": 300, "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 6,
    "num_key_value_heads": 2, "tie_word_embeddings": True,
}  # fmt: skip
VIT_L = {"side": 224, "patch": 14, "width": 1024, "layers": 24, "heads": 16}  # LAMM's CLIP: 256 tokens of 1024
SMALL = {"side": 96, "patch": 16, "width": 192, "layers": 2, "heads": 4}  # the built-in baseline's kind: 36 tokens
TINY_TOWER = {"side": 32, "patch": 16, "width": 16, "layers": 1, "heads": 2}
SYSTEM = "Answer about what you see, shortly."
TINY_EPCL = Epcl(
    points=150, centres=(16,), radii=(2.0,), neighbours=(4,), widths=((8, 16),), place=4, task_tokens=2, layers=1, heads=2, mlp=24
)
LONG_SYSTEM = "Answer the question about the room with the letter of the right option and its words."
ANSWER = 16  # new tokens


def question(rng: Random, letters: int) -> str:
    return "".join(rng.choice("abcdefgh ") for _ in range(letters))


def asks(media: Sequence[Any], each: int, letters: int, system: str = SYSTEM, seed: int = 0) -> list[Generate]:
    rng = Random(seed)
    return [
        Generate((Message("system", (system,)), Message("user", (one, question(rng, letters)))), ANSWER)
        for one in media
        for _ in range(each)
    ]


def same(ours: dict[int, Response], plain: dict[int, Response]) -> str:
    equal = sum(ours[i].text == plain[i].text for i in plain)
    return f"{equal} of {len(plain)} answers equal"


def compare(
    title: str, ours: Callable[[], dict[int, Response]], count: int, plain: Callable[[], dict[int, Response]], few: int
) -> tuple[str, float, Any, Any]:
    """Times both ways once; the plain one on the first `few` of `count` samples."""
    clock = Clock()
    slow = plain()
    clock.stop()
    begun = Clock()
    fast = ours()
    begun.stop()
    ratio = (clock.cpu / few) / (begun.cpu / count)
    wall = (clock.wall / few) / (begun.wall / count)
    print(
        f"{title:<58}{1 / (clock.cpu / few):>9.2f}{count / begun.cpu:>9.2f}{ratio:>8.1f}x{wall:>8.1f}x",
        flush=True,
    )
    return title, ratio, fast, slow


@dataclass(frozen=True)
class How:
    """What is asked with."""

    dtype: torch.dtype = torch.float32  # of ours
    plain: torch.dtype = torch.float32  # of the plain loop
    lora: bool = False  # the plain loop has LoRA beside its weights, as upstream's does

    def plain_loop(self, model: Lamm, asker: Asker) -> Plain:
        """The plain loop on the same weights, in its own precision; made of `model` before it takes ours."""
        return Plain(deepcopy(model).to(self.plain) if self.plain != self.dtype else model, asker, self.lora)


def single(
    llm: dict[str, Any], tower: dict[str, int], folder: Path, title: str, count: int, few: int, letters: int, size: int, how: How
) -> None:
    """Every picture asked once: only batching helps, and the common system message."""
    model = random_lamm(llm, tower)
    asker = asker_of(model, size)
    requests = asks(pictures(folder, count), 1, letters)
    plain = how.plain_loop(model, asker)
    model.to(how.dtype)
    _, _, fast, slow = compare(
        title, lambda: dict(asker.generate(requests)), count, lambda: dict(plain.generate(requests[:few])), few
    )
    print("   " + same(fast, slow))


def scene(llm: dict[str, Any], epcl: Epcl, folder: Path, title: str, each: int, few: int, how: How) -> None:
    """Sixty questions about one cloud, as in ScanQA, with EPCL."""
    model = random_epcl_lamm(llm, epcl)
    asker = asker_of(model, 64)
    requests = asks([scene_of(folder, epcl.points)], each, 32, system=LONG_SYSTEM)
    shared = asker.place([asker.prompt(r.messages) for r in requests], [ANSWER] * each)[0]
    print(f"   {shared.shared} tokens of the prompt in common, {len(shared.row) - shared.shared} of each question's own")
    plain = how.plain_loop(model, asker)
    model.to(how.dtype)
    _, _, fast, slow = compare(
        title, lambda: dict(asker.generate(requests)), each, lambda: dict(plain.generate(requests[:few])), few
    )
    print("   " + same(fast, slow))


def turns(llm: dict[str, Any], epcl: Epcl, folder: Path, title: str, each: int, few: int, how: How) -> None:
    """The same in two turns, as upstream's evaluation of July 2023 asks questions with options."""
    model = random_epcl_lamm(llm, epcl)
    asker = asker_of(model, 64, tokenizer=Turned())
    asker.layout = "classic"
    requests = asks([scene_of(folder, epcl.points)], each, 41, system=LONG_SYSTEM)
    plain = how.plain_loop(model, asker)
    model.to(how.dtype)
    _, _, fast, slow = compare(
        title, lambda: in_turns(asker.generate, requests), each, lambda: in_turns(plain.generate, requests[:few]), few
    )
    print("   " + same(fast, slow) + " in both turns")


def in_turns(ask: Callable[[list[Generate]], Iterable[tuple[int, Response]]], requests: list[Generate]) -> dict[int, Response]:
    """Both answers of each question, put together as upstream stores them (reference 1.2.1)."""
    first = dict(ask(requests))
    second = dict(ask([again(request, first[index].text) for index, request in enumerate(requests)]))
    return {index: Response(f"{first[index].text}\n The answer is {second[index].text}") for index in first}


def again(request: Generate, answer: str) -> Generate:
    *head, last = request.messages
    return replace(request, messages=(*head, replace(last, parts=(*last.parts, f"{answer} ###\nANSWER:"))))


def options(llm: dict[str, Any], tower: dict[str, int], folder: Path, title: str, count: int, few: int) -> None:
    """Six options a question, each picture asked once."""
    model = random_lamm(llm, tower)
    asker = asker_of(model, 64)
    rng = Random(0)
    requests = [Score(one.messages, tuple(question(rng, 8) for _ in range(6))) for one in asks(pictures(folder, count), 1, 60)]
    plain = Plain(model, asker)
    for once, said in ((False, "encoded for every option"), (True, "encoded once a question")):
        asker.cache.clear()
        asker.beginnings.clear()
        _, _, fast, slow = compare(
            f"{title}, media {said}",
            lambda: dict(asker.score(requests)),
            count,
            lambda once=once: dict(plain.score(requests[:few], once)),
            few,
        )
        worst = max(abs(a - b) for i in slow for a, b in zip(fast[i].logprobs, slow[i].logprobs))
        print(f"   greatest difference of a log-likelihood: {worst:.1e}")


def overhead(llm: dict[str, Any], tower: dict[str, int], folder: Path, count: int) -> None:
    """Everything that is not a forward pass: plans, batches, tokens to text, stop texts, caches."""
    model = random_lamm(llm, tower)
    asker = asker_of(model, 32)
    requests = asks(pictures(folder, count), 2, 60)
    with forwards(model) as spent:
        clock = Clock()
        for _ in asker.generate(requests):
            pass
        clock.stop()
    print(
        f"overhead of the adapter: {100 * (clock.cpu - spent[0]) / clock.cpu:.1f} % of {clock.cpu:.1f} s that {2 * count} answers took"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["single", "scene", "turns", "options", "overhead"])
    parser.add_argument(
        "--dtype", choices=["float32", "bfloat16"], default="float32", help="of both ways; single, scene and turns only"
    )
    parser.add_argument("--plain-dtype", choices=["float32", "bfloat16"], help="of the plain loop, where it is another")
    parser.add_argument("--lora", action="store_true", help="the plain loop keeps LoRA beside the weights; scene and turns only")
    parser.add_argument("--tiny", action="store_true", help="small shapes, to see that everything runs")
    given = parser.parse_args()
    if given.dtype != "float32" and given.only not in ("single", "scene", "turns"):
        parser.error("--dtype goes with --only single, scene or turns")
    if given.lora and given.only not in ("scene", "turns"):
        parser.error("--lora goes with --only scene or --only turns")
    plain = given.plain_dtype or given.dtype
    tiny, how = given.tiny, How(getattr(torch, given.dtype), getattr(torch, plain), given.lora)
    llm = TINY if tiny else SMOLLM
    epcl = TINY_EPCL if tiny else Epcl()
    small, large = (TINY_TOWER, TINY_TOWER) if tiny else (SMALL, VIT_L)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), {given.dtype} against {plain}; samples a processor second"
    )
    print(f"{'':<58}{'plain':>9}{'ours':>9}{'ratio':>9}{'wall':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.only in (None, "single"):
            single(llm, small, folder, "36 image tokens, 16 new", 8 if tiny else 64, 2 if tiny else 8, 20, 64, how)
            single(llm, large, folder, "256 image tokens (ViT-L), 16 new", 4 if tiny else 8, 2, 20, 8, how)
        if given.only in (None, "scene"):
            scene(llm, epcl, folder, "60 questions a scene, 256 tokens (EPCL), 16 new", 6 if tiny else 60, 2 if tiny else 3, how)
        if given.only in (None, "turns"):
            turns(
                llm,
                epcl,
                folder,
                "60 questions a scene in two turns (EPCL), 16 new each",
                6 if tiny else 60,
                2 if tiny else 3,
                how,
            )
        if given.only in (None, "options"):
            options(llm, small, folder, "6 options, 36 image tokens", 3 if tiny else 10, 2 if tiny else 4)
        if given.only in (None, "overhead"):
            overhead(llm, small, folder, 4 if tiny else 32)


if __name__ == "__main__":
    main()
