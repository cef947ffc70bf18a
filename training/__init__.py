"""Training of LAMM baselines: configuration, data, engine, trainer and presets."""
