"""Presets: what a training is to do."""
