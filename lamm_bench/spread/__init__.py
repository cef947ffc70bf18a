"""Many workers, one ledger: the model lives in other processes, the run stays in this one.

fleet.py       an adapter whose model is held by workers: what the runner meets
engaging.py    from `--workers` to a fleet
admission.py   which workers may take part
events.py      what went otherwise than planned
leases.py      who has which request: pure, so that every death can be played through without a process
crew.py        the workers: started, heard, replaced
engines.py     what starts them, as a small protocol
processes.py   ... processes of this machine
ray_engine.py  ... actors of Ray (`ray_actor.py` is what runs in them), on many machines
worker.py      what runs in each of them: the real adapter, and nothing else
wire.py        what goes between them: JSON lines, without loss
places.py      which cores and which GPUs a worker gets
account.py     what all of them have used, and on what
merge.py       run folders of several jobs (`--shard`) become one"""
