"""The pytest plugin, as the entry point names it; ``options`` has the hooks."""

from pytest_nextrust.plugin.options import (
    pytest_addhooks,
    pytest_addoption,
    pytest_configure,
    pytest_report_header,
    pytest_unconfigure,
)

__all__ = [
    "pytest_addhooks",
    "pytest_addoption",
    "pytest_configure",
    "pytest_report_header",
    "pytest_unconfigure",
]
