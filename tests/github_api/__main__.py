"""Fetch GitHub's description of its API for the tests."""

from tests.github_api.description import fetch

print(fetch())
