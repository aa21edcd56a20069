"""The study file: one SQLite database with everything that is known."""

from harness.study.file import StudyFile

__all__ = ["StudyFile"]
