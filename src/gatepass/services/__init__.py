"""Use cases. Each decides its own transactions; none calls out while one is open."""
