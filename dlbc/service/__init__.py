"""The one loop under every program: events → handlers → due duties → pending transactions.

A program is `Service(name, context, handlers, actions).run()`; there is nothing to inherit from.

| File | Concern |
|---|---|
| `context.py` | what handlers and actions are given |
| `outcomes.py` | what an action says of its duty |
| `loop.py` | the loop, and what it does when the chain is away |
| `duties.py` | working off duties, one long one beside the loop |
| `signals.py` | SIGTERM and SIGINT |
| `status.py` | status.json, for other processes |
"""

from dlbc.journal import Duty, DutyState
from dlbc.service.context import Context, Missing
from dlbc.service.loop import Handler, Service
from dlbc.service.outcomes import Action, Done, Drop, Outcome, Retry, Wait
from dlbc.service.status import StatusBoard, read_status

__all__ = [
    "Action",
    "Context",
    "Done",
    "Drop",
    "Duty",
    "DutyState",
    "Handler",
    "Missing",
    "Outcome",
    "Retry",
    "Service",
    "StatusBoard",
    "Wait",
    "read_status",
]
