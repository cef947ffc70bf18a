"""What the adapter `process` is made of: a model that lives in a process of its own and speaks JSON lines.

guard.py   starts the model's command, and ends it with all that it has started when nobody needs it any more
child.py   the pipes to it: lines in, lines out, the last words of its standard error
files.py   media as files that it can open
wire.py    a hello, a request and an answer as lines, read defensively
served.py  many requests to a model that may die, hang or print what it likes"""
