"""The custom API msevtmgt_finalizeregistrationpayment, as the seed's browser script and its C# sample call it."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError, NotFound, Refused
from gatepass.services import finalize
from gatepass.services.finalize import Finalize, Word
from gatepass.web.body import limited_body
from gatepass.web.dataverse import errors
from gatepass.web.dataverse.auth import authority, caller
from gatepass.web.site import Site, site

MAX_BODY_BYTES = 64 * 1024
WORDS: Mapping[int, Word] = MappingProxyType({100000000: Word.CANCELLED, 100000001: Word.COMPLETED})
"""msevtmgt_paymentstatus: the only two values on the wire."""


class FinalizeRegistrationPayment(msgspec.Struct):
    """The parameters of the custom API."""

    msevtmgt_purchaseid: str
    msevtmgt_paymentstatus: int


_decoder = msgspec.json.Decoder(FinalizeRegistrationPayment)


async def finalize_registration_payment(request: Request) -> Response:
    """POST /api/data/v9.x/msevtmgt_finalizeregistrationpayment -> 204"""
    try:
        who = await caller(request)
        if not who.may_finalize:
            raise Refused(
                "PrivilegeMissing", f"Principal user {who.name} is missing the privilege to finalize payments."
            )
        command = _command(await limited_body(request, MAX_BODY_BYTES), who.name)
        await _finalize(site(request), command)
    except GatepassError as error:
        return errors.refusal(error, authority(request))
    return Response(status_code=204, headers=errors.headers())


async def _finalize(here: Site, command: Finalize) -> None:
    try:
        await finalize.finalize(here.store, command)
    except NotFound as error:
        gone = f"msevtmgt_eventpurchase With Id = {command.purchase_id} Does Not Exist"
        raise NotFound(error.code, gone) from error


def _command(body: bytes, actor: str) -> Finalize:
    try:
        said = _decoder.decode(body)
        purchase_id = UUID(said.msevtmgt_purchaseid)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Refused(
            "PayloadInvalid",
            "Error identified in Payload provided by the user for Entity :'msevtmgt_finalizeregistrationpayment': "
            f"msevtmgt_purchaseid has to be a GUID and msevtmgt_paymentstatus a number. {error}",
        ) from None
    if said.msevtmgt_paymentstatus not in WORDS:
        raise Refused(
            "OptionInvalid",
            f"The value '{said.msevtmgt_paymentstatus}' of 'msevtmgt_paymentstatus' is outside the valid range. "
            "Accepted Values: 100000000 (Cancelled), 100000001 (Completed).",
        )
    return Finalize(purchase_id, WORDS[said.msevtmgt_paymentstatus], actor)
