"""How far metrics agree with people on REALSumm, as the README quotes it.

REALSumm (Bhandari et al. 2020, CC BY 4.0): 25 summarisers, 100 news articles, human
LitePyramid recall. The set is read in the flat form from the folder `realsumm` in the
one that HARNESS_REALDATA names.

    HARNESS_REALDATA=../shared/data python benchmarks/agreement.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.append(sys.path.pop(0))  # Python's `statistics` before the benchmark's
from harness import Study

METRICS = ("rouge_1_recall", "rouge_2_recall", "rouge_l_recall", "bert_recall_score")


def main() -> None:
    """Import the set into a study of its own and print a table in Markdown."""
    data = Path(os.environ.get("HARNESS_REALDATA", "../shared/data")) / "realsumm"
    if not data.is_dir():
        sys.exit(f"{data} is not there; HARNESS_REALDATA names the folder it lies in")
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder) / "realsumm.db")
        study.import_outputs(data / "outputs.jsonl.gz", "realsumm")
        study.import_ratings(data / "ratings.jsonl.gz", "realsumm")
        [task] = study.report().tasks
        study.close()
    print("| Metric | Kendall's tau of the 25 systems | within articles |")
    print("| --- | --- | --- |")
    found = {one.metric: one for one in task.agreement}
    for name in METRICS:
        cells = (found[name].system.kendall, found[name].segment["item"].kendall)
        shown = [f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in cells]
        print(f"| `{name}` | {shown[0]} | {shown[1]} |")


if __name__ == "__main__":
    main()
