"""OData's own language: text to syntax tree (tree, parser), tree to query (resolve)."""
