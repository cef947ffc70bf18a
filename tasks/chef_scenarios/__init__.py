"""ChEF's scenarios as tasks: upstream's own files, its figures under `chef`, ours under `standard` (docs/chef.md).

They are benchmarks of their own: `--tasks all` leaves them out, `--tasks chef` means all of them. To add one, write a file with
`TASKS` and name it here."""

from . import (
    ch3ef,
    cifar10,
    flickr30k,
    fsc147,
    mmbench,
    mme,
    mmmu,
    octavius,
    omnibenchmark,
    pope,
    scienceqa,
    seedbench,
    voc2012,
    winoground,
)

TASKS = (
    *scienceqa.TASKS,
    *mmbench.TASKS,
    *mme.TASKS,
    *seedbench.TASKS,
    *pope.TASKS,
    *winoground.TASKS,
    *mmmu.TASKS,
    *ch3ef.TASKS,
    *omnibenchmark.TASKS,
    *cifar10.TASKS,
    *fsc147.TASKS,
    *flickr30k.TASKS,
    *voc2012.TASKS,
    *octavius.TASKS,
)
