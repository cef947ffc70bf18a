"""Many workers, one ledger: the model lives in other processes, the run stays in this one.

fleet.py   an adapter whose model is held by workers: what the runner meets
leases.py  who has which request: pure, so that every death can be played through without a process
crew.py    the workers as processes: started, heard, replaced
worker.py  what runs in each of them: the real adapter, and nothing else
wire.py    what goes between them: JSON lines, without loss
places.py  which cores and which GPU a worker gets
merge.py   run folders of several jobs (`--shard`) become one"""
