"""Functions over tables: `purchases.get(tx, id)`. SQLAlchemy is known here and nowhere else."""

from gatepass.store.engine import ReadTx, Store, WriteTx

__all__ = ["ReadTx", "Store", "WriteTx"]
