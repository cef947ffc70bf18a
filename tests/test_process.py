"""The adapter `process`: whatever the process does, each request has one answer, nothing hangs and nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lamm_bench.adapters.process import Process
from lamm_bench.adapters.served.wire import hello_of, line_of, object_in, response_of
from lamm_bench.errors import BenchError, Stopped
from lamm_bench.media import blank, open_cloud, open_image, shuffle
from lamm_bench.testing import check_adapter
from lamm_bench.types import Generate, Media, Message, Response, Score

from .commands import done, hear_ctrl_c
from .commands import lamm_bench as command
from .test_docs import example
from .toys import cloud, picture

HELLO = '{"name": "toy", "modalities": ["image"], "fingerprint": "1", "scores": true}'
HEAD = f"""
import json, os, sys, time
def say(**line): print(json.dumps(line), flush=True)
def asked():
    for line in sys.stdin:
        one = json.loads(line)
        yield one, str(one["messages"][-1]["parts"][-1])
print('''{HELLO}''', flush=True)
"""
ECHO = HEAD + "for one, text in asked(): say(id=one['id'], text='you said ' + text, finish='stop')\n"
DEADLINE = 300.0  # seconds after which a test that waits for another process fails


def made(folder: Path, script: str, **settings: Any) -> Process:
    file = folder / f"serve{len(list(folder.glob('serve*')))}.py"
    file.write_text(script)
    return Process(f"{sys.executable} {file}", **{"start": 30.0, "timeout": 30.0, **settings})


def ask(adapter: Process, *texts: str, **words: Any) -> list[Response]:
    found = list(adapter.generate([Generate((Message("user", (text,)),), 16, **words) for text in texts]))
    assert sorted(number for number, _ in found) == list(range(len(texts)))
    return [response for _, response in sorted(found, key=lambda pair: pair[0])]


def told(adapter: Process, *texts: str) -> list[str]:
    return [response.text or str(response.error) for response in ask(adapter, *texts)]


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_every_request_gets_its_own_answer_and_several_are_outstanding(tmp_path: Path) -> None:
    """The process answers four at a time, backwards: it can only do so if four are sent before the first is answered."""
    script = HEAD + (
        "some = []\nfor one, text in asked():\n    some.append((one, text))\n    if len(some) == 4:\n"
        "        while some:\n            one, text = some.pop()\n            say(id=one['id'], text='you said ' + text)\n"
    )
    adapter = made(tmp_path, script, outstanding=4)
    texts = [f"question {number} \u00e9\ud83d\ud83c" for number in range(12)]
    assert told(adapter, *texts) == [f"you said {text}" for text in texts]
    assert not adapter.notes


def test_what_is_asked_and_answered_crosses_whole(tmp_path: Path) -> None:
    script = HEAD + (
        "for one, text in asked():\n"
        "    if one['kind'] == 'score': say(id=one['id'], logprobs=[-len(o) for o in one['options']], tokens=[len(o) for o in one['options']])\n"
        "    else: say(id=one['id'], text=json.dumps(one), finish='length', reasoning='hm', reasoning_tokens=2, tokens=7)\n"
    )
    adapter = made(tmp_path, script)
    image = picture(tmp_path, "a.png", 1, (8, 8))
    messages = (Message("system", ("Be brief.",)), Message("user", (image, "What?")))
    ((_, said),) = adapter.generate([Generate(messages, 9, ("x",), 0.5, 0.9, 3)])
    assert (said.finish, said.reasoning, said.reasoning_tokens, said.tokens) == ("length", "hm", 2, (7,))
    assert json.loads(said.text) == {
        "id": 1,
        "kind": "generate",
        "messages": [
            {"role": "system", "parts": ["Be brief."]},
            {"role": "user", "parts": [{"kind": "image", "path": image.path}, "What?"]},
        ],
        "max_new_tokens": 9,
        "stop": ["x"],
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 3,
    }
    ((_, scored),) = adapter.score([Score(messages, ("cat", "a dog"))])
    assert (scored.logprobs, scored.tokens) == ((-3.0, -5.0), (3, 5))


def test_the_beginning_of_an_answer_goes_to_a_process_that_knows_it_and_to_no_other(tmp_path: Path) -> None:
    script = (
        HEAD + "for one, text in asked(): say(id=one['id'], logprobs=[-len(one.get('begun', '')), -len(one.get('window', ''))])\n"
    )
    asked = [
        Score((Message("user", ("a",)),), ("a", "b"), begun="It is ", window="option"),
        Score((Message("user", ("a",)),), ("a", "b")),
    ]
    knows = made(tmp_path, script.replace('"scores": true', '"scores": true, "begins": true'))
    assert knows.begins and [response.logprobs for _, response in sorted(knows.score(asked))] == [(-6.0, -6.0), (-0.0, -0.0)]
    ignores = made(tmp_path, script)
    found = dict(ignores.score(asked))
    assert not ignores.begins and "its hello does not say `begins`" in str(found[0].error) and found[1].error is None


def test_prints_of_libraries_break_nothing_and_are_counted(tmp_path: Path) -> None:
    script = (
        "print('Loading weights'); print('[1, 2]')\n"
        + HEAD
        + (
            "for one, text in asked():\n    print('50%|##  |\\r100%|####|\\r', end='')\n    print('warning: old')\n    say(id=99, text='?')\n"
            "    print('bar |##|\\r', end='')\n    say(id=one['id'], text=text)\n"
        )
    )
    adapter = made(tmp_path, script)
    assert told(adapter, "a", "b") == ["a", "b"]
    assert adapter.notes == ['6 lines of the process\'s output were no answers, and left out; the first: "Loading weights"']


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("text=3", "`text` 3, expected a text"),
        ("finish='stop'", "`text` null, expected a text"),
        ("text='a', reasoning=[1]", "`reasoning` [1], expected a text"),
        ("error='no\\nway'", "no way"),
        ("error=''", "the process gave no reason"),
        ("text='a', error={'code': 1}", "{'code': 1}"),
    ],
)
def test_an_answer_of_another_form_ends_its_own_request_only(answer: str, message: str, tmp_path: Path) -> None:
    script = (
        HEAD
        + f"for one, text in asked():\n    say(id=one['id'], text='fine') if text == 'good' else say(id=one['id'], {answer})\n"
    )
    bad, good = ask(made(tmp_path, script), "bad", "good")
    assert (bad.text, bad.status, good.text) == ("", "model_error", "fine") and message in str(bad.error)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"logprobs": [-1.0]}, "2 numbers, one for each option"),
        ({"logprobs": [-1.0, True]}, "2 numbers"),
        ({"logprobs": [-1.0, float("nan")]}, "finite numbers"),
        ({"text": "a"}, "`logprobs` null"),
    ],
)
def test_likelihoods_of_another_form_are_errors(answer: dict[str, Any], message: str) -> None:
    response = response_of(answer, Score((), ("a", "b")))
    assert response.status == "model_error" and message in str(response.error)


def test_statuses_are_the_scripts_own(tmp_path: Path) -> None:
    script = HEAD + "for one, text in asked(): say(id=one['id'], error='no', status=text)\n"
    statuses = [response.status for response in ask(made(tmp_path, script), "refused", "media_error", "odd")]
    assert statuses == ["refused", "media_error", "model_error"]


def test_a_process_that_dies_is_started_again_and_no_innocent_request_pays(tmp_path: Path) -> None:
    script = HEAD + (
        "for one, text in asked():\n"
        "    if text == 'kill': print('out of memory', file=sys.stderr, flush=True); os._exit(7)\n"
        "    say(id=one['id'], text=text)\n"
    )
    adapter = made(tmp_path, script, outstanding=3)
    texts = ["a", "kill", "b", "c", "d"]
    found = ask(adapter, *texts)
    assert [response.text for response in found] == ["a", "", "b", "c", "d"]
    assert found[1].status == "model_error"
    assert "ended with exit status 7" in str(found[1].error) and "its last words: out of memory" in str(found[1].error)
    assert adapter.notes[0].startswith(
        "the process was started again 2 times; the first time, because it ended with exit status 7"
    )


def test_a_request_that_killed_by_chance_is_answered_at_the_second_attempt(tmp_path: Path) -> None:
    mark = tmp_path / "died"
    script = HEAD + (
        f"for one, text in asked():\n    if not os.path.exists({str(mark)!r}):\n        open({str(mark)!r}, 'w').close()\n        os.kill(os.getpid(), 9)\n"
        "    say(id=one['id'], text=text)\n"
    )
    adapter = made(tmp_path, script)
    assert told(adapter, "a", "b") == ["a", "b"]
    assert adapter.notes[0] == "the process was started again once; the first time, because it was ended by signal 9"


def test_a_process_that_dies_again_and_again_ends_the_asking(tmp_path: Path) -> None:
    adapter = made(tmp_path, HEAD + "next(asked()); sys.exit('no memory')\n", restarts=2, outstanding=2)
    found = []
    with pytest.raises(
        Stopped, match=r"died 3 times in a row; the last time it ended with exit status 1; its last words: no memory"
    ):
        for pair in adapter.generate([Generate((Message("user", (text,)),), 4) for text in "abcd"]):
            found.append(pair)
    assert [(number, response.status) for number, response in found] == [(0, "model_error"), (1, "model_error")]


def test_a_process_that_hangs_is_ended_after_its_time(tmp_path: Path) -> None:
    script = HEAD + "for one, text in asked():\n    if text == 'hang': time.sleep(600)\n    say(id=one['id'], text=text)\n"
    adapter = made(tmp_path, script, timeout=1.5)
    hung, good = ask(adapter, "hang", "good")
    assert good.text == "good" and "gave no answer within 1.5 s" in str(hung.error)


def test_late_answers_of_an_asking_that_was_left_are_nobodys(tmp_path: Path) -> None:
    adapter = made(tmp_path, ECHO)
    stream = adapter.generate([Generate((Message("user", (text,)),), 4) for text in "abcdefgh"])
    next(stream)
    stream.close()
    assert told(adapter, "x", "y") == ["you said x", "you said y"] and not adapter.notes


def test_another_hello_at_the_second_start_ends_the_run(tmp_path: Path) -> None:
    mark = tmp_path / "died"
    script = HEAD.replace('"fingerprint": "1"', '"fingerprint": "\' + str(os.path.exists(' + repr(str(mark)) + ")) + '\"") + (
        f"for one, text in asked():\n    open({str(mark)!r}, 'w').close()\n    os._exit(0)\n"
    )
    script = script.replace("print('''", "print('").replace("''', flush", "', flush")
    with pytest.raises(Stopped, match="said another hello when it was started again"):
        ask(made(tmp_path, script), "a")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "import no_such_module",
            r"ended with exit status 1 before it said hello; its last words: .*No module named 'no_such_module'",
        ),
        ("print('{\"a\": 1}')\ninput()", "its hello has `name` null, expected a text"),
        ('print(\'{"name": "a", "fingerprint": "b", "modalities": ["imagee"]}\')\ninput()', "Did you mean 'image'"),
        ('print(\'{"name": "a", "fingerprint": "b", "modalities": []}\')\ninput()', "expected a list of texts"),
        (f"print('''{HELLO.replace('true', '3')}''')\ninput()", "`scores` 3, expected true or false"),
        ("import time\nprint('soon')\ntime.sleep(600)", r"said no hello within 0.5 s.*--set start=N"),
        ("import os\nos.close(1)\nimport time\ntime.sleep(600)", "closed its standard output before it said hello"),
    ],
)
def test_a_process_that_cannot_begin_is_one_sentence(script: str, message: str, tmp_path: Path) -> None:
    start = 0.5 if "soon" in script else 30.0
    with pytest.raises(BenchError, match=message):
        ask(made(tmp_path, script, start=start), "a")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("command=", "needs its command"),
        ("command=python 'serve.py", "cannot be taken apart"),
        ("command=no-such-program serve.py", "no program called 'no-such-program'"),
        ("command=python x.py|timeout=0", "number of seconds above 0"),
        ("command=python x.py|outstanding=0", "at least 1"),
        ("command=python x.py|folder=/no/where", "is no folder"),
        ("command=python x.py|log=/no/where/x.log", "its folder is not there"),
        ("command=python no-such-script.py", "before it said hello"),
        ("comand=python x.py", "Did you mean 'command'"),
    ],
)
def test_what_a_user_got_wrong_is_one_sentence_and_exit_status_2(settings: str, message: str, mini_root: Path) -> None:
    words = [word for one in settings.split("|") for word in ("--set", one)]
    result = command("run", "--model", "process", *words, "--tasks", "cifar10", "--data-root", mini_root)
    assert result.exit_code == 2 and message in result.output and "Traceback" not in result.output


def test_media_are_looked_at_before_they_are_sent(tmp_path: Path) -> None:
    adapter = made(tmp_path, ECHO)
    requests = [
        Generate((Message("user", (media, "what?")),), 4)
        for media in (
            Media("image", str(tmp_path / "no.png")),
            Media("point_cloud", "x.npy"),
            picture(tmp_path, "a.png", 1, (8, 8)),
        )
    ]
    found = dict(adapter.generate(requests))
    assert [found[number].status for number in range(3)] == ["media_error", "model_error", ""]
    assert found[2].text == "you said what?"


def test_a_model_without_likelihoods_says_so(tmp_path: Path, mini_root: Path) -> None:
    script = ECHO.replace('"scores": true', '"scores": false')
    adapter = made(tmp_path, script)
    ((_, refused),) = adapter.score([Score((Message("user", ("a",)),), ("a", "b"))])
    assert refused.error == "the process gives no likelihoods"
    result = command(
        "run",
        "--model",
        "process",
        "--set",
        f"command={adapter.command}",
        "--tasks",
        "sqaimage",
        "--recipe",
        "lamm/likelihood",
        "--data-root",
        mini_root,
    )
    assert result.exit_code == 2 and "toy gives no likelihoods" in result.output


def test_an_edited_script_is_another_model_and_a_moved_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    first, moved, edited = made(tmp_path, ECHO), made(tmp_path / "b", ECHO), made(tmp_path, ECHO + "# edited\n")
    assert first.fingerprint() == moved.fingerprint() != edited.fingerprint()
    assert first.fingerprint().startswith("toy 1-")


def test_its_standard_error_is_kept_where_it_is_wanted(tmp_path: Path) -> None:
    adapter = made(tmp_path, "import sys; print('old torch', file=sys.stderr)\n" + ECHO, log=str(tmp_path / "e.log"))
    assert told(adapter, "a") == ["you said a"]
    until(lambda: (tmp_path / "e.log").read_text() == "old torch\n")


SLEEPER = (
    """
import subprocess, sys
own = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"], stdout=subprocess.PIPE)
own.stdout.readline()
"""
    + HEAD.replace("import json", "import json, signal")
    + (
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for one, text in asked():\n    open(os.environ['PIDS'], 'w').write(f'{os.getpid()} {own.pid}'); time.sleep(600)\n"
    )
)
ASKS = """
import sys
from lamm_bench.adapters.process import Process
from lamm_bench.types import Generate, Message
adapter = Process(sys.argv[1])
try:
    list(adapter.generate([Generate((Message("user", ("a",)),), 4)]))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["ctrl-c", "kill", "kill -9"])
def test_nothing_is_left_behind_however_it_ends(number: int, tmp_path: Path) -> None:
    """A process in the middle of an answer that ignores polite signals, and a child of its own that does so too."""
    (tmp_path / "serve.py").write_text(SLEEPER)
    pids = tmp_path / "pids"
    words = [sys.executable, "-c", ASKS, f"{sys.executable} {tmp_path / 'serve.py'}"]
    asking = subprocess.Popen(words, env={**os.environ, "PIDS": str(pids)}, start_new_session=True, preexec_fn=hear_ctrl_c)
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    served = [int(pid) for pid in pids.read_text().split()]
    assert all(map(alive, served))
    os.kill(asking.pid, number)
    asking.wait(DEADLINE)
    until(lambda: not any(map(alive, served)))


def test_stopping_leaves_nobody_and_closes_its_pipes(tmp_path: Path) -> None:
    adapter = made(tmp_path, HEAD + "for one, text in asked(): say(id=one['id'], text=str(os.getpid()))\n")
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(3):
        pid = int(told(adapter, "a")[0])
        adapter._served.stop()
        assert not alive(pid)
    if before:
        until(lambda: len(os.listdir("/proc/self/fd")) <= before + 1)


ASKED = Generate((Message("user", ("Where?",)),))


def test_lines_are_read_defensively() -> None:
    assert object_in(b"\xff\xfe") is None and object_in(b"[" * 10**5) is None
    assert line_of(1, Generate((Message("user", ("é\ud83d",)),))).isascii()
    assert hello_of(json.loads(HELLO)).scores
    sizes = [
        response_of({"text": "a", "sizes": told}, ASKED).sizes for told in ([[3, 4]], [[3, 4, 5, 6]], [[3, "x"]], [[3]], "no")
    ]
    assert sizes == [((3, 4),), ((3, 4, 5, 6),), (), (), ()]


def test_a_hello_names_the_convention_of_its_places() -> None:
    hello = {**json.loads(HELLO), "coordinates": "gemini"}
    assert hello_of(hello).coordinates == "gemini" and hello_of(json.loads(HELLO)).coordinates == ""
    for wrong, why in (("gemeni", "Did you mean 'gemini'"), (5, "expected the name of a convention")):
        with pytest.raises(BenchError, match=why):
            hello_of({**hello, "coordinates": wrong})


def test_a_run_is_resumed_and_its_notes_are_kept(tmp_path: Path, mini_root: Path) -> None:
    (tmp_path / "serve.py").write_text("print('noise')\n" + ECHO)
    words = ("run", "--model", "process", "--set", f"command={sys.executable} {tmp_path / 'serve.py'}", "--tasks", "cifar10")
    words += ("--limit", "3", "--data-root", str(mini_root), "--output", str(tmp_path / "run"))
    assert "1 lines of the process's output were no answers" in done(*words)
    assert "they are not asked again" in done(*words)


def test_the_example_of_the_page_passes_the_doctor_and_runs(tmp_path: Path, mini_root: Path) -> None:
    (tmp_path / "serve_cloud.py").write_text(example("serve_cloud.py"))
    assert len(example("serve_cloud.py").splitlines()) < 50
    adapter = Process(f"{sys.executable} serve_cloud.py", folder=str(tmp_path))
    findings = {finding.check: finding for finding in check_adapter(adapter)}
    passed = {check for check, finding in findings.items() if finding.verdict == "pass"}
    assert {
        "answers",
        "batch",
        "stop",
        "truncation",
        "cloud-used",
        "media-own",
        "missing",
        "broken",
        "foreign",
        "question",
    } <= passed
    words = ("--set", f"command={sys.executable} serve_cloud.py", "--set", f"folder={tmp_path}", "--data-root", mini_root)
    done("run", "--model", "process", *words, "--tasks", "scanqa", "--limit", 2, "--output", tmp_path / "run")
    lines = (tmp_path / "run/records/scanqa.jsonl").read_text().splitlines()
    assert len(lines) == 2 and all("m high," in json.loads(line)["response"]["text"] for line in lines)


@pytest.mark.parametrize("control", ["blind", "shuffled"])
def test_a_control_hides_media_from_another_process_too(control: str, tmp_path: Path) -> None:
    """Only paths cross the pipe, so what is hidden must not be at the end of one."""
    script = HEAD.replace('["image"]', '["image", "point_cloud", "scene"]') + (
        "for one, text in asked(): say(id=one['id'], text=one['messages'][0]['parts'][0]['path'])\n"
    )
    adapter = made(tmp_path, script)
    image, points = picture(tmp_path, "a.png", 1, (8, 6)), cloud(tmp_path, "a.npy")
    change = {"blind": blank, "shuffled": shuffle}[control]
    shown = [change(image), change(points), image]
    paths = told_about(adapter, *shown, replace(change(image), path=str(tmp_path / "no.png")))
    assert paths[2] == image.path and "no.png" in paths[3]
    assert np.array_equal(np.asarray(Image.open(paths[0])), np.asarray(open_image(shown[0])))
    assert np.array_equal(np.load(paths[1]), open_cloud(shown[1]))
    assert not np.array_equal(np.asarray(Image.open(paths[0])), np.asarray(open_image(image)))


def told_about(adapter: Process, *media: Media) -> list[str]:
    found = dict(adapter.generate([Generate((Message("user", (one, "what?")),), 4) for one in media]))
    return [found[number].text or str(found[number].error) for number in range(len(media))]
