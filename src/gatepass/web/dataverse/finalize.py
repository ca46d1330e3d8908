"""The custom API msevtmgt_finalizeregistrationpayment, as the seed's browser script and its C# sample call it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from uuid import UUID

import msgspec

from gatepass.domain.errors import GatepassError, NotFound, Refused
from gatepass.services import finalize
from gatepass.services.access import Caller
from gatepass.services.finalize import Finalize, Word
from gatepass.store import WriteTx
from gatepass.web.dataverse import errors
from gatepass.web.dataverse.call import Call, Reply

MAX_BODY_BYTES = 64 * 1024
WORDS: Mapping[int, Word] = MappingProxyType({100000000: Word.CANCELLED, 100000001: Word.COMPLETED})
"""msevtmgt_paymentstatus: the only two values on the wire."""


class FinalizeRegistrationPayment(msgspec.Struct):
    """The parameters of the custom API."""

    msevtmgt_purchaseid: str
    msevtmgt_paymentstatus: int


_decoder = msgspec.json.Decoder(FinalizeRegistrationPayment)


def run(tx: WriteTx, call: Call) -> Reply:
    """POST msevtmgt_finalizeregistrationpayment -> 204. A refusal is returned, not raised, so that its audit stays."""
    command = _allowed(call.caller, call.body)
    outcome = finalize.finalize_in(tx, command)
    if not isinstance(outcome, GatepassError):
        return Reply(204)
    return replace(errors.reply(_worded(outcome, command)), stays=partial(finalize.write_down, command, outcome))


def _allowed(who: Caller, body: bytes) -> Finalize:
    if not who.may_finalize:
        raise Refused("PrivilegeMissing", f"Principal user {who.name} is missing the privilege to finalize payments.")
    return _command(body, who.name)


def _worded(error: GatepassError, command: Finalize) -> GatepassError:
    """As Dataverse says that a record is not there."""
    if not isinstance(error, NotFound):
        return error
    return NotFound(error.code, f"msevtmgt_eventpurchase With Id = {command.purchase_id} Does Not Exist")


def _command(body: bytes, actor: str) -> Finalize:
    if len(body) > MAX_BODY_BYTES:
        raise Refused("BodyTooLarge", f"The body is larger than {MAX_BODY_BYTES // 1024} kB. Two values are needed.")
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
