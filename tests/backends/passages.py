"""What tests ask models the likelihood of."""

from harness.types import Passage, Windows


def first_references(*items):
    """The first reference of each item, given its prompt."""
    return [Passage(item, "reference:0", item.references[0]) for item in items]


def documents(*items, size=None, stride=None):
    """The prompt of each item as a document by itself."""
    windows = Windows(size, stride)
    return [Passage(item, "document", item.prompt, windows) for item in items]
