"""Gatepass sells passes for events, takes the money, and never loses a payment."""

__version__ = "0.1.0"
