"""Import what was made elsewhere: outputs with their scores, and ratings."""

from harness.importing.outputs import import_outputs
from harness.importing.ratings import import_ratings
from harness.importing.rows import Imported

__all__ = ["Imported", "import_outputs", "import_ratings"]
