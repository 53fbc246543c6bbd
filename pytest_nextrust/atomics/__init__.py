"""Atomics: the routines and their sequential meaning, the runtimes under test, and the histories that are explored."""
