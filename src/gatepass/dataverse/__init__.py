"""The client of a remote Dataverse: translates, and decides nothing. With `model` and `web.dataverse` it knows their names."""

from gatepass.dataverse.certificate import Certificate
from gatepass.dataverse.client import Connection, Dataverse, NoAccess, Throttled
from gatepass.dataverse.managed import ManagedIdentity

__all__ = ["Certificate", "Connection", "Dataverse", "ManagedIdentity", "NoAccess", "Throttled"]
