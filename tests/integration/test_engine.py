"""The engine on a real Anvil: lost transactions, reorganisations, a node that dies, a process that is told to stop.

A few bytes of EVM code stand for the hub: they emit `LockReleased(roundId, caller)`, and refuse round 0 with
`WrongPhase(Claim)`. Blocks are mined by hand, so nothing here waits for a clock but processes that start and end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from eth_account import Account
from structlog.testing import capture_logs
from web3 import HTTPProvider

from dlbc.chain.abi_codec import load_abi
from dlbc.chain.client import Chain, WrongChain
from dlbc.chain.contracts import Call, Committee, Hub, Lens, Token
from dlbc.chain.deployment import REQUIRED, load_deployment
from dlbc.chain.events import LockReleased
from dlbc.chain.transactions import Transactions
from dlbc.config import Settings
from dlbc.errors import TransactionRefused
from dlbc.journal import Duty, DutyState, Identity, Journal, TransactionState
from dlbc.processes import Anvil, free_port, start_anvil
from dlbc.service import Context, Done, Missing, Retry, Service, StatusBoard, read_status

HUB = "0x1111111111111111111111111111111111111111"
COMMITTEE = "0x2222222222222222222222222222222222222222"
TOKEN = "0x3333333333333333333333333333333333333333"
KEY = b"\x07" * 32
ACCOUNT = Account.from_key(KEY)

TOPIC = load_abi("DLBC").events["LockReleased"].topic.hex()
WRONG_PHASE = load_abi("DLBC").errors["WrongPhase"].selector.hex()
# roundId = calldata[4:36]; if 0 jump to 0x30; log3(0, 0, topic, roundId, caller); stop
HUB_CODE = (
    "600435" "8015" "602f57" "3390" f"7f{TOPIC}" "5f5f" "a3" "00"
    f"5b" f"63{WRONG_PHASE}" "60e01b" "5f52" "6005600452" "60245ffd"
)  # fmt: skip


class Machine:
    """One Anvil that can be killed and started again with its chain, and programs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.anvil = self.start()
        for address, code in ((HUB, HUB_CODE), (COMMITTEE, "00"), (TOKEN, "00")):
            self.ask("anvil_setCode", address, f"0x{code}")
        self.ask("anvil_setBalance", ACCOUNT.address, hex(10**20))
        self.mine()
        genesis = self.ask("eth_getBlockByNumber", "0x0", False)["hash"]
        contracts = dict.fromkeys(REQUIRED, HUB) | {"Committee": COMMITTEE, "DLBCToken": TOKEN}
        self.deployment = folder / "deployment.json"
        content = {
            "version": 2,
            "chain_id": 31337,
            "genesis_hash": genesis,
            "block": 1,
            "contracts": {name: {"address": address} for name, address in contracts.items()},
        }
        self.deployment.write_text(json.dumps(content))

    def start(self, *, fresh: bool = False) -> Anvil:
        state = self.folder / ("other.json" if fresh else "state.json")
        arguments = ["--no-mining", "--state", str(state)]
        if fresh:
            arguments += ["--timestamp", "1700000000"]
        self.anvil = start_anvil(self.port, log_file=self.folder / "anvil.log", arguments=arguments)
        return self.anvil

    def ask(self, method: Any, *parameters: Any) -> Any:
        answer: Any = HTTPProvider(self.anvil.url).make_request(method, list(parameters))
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, count: int = 1) -> None:
        """Blocks a second apart: the clock moves, nobody waits."""
        for _ in range(count):
            self.ask("evm_increaseTime", 1)
            self.ask("anvil_mine", "0x1")

    def pool(self) -> list[str]:
        """Hashes of waiting transactions, in nonce order."""
        content = self.ask("txpool_content")["pending"]
        mine = next(iter(content.values()), {})
        return [mine[nonce]["hash"] for nonce in sorted(mine, key=int)]

    def program(self, name: str = "tester") -> Program:
        return Program(self, name)


class Program:
    """Releases the locks of rounds it owes, and notes the events it sees."""

    def __init__(self, machine: Machine, name: str) -> None:
        folder = machine.folder / name
        folder.mkdir(exist_ok=True)
        deployment = load_deployment(machine.deployment)
        chain = Chain((machine.anvil.url,), deployment)
        identity = Identity(31337, "0x" + deployment.genesis_hash.hex(), HUB, ACCOUNT.address)
        self.journal = Journal.open(folder / "journal.sqlite", identity)
        self.transactions = Transactions(chain, ACCOUNT, self.journal)
        self.context = Context(
            settings=Settings(),
            chain=chain,
            hub=Hub(chain),
            committee=Committee(chain),
            token=Token(chain),
            lens=Lens(chain),
            ipfs=cast(Any, Missing("not needed")),
            journal=self.journal,
            transactions=self.transactions,
            signer=ACCOUNT,
            account=ACCOUNT.address,
            workdir=folder,
            board=StatusBoard(folder),
        )
        self.service = Service("tester", self.context, {LockReleased: self.note}, {"release": self.release})

    @staticmethod
    def note(event: LockReleased, context: Context) -> None:
        context.journal.note_set("released", str(event.round_id), event.block_number)

    @staticmethod
    def release(duty: Duty, context: Context) -> Done | Retry:
        call = context.hub.release_locks(duty.round_id, [])
        sent = context.transactions.send(f"release/{duty.round_id}", call)
        return Done() if sent.confirmed else Retry(0, "pending")

    def seen(self) -> dict[int, int]:
        return {event.round_id: event.block_number for event in self.journal.events(LockReleased)}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.anvil.stop()


@pytest.fixture
def program(machine: Machine) -> Iterator[Program]:
    program = machine.program()
    yield program
    program.journal.close()


def test_send__contract_refuses__in_words_and_nothing_sent(machine: Machine, program: Program) -> None:
    with pytest.raises(TransactionRefused, match=r"in phase Claim \(miners claim") as raised:
        program.transactions.send("release/0", program.context.hub.release_locks(0, []))
    assert (raised.value.error, raised.value.arguments) == ("WrongPhase", (5,))
    assert machine.pool() == []


def test_verify__node_started_anew__refused(machine: Machine, program: Program) -> None:
    program.context.chain.head()
    machine.anvil.stop()
    with capture_logs():
        assert not program.service._try_step()
    machine.start(fresh=True)
    with pytest.raises(WrongChain, match="started anew"):
        program.service._try_step()


def test_step__transactions_dropped__same_bytes_until_mined(machine: Machine, program: Program) -> None:
    for round_id in (1, 2, 3):
        program.journal.owe(Duty("release", round_id))
    program.service.step()
    hashes = machine.pool()
    assert len(hashes) == 3
    for tx_hash in hashes:
        machine.ask("anvil_dropTransaction", tx_hash)
    machine.mine()
    program.service.step()
    assert machine.pool() == hashes
    machine.mine()
    program.service.step()
    program.service.step()
    assert program.seen() == {1: 3, 2: 3, 3: 3}
    assert [row.state for row in program.journal.duties()] == [DutyState.DONE] * 3


def test_step__reorganisation__sent_again_and_events_replaced(machine: Machine, program: Program) -> None:
    program.journal.owe(Duty("release", 7))
    program.service.step()
    machine.mine(2)
    program.service.step()
    program.service.step()
    assert program.seen() == {7: 2}
    (first,) = program.journal.outbox.attempts("release/7")
    machine.ask("anvil_reorg", 2, [])
    program.service.step()
    assert program.seen() == {}
    assert machine.pool() == ["0x" + first.hash.hex()]
    machine.mine()
    program.service.step()
    assert program.seen() == {7: 4}
    stored = program.journal.outbox.find("release/7")
    assert stored is not None
    assert (stored.state, stored.block_number) == (TransactionState.CONFIRMED, 4)


def test_step__stuck__replaced_and_mined_once(machine: Machine, program: Program) -> None:
    program.transactions._stuck_blocks = 2
    machine.ask("anvil_setBalance", ACCOUNT.address, hex(10**20))
    program.journal.owe(Duty("release", 7))
    program.service.step()
    # The base fee rises above what the transaction offers: blocks pass it by.
    machine.ask("anvil_setNextBlockBaseFeePerGas", hex(50 * 10**9))
    machine.mine(3)
    program.service.step()
    attempts = program.journal.outbox.attempts("release/7")
    assert len(attempts) == 2
    assert machine.pool() == ["0x" + attempts[1].hash.hex()]
    machine.mine()
    program.service.step()
    sent = program.transactions.send("release/7", program.context.hub.release_locks(7, []))
    assert (sent.confirmed, sent.tx_hash) == (True, attempts[1].hash)
    assert program.seen() == {7: 5}


def test_step__node_dies_and_comes_back__nothing_lost(machine: Machine, program: Program) -> None:
    program.journal.owe(Duty("release", 7))
    program.service.step()
    hashes = machine.pool()
    with capture_logs() as logs:
        machine.anvil.stop()  # its pool dies with it
        assert not program.service._try_step()
        assert not program.service._try_step()
        machine.start()
        assert machine.pool() == []
        assert program.service._try_step()
    said = [entry["event"] for entry in logs if entry["event"].startswith("chain_")]
    assert said == ["chain_away", "chain_back"]
    machine.mine()
    program.service.step()
    assert machine.pool() == hashes
    machine.mine()
    program.service.step()
    assert list(program.seen()) == [7]


def test_send__process_killed_after_signing__restarted_process_sends_the_same(
    machine: Machine, program: Program
) -> None:
    program.transactions.send("release/7", program.context.hub.release_locks(7, []))
    (tx_hash,) = machine.pool()
    machine.ask("anvil_dropTransaction", tx_hash)  # as if the process had died before the broadcast
    program.journal.close()
    restarted = machine.program()
    restarted.service.step()
    assert machine.pool() == [tx_hash]
    machine.mine()
    restarted.service.step()
    assert restarted.transactions.send("release/7", Call(HUB, b"", "")).confirmed
    restarted.journal.close()


def test_send_and_wait__mined__returns_with_its_events(machine: Machine, program: Program) -> None:
    machine.ask("evm_setAutomine", True)
    sent = program.transactions.send_and_wait("release/9", program.context.hub.release_locks(9, []), timeout=10)
    (event,) = program.transactions.events_of(sent)
    assert isinstance(event, LockReleased)
    assert (event.round_id, event.miner) == (9, ACCOUNT.address)


PROGRAM = """
import click
from dlbc.cli import chain_options, open_context, run_main
from dlbc.service import Done, Duty, Service

@click.command()
@chain_options
def run(settings):
    with open_context(settings, "tester", with_ipfs=False) as context:
        context.journal.owe(Duty("train", 1))
        def train(duty, context):
            context.report({"event": "training"})
            context.stopping.wait(20)
            return Done()
        Service("tester", context, {}, {"train": train}, long_actions={"train"}).run()

run_main(run)
"""


@pytest.mark.parametrize("signals", [1, 2])
def test_run__sigterm_to_a_process__saves_then_second_stops_at_once(
    machine: Machine, tmp_path: Path, signals: int
) -> None:
    keystore = tmp_path / "key.json"
    keystore.write_text(json.dumps(Account.encrypt(KEY, "password", iterations=1024)))
    keystore.chmod(0o600)
    work = tmp_path / "work"
    text = PROGRAM if signals == 1 else PROGRAM.replace("context.stopping.wait(20)", "__import__('time').sleep(60)")
    environment = {
        **os.environ,
        "DLBC_PASSWORD": "password",
        "DLBC_KEYSTORE": str(keystore),
        "DLBC_RPC_URL": machine.anvil.url,
        "DLBC_DEPLOYMENT": str(machine.deployment),
        "DLBC_DATA_DIR": str(work),
    }
    process = subprocess.Popen(  # noqa: S603  # our own text
        [sys.executable, "-c", text], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        give_up_at = time.monotonic() + 20
        while (status := read_status(work)) is None or "training" not in status["reports"]:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.7)  # two signals at the same moment arrive as one
        _, errors = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == (0 if signals == 1 else 130), errors
    final = read_status(work)
    assert final is not None
    assert not final["alive"]
    assert final["state"] == ("stopped" if signals == 1 else "running")
    if signals == 1:
        journal = Journal.read_only(work / "journal.sqlite")
        assert journal.duties()[0].state is DutyState.DONE
        journal.close()
