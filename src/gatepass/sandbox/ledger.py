"""What the provider holds, payment by payment: what a merchant's own books must agree with."""

import msgspec

from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Tx

_PAYMENTS = """
select s.id session, i.id intent, coalesce(s.metadata, i.metadata) metadata, coalesce(s.status, i.status) status,
  i.status intent_status, s.payment_status, coalesce(s.currency, i.currency) currency,
  coalesce(s.amount, i.amount) amount, coalesce(i.amount_received, 0) amount_received
from object s left join object i on i.id = s.payment_intent where s.kind = 'checkout.session'
union all
select null, i.id, i.metadata, i.status, i.status, null, i.currency, i.amount, i.amount_received
from object i where i.kind = 'payment_intent'
  and not exists (select 1 from object s where s.payment_intent = i.id and s.kind = 'checkout.session')
"""
_OF = "from object o where o.payment_intent = p.intent and o.kind ="
_LINES = "from object o where o.kind = 'balance_transaction' and o.hidden ->> '$.payment' = p.intent"
_ADJUSTED = f"{_LINES} and o.body ->> '$.type' = 'adjustment'"
_LEDGER = f"""
select p.*,
  (select o.id {_OF} 'charge' order by o.seq desc limit 1) charge,
  coalesce((select sum(o.amount_refunded) {_OF} 'charge'), 0) amount_refunded,
  coalesce((select sum(o.amount) {_OF} 'refund' and o.status = 'succeeded'), 0) refunded_succeeded,
  coalesce((select sum(o.amount) {_OF} 'refund' and o.status = 'pending'), 0) refunded_pending,
  coalesce((select sum(o.amount) {_OF} 'refund' and o.status = 'failed'), 0) refunds_failed,
  (select o.id {_OF} 'dispute' order by o.seq desc limit 1) dispute,
  (select o.status {_OF} 'dispute' order by o.seq desc limit 1) dispute_status,
  coalesce((select -sum(o.amount) {_ADJUSTED} and o.amount < 0), 0) dispute_withdrawn,
  coalesce((select sum(o.amount) {_ADJUSTED} and o.amount > 0), 0) dispute_reinstated,
  coalesce((select sum(o.body ->> '$.fee') {_LINES}), 0) fees,
  coalesce((select sum(o.body ->> '$.net') {_LINES}), 0) net
from ({_PAYMENTS}) p
"""


def rows(tx: Tx, paid_only: bool = False) -> list[Obj]:
    """One row per session, and per intent without one; amounts in smallest units.

    amount_received - amount_refunded - dispute_withdrawn + dispute_reinstated - fees = net: what the merchant has of it.
    """
    where = " where p.amount_received > 0" if paid_only else ""
    found = tx.rows(_LEDGER + where)
    return [dict(row) | {"metadata": msgspec.json.decode(row["metadata"] or "{}")} for row in found]
