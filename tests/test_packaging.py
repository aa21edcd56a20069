"""An installed wheel works outside the checkout."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, built and unpacked by pip into a folder of its own."""
    built = tmp_path_factory.mktemp("wheel")
    target = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run([*build, "-o", built, ROOT], check=True, capture_output=True)
    [wheel] = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--target", target, wheel], check=True, capture_output=True)
    return target


def python(installed, folder, code):
    """What a program prints that imports the installed wheel, not the checkout."""
    path = os.pathsep.join([str(installed), str(ROOT / "tests")])
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_lists_the_bundled_tasks_from_the_wheel(installed, tmp_path):
    code = (
        "import sys; sys.argv = ['harness', 'list', 'tasks', '--json'];"
        "from harness.cli import main; main()"
    )
    tasks = {
        row["task"]: row["where"]
        for row in json.loads(python(installed, tmp_path, code))
    }
    assert set(tasks) == {"modernize", "voice_commands", "suite"}
    assert all(where.startswith(str(installed)) for where in tasks.values())


@pytest.mark.slow
def test_it_carries_templates_page_assets_and_the_demos_base_model(installed):
    carried = {path.relative_to(installed).as_posix() for path in installed.rglob("*")}
    assert {
        "harness/py.typed",
        "harness/demo/base/model.safetensors",
        "harness/tasks/modernize/archaic.py",
        "harness/reporting/templates/report.html",
        "ui/assets/rate/keys.js",
    } <= carried
    assert not any(name.startswith(("tests/", "tasks/")) for name in carried)


@pytest.mark.slow
def test_it_opens_the_rating_page(installed, tmp_path):
    code = """
from fastapi.testclient import TestClient
from harness.campaign import open_campaign
from harness.importing import import_outputs
from harness.study import StudyFile
from harness.study.raters import add_rater
from harness.task import load_tasks
from pathlib import Path
from rater_client import RaterPage
from ui.app import create_app
Path("outputs.jsonl").write_text(
    '{"item": "1", "system": "a", "prompt": "p", "output": "hello there"}'
)
study = StudyFile("study.db")
import_outputs(study, Path("outputs.jsonl"), "modernize")
invite = add_rater(study, "ann")
[task] = load_tasks("modernize")
app = create_app(study.path, [open_campaign(study, task)])
with TestClient(app, base_url="http://127.0.0.1") as client:
    print(RaterPage(client, invite).current()["shown"]["outputs"])
"""
    assert python(installed, tmp_path, code).strip() == "['hello there']"


def test_every_dependency_is_pinned_and_has_its_reason_in_the_readme():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    readme = (ROOT / "README.md").read_text().lower()
    for dependency in project["dependencies"]:
        name = dependency.split(">")[0].lower()
        assert name in pinned
        assert name in readme
