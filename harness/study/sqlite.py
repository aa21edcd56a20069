"""sqlite-utils, imported without pandas, which takes longer than the rest of it.

It would import pandas, where that is installed, to know the type of its times; the
study holds times as text.
"""

from __future__ import annotations

import sys
from threading import active_count

# Another thread might want pandas just now.
hidden = "pandas" not in sys.modules and active_count() == 1
if hidden:
    sys.modules["pandas"] = None  # type: ignore[assignment]  # as if not installed
try:
    from sqlite_utils import Database, Migrations
finally:
    if hidden:
        del sys.modules["pandas"]

__all__ = ["Database", "Migrations"]
