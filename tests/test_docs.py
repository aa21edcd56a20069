"""The README says what there is, and nothing that there is not."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from fakes import write_rows

from harness.backends import backends
from harness.cli import app
from harness.diagnosis import CAUSES
from harness.diagnosis.causes import KNOWN
from harness.diagnosis.configuration.checking import CHECKS as CONFIGURATION
from harness.diagnosis.curves.checks import CHECKS as CURVES
from harness.diagnosis.outputs.checks import CHECKS as OUTPUTS
from harness.diagnosis.people.checks import CHECKS as PEOPLE
from harness.metrics import build, names
from harness.schemes import schemes
from harness.study import StudyFile

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
EXTENDING = README.split("## Adding a metric or a backend")[1].split("\n## ")[0]
TREE = README.split("## What is where")[1].split("```")[1]


def commands():
    """Every command as it is typed."""
    from typer.main import get_command

    for name, command in get_command(app).commands.items():
        for inner in getattr(command, "commands", {"": command}):
            yield f"harness {name} {inner}".strip()


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_in_the_readme(command):
    assert re.search(rf"`?{command}\b", README), command


@pytest.mark.parametrize("name", names())
def test_every_metric_is_in_the_readme(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", backends.names())
def test_every_backend_is_in_the_readme_and_in_the_tree(name):
    assert re.search(rf"\b{name}\b", README.split("## What is where")[0])
    assert f"{name}.py" in TREE


def test_every_extra_is_in_the_readme():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = README.split("Extras:")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", extras)) == {*project["optional-dependencies"]}


def test_the_judges_in_the_readme_can_be_built(tmp_path):
    (tmp_path / "rubric.md").write_text("Is it true?")
    [example] = re.findall(r"```yaml\n(metrics:\n.*?)```", README, flags=re.DOTALL)
    specs = [spec for spec in yaml.safe_load(example)["metrics"] if "judge" in spec]
    assert len([build(spec, tmp_path) for spec in specs]) == 2


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_of_a_diagnosis_is_in_the_readme(cause):
    assert f"| `{cause}` | {KNOWN[cause].means} |" in README


@pytest.mark.parametrize("check", [*CURVES, *OUTPUTS, *PEOPLE, *CONFIGURATION])
def test_every_check_of_a_diagnosis_is_in_the_readme(check):
    assert f"`{check}`" in README


@pytest.mark.parametrize("name", schemes.names())
def test_every_rating_scheme_is_in_the_readme(name):
    assert f"| `{name}` |" in README


def test_every_table_and_view_is_in_the_readme(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    internal = {"file_hashes", "sessions", "invites", "waves", "decks"}
    internal |= {"assignment_outputs", "owner_invites", "owner_sessions"}
    for name in {*study.db.table_names(), *study.db.view_names()} - internal:
        assert name.startswith(("_", "sqlite_")) or f"`{name}`" in README, name


def test_the_tree_names_every_part_of_the_harness():
    parts = {
        path.name + "/" * path.is_dir()
        for path in (ROOT / "harness").iterdir()
        if not path.name.startswith(("_", ".")) and path.name != "py.typed"
    }
    assert {part for part in parts if part not in TREE} == set()


def test_the_tree_names_nothing_that_is_not_there():
    named = re.findall(r"[a-z_]+(?:\.py|/)", TREE.split("──", 1)[1])
    there = {path.name for path in (ROOT / "harness").rglob("*")}
    there |= {path.name for path in ROOT.rglob("*") if ".venv" not in path.parts}
    assert {name for name in named if name.strip("/") not in there} == set()


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_into_the_repository_leads_somewhere(link):
    assert link.startswith("https://") or (ROOT / link).exists()


def test_every_query_in_the_readme_runs(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    queries = re.findall(r"```sql\n(.*?)```", README, flags=re.DOTALL)
    assert len(queries) >= 2
    for query in queries:
        study.rows(query)


# The examples of a metric and a backend, run as a reader would run them

TEXTS = ["Good morning.", "I am OK", "bye", "I"]
MEANS = {
    # of "Good Morning.", "I Am Ok", "Bye" and "I"
    ("title", "capitals|letters:1"): ((0 + 1 / 3 + 0 + 1) / 4, 4),
    ("title", "capitals|letters:2"): (0.0, 3),
    ("upper", "capitals|letters:1"): (1.0, 4),
    ("upper", "capitals|letters:2"): (1.0, 3),
}
"""Mean and n by checkpoint and metric; "I" has no word of two letters."""


def write_examples(folder):
    """The section's files, each under the name that the text before it gives."""
    written = {}
    for block in BLOCK.finditer(EXTENDING):
        kind, text = block.groups()
        if kind in {"python", "yaml"}:
            name = re.findall(r"`(\w+\.(?:py|yaml))`", EXTENDING[: block.start()])[-1]
            written[name] = text
            (folder / name).write_text(text, encoding="utf-8")
    write_rows(folder / "greet.jsonl", [{"text": text} for text in TEXTS])
    return written


def block_of(kind):
    """The section's only block in a language."""
    [text] = [text for found, text in BLOCK.findall(EXTENDING) if found == kind]
    return text


def harness(folder, *arguments):
    """Call the command line in a folder whose modules can be imported."""
    paths = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        check=True,
    )
    return done.stdout


def run_commands(folder, text):
    """Run commands, and read what they came to: mean and n by checkpoint and metric."""
    for command in text.strip().splitlines():
        program, *arguments = command.split()
        assert program == "harness"
        harness(folder, *arguments)
    [task] = json.loads(harness(folder, "report", "--json"))["tasks"]
    return {
        (one["name"], signature.rpartition("|")[0]): (found["value"], found["n"])
        for one in task["checkpoints"]
        for signature, found in one["metrics"].items()
    }


def test_the_examples_are_whole_files_of_about_twelve_lines(tmp_path):
    written = write_examples(tmp_path)
    assert written.keys() == {"capitals.py", "greet.yaml", "parrot.py"}
    for text in written.values():
        assert len([line for line in text.splitlines() if line.strip()]) <= 13
        assert max(map(len, text.splitlines())) <= 88


def test_the_examples_of_a_metric_and_a_backend_run(tmp_path):
    write_examples(tmp_path)
    found = run_commands(tmp_path, block_of("bash"))
    assert found.keys() == MEANS.keys()
    assert [found[key] for key in MEANS] == [pytest.approx(x) for x in MEANS.values()]


def test_the_examples_run_as_an_installed_package_too(tmp_path):
    write_examples(tmp_path)
    package, meta = tmp_path / "my_package", tmp_path / "my_package-1.dist-info"
    package.mkdir()
    meta.mkdir()
    for name in ("capitals.py", "parrot.py"):
        (tmp_path / name).rename(package / name)
    (meta / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1"
    )
    groups = tomllib.loads(block_of("toml"))["project"]["entry-points"]
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{n} = {value}" for n, value in points.items()))
    ]
    (meta / "entry_points.txt").write_text("\n".join(lines))
    task = tmp_path / "greet.yaml"
    task.write_text(task.read_text().replace("capitals.py", "capitals"))
    commands = block_of("bash").replace("./parrot.py", "parrot")
    found = run_commands(tmp_path, commands)
    assert [found[key] for key in MEANS] == [pytest.approx(x) for x in MEANS.values()]


def test_the_readmes_excerpt_is_of_the_example_report():
    excerpt = README.split("```")[1].strip("\n").splitlines()
    example = (ROOT / "results/example/report.md").read_text(encoding="utf-8")
    heads, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in example.split("### ")[1].splitlines()
        if line.startswith("|")
    ]
    columns = [head.partition(" (n")[0] for head in heads]
    report = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
    names = re.findall(r"[a-z]+(?: ↓)?", excerpt[0])
    assert names == ["meaning", "fluency", "perplexity ↓", "bleu"]
    for line in excerpt[1:]:
        label, *cells = re.split(r"  +(?!±)", re.sub(r"(\d\*?) +±", r"\1 ±", line))
        for name, cell in zip(names, cells, strict=True):
            value, _, width = cell.partition(" ±")
            whole = report[label][name].replace("*", "")
            assert whole.partition(" ")[0] == value.rstrip("*"), (label, name)
            if width:
                low, high = map(float, re.findall(r"[\d.]+", whole.partition("[")[2]))
                last = 10.0 ** -len(width.partition(".")[2])
                assert (high - low) / 2 == pytest.approx(float(width), abs=1.1 * last)
