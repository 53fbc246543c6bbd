"""Handlers of Stop, one module for each concern."""
