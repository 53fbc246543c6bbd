"""What is taken from a report before it goes on: what cannot cross from a worker to the controller, and secrets.

Reproduced with xdist 3.8: a report that holds a value execnet cannot carry is lost, its test with it, and the run
exits 0. So such a report is made one that can cross, and that fails.
"""

from __future__ import annotations

import pytest

from pytest_nextrust.base.redaction import Redactor

__all__ = ["redact", "repair"]

# What a plain report holds: pytest itself turns these into plain values on the way, all but the user's properties.
_OWN = frozenset(vars(pytest.TestReport("", ("", None, ""), {}, "passed", None, "call")))


def repair(config: pytest.Config, report: pytest.TestReport) -> str:
    """Take from the report what cannot cross; answers what that was, or nothing."""
    if _crosses(_plain(config, report)):
        return ""
    bad = [
        f"property {name} (a {type(value).__name__})" for name, value in report.user_properties if not _crosses(value)
    ]
    report.user_properties = [(str(name), _either(value)) for name, value in report.user_properties]
    if not _crosses(_plain(config, report)):
        for name in sorted(set(vars(report)) - _OWN):
            if not _crosses(getattr(report, name)):
                bad.append(f"attribute {name} (a {type(getattr(report, name)).__name__})")
                delattr(report, name)
    return f"its report cannot be sent to the controller: {', '.join(bad) or 'something in it'}; give plain values"


def _plain(config: pytest.Config, report: pytest.TestReport) -> object:
    plain: object = config.hook.pytest_report_to_serializable(config=config, report=report)
    return plain


def _crosses(value: object) -> bool:
    import execnet

    try:
        execnet.dumps(value)
    except execnet.DumpError:
        return False
    return True


def _either(value: object) -> object:
    return value if _crosses(value) else repr(value)


def redact(report: pytest.TestReport, redactor: Redactor) -> None:
    """Take secrets out of what the terminal and JUnit XML show: a traceback with one in it becomes text."""
    report.sections = [(title, redactor.text(text)) for title, text in report.sections]
    if report.longrepr is not None and not isinstance(report.longrepr, tuple):
        text = str(report.longrepr)
        clean = redactor.text(text)
        if clean != text:
            report.longrepr = clean
