"""The local payment providers: an app of its own that knows nothing of the rest."""
