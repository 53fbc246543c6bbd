"""Takes secrets out of what is about to be written: by their look, their place, and the values of known variables."""

from pytest_nextrust.base.redaction.redactor import MINIMUM, NAMED, VARIABLES, Redactor

__all__ = ["MINIMUM", "NAMED", "VARIABLES", "Redactor"]
