"""What a gate tests, by which rule, and how its answer is written."""
