"""Rows of the data model, created, changed and deleted from outside: under the same rules as by our own flows."""
