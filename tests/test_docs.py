"""The README says what there is, and nothing that there is not."""

import re
from pathlib import Path

import pytest
import yaml

from harness.cli import app
from harness.metrics import build, names
from harness.schemes import schemes
from harness.study import StudyFile

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
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


def test_the_judges_in_the_readme_can_be_built(tmp_path):
    (tmp_path / "rubric.md").write_text("Is it true?")
    [example] = re.findall(r"```yaml\n(metrics:\n.*?)```", README, flags=re.DOTALL)
    specs = [spec for spec in yaml.safe_load(example)["metrics"] if "judge" in spec]
    assert len([build(spec, tmp_path) for spec in specs]) == 2


@pytest.mark.parametrize("name", schemes.names())
def test_every_rating_scheme_is_in_the_readme(name):
    assert f"scheme: {name}" in README


def test_every_table_and_view_is_in_the_readme(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    internal = {"file_hashes", "sessions", "invites", "waves", "assignment_outputs"}
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
