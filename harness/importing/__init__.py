"""Import what was made elsewhere: outputs with their scores, and ratings."""

from harness.importing.forms import Form
from harness.importing.outputs import import_outputs, store_read
from harness.importing.ratings import import_ratings
from harness.importing.reading import ReadOutputs, read_outputs
from harness.importing.rows import Imported

__all__ = [
    "Form",
    "Imported",
    "ReadOutputs",
    "import_outputs",
    "import_ratings",
    "read_outputs",
    "store_read",
]
