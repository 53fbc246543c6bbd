"""Classic concurrent programs, each right and broken, with the verdicts of the literature."""
