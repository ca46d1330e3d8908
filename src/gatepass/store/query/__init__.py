"""From the tree of a query (model/query.py) to SQL and back to records."""
