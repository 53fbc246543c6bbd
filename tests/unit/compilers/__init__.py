"""Questions about compilers: the search for a pass, code as text, comparing."""
