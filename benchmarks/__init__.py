"""Speed of a whole Gatepass, beside the limits of its database and its web server in the same run: `make bench`."""
