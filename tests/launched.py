"""What tests start with torchrun: a training under DeepSpeed that is interrupted after some forward passes and then gone on with.

Arguments: preset, data root, output, forward passes until the interruption, then `key=value` settings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lamm_bench.training.engines.deepspeed_engine import DeepSpeed
from lamm_bench.training.run import train
from lamm_bench.training.stages.trainer import Trainer


def main(preset: str, root: str, output: str, passes: str, *settings: str) -> None:
    losses, left = Trainer.losses, [int(passes)]

    def interrupted(self: Trainer, *arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return losses(self, *arguments)

    def go() -> None:
        train(preset, Path(output), dict(pair.split("=", 1) for pair in settings), Path(root), engine="deepspeed")

    close = DeepSpeed.close
    DeepSpeed.close = lambda self: None  # type: ignore[method-assign]  # the processes stay together for the second half
    Trainer.losses = interrupted  # type: ignore[method-assign]
    try:
        go()
        raise SystemExit("the training ended before it was interrupted")
    except KeyboardInterrupt:
        print("interrupted", sorted(str(path.relative_to(output)) for path in Path(output).rglob("*state*")), flush=True)
    Trainer.losses = losses  # type: ignore[method-assign]
    DeepSpeed.close = close  # type: ignore[method-assign]
    go()


if __name__ == "__main__":
    main(*sys.argv[1:])
