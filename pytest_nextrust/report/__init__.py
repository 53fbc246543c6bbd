"""What people and tools see of a run: progress and the section at its end on the terminal, CTRF files."""
