"""What can be named, what strangers can add, and which way imports run."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from lamm_bench.ask.catalog import ORDER, load_catalog
from lamm_bench.errors import BenchError

ROOT = Path(__file__).parents[1]
SHELVES = ("adapters", "tasks", "recipes", "training", "results")

PLUGIN = '''"""A stranger's file."""
from dataclasses import dataclass

from lamm_bench.types import Response


@dataclass
class Parrot:
    word: str = "yes"
    name: str = "parrot"
    modalities: frozenset = frozenset({"image"})

    def fingerprint(self):
        return self.word

    def generate(self, requests):
        for number, _ in enumerate(requests):
            yield number, Response(self.word)


ADAPTERS = {"parrot": Parrot}
RECIPES = {"theirs/brief": "scenario: {}\\ninstruction: {}\\ninferencer: {name: direct, max_new_tokens: 3}\\nmetric: {}\\n"}
'''


def test_all_seventeen_tasks_are_found_in_lamms_order() -> None:
    catalog = load_catalog()
    assert [task.name for task in catalog.ordered()][: len(ORDER)] == ORDER
    assert [task.name for task in catalog.select_tasks("3d")] == ["scannet", "scanrefer", "scanqa"]
    assert [task.name for task in catalog.select_tasks("locating,svt")] == ["svt", *ORDER[11:14]]
    assert [task.name for task in catalog.select_tasks("all")] == ORDER  # ChEF's scenarios stand apart


def test_scenarios_of_chef_are_asked_by_their_names_and_groups() -> None:
    catalog = load_catalog()
    scenarios = catalog.select_tasks("chef")
    assert {f"chef-pope-{name}" for name in ("random", "popular", "adversarial")} < {task.name for task in scenarios}
    assert not {task.name for task in scenarios} & set(ORDER)
    assert catalog.select_tasks("all,chef,chef-forms,declared") == catalog.ordered()


@pytest.mark.parametrize("wrong", ["cifar", "scanet", "2D", ""])
def test_a_wrong_task_name_is_refused_with_the_names_there_are(wrong: str) -> None:
    with pytest.raises(BenchError, match="tasks|Did you mean|There are"):
        load_catalog().select_tasks(wrong)


def test_a_plugin_file_brings_a_model_and_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "theirs.py"
    path.write_text(PLUGIN)
    catalog = load_catalog([str(path)])
    assert catalog.adapter("parrot", {"word": "no"}).fingerprint() == "no"
    assert catalog.recipe("theirs/brief").inferencer["max_new_tokens"] == 3
    with pytest.raises(BenchError, match="Did you mean 'word'"):
        catalog.adapter("parrot", {"wrd": "no"})


@pytest.mark.parametrize(
    ("text", "message"), [("x = 1", "defines none of"), ("def", "SyntaxError"), ("import nonsense_xyz", "ModuleNotFoundError")]
)
def test_a_plugin_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.py").write_text(text)
    with pytest.raises(BenchError, match=message):
        load_catalog([str(tmp_path / "p.py")])


def test_a_plugin_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(BenchError, match="expected a Python file"):
        load_catalog(["nowhere.py"])


def test_no_name_is_taken_twice(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text('ADAPTERS = {"oracle": object}')
    with pytest.raises(BenchError, match="second adapter called 'oracle'"):
        load_catalog([str(tmp_path / "p.py")])


def imports_of(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
    return found


def test_all_arrows_run_from_the_shelves_into_the_engine() -> None:
    for path in (ROOT / "lamm_bench").rglob("*.py"):
        if any(part in SHELVES for part in path.relative_to(ROOT / "lamm_bench").parts):
            continue
        for level, module in imports_of(path):
            first = module.removeprefix("lamm_bench.").split(".")[0] if level == 0 else module.split(".")[0]
            reaches = module.startswith("lamm_bench.") if level == 0 else True
            assert not (reaches and first in SHELVES), f"{path} imports the shelf {module}"
    for shelf in SHELVES:
        for path in (ROOT / shelf).rglob("*.py"):
            for level, module in imports_of(path):
                others = [f"lamm_bench.{name}" for name in SHELVES if name != shelf]
                assert level or not module.startswith(tuple(others)), f"{path} imports another shelf: {module}"
                assert level or module.split(".")[0] not in SHELVES, f"{path} imports the bare folder {module}"


def test_only_the_lamm_folder_and_the_shelves_that_need_it_import_torch() -> None:
    allowed = ("lamm_bench/lamm", "training", "adapters")
    for path in [*(ROOT / "lamm_bench").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]:
        relative = path.resolve().relative_to(ROOT).as_posix()
        if not relative.startswith(allowed):
            assert not any(module.split(".")[0] in ("torch", "transformers", "peft") for _, module in imports_of(path)), relative


def test_help_and_lists_never_load_torch() -> None:
    code = (
        "import sys\n"
        "import lamm_bench, lamm_bench.cli.group\n"
        "assert 'numpy' not in sys.modules and 'rich' not in sys.modules\n"
        "from lamm_bench.ask.catalog import load_catalog\n"
        "load_catalog()\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_nothing_is_executed_that_comes_from_data_or_models() -> None:
    """No eval, exec or pickle; torch.load only of plain weights (law 6)."""
    for path in [p for folder in ("lamm_bench", *SHELVES) for p in (ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                words = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert name not in ("eval", "exec", "pickle.load", "pickle.loads", "yaml.load"), f"{path}:{node.lineno}"
                if name == "np.load":
                    assert words.get("allow_pickle") == "False", f"{path}:{node.lineno}"
                if name == "torch.load":
                    assert words.get("weights_only") == "True", f"{path}:{node.lineno}"


def test_another_package_offers_a_model_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_package.py").write_text(PLUGIN)
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    groups = ("adapters", "recipes")
    (info / "entry_points.txt").write_text("".join(f"[lamm_bench.{group}]\nparrot = their_package\n" for group in groups))
    monkeypatch.syspath_prepend(str(tmp_path))
    catalog = load_catalog()
    assert catalog.adapter("parrot", {}).fingerprint() == "yes"
    assert "theirs/brief" in catalog.recipes


def test_an_entry_point_that_cannot_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lamm_bench.tasks]\nbroken = no_such_module_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BenchError, match="entry point broken"):
        load_catalog()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class A:\n    name = 'a'\n    def generate(self, requests): ...\nADAPTERS = {'a': A}", "model a lacks `modalities`"),
        (
            "class A:\n    def __init__(self): raise RuntimeError('no weights')\nADAPTERS = {'a': A}",
            "cannot be made: RuntimeError: no weights",
        ),
        ("ADAPTERS = ['a']", "ADAPTERS is list, expected a mapping"),
        ("class T: name = 't'\nTASKS = T", "TASKS is type, expected a tuple of tasks"),
        ("class T: name = 't'\nTASKS = (T(),)", "the task t lacks `kind`"),
    ],
)
def test_a_half_written_plugin_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.py").write_text(text)
    with pytest.raises(BenchError, match=message):
        load_catalog([str(tmp_path / "p.py")]).adapter("a", {})
