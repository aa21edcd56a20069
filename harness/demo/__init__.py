"""A real, small fine-tune on which to try everything."""
