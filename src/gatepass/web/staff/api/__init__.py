"""The staff API: what the staff pages do, as JSON for programs with a token."""
