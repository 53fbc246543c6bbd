"""The workflows of GitHub Actions: linters, checks of what those do not see, and the steps of their jobs run here."""
