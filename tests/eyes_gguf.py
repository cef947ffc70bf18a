"""Random eyes for llama.cpp's server: a CLIP tower and a LLaVA-1.5 projector of two megabytes, as a GGUF file.

The keys and the names of the tensors are those that llama.cpp reads (tools/mtmd/clip.cpp and clip-impl.h)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIDE, PATCH, WIDTH, INNER, HEADS = 56, 14, 64, 128, 4  # 16 patches a picture


def write_eyes(path: Path, width: int, seed: int = 0) -> Path:
    """A projector file for a language model whose embeddings are `width` wide."""
    import gguf

    rng = np.random.default_rng(seed)

    def drawn(*shape: int, scale: float = 0.08) -> np.ndarray:
        return rng.normal(0.0, scale, shape).astype(np.float32)

    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    for key, value in (
        ("image_size", SIDE),
        ("patch_size", PATCH),
        ("embedding_length", WIDTH),
        ("feed_forward_length", INNER),
        ("projection_dim", width),
        ("block_count", 2),
        ("attention.head_count", HEADS),
    ):
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    writer.add_bool("clip.use_gelu", True)
    tensors = {
        "v.class_embd": drawn(WIDTH),
        "v.patch_embd.weight": drawn(WIDTH, 3, PATCH, PATCH),
        "v.position_embd.weight": drawn((SIDE // PATCH) ** 2 + 1, WIDTH),
        "v.pre_ln.weight": np.ones(WIDTH, np.float32),
        "v.pre_ln.bias": drawn(WIDTH),
        "mm.0.weight": drawn(width, WIDTH),
        "mm.0.bias": drawn(width),
        "mm.2.weight": drawn(width, width),
        "mm.2.bias": drawn(width),
    }
    for block in range(2):
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            tensors |= {f"v.blk.{block}.{name}.weight": drawn(WIDTH, WIDTH), f"v.blk.{block}.{name}.bias": drawn(WIDTH)}
        for name in ("ln1", "ln2"):
            tensors |= {f"v.blk.{block}.{name}.weight": np.ones(WIDTH, np.float32), f"v.blk.{block}.{name}.bias": drawn(WIDTH)}
        tensors |= {f"v.blk.{block}.ffn_up.weight": drawn(INNER, WIDTH), f"v.blk.{block}.ffn_up.bias": drawn(INNER)}
        tensors |= {f"v.blk.{block}.ffn_down.weight": drawn(WIDTH, INNER), f"v.blk.{block}.ffn_down.bias": drawn(WIDTH)}
    for name, value in tensors.items():
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
