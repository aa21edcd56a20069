"""The data modules of the bundled tasks, which know more than the held-out items."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

from harness.errors import InputError
from harness.task import find_suite


@cache
def task_data(name: str) -> Any:
    """The module data.py of a bundled task.

    Raises:
        NotFound: there is no such task.
        InputError: the task has no such module.
    """
    file = find_suite(name).with_name("data.py")
    spec = importlib.util.spec_from_file_location(f"harness_demo_{name}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise InputError("the task has no such module", file=file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
