"""How the code hangs together: arrows point one way, files stay small."""

import ast
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("harness/**/*.py"), *ROOT.glob("ui/**/*.py")])

LAYERS = (
    ("errors", "types", "registry", "identity", "progress"),
    ("yamlfile", "pythonfile", "data", "logs"),
    ("taskfile", "task", "study"),
    ("backends", "metrics", "schemes", "stats"),
    (
        *("init", "importing", "exporting", "checkpoints", "work"),
        *("configuration", "settings", "pickled", "fed"),
        *("executors", "generate", "score", "alongside", "lanes", "run", "rescore"),
        *("arrivals", "values", "pruning", "watch", "foretelling"),
        *("integrations",),
        *("campaign", "units", "columns", "dealing", "drawing", "ordering"),
        *("gold", "checking", "damage", "training", "quality"),
        *("rated", "label_studio", "argilla"),
        *("leaks", "rendering", "differences", "feedback"),
        *("assignments", "tickets", "rate", "earlier", "desk"),
        *("yardstick", "choosing", "pairing", "settling"),
        *("report", "reporting", "compare", "samples", "plan", "gate", "gating"),
        *("given", "overview", "settled", "roster", "remarks", "adjudicate"),
        *("diagnosis", "diagnose", "check_data"),
    ),
    ("demo", "api", "contents", "terminal", "cli", "ui"),
)
LEVELS = {unit: level for level, units in enumerate(LAYERS) for unit in units}
HEAVY = frozenset(
    (
        *(
            "torch",
            "transformers",
            "evaluate",
            "gradio",
            "datasets",
            "plotly",
            "pandas",
        ),
        *("scipy", "sacrebleu", "rouge_score"),
        *("sentence_transformers", "sklearn"),
    )
)
MAY_OPEN_THE_UI = frozenset(("cli", "api", "terminal"))


@dataclass(frozen=True)
class Arrow:
    """One import."""

    file: Path
    module: str
    kind: str  # "at once", "in a function" or "for types"

    @property
    def name(self):
        """The module that imports."""
        return name_of(self.file)

    @property
    def unit(self):
        """The part of the program that imports."""
        return unit_of(self.name)

    def __str__(self):
        return f"{self.file.relative_to(ROOT)} imports {self.module} {self.kind}"


def name_of(file):
    """`harness.study.file` for its file."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def unit_of(module):
    """`study` for `harness.study.file`, `ui` for all of it; None for other packages."""
    package, *rest = module.split(".")
    if package == "ui":
        return "ui"
    if package != "harness" or not rest or rest[0] in {"__init__", "__main__"}:
        return None
    return rest[0]


def modules_of(node):
    """The modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        # `from harness import identity` names modules, too.
        whole = node.module in {"harness", "ui"}
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        return names if whole else [node.module]
    return []


def arrows_of(file, node, kind="at once"):
    for child in ast.iter_child_nodes(node):
        yield from (Arrow(file, module, kind) for module in modules_of(child))
        inner = kind
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = "in a function"
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            inner = "for types"
        yield from arrows_of(file, child, inner)


@pytest.fixture(scope="module")
def trees():
    return {file: ast.parse(file.read_text("utf-8")) for file in FILES}


@pytest.fixture(scope="module")
def arrows(trees):
    return [arrow for file, tree in trees.items() for arrow in arrows_of(file, tree)]


def test_every_part_has_its_layer():
    assert {unit_of(name_of(file)) for file in FILES} - {None} == LEVELS.keys()


def test_no_arrow_points_backwards(arrows):
    backwards = [
        str(arrow)
        for arrow in arrows
        if arrow.unit
        and unit_of(arrow.module)
        and LEVELS[unit_of(arrow.module)] > LEVELS[arrow.unit]
    ]
    assert backwards == []


def test_no_two_parts_need_each_other(arrows):
    needs = {}
    for arrow in arrows:
        target = unit_of(arrow.module)
        if (
            arrow.kind != "for types"
            and arrow.unit
            and target not in {None, arrow.unit}
        ):
            needs.setdefault(arrow.unit, set()).add(target)
    TopologicalSorter(needs).prepare()


def test_statistics_know_arrays_and_never_the_study(arrows):
    known = {"stats", "types", "errors", None}
    assert [
        str(arrow)
        for arrow in arrows
        if arrow.unit == "stats" and unit_of(arrow.module) not in known
    ] == []


def test_the_user_interface_is_opened_from_the_top_and_late(arrows):
    entering = [
        arrow
        for arrow in arrows
        if unit_of(arrow.module) == "ui" and arrow.unit != "ui"
    ]
    assert {arrow.unit for arrow in entering} <= MAY_OPEN_THE_UI
    assert {arrow.kind for arrow in entering} <= {"in a function", "for types"}


def test_heavy_packages_are_imported_late(arrows):
    # A file that is all tensors may import torch at once, but then it is itself heavy:
    # only its like may import it at once.
    heavy = {
        arrow.name
        for arrow in arrows
        if arrow.kind == "at once"
        and arrow.unit != "ui"
        and arrow.module.split(".")[0] in HEAVY
    }
    assert {name.split(".")[1] for name in heavy} <= {"backends", "integrations"}
    assert [
        str(arrow)
        for arrow in arrows
        if arrow.kind == "at once" and arrow.module in heavy and arrow.name not in heavy
    ] == []


def test_imports_are_absolute(trees):
    assert [
        file
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_is_short_and_says_what_it_is(file, trees):
    assert len(file.read_text("utf-8").splitlines()) <= 400
    said = ast.get_docstring(trees[file])
    assert said
    assert len(said.splitlines()[0]) < 80


def test_functions_are_short(trees):
    assert [
        f"{file.relative_to(ROOT)}: {node.name} has {length} lines"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := code_lines(node)) > 40
    ] == []


def code_lines(function):
    """Lines of a function's body, without its docstring and functions inside."""
    body = function.body[ast.get_docstring(function) is not None :]
    inner = [node for node in body if isinstance(node, ast.FunctionDef)]
    lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
    return lines - sum(node.end_lineno - node.lineno + 1 for node in inner)


def test_only_the_command_line_prints(trees):
    assert [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ] == []


def test_nothing_catches_everything(trees):
    broad = {"Exception", "BaseException"}
    assert [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and not reraises(node)
        and (
            node.type is None
            or broad & {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
        )
    ] == []


def reraises(handler):
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_nothing_unpickles_or_runs_text(trees):
    forbidden = {"eval", "exec", "compile", "pickle", "marshal", "shelve", "dill"}
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id in forbidden)
        or (isinstance(node, ast.Import) and forbidden & set(modules_of(node)))
        or is_trust(node)
    ]
    assert found == []


def is_trust(node):
    """Whether the code itself trusts pickles or foreign code, no user having asked."""
    always = {"trust_remote_code": True, "allow_pickle": True, "weights_only": False}
    pairs = []
    if isinstance(node, ast.keyword):
        pairs = [(node.arg, node.value)]
    elif isinstance(node, ast.AnnAssign):
        pairs = [(ast.unparse(node.target), node.value)]
    elif isinstance(node, ast.Dict):
        names = [getattr(key, "value", None) for key in node.keys]
        pairs = zip(names, node.values, strict=True)
    return any(
        name in always and getattr(value, "value", None) is always[name]
        for name, value in pairs
    )


def test_trust_in_the_code_itself_would_be_found():
    trusting = (
        'f(trust_remote_code=True)\n{"weights_only": False}\nallow_pickle: b = 1 == 1'
    )
    found = [ast.unparse(n) for n in ast.walk(ast.parse(trusting)) if is_trust(n)]
    assert found == ["{'weights_only': False}", "trust_remote_code=True"]


def test_there_is_no_drawer_for_odds_and_ends():
    drawers = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
    assert not {file.stem for file in FILES} & drawers


HELP = """
import contextlib, io, json, sys
sys.argv = ["harness", "--help"]
from harness.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main()
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_help_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", HELP], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert {"harness", "typer"} <= loaded
    lazy = {"numpy", "pydantic", "jinja2", "yaml", "sqlite_utils", "rich", "ui"}
    assert not loaded & (HEAVY | lazy)


def test_help_answers_at_once():
    def seconds():
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "harness", "--help"], check=True, stdout=-3
        )
        return time.perf_counter() - begun

    # 0.3 s on an idle machine; the rest is for the tests that run beside this one.
    assert statistics.median(seconds() for _ in range(5)) < 0.6
