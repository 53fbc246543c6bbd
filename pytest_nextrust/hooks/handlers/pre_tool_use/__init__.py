"""Handlers of PreToolUse, one module for each concern."""
