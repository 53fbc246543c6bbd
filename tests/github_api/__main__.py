"""Fetch GitHub's description of its API, and its examples of webhooks, for the tests."""

from tests.github_api import webhooks
from tests.github_api.description import fetch

print(fetch())
webhooks.fetch()
print(webhooks.FOLDER)
