"""Training of LAMM baselines: configuration, data, trainer and presets.

`run.train` is what `lamm-bench train-baseline` calls; `config.list_presets` and `config.show_preset` are its help."""
