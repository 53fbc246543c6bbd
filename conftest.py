"""Settings for this repository's own tests; what needs logic is in tests/conftest.py."""

pytest_plugins = ["pytester"]
