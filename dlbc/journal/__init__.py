"""What a program must not lose: events seen, duties owed, transactions sent and notes, one file a key.

| File | Concern |
|---|---|
| `database.py` | the connection, transactions, migrations, who may open it |
| `history.py` | cursor, recent block hashes, events of the canonical chain |
| `agenda.py` | duties: what to do, when, until when |
| `outbox.py` | signed transactions |
| `records.py` | values as journal text |
| `journal.py` | the four together, and notes |
"""

from dlbc.journal.agenda import Agenda, Duty, DutyRow, DutyState
from dlbc.journal.database import Identity
from dlbc.journal.history import Cursor, Event, History
from dlbc.journal.journal import Journal
from dlbc.journal.outbox import Attempt, Outbox, StoredTransaction, TransactionState

__all__ = [
    "Agenda",
    "Attempt",
    "Cursor",
    "Duty",
    "DutyRow",
    "DutyState",
    "Event",
    "History",
    "Identity",
    "Journal",
    "Outbox",
    "StoredTransaction",
    "TransactionState",
]
