"""The staff app, under /staff. `routes.py` declares every page and who may; `door.py` keeps to it."""
