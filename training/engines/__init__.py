"""What carries a training out: one process or many."""
