"""Handlers of PostToolUse, one module for each concern."""
