"""Pure values and rules. Standard library only: nothing here knows a database, a provider or the web."""
