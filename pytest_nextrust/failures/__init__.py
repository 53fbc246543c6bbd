"""Failed commands: the known issues that they match, and the fixes that may be tried."""
