"""Benchmark files on the command line: checked before a model is asked, run and scored like every other task, known by what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .commands import done, lamm_bench, refusal
from .declared_kit import items, write_jsonl, write_pictures

SIGNS = """
name: signs
about: {title: Signs of the road, licence: CC0, size: 12 questions}
data: {files: signs.jsonl}
sample:
  id: "{id}"
  question: "{question}\\n{@options}"
  image: "{image}"
  folder: images
  choices: "{options}"
  target: "{answer}"
  meta: {kind: "{kind}"}
read: letter
metric: {name: accuracy, by: kind}
"""


@pytest.fixture()
def signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a benchmark file beside its data, and the working directory elsewhere."""
    home = tmp_path / "home"
    write_jsonl(home / "signs.jsonl", [{**row, "kind": "xy"[n % 2], "image": f"{n % 6}.png"} for n, row in enumerate(items(12))])
    write_pictures(home / "images")
    (home / "signs.yaml").write_text(SIGNS)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return home


def test_check_shows_prompts_answers_null_models(signs: Path) -> None:
    said = done("check", signs / "signs.yaml")
    assert "Signs of the road" in said and "licence: CC0" in said and "12 samples in 6 groups, 0 faults" in said
    assert said.count("asked (user): <image>") == 3 and "(A) red" in said
    assert "in a sentence    The answer is (A)." in said and said.count("unread") == 2
    rows = dict(
        line.split()[:2]
        for line in said.splitlines()
        if line.startswith("  ") and line.split()[0] in ("oracle", "majority", "copy")
    )
    assert rows == {"oracle": "100.00", "majority": "50.00", "copy": "0.00"}


def test_check_knows_a_benchmark_that_its_questions_give_away(signs: Path) -> None:
    rows = [
        {
            "id": n,
            "question": f"Is it {'red' if n % 2 else 'big'}?",
            "options": ["yes", "no"],
            "answer": "AB"[n % 2],
            "image": f"{n % 6}.png",
            "kind": "x",
        }
        for n in range(12)
    ]
    write_jsonl(signs / "signs.jsonl", rows)
    blind = next(line for line in done("check", signs / "signs.yaml").splitlines() if line.startswith("  blind"))
    assert blind.split()[1] == "100.00"


def test_check_names_every_wrong_row_and_ends_with_two(signs: Path) -> None:
    rows = [{**row, "kind": "x"} for row in items(30)]
    for number in (3, 7):
        rows[number]["answer"] = "Z"
    rows[9]["id"] = "q8"
    write_jsonl(signs / "signs.jsonl", rows)
    (signs / "images/2.png").write_bytes(b"none")
    result = lamm_bench("check", signs / "signs.yaml", "--all")
    assert result.exit_code == 2
    faults = result.output[result.output.index("faults (") :]
    assert "line 4: its target" in faults and "line 8: its target" in faults and 'line 10: the id "q8"' in faults
    assert "line 3: " in faults and "2.png is not an image" in faults and "6.png is missing" in faults
    assert "... and" not in faults and "... and" in lamm_bench("check", signs / "signs.yaml").output
    quick = lamm_bench("check", signs / "signs.yaml", "--quick")
    assert quick.exit_code == 2 and "faults (3):" in quick.output


def test_check_of_what_is_none(signs: Path) -> None:
    assert "name a benchmark file" in refusal("check")
    assert "no benchmark file or task of one called 'sign'" in refusal("check", "sign")
    assert "is missing" in refusal("check", signs / "sign.yaml")
    (signs / "signs.yaml").write_text(SIGNS.replace("read: letter", "read: later"))
    assert "line 13: `read` names no reader called 'later'. Did you mean 'letter'?" in refusal("check", signs / "signs.yaml")
    assert json.loads(done("check", "--schema"))["properties"]["sample"]["properties"]["image"]


def test_a_file_is_run_scored_and_reported_like_a_task(signs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    monkeypatch.chdir(signs)
    done("run", "--model", "oracle", "--tasks", "signs.yaml", "--output", out, "--json", tmp_path / "r.json")
    (entry,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert (
        entry["task"] == "signs" and entry["metrics"]["accuracy"]["value"] == 100.0 and entry["metrics"]["accuracy/x"]["n"] == 6
    )
    manifest = json.loads((out / "manifest.json").read_text())
    assert list(manifest["identity"]["plugins"]) == ["signs.yaml"] and manifest["data_root"] == str(signs)
    monkeypatch.chdir("/")
    assert "100.00" in done("score", out)  # finds the file again by what the run was asked with
    assert "signs" in done("report", out, "--out", tmp_path / "r.html") or (tmp_path / "r.html").is_file()
    result = lamm_bench("run", "--model", "oracle", "--tasks", signs / "signs.yaml", "--output", out)
    assert result.exit_code == 0 and "holds 12 of 12 answers" in result.output


def test_what_a_file_says_is_part_of_the_run_and_its_remarks_are_not(signs: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("run", "--model", "oracle", "--tasks", signs / "signs.yaml", "--output", out)
    done(*words)
    (signs / "signs.yaml").write_text("# a remark\n" + SIGNS.replace("licence: CC0", "licence: CC BY"))
    done(*words)
    (signs / "signs.yaml").write_text(SIGNS + "max_new_tokens: 8\n")
    assert "the plug-in signs.yaml was edited since" in refusal(*words)


def test_likelihoods_and_workers_take_it_too(signs: Path, tmp_path: Path) -> None:
    words = ("--tasks", signs / "signs.yaml", "--json", tmp_path / "r.json")
    done("run", "--model", "chance", "--recipe", "lamm/likelihood", *words, "--output", tmp_path / "a")
    (entry,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert entry["counts"]["ok"] == 12
    done("run", "--model", "oracle", "--workers", "1", *words, "--output", tmp_path / "b")
    (entry,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert entry["metrics"]["accuracy"]["value"] == 100.0


def test_other_verbs_take_a_file(signs: Path, tmp_path: Path) -> None:
    file = signs / "signs.yaml"
    assert "ground truth: 0" in done("show", file, "q4")
    assert "signs" in done("list", "tasks", "--plugin", file)
    assert "no fault" in done("data", "verify", "--tasks", file) or "signs" in done("data", "verify", "--tasks", file)
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers/signs.json").write_text(json.dumps([{"id": f"q{n}", "text": "(A)"} for n in range(12)]))
    said = done("score", "--answers", tmp_path / "answers", "--tasks", file)
    assert "50.00" in said


def test_a_file_goes_with_tasks_of_the_shelf_whose_data_lie_elsewhere(signs: Path, tmp_path: Path, mini_root: Path) -> None:
    words = ("run", "--model", "oracle", "--limit", "2", "--output", tmp_path / "run")
    done(*words, "--tasks", f"{signs / 'signs.yaml'},svt", "--data-root", mini_root, "--json", tmp_path / "r.json")
    told = json.loads((tmp_path / "r.json").read_text())
    assert {entry["task"] for entry in told["results"]} == {"signs", "svt"} and not told["unavailable"]
    assert "100.00" in done("score", tmp_path / "run")


def test_a_second_task_of_a_name_is_refused(signs: Path) -> None:
    (signs / "signs.yaml").write_text(SIGNS.replace("name: signs", "name: cifar10"))
    assert "brings a second task called 'cifar10'; rename one of them" in refusal("check", signs / "signs.yaml")


def test_data_may_lie_elsewhere(signs: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("signs.jsonl", "images"):
        (signs / name).rename(tmp_path / "data" / name)
    assert "0 faults" in done("check", signs / "signs.yaml", "--data-root", tmp_path / "data")
    assert "signs.jsonl" in refusal("check", signs / "signs.yaml", "--data-root", signs)


def test_python_takes_a_file(signs: Path, tmp_path: Path) -> None:
    import lamm_bench

    found = lamm_bench.evaluate("oracle", tasks=str(signs / "signs.yaml"), output=tmp_path / "run", progress=False)
    assert found.folder == tmp_path / "run"


def test_another_package_offers_its_files(signs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint, EntryPoints

    from lamm_bench.ask import catalog

    (signs / "theirs.py").write_text('TASK_FILES = ("signs.yaml",)\n')
    monkeypatch.syspath_prepend(str(signs))
    entry = EntryPoint("theirs", "theirs", "lamm_bench.tasks")
    monkeypatch.setattr(catalog.importlib.metadata, "entry_points", lambda: EntryPoints([entry]))
    found = catalog.load_catalog()
    assert found.tasks["signs"].meta_files == ("signs.jsonl",) and not found.plugin_files


@pytest.mark.parametrize("form", ["chef", "csv", "eee"])
def test_a_run_of_a_file_is_exported_without_naming_it_again(signs: Path, tmp_path: Path, form: str) -> None:
    run = tmp_path / "run"
    done("run", "--model", "oracle", "--tasks", signs / "signs.yaml", "--output", run)
    about = [] if form != "eee" else ["--about", "model_id=a/b", "--about", "developer=a"]
    said = lamm_bench("export", run, "--to", form, "--output", tmp_path / "away", *about)
    assert said.exit_code == 0, said.output
    assert [path for path in (tmp_path / "away").rglob("*") if path.is_file()]


def test_what_a_newcomer_mistypes_is_told_with_what_would_be_right(signs: Path) -> None:
    file, text = signs / "signs.yaml", SIGNS
    for wrong, right, said in (
        ("signs.jsonl", "sings.jsonl", "sings.jsonl is not here"),
        ("signs.jsonl", "sings.jsonl", "did you mean signs.jsonl? Else name the folder above it with --data-root"),
        ('"{id}"', "{id}-{kind}", 'a text that begins with a brace stands in quotes: "{id}-{kind}"'),
        ('"{id}"', "{id}", 'a text with columns in braces, in quotes, such as "{question}"'),
    ):
        file.write_text(text.replace(wrong, right))
        told = refusal("check", file)
        assert said in told and "miniature benchmark, drawn" not in told


def test_figures_by_category_stand_below_the_headline_with_their_counts(signs: Path) -> None:
    said = done("run", "--model", "oracle", "--tasks", signs / "signs.yaml", "--output", signs / "run")
    lines = [line.split() for line in said.splitlines() if line.startswith("  ")]
    assert [line[:4] for line in lines] == [["x", "n", "6", "100.00"], ["y", "n", "6", "100.00"]]


def test_many_categories_are_shown_where_they_are_asked_for(signs: Path) -> None:
    write_jsonl(
        signs / "signs.jsonl", [{**row, "kind": f"k{n % 10}", "image": f"{n % 6}.png"} for n, row in enumerate(items(12))]
    )
    words = ("--model", "oracle", "--tasks", signs / "signs.yaml", "--output", signs / "run")
    said = done("run", *words)
    assert "10 categories: --by" in said and "k3" not in said
    assert "k3" in done("run", *words, "--by") and "k3" in done("score", signs / "run", "--by")


def test_a_report_shows_categories_and_groups(signs: Path) -> None:
    text = (signs / "signs.yaml").read_text().replace("by: kind", "by: kind, together: {both: kind}")
    (signs / "signs.yaml").write_text(text)
    said = done("run", "--model", "oracle", "--tasks", signs / "signs.yaml", "--output", signs / "run")
    assert [line.split()[:3] for line in said.splitlines() if line.startswith("  ")][0] == ["both", "n", "2"]
    done("report", signs / "run")
    page = next((signs / "run").glob("*.html")).read_text()
    table = page[page.index("<th>category</th>") :]
    assert table.index("both") < table.index("<td>x</td>") < table.index("<td>y</td>")


def test_published_figures_of_a_file_stand_on_the_leaderboard_with_their_source(signs: Path) -> None:
    text = (signs / "signs.yaml").read_text()
    more = 'size: 12 questions, published: [{model: Model A, value: 61.5, source: "https://example.org/a"}]'
    (signs / "signs.yaml").write_text(text.replace("size: 12 questions", more))
    done("run", "--model", "majority", "--tasks", signs / "signs.yaml", "--output", signs / "results/run")
    words = ("leaderboard", "--results", signs / "results", "--plugin", signs / "signs.yaml", "--task", "signs")
    said = done(*words, "--format", "json")
    rows = [row for group in json.loads(said)["groups"] for row in group["rows"] if row["model"] == "Model A"]
    assert [(row["value"], row["published"], row["source"]) for row in rows] == [(61.5, True, "https://example.org/a")]
    assert "Model A" not in done(*words, "--no-published")


def test_shipped_figures_are_shown_and_people_are_not_ranked(tmp_path: Path) -> None:
    said = done("leaderboard", "--results", tmp_path, "--task", "sqa3d", "--format", "json")
    (group,) = json.loads(said)["groups"]
    rows = {row["model"]: row for row in group["rows"]}
    assert rows["ScanQA (3D)"]["value"] == 46.58 and rows["humans"]["reference"] and group["metric"] == "EM"
    assert all(row["source"].startswith("https://") for row in rows.values())


def test_show_says_what_is_counted_and_in_which_categories_a_sample_is(signs: Path) -> None:
    assert "counted: accuracy; by kind (here y)" in done("show", signs / "signs.yaml", "q1")


def test_categories_do_not_flood_the_leaderboard(signs: Path) -> None:
    done("run", "--model", "majority", "--tasks", signs / "signs.yaml", "--output", signs / "results/run")
    words = ("leaderboard", "--results", signs / "results", "--task", "signs")
    said = done(*words)
    assert "accuracy/x" not in said and "2 figures by category are left out here; --full shows them" in said
    assert "accuracy/x" in done(*words, "--full") and "accuracy/x" in done(*words, "--format", "json")


def test_a_task_is_called_by_its_file_wherever_one_task_is_named(signs: Path) -> None:
    assert "pass" in done("doctor", "--model", "oracle", "--task", signs / "signs.yaml", "--check", "answers")
    done("run", "--model", "majority", "--tasks", signs / "signs.yaml", "--output", signs / "results/run")
    assert "majority" in done("leaderboard", "--results", signs / "results", "--task", signs / "signs.yaml")
    assert "no task called 'sings'" in refusal("doctor", "--model", "oracle", "--task", "sings")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("name: all", "brings a task called 'all', which is the name of a group"),
        ("name: 2d", "brings a task called '2d', which is the name of a group"),
        ("name: declared", "which is the name of a group"),
        ("name: signs\ngroups: [cifar10]", "names a group 'cifar10', which is the name of a task"),
        ("name: signs\ngroups: [all]", "names a group 'all', which is the name of others"),
        ("name: mmstar", "brings a second task called 'mmstar'"),
        ("name: signs\nkind: vqaa", "no system message called 'vqaa'. Did you mean 'vqa'?"),
    ],
)
def test_a_name_that_others_answer_to_is_refused(head: str, said: str, signs: Path) -> None:
    file = signs / "signs.yaml"
    file.write_text(file.read_text().replace("name: signs", head))
    assert said in refusal("run", "--model", "oracle", "--tasks", file, "--output", signs / "run")
