"""The handlers that come with this package: a folder for each event, a module for each concern (docs/hooks.md)."""
