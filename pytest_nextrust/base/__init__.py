"""What every room may use: files, reading and writing of dataclasses, redaction, text, private folders, state."""
