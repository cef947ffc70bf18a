"""The stages of a training: the model that learns, its losses, and the loop."""
