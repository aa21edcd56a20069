"""Ways to run checkpoints, one file each, found by name."""

from harness.backends.base import (
    Backend,
    Generated,
    Model,
    Place,
    Request,
    Scored,
    Usage,
    backends,
)
from harness.backends.custom import backend_named
from harness.backends.loading import AUTOMATIC, Loading
from harness.backends.openai import OpenAIBackend
from harness.backends.transformers import TransformersBackend

__all__ = [
    "AUTOMATIC",
    "Backend",
    "Generated",
    "Loading",
    "Model",
    "OpenAIBackend",
    "Place",
    "Request",
    "Scored",
    "TransformersBackend",
    "Usage",
    "backend_named",
    "backends",
]
