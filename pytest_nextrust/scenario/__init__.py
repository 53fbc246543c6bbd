"""A scenario as its document says it: the program, what is explored or checked, events, and what is expected."""
