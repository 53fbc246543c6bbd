"""A coding assistant's hook events: the dispatcher, its handlers, their supervision and the record of each event."""
