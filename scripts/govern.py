"""Changes what a running hub goes by, as far as its access manager lets this account.

    brownie run govern show               what holds now, and what this account may do
    brownie run govern schedule PROFILE   announce a profile's parameters
    brownie run govern execute PROFILE    set them, once the delay has passed (or where there is none)
    brownie run govern cancel PROFILE [GOVERNOR]
                                          take the announcement back; GOVERNOR is who made it, if somebody else
    brownie run govern pause SECONDS      block new tasks, rounds and commits; 0 ends a pause

Each with --network NETWORK. PROFILE is a name or a file as for `brownie run deploy`; its genesis_supply and its
governance are of no account here. Parameters are for tasks submitted afterwards: what waits or runs keeps its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from brownie import web3
from brownie.project.main import get_loaded_projects
from eth_utils.address import is_address, to_checksum_address
from web3.exceptions import Web3Exception

from dlbc.chain.abi_codec import load_abi
from dlbc.chain.deployment import load_deployment
from dlbc.chain.refusals import amount_in_words, refusal_of, revert_reason
from dlbc.errors import ChainError, DLBCError, UsageError
from scripts import profiles
from scripts.accounts import deployer
from scripts.deploy import confirmed_chain_id, record
from scripts.export_abi import TARGET

STRUCTS = ("timing", "economy", "limits")
GUARDIAN = 2  # as contracts/Authority.sol numbers the roles


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """A command that ends with a sentence, not with a traceback."""

    @wraps(function)
    def command(*arguments: str) -> None:
        try:
            governance = Governance()
            try:
                function(governance, *arguments)
            except TypeError as error:
                # Brownie passes what the command line says, however much that is.
                raise UsageError(f"{function.__name__}: {error}; see the head of scripts/govern.py") from error
        except DLBCError as error:
            raise SystemExit(f"Error: {error}") from error

    return command


class Governance:
    """This account before this chain's hub."""

    def __init__(self) -> None:
        deployment = load_deployment(record(confirmed_chain_id()))
        self.account = deployer()
        self.hub = self._contract("DLBC", deployment.hub)
        self.manager = self._contract("AccessManager", deployment.authority)

    @staticmethod
    def _contract(name: str, address: str) -> Any:
        abi = (TARGET / f"{name}.json").read_text(encoding="utf-8")
        return web3.eth.contract(address=to_checksum_address(address), abi=abi)

    def may(self, function: str) -> tuple[bool, int]:
        """Whether at once; and if not, after how many seconds (0: never)."""
        selector = load_abi("DLBC").functions[function].selector
        immediate, delay = self.manager.functions.canCall(self.account.address, self.hub.address, selector).call()
        return bool(immediate), int(delay)

    def holds(self, role: int) -> bool:
        return bool(self.manager.functions.hasRole(role, self.account.address).call()[0])

    def encoded(self, profile: profiles.Profile) -> str:
        return str(self.hub.encode_abi("setParams", [profile.timing, profile.economy, profile.limits]))

    def ready_at(self, data: str, caller: str) -> int:
        """When an announced call may be executed; 0 where nothing is announced, or it has expired."""
        operation = self.manager.functions.hashOperation(caller, self.hub.address, data).call()
        return int(self.manager.functions.getSchedule(operation).call())

    def differences(self, profile: profiles.Profile) -> Iterator[str]:
        """A line for each parameter that the profile changes."""
        for struct in STRUCTS:
            now, then = self.hub.functions[struct]().call(), getattr(profile, struct)
            for field, old, new in zip(profiles.fields(struct), now, then, strict=True):
                if old != new:
                    yield f"  {struct}.{field['name']}: {_shown(field, old)} -> {_shown(field, new)}"

    def print_differences(self, profile: profiles.Profile) -> None:
        lines = list(self.differences(profile))
        if not lines:
            raise UsageError(f"the hub goes by the parameters of {profile.name!r} already: nothing was sent")
        print("Changes:")
        print("\n".join(lines))

    def check_bounds(self, profile: profiles.Profile) -> None:
        """Raises TransactionRefused for what the hub would refuse in the end."""
        contracts: Any = get_loaded_projects()[0]
        data = contracts.ParameterProbe.deploy.encode_input(profile.timing, profile.economy, profile.limits)
        self._try(lambda: web3.eth.call({"data": data}))

    def send(self, call: Any) -> None:
        """Tries first, so that a refusal costs nothing and comes in words."""
        self._try(lambda: call.call({"from": self.account.address}))
        data = call._encode_transaction_data()
        receipt = self.account.transfer(call.address, data=data, skip_undo=True, silent=True)
        if receipt.status != 1:
            raise ChainError(f"transaction {receipt.txid} failed")

    @staticmethod
    def _try(call: Callable[[], object]) -> None:
        try:
            call()
        except (Web3Exception, ValueError) as error:
            # Brownie's middleware turns what the node says into a ValueError around its answer.
            answer = error.args[0] if error.args else None
            if isinstance(answer, dict) and str(answer.get("data")).startswith("0x"):
                raise refusal_of(bytes.fromhex(answer["data"][2:])) from error
            raise revert_reason(error) from error


@verb
def show(governance: Governance) -> None:
    hub = governance.hub.functions
    until = hub.pausedUntil().call()
    now = web3.eth.get_block("latest")["timestamp"]
    print(f"Hub {governance.hub.address}: version {hub.version().call()} of its parameters")
    for struct in STRUCTS:
        for field, value in zip(profiles.fields(struct), hub[struct]().call(), strict=True):
            print(f"  {struct}.{field['name']}: {_shown(field, value)}")
    print(f"Paused until {_time(until)}" if until > now else "Not paused")
    immediate, delay = governance.may("setParams")
    governs = "at once" if immediate else f"{delay} s after announcing them" if delay else "never"
    print(f"Account {governance.account.address} may set parameters: {governs}")
    print(f"It may pause: {'at once' if governance.may('pause')[0] else 'never'}")


@verb
def schedule(governance: Governance, profile_name: str) -> None:
    profile = profiles.load(profile_name)
    immediate, delay = governance.may("setParams")
    if immediate:
        raise UsageError("no delay applies to this account: `execute` sets the parameters at once")
    if not delay:
        raise _not_a(governance, "governor")
    governance.check_bounds(profile)
    data = governance.encoded(profile)
    at = governance.ready_at(data, governance.account.address)
    if at:
        raise UsageError(f"these parameters are announced already: execute them from {_time(at)} on, or cancel them")
    governance.print_differences(profile)
    governance.send(governance.manager.functions.schedule(governance.hub.address, data, 0))
    at = governance.ready_at(data, governance.account.address)
    expires = at + int(governance.manager.functions.expiration().call())
    print(f"Announced. Execute between {_time(at)} and {_time(expires)}.")


@verb
def execute(governance: Governance, profile_name: str) -> None:
    profile = profiles.load(profile_name)
    immediate, delay = governance.may("setParams")
    if not immediate and not delay:
        raise _not_a(governance, "governor")
    governance.check_bounds(profile)
    governance.print_differences(profile)
    if immediate:
        governance.send(governance.hub.functions.setParams(profile.timing, profile.economy, profile.limits))
    else:
        data = governance.encoded(profile)
        at = governance.ready_at(data, governance.account.address)
        if not at:
            raise UsageError("these parameters are not announced, or it is too long ago: `schedule` them first")
        if web3.eth.get_block("latest")["timestamp"] < at:
            raise UsageError(f"these parameters may be set from {_time(at)} on: try again then")
        governance.send(governance.manager.functions.execute(governance.hub.address, data))
    print(f"Set: version {governance.hub.functions.version().call()}, for tasks submitted from now on.")


@verb
def cancel(governance: Governance, profile_name: str, governor: str | None = None) -> None:
    profile = profiles.load(profile_name)
    if governor is not None and not is_address(governor):
        raise UsageError(f"{governor!r} is not an address")
    caller = to_checksum_address(governor or governance.account.address)
    data = governance.encoded(profile)
    if not governance.ready_at(data, caller):
        raise UsageError(f"{caller} has announced no such parameters, or they have expired: there is nothing to cancel")
    if caller != governance.account.address and not governance.holds(GUARDIAN):
        raise _not_a(governance, "guardian")
    governance.send(governance.manager.functions.cancel(caller, governance.hub.address, data))
    print("Cancelled.")


@verb
def pause(governance: Governance, seconds: str) -> None:
    if not seconds.isdecimal():
        raise UsageError(f"{seconds!r} is not a number of seconds")
    if not governance.may("pause")[0]:
        raise _not_a(governance, "guardian")
    governance.send(governance.hub.functions.pause(int(seconds)))
    until = governance.hub.functions.pausedUntil().call()
    print(f"Paused until {_time(until)}. Everything that has begun goes on." if int(seconds) else "The pause is over.")


def _not_a(governance: Governance, role: str) -> UsageError:
    return UsageError(
        f"{governance.account.address} is not a {role} of this hub: its access manager is {governance.manager.address}"
    )


def _shown(field: dict[str, Any], value: int) -> str:
    return amount_in_words(value) if field["type"] == profiles.AMOUNT else str(value)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
