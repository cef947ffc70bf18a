"""Many processes with DeepSpeed (Rasley et al. 2020): ZeRO 0 to 3, offload, half precision, accumulation and clipping.

Started by `torchrun` or `deepspeed`, on one machine or many; alone it is one process. On a CPU it speaks gloo, without the
extensions that DeepSpeed would compile first."""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lamm_bench.errors import BenchError
from lamm_bench.training.config.preset import Preset, Stage
from lamm_bench.training.engines import state

from .device import device_here, place, precision_on
from .optimizers import adamw

NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}


class DeepSpeed:
    """`Engine` (engine.py) by DeepSpeed."""

    name = "deepspeed"
    even = True  # it counts them to know when a step is whole

    def __init__(self, preset: Preset) -> None:
        self.rank, self.world, local = place()
        self.device = device_here(local)
        self.lib = library(self.device)
        dtype = precision_on(preset.precision, self.device) if preset.precision != "auto" or self.device.type == "cuda" else None
        self.dtype = dtype or torch.float32
        if self.dtype == torch.float16 and self.device.type == "cpu":
            raise BenchError("precision float16 needs a GPU; on a CPU use bfloat16 or float32")
        self.preset = replace(preset, precision=NAMES[self.dtype])
        if len(preset.model.encoders) > 1 and preset.unused != "zero":
            raise BenchError("--engine deepspeed on images and point clouds together needs unused: zero (--set unused=zero)")
        if len(preset.model.encoders) > 1 and any("encoders" in stage.train for stage in preset.stages):
            raise BenchError("--engine deepspeed trains encoders of one kind of media, not of images and point clouds together")
        self.ds: Any = None
        self.module: Any = None
        self.join()

    @property
    def scaled(self) -> bool:
        return self.dtype == torch.float16

    @property
    def skipped(self) -> int:
        return int(self.ds.skipped_steps) if self.ds is not None else 0

    def join(self) -> None:
        """Meets the other processes."""
        if torch.distributed.is_initialized():
            return
        alone = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
        if self.world == 1:
            for name, value in alone.items():
                os.environ.setdefault(name, value)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        self.lib.init_distributed(dist_backend="nccl" if self.device.type == "cuda" else "gloo", verbose=False)

    def begin(self, module: nn.Module, stage: Stage, micros: int) -> None:
        self.module = module
        parameters = [p for p in module.parameters() if p.requires_grad]
        if stage.optimizer != "adamw":
            raise BenchError(
                f"stage {stage.name}: optimizer {stage.optimizer} runs in one process only; use adamw under DeepSpeed"
            )
        optimizer = adamw(parameters, stage, fused=False)
        self.micros = micros
        self.ds, *_ = self.lib.initialize(model=module, optimizer=optimizer, config=self.config(stage, micros))
        self.ds.checkpoint_engine.load = read_tensors

    def config(self, stage: Stage, micros: int) -> dict[str, Any]:
        """DeepSpeed's own settings (reference 3.7)."""
        parallel = self.preset.parallel
        zero: dict[str, Any] = {"stage": parallel.zero}
        for part, key in (("optimizer", "offload_optimizer"), ("parameters", "offload_param")):
            if part in parallel.offload:
                zero[key] = {"device": "cpu", "pin_memory": self.device.type == "cuda"}
        return {
            "train_micro_batch_size_per_gpu": 1,  # a name only: we say ourselves which rows each process learns from
            "gradient_accumulation_steps": micros,
            "gradient_clipping": stage.clip,
            "zero_optimization": zero,
            "zero_allow_untested_optimizer": True,
            "zero_force_ds_cpu_optimizer": False,
            "bf16": {"enabled": self.dtype == torch.bfloat16},
            "fp16": {
                "enabled": self.dtype == torch.float16,
                "initial_scale_power": parallel.scale_power,
                "loss_scale_window": parallel.scale_window,
                "min_loss_scale": 1,
            },
            "steps_per_print": 10**9,
        }

    def forward(self, *arguments: Any) -> dict[str, Tensor]:
        return self.ds(*arguments)

    def backward(self, loss: Tensor) -> None:
        # DeepSpeed divides by the micro-batches and averages over the processes; a step here is a sum over all of them
        self.ds.backward(loss * (self.world * self.micros))
        if not self.ds.is_gradient_accumulation_boundary():
            self.ds.step()

    def step(self, rate: float) -> float:
        for group in self.ds.optimizer.param_groups:
            group["lr"] = rate
        norm = None
        if self.preset.parallel.zero == 0 and self.dtype == torch.float32:  # DeepSpeed clips there without telling the norm
            norm = nn.utils.get_total_norm([p.grad for p in self.module.parameters() if p.grad is not None])
        self.ds.step()
        return float(self.ds.get_global_grad_norm() if norm is None else norm)

    def total(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        names = sorted(values)
        sums = torch.stack([values[name].detach().double().reshape(()) for name in names]).to(self.device)
        torch.distributed.all_reduce(sums)
        return dict(zip(names, sums.tolist()))

    def gather(self, value: Any) -> list[Any]:
        found: list[Any] = [None] * self.world
        torch.distributed.all_gather_object(found, value)
        return found

    def save(self, file: Path, held: dict[str, Any], names: Sequence[str]) -> None:
        """Each process writes its part into a folder; the file that speaks of the folder is written when all have.

        What an earlier stage has trained and this one leaves as it is stands in the file."""
        learning = {name for name, p in self.module.model.named_parameters() if p.requires_grad}
        earlier = self.weights([name for name in names if name not in learning])
        folder, tag = file.parent / state.SHARDS, f"{held['stage']}-{held['step']:06d}"
        fault = ""
        try:
            self.ds.save_checkpoint(str(folder), tag=tag, save_latest=False, exclude_frozen_parameters=True)
        except (OSError, RuntimeError) as error:
            fault = f"{folder / tag} cannot be written: {error}; the older state is untouched"
        faults = [each for each in self.gather(fault) if each]
        if faults:
            shutil.rmtree(folder / tag, ignore_errors=True)
            raise BenchError(faults[0])
        if self.rank == 0:
            state.write(file, {**held, "shards": tag, "model": earlier})

    def restore(self, saved: dict[str, Any], folder: Path) -> None:
        folder, tag = folder / state.SHARDS, saved["shards"]
        try:
            found, _ = self.ds.load_checkpoint(str(folder), tag=tag, load_module_strict=False)
        except (OSError, RuntimeError, AssertionError) as error:
            raise BenchError(f"{folder / tag} cannot be read: {error}; begin anew with --fresh") from None
        if found is None:
            raise BenchError(f"{folder / tag} is missing; begin anew with --fresh")

    def weights(self, names: Sequence[str]) -> dict[str, Tensor]:
        model = self.module.model
        tensors = dict(model.named_parameters()) | dict(model.named_buffers())
        out = {}
        for name in names:  # one after the other, for together they may not fit
            with self.whole(tensors[name]):
                if self.rank == 0:
                    out[name] = tensors[name].detach().cpu().clone()
        return out

    def whole(self, tensor: Tensor) -> AbstractContextManager[Any]:
        """A tensor that ZeRO-3 has split, put together."""
        if self.preset.parallel.zero < 3 or not hasattr(tensor, "ds_id"):
            return nullcontext()
        return self.lib.zero.GatheredParameters([tensor])

    def end(self) -> bool:
        # DeepSpeed has split and halved the weights, and hung its hooks on them
        self.ds.destroy()
        self.ds = self.module = None
        return False

    def close(self) -> None:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def library(device: torch.device) -> Any:
    """The package deepspeed, kept from compiling anything on a CPU."""
    if device.type == "cpu":
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    try:
        import deepspeed
        import deepspeed.ops
    except ImportError as error:
        raise BenchError(
            f"--engine deepspeed needs the extra `deepspeed` (pip install -c constraints.txt 'lamm-bench[deepspeed]'): {error}"
        ) from None
    if device.type == "cpu":  # shared-memory collectives, compiled for a minute; gloo's give the same sums
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    return deepspeed


def read_tensors(path: str, map_location: Any = None) -> Any:
    """What `torch.save` wrote, without running anything in it but the named classes of DeepSpeed's own states."""
    from deepspeed.runtime.fp16.loss_scaler import DynamicLossScaler, LossScaler
    from deepspeed.runtime.zero.config import ZeroStageEnum
    from packaging.version import Version

    if wrong := state.damage(Path(path)):
        raise BenchError(f"{path} is damaged ({wrong}); go on from an older state, or begin anew with --fresh")
    with torch.serialization.safe_globals([LossScaler, DynamicLossScaler, ZeroStageEnum, Version]):
        return torch.load(path, map_location=map_location, weights_only=True)


def free_port() -> str:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
