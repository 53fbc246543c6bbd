"""Exploration of a concurrent program: requests and answers, tokens, the store, replay; ``child`` searches."""
