"""What a handler of a coding assistant's events may import: events, decisions, context, specifications, settings."""
