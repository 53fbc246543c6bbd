"""Generated concurrent programs, explored by the engine and by an interpreter of its own that lives here."""
