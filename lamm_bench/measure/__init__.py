"""Numbers from what was read: geometry, captions, statistics, scores."""
