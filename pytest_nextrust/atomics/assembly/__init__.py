"""Inline assembly in a runtime's C sources: whether templates write no more than their outputs and clobbers say."""
