"""Handlers of UserPromptSubmit, one module for each concern."""
