"""The scripts of docs/scale.md under a scheduler of fifteen lines: what it would be told, and what the jobs ask."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from .commands import lamm_bench
from .test_spread import same

PAGE = Path(__file__).parents[1] / "docs/scale.md"
MODEL = "--model hf-chat --set model=llava-hf/llava-1.5-7b-hf --tasks all --data-root /data/LAMM"
SBATCH = """#!/bin/bash
# an array job runs once for each of its numbers; the second one is requeued and runs again
range=$(sed -n 's/^#SBATCH.*--array=\\([0-9-]*\\).*/\\1/p' "$1")
export SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_COUNT="${range#*-}"
for number in $(seq "${range%-*}" "${range#*-}") 2; do
    SLURM_ARRAY_TASK_ID=$number SLURM_JOB_ID=$((70 + number)) bash -euo pipefail "$1" || exit 1
done
"""
SRUN = """#!/bin/bash
# options first, as srun has them; on this machine every node is this one
told="$*"
while [[ "$1" == -* ]]; do [ "$1" = -w ] && shift; shift; done
echo "srun $told" >> "$CALLS"
exec "$@"
"""
NOTED = '#!/bin/bash\necho "$(basename "$0") $*" >> "$CALLS"\n'


def script(word: str) -> str:
    """The job script of the page that holds a word."""
    (found,) = [
        block for block in re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.S) if "#SBATCH" in block and word in block
    ]
    return str(found)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs stand before all others, and which keeps how they were called."""
    programs = {"sbatch": SBATCH, "srun": SRUN, "lamm-bench": NOTED, "ray": NOTED, "sleep": "#!/bin/bash\n"}
    programs |= {"scontrol": "#!/bin/bash\nprintf 'n1\\nn2\\nn3\\nn4\\n'\n", "hostname": "#!/bin/bash\necho 10.0.0.1 fe80::1\n"}
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path


def calls(place: Path, name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in (place / "calls").read_text().splitlines() if line.startswith(f"{name} ")]


def test_an_array_of_jobs_and_a_merge_are_the_run_of_one_process(place: Path, mini_root: Path) -> None:
    text, mine = script("--array="), f"--model chance --tasks svt,scanqa --data-root {mini_root} --limit 30"
    assert MODEL in text and "--array=1-16" in text and "}/16" in text
    text = text.replace(MODEL, mine).replace("--array=1-16", "--array=1-3").replace("}/16", "}/3")
    (place / "job.sh").write_text(text.replace("runs/", f"{place}/runs/"))
    subprocess.run(["sbatch", str(place / "job.sh")], check=True)
    asked = calls(place, "lamm-bench")
    assert [re.findall(r"--shard (\S+)", line) for line in asked] == [["1/3"], ["2/3"], ["3/3"], ["2/3"]]
    assert {tuple(re.findall(r"--claims (\S+)", line)) for line in asked} == {(f"{place}/runs/llava-claims",)}
    for line in asked:
        result = lamm_bench(*line.split())
        assert result.exit_code == 0, result.output
    (merge,) = re.findall(r"^lamm-bench (merge .*?) +#", PAGE.read_text(), re.M)
    assert merge == "merge runs/llava-shares/* --output runs/llava"
    parts = sorted((place / "runs/llava-shares").iterdir())
    assert lamm_bench("merge", *parts, "--output", place / "runs/llava").exit_code == 0
    assert lamm_bench("run", *mine.split(), "--output", place / "one").exit_code == 0
    same(place / "one", place / "runs/llava")


def test_ray_on_slurm_has_one_head_whose_address_all_others_are_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SLURM_JOB_ID": "123456", "SLURM_JOB_NODELIST": "n[1-4]", "SLURM_JOB_NUM_NODES": "4"}.items():
        monkeypatch.setenv(name, value)
    (place / "job.sh").write_text(script("--nodes=4") + "\nwait\n")
    subprocess.run(["bash", "-eu", str(place / "job.sh")], check=True)
    assert sorted(calls(place, "ray")) == ["start --address=10.0.0.1:23456 --block", "start --head --port=23456 --block"]
    nodes = calls(place, "srun")
    assert "--nodes=1 --ntasks=1 -w n1 ray start --head --port=23456 --block" in nodes
    assert "--nodes=3 --ntasks=3 --exclude=n1 ray start --address=10.0.0.1:23456 --block" in nodes
    (asked,) = calls(place, "lamm-bench")
    assert "--engine ray --address 10.0.0.1:23456" in asked and "--workers 32" in asked
