"""What the provider holds, payment by payment: what a merchant's own books must agree with."""

import msgspec

from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Tx

# Each kind is summed once and joined by intent: a query per payment would take minutes for thousands. A bare column
# beside max(seq) is that of the newest row (sqlite.org/lang_select.html, "Bare columns"). Without the cast, which gives
# the column a type, SQLite would not make an index to join by.
_LEDGER = """
with payment as (
  select s.id session, i.id intent, coalesce(s.metadata, i.metadata) metadata, coalesce(s.status, i.status) status,
    i.status intent_status, s.payment_status, coalesce(s.currency, i.currency) currency,
    coalesce(s.amount, i.amount) amount, coalesce(i.amount_received, 0) amount_received
  from object s left join object i on i.id = s.payment_intent where s.kind = 'checkout.session'
  union all
  select null, i.id, i.metadata, i.status, i.status, null, i.currency, i.amount, i.amount_received
  from object i where i.kind = 'payment_intent' and i.id not in (
    select payment_intent from object where kind = 'checkout.session' and payment_intent is not null
  )
), charge as materialized (
  select payment_intent intent, max(seq), id, sum(amount_refunded) refunded
  from object where kind = 'charge' group by payment_intent
), refund as materialized (
  select payment_intent intent, sum(amount) filter (where status = 'succeeded') succeeded,
    sum(amount) filter (where status = 'pending') pending, sum(amount) filter (where status = 'failed') failed
  from object where kind = 'refund' group by payment_intent
), dispute as materialized (
  select payment_intent intent, max(seq), id, status from object where kind = 'dispute' group by payment_intent
), line as materialized (
  select cast(hidden ->> '$.payment' as text) intent, sum(body ->> '$.fee') fees, sum(body ->> '$.net') net,
    -sum(amount) filter (where body ->> '$.type' = 'adjustment' and amount < 0) withdrawn,
    sum(amount) filter (where body ->> '$.type' = 'adjustment' and amount > 0) reinstated
  from object where kind = 'balance_transaction' group by 1
)
select p.*, charge.id charge, coalesce(charge.refunded, 0) amount_refunded,
  coalesce(refund.succeeded, 0) refunded_succeeded, coalesce(refund.pending, 0) refunded_pending,
  coalesce(refund.failed, 0) refunds_failed, dispute.id dispute, dispute.status dispute_status,
  coalesce(line.withdrawn, 0) dispute_withdrawn, coalesce(line.reinstated, 0) dispute_reinstated,
  coalesce(line.fees, 0) fees, coalesce(line.net, 0) net
from payment p left join charge using (intent) left join refund using (intent) left join dispute using (intent)
  left join line using (intent)
"""


def rows(tx: Tx, paid_only: bool = False) -> list[Obj]:
    """One row per session, and per intent without one; amounts in smallest units.

    amount_received - amount_refunded - dispute_withdrawn + dispute_reinstated - fees = net: what the merchant has of it.
    """
    where = " where p.amount_received > 0" if paid_only else ""
    found = tx.rows(_LEDGER + where)
    return [dict(row) | {"metadata": msgspec.json.decode(row["metadata"] or "{}")} for row in found]
