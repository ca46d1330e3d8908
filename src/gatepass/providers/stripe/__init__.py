"""Stripe: the adapter, and beside it one file per kind of thing that is translated."""

from gatepass.providers.stripe.adapter import Opening, Stripe
from gatepass.providers.stripe.client import API_VERSION
from gatepass.providers.stripe.notifications import MAX_AGE_S, MAX_AHEAD_S, OUR_EVENTS
from gatepass.providers.stripe.words import units_of

__all__ = ["API_VERSION", "MAX_AGE_S", "MAX_AHEAD_S", "OUR_EVENTS", "Opening", "Stripe", "units_of"]
