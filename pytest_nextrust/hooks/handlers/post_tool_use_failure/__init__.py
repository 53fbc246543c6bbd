"""Handlers of PostToolUseFailure, one module for each concern."""
