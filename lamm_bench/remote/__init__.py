"""Asking models behind OpenAI-compatible servers (and in processes of their own): what is sent, what comes back, how fast, at what cost, and what is remembered.

    wire.py      a request as the JSON body of `chat/completions`, and the key under which its answer is remembered
    pictures.py  images as data URLs; clouds as rendered views
    reply.py     an answer of the server, read defensively
    call.py      one HTTP call that ends: bounded in time and size
    server.py    one call as an answer, or a named trouble without the key; and whether anybody is there at all
    pace.py      how many calls may be open, and how long to wait after trouble
    purse.py     tokens and money
    cache.py     answers on disk (SQLite)
    replicas.py  several servers with the same model: which is asked next, and which is left alone
    exchange.py  carries many questions to them with all of the above
    thoughts.py  what of an answer was thought, and where that may have been missed
    child.py     a model in a process of its own: its pipes, and its end
    guard.py     ends that with all that it has started, whoever dies
    options.py   the likelihood of answer options from the likeliest first tokens

Only call.py imports the HTTP library, and only when a call is made."""
