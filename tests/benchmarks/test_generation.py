"""The benchmark compares equal work, and counts what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from backends.tiny_models import WORDS, save_checkpoint

INSIDE = Path(__file__).parents[2] / "benchmarks" / "parts" / "inside.py"
FIGURES = Path(__file__).parents[2] / "benchmarks" / "generation.py"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Folders of a tiny checkpoint and of a task for it."""
    task = tmp_path_factory.mktemp("task")
    rows = [
        {"prompt": " ".join(WORDS[n : n + 1 + 3 * n]), "target": " the lamp"}
        for n in range(12)
    ]
    (task / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = {
        "name": "tiny",
        "data": "data.jsonl",
        "prompt": "{{ prompt }}",
        "references": ["target"],
        "generation": {"max_new_tokens": 12, "stop": ["\n"]},
        "metrics": ["bleu", "perplexity"],
    }
    (task / "task.yaml").write_text(yaml.safe_dump(content))
    return save_checkpoint("gpt2", tmp_path_factory.mktemp("gpt2")), task


def run(*arguments):
    command = [sys.executable, str(INSIDE), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_harness_and_the_bare_loop_write_the_same(work):
    # It ends with an error if more than two in a hundred answers differ.
    found = run("generate", *work, 4)
    assert found.keys() == {"harness", "bare"}
    assert all(seconds > 0 for seconds in found.values())


@pytest.mark.slow
def test_the_parts_of_a_commands_time_add_up(work, tmp_path):
    checkpoint, task = work
    found = run(
        *("overhead", "run", task / "task.yaml"),
        *("--checkpoint", checkpoint, "--db", tmp_path / "s.db"),
    )
    parts = found["imports"] + found["model"] + found["overhead"]
    assert parts == pytest.approx(found["whole"])
    assert found["imports"] > 0.5
    assert 0 < found["model"] < found["whole"]
    assert (tmp_path / "s.db").is_file()


def test_every_figure_has_its_name(monkeypatch):
    monkeypatch.syspath_prepend(FIGURES.parent)
    import generation

    works = ("gpt2", "demo")
    seconds = {"overhead_s": 1.0, "harness_sweep5": 2.0, "lm_eval_sweep5": 16.0}
    for name, value in {
        "harness": 1.0,
        "lm_eval": 5.0,
        "generation": 3.0,
        "bare": 2.0,
    }.items():
        seconds |= {f"{name}_{work}": value for work in works}
    assert generation._figures(seconds) == {
        "lm_eval_over_harness_gpt2": 5.0,
        "lm_eval_over_harness_demo": 5.0,
        "lm_eval_over_harness_sweep5": 8.0,
        "harness_over_bare_gpt2": 1.5,
        "harness_over_bare_demo": 1.5,
        "overhead_s": 1.0,
    }
