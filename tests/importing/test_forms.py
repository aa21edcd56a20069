"""What made a file of outputs is told by what the file holds."""

import pytest
from fakes import write_rows

from harness.errors import InputError, UsageError
from harness.importing import Form, import_outputs
from harness.study import StudyFile
from harness.study.checkpoints import stored_checkpoints

ROW = {"item": "a", "output": "says a"}


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


def test_rows_without_a_system_take_the_one_that_is_given(study, tmp_path):
    file = write_rows(
        tmp_path / "rows.jsonl", [ROW, {**ROW, "item": "b", "system": ""}]
    )
    import_outputs(study, file, "t", system="checkpoint-5")
    assert [(c.name, c.step) for c in stored_checkpoints(study)] == [
        ("checkpoint-5", 5)
    ]


def test_rows_that_name_their_system_take_no_other(study, tmp_path):
    file = write_rows(tmp_path / "rows.jsonl", [ROW, {**ROW, "system": "s"}])
    with pytest.raises(InputError, match=r"rows\.jsonl:2: the row names its system"):
        import_outputs(study, file, "t", system="mine")
    assert study.frame("tasks").empty


@pytest.mark.parametrize(
    ("name", "content", "form", "message"),
    [
        (
            "a.jsonl",
            '{"id": 1, "text": "x"}',
            None,
            "a.jsonl:1: it has neither the col",
        ),
        (
            "a.jsonl",
            '{"id": 1, "text": "x"}',
            None,
            "(item, system, output) nor those ",
        ),
        ("a.jsonl", '{"id": 1, "text": "x"}', None, "but: id, text"),
        ("a.csv", "id,text\n1,x\n", None, "a.csv:2: it has neither"),
        ("a.jsonl", "{", None, "a.jsonl:1: not valid JSON"),
        ("a.jsonl", "", None, "a.jsonl: there is no row in it"),
        ("a.txt", "x", None, "a.txt: unknown kind of file"),
        ("a.json", "{}", Form.FLAT, "a.json: a .json file must be an Inspect log"),
        ("a.json", '{"eval": {}}', Form.LM_EVAL, "but this one holds keys eval"),
        ("a.jsonl", "{}", Form.INSPECT, "an Inspect log in JSON is a .json file"),
        ("a.jsonl", '{"item": "a"}', Form.LM_EVAL, "a.jsonl:1: 'doc_id' must be a num"),
        ("a.eval", "PK", None, "with: inspect log dump a.eval > a.json"),
        ("a.json", "\udcff", None, "a.json: not UTF-8 text"),
    ],
)
def test_a_file_of_no_known_form_is_refused_with_what_it_holds(
    study, tmp_path, name, content, form, message
):
    (tmp_path / name).write_text(content, errors="surrogateescape")
    with pytest.raises(InputError) as caught:
        import_outputs(study, tmp_path / name, "t", form=form)
    assert message in str(caught.value)
    assert study.frame("tasks").empty


def test_a_missing_log_is_refused(study, tmp_path):
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        import_outputs(study, tmp_path / "none.json", "t")


def test_an_unknown_form_is_refused_with_those_there_are(study, tmp_path):
    file = write_rows(tmp_path / "rows.jsonl", [ROW])
    with pytest.raises(UsageError, match="'csv'; there is: flat, lm-eval, inspect"):
        import_outputs(study, file, "t", form="csv")


def test_the_command_line_knows_the_same_forms():
    from harness.cli.options import OutputsForm

    assert {one.value for one in OutputsForm} == {one.value for one in Form}
