"""The sandbox: driven by the official SDK, checked against the official description."""
