"""What the adapter `process` is made of: a model that lives in a process of its own and speaks JSON lines.

files.py   media as files that it can open
wire.py    a hello, a request and an answer as lines, read defensively
served.py  many requests to a model that may die, hang or print what it likes

The process itself, its pipes, and how it is ended with all that it has started are `lamm_bench/remote/child.py` and `guard.py`."""
