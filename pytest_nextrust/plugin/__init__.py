"""The pytest plugin, as the entry point names it; ``wiring`` has the hooks."""

from pytest_nextrust.plugin.wiring import (
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
