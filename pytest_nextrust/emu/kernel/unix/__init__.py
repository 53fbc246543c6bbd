"""The UNIX calls of ``trap #4``, by what they are about; ``dispatch`` puts them into one table."""
