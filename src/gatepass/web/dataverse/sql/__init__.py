"""`?sql=`: one SELECT, read by hand into the tree of queries. No letter of it reaches the store's SQL."""
