"""Tiny files in the form in which benchmarks of rooms and objects are published, rooms in each of the forms that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .declared_kit import cloud, write_json, write_table

TURN = np.array([[0.0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 0], [0, 0, 0, 1]])  # a quarter turn and a step
OBJECTS = (0, 2, 4, 6)


def room(n: int) -> str:
    return f"scene{n:04d}_0{n % 2}"


def box(n: int, k: int) -> list[float]:
    """Of the k-th object of room n, along its axes: centre and extents."""
    return [k + n / 8, 1.0, 0.5, 0.5 + k / 8, 0.5, 0.75]


def arrays(root: Path, count: int) -> None:
    """As ScanRefer's script writes them."""
    for n in range(count):
        cloud(root / f"ScanNet/scannet_data/{room(n)}_aligned_vert.npy", n)
        table = [[*box(n, k), 5, number] for k, number in enumerate(OBJECTS)]
        np.save(root / f"ScanNet/scannet_data/{room(n)}_aligned_bbox.npy", np.array(table, np.float64))


def meshes(root: Path, count: int) -> None:
    """As ScanNet gives them out: a mesh, its segments, what they are part of, and the matrix that aligns it."""
    for n in range(count):
        folder = root / f"ScanNet/scans/{room(n)}"
        folder.mkdir(parents=True)
        points, segments, groups = [[3.0, 3.0, 0.0]], [99], []
        for k, number in enumerate(OBJECTS):
            middle, sides = np.array(box(n, k)[:3]), np.array(box(n, k)[3:])
            for corner in np.ndindex(2, 2, 2):
                points.append((middle + (np.array(corner) - 0.5) * sides).tolist())
                segments.append(10 * k + corner[0])
            groups.append({"id": number, "objectId": number, "segments": [10 * k, 10 * k + 1], "label": "chair"})
        inverse = np.linalg.inv(TURN)
        turned = np.array(points) @ inverse[:3, :3].T + inverse[:3, 3]
        (folder / f"{room(n)}_vh_clean_2.ply").write_bytes(mesh(turned))
        said = " ".join(f"{value:.6f}" for value in TURN.ravel())
        (folder / f"{room(n)}.txt").write_text(f"appVersionId = 1\naxisAlignment = {said} \ncolorHeight = 968\n")
        write_json(folder / f"{room(n)}_vh_clean_2.0.010000.segs.json", {"params": {}, "segIndices": segments})
        write_json(folder / f"{room(n)}.aggregation.json", {"sceneId": f"scannet.{room(n)}", "segGroups": groups})


def mesh(points: np.ndarray) -> bytes:
    kinds = [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1"), ("alpha", "u1")]
    table = np.zeros(len(points), kinds)
    for axis, name in enumerate("xyz"):
        table[name] = points[:, axis]
    table["red"] = 200
    named = "".join(f"property {'float' if kind == '<f4' else 'uchar'} {name}\n" for name, kind in kinds)
    head = f"ply\nformat binary_little_endian 1.0\ncomment VCGLIB generated\nelement vertex {len(points)}\n{named}"
    head += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    return head.encode() + table.tobytes() + b"\3" + np.array([0, 1, 2], "<i4").tobytes()


NAMES = (("file_cabinet", "cabinet"), ("chair", "chair"), ("office_chair", "chair"), ("plant", "otherprop"))


def scanrefer_val(root: Path, count: int) -> None:
    arrays(root, 3)
    write_scanrefer(root, count)
    rows = [
        {"id": n, "raw_category": raw.replace("_", " "), "category": raw, "count": 9, "nyu40id": 3, "eigen13id": 1, "nyuClass": own, "nyu40class": own}
        for n, (raw, own) in enumerate(NAMES)
    ]  # fmt: skip
    write_table(root / "ScanRefer/data/scannet/meta_data/scannetv2-labels.combined.tsv", rows)


def write_scanrefer(root: Path, count: int) -> None:
    rows = [
        {
            "scene_id": room(n % 3), "object_id": str(OBJECTS[n % 4]), "object_name": NAMES[n % 4][0], "ann_id": str(n // 4),
            "description": f"this is a brown {NAMES[n % 4][0]} by wall {n}. it is left of the door.", "token": ["this"],
        }
        for n in range(count)
    ]  # fmt: skip
    write_json(root / "ScanRefer/ScanRefer_filtered_val.json", rows)


def scan2cap(root: Path, count: int) -> None:
    meshes(root, 3)
    write_scanrefer(root, 2 * count)


def refer_it(name: str) -> Any:
    def make(root: Path, count: int) -> None:
        meshes(root, 3)
        rows = []
        for n in range(count + 2):
            own = OBJECTS[n % 4]
            others = [number for number in OBJECTS if number != own][: 1 + n % 3]
            stimulus = "-".join([room(n % 3), "office_chair", str(1 + len(others)), str(own), *map(str, others)])
            words = ["the", "chair", ("on", "left")[n % 2], "the", "wall"]
            row = {
                "assignmentid": n, "stimulus_id": stimulus, "utterance": " ".join(words), "scan_id": room(n % 3), "instance_type": "office chair",
                "target_id": own, "mentions_target_class": str(n != count), "tokens": str(words), "dataset": name, "correct_guess": "True",
            }  # fmt: skip
            more = {
                "distractor_ids": str(others),
                "coarse_reference_type": "horizontal",
                "reference_type": "closest",
                "anchors_types": "['wall']",
                "anchor_ids": "[3]",
            }
            rows.append({**row, **(more if name == "sr3d" else {}), **({"scan_id": "scene0700_00"} if n == count + 1 else {})})
        write_table(root / f"ReferIt3D/{name}.csv", rows, ",")
        (root / "ReferIt3D/scannetv2_val.txt").write_text("".join(f"{room(n)}\n" for n in range(3)))

    return make


def real_3dqa_rotations(root: Path, count: int) -> None:
    for n in range(2):
        cloud(root / f"3D_Benchmark/scannet_pcls/{room(n)}.npy", n)
    words = ("window", "wall", "black and silver", "chair", "zero")
    for step, turn in enumerate((0, 90, 180, 270)):
        rows = [
            {
                "scene_id": room(n % 2), "situation": f"I am standing by table {n}.", "alternative_situation": ["I sit."], "question": f"What is on my left at {n}?",
                "question_id": int(f"{220602000035 + n}{f'0{step}' if step else ''}"), "position": {"x": 1.0, "y": 0.7, "z": 0},
                "answers": [{"answer": words[(n + step) % 5], "answer_confidence": "yes", "answer_id": 1}],
                "rotation": {"_x": 0, "_y": 0, "_z": 0.99, "_w": 0.09},
            }
            for n in range(count // 3)
        ]  # fmt: skip
        write_json(root / f"Real-3DQA/rotation_{turn}.json", {"data_type": "scannet", "questions": rows})


def beacon3d_grounding(root: Path, count: int) -> None:
    arrays(root, 2)
    data: dict[str, Any] = {}
    for n in range(max(1, count // 6)):
        chains = {
            str(chain): [
                {"text": f"The bag on the floor near the chair, {n} {chain} {step}.", "obj_id": [str(OBJECTS[own]) for own in range(1 + step)], "tag": "class-spatial"}
                for step in range(2)
            ]
            for chain in range(3)
        }  # fmt: skip
        data.setdefault(room(n % 2), {}).setdefault("bag", {})[str(40 + n)] = chains
    write_json(root / "beacon-3d/data/scannet/metadata_scannet_grounding.json", data)


def modelnet40(root: Path, count: int) -> None:
    folder, classes = root / "modelnet40_normal_resampled", ("night_stand", "airplane", "tv_stand", "cup")
    names = [f"{classes[n % 4]}_{627 + n:04d}" for n in range(count)]
    for n, name in enumerate(names):
        path = folder / name.rpartition("_")[0] / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        points = np.random.default_rng(n).uniform(-1, 1, (40, 6))
        path.write_text("".join(",".join(f"{value:.6f}" for value in point) + "\n" for point in points))
    (folder / "modelnet40_test.txt").write_text("\n".join(names))


MADE = {
    "scanrefer-val": scanrefer_val, "scan2cap": scan2cap, "nr3d": refer_it("nr3d"), "sr3d": refer_it("sr3d"),
    "real-3dqa-rotations": real_3dqa_rotations, "beacon3d-grounding": beacon3d_grounding, "modelnet40": modelnet40,
}  # fmt: skip
