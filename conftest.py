"""Settings for this repository's own tests; the checks that need logic are in tests/conftest.py."""

collect_ignore = ["scenarios", "docs"]
