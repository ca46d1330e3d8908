"""Tells Dataverse that a purchase is paid, or cancelled: `msevtmgt_finalizeregistrationpayment`."""

from uuid import UUID

from gatepass.dataverse.client import Dataverse
from gatepass.dataverse.purchases import STATUS_OF
from gatepass.domain.remote import Word

ACTION = "msevtmgt_finalizeregistrationpayment"


async def finalize(dataverse: Dataverse, purchase_id: UUID, word: Word, request_id: UUID) -> None:
    """Say it once. Raises as the client does; after Unavailable it may have been heard: read the purchase first."""
    body = {"msevtmgt_purchaseid": str(purchase_id), "msevtmgt_paymentstatus": STATUS_OF[word]}
    await dataverse.post(ACTION, body, request_id)
