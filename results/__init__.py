"""Published figures, and the results and weights of our own baseline."""
