"""Functions over tables: `purchases.get(tx, id)`. SQLAlchemy is known here and nowhere else."""

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.store import Store

__all__ = ["ReadTx", "Store", "WriteTx"]
