"""`make bench`: how long each door takes beside its floor, measured in turns in one run. No test depends on it."""
