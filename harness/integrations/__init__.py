"""Training loops and trackers that Tandem works inside of."""
