"""How fast `openai-chat` asks: 1,000 questions to a server on this machine that takes 32 at once and 100 ms for each, well or ill.

python benchmarks/serving.py --questions 1000 --failing 0 0.1
python benchmarks/serving.py --at-once 8 --failing 0 --replicas 1 2     two servers of eight against one"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from random import Random
from typing import Any

from lamm_bench.adapters.openai_chat import OpenAIChat
from lamm_bench.types import Generate, Message


def serve(told: Connection, at_once: int, seconds: float, failing: float) -> None:
    """A server in a process of its own: `failing` of its answers are HTTP 500, drawn by their number."""
    seats, rng, lock = threading.Semaphore(at_once), Random(0), threading.Lock()
    answer: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}]}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, format: str, *args: Any) -> None: ...

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            with seats:
                time.sleep(seconds)
            with lock:
                fails = rng.random() < failing
            self.say(500 if fails else 200, {"error": {"message": "no"}} if fails else answer)

        def do_GET(self) -> None:
            self.say(200, {"data": [{"id": "fake"}]})

        def say(self, status: int, value: dict[str, Any]) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    told.send(server.server_address[1])
    server.serve_forever()


def rate(questions: int, at_once: int, seconds: float, failing: float, replicas: int = 1) -> tuple[float, int]:
    """Answers a second, and calls that were repeated."""
    mine, theirs = multiprocessing.Pipe()
    processes = [
        multiprocessing.Process(target=serve, args=(theirs, at_once, seconds, failing), daemon=True) for _ in range(replicas)
    ]
    for process in processes:
        process.start()
    try:
        addresses = [f"http://127.0.0.1:{mine.recv()}/v1" for _ in processes]
        adapter = OpenAIChat("fake", ",".join(addresses), cache="none")
        adapter.fingerprint()
        requests = [Generate((Message("user", (f"question {number}",)),), 16) for number in range(questions)]
        begun = time.monotonic()
        answered = sum(response.error is None for _, response in adapter.generate(requests))
        assert answered == questions, f"{questions - answered} questions have no answer"
        return questions / (time.monotonic() - begun), adapter.purse.repeated
    finally:
        for process in processes:
            process.kill()
            process.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1], help="so many servers with the same model")
    parser.add_argument("--failing", type=float, nargs="+", default=[0.0, 0.1])
    asked = parser.parse_args()
    for replicas in asked.replicas:
        for failing in asked.failing:
            answers, repeated = rate(asked.questions, asked.at_once, asked.seconds, failing, replicas)
            many = f"{replicas} servers, " if replicas > 1 else ""
            print(
                f"{many}{100 * failing:.0f} % of the calls fail: {answers:.1f} answers/s, {repeated} calls repeated", flush=True
            )


if __name__ == "__main__":
    main()
