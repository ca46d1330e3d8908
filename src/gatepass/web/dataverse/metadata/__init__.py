"""EDMX and EntityDefinitions, derived from the model."""
