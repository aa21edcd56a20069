"""How a run was set up: its settings, and what is unusual about them."""

from harness.diagnosis.configuration.checking import check_configuration
from harness.diagnosis.configuration.model import DataFacts, Setting, Settings
from harness.diagnosis.configuration.reading import read_settings

__all__ = ["DataFacts", "Setting", "Settings", "check_configuration", "read_settings"]
