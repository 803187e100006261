"""`setParams` and `pause`: who may, within which bounds, and that neither reaches what anybody owns or has begun."""

from __future__ import annotations

import dataclasses

import brownie
import pytest
from round_play import DLBC, paid, plain, refused, wait_until
from storage_rig import set_version

from scripts import profiles
from scripts.deploy import deploy
from scripts.profiles import fields

WEEK = 7 * 86_400
DELAY = 600


def named(text):
    return "0x" + text.encode().hex().ljust(64, "0")


@pytest.fixture
def change(profile):
    """The profile's parameters with some of them changed, by name."""

    def changed(**values):
        structs = []
        for struct in ("timing", "economy", "limits"):
            names = [field["name"] for field in fields(struct)]
            structs.append(
                tuple(values.pop(name, old) for name, old in zip(names, getattr(profile, struct), strict=True))
            )
        assert not values, values
        return tuple(structs)

    return changed


def holdings(play):
    """All that anybody owns."""
    accounts = [plain(play.hub.account(actor)) for actor in brownie.accounts]
    return accounts, play.token.totalSupply(), play.token.balanceOf(play.hub)


def parameters(hub):
    return plain(hub.timing()), plain(hub.economy()), plain(hub.limits())


# WHO MAY


def test_set_params__not_the_governor__reverts(hub, change, deployer, guardian, operator, stranger, committee):
    for caller in (deployer, guardian, operator, stranger):
        with refused("Unauthorized", caller):
            hub.setParams.call(*change(), {"from": caller})


def test_pause__not_the_guardian__reverts(hub, deployer, governor, operator, stranger):
    for caller in (deployer, governor, operator, stranger):
        with refused("Unauthorized", caller):
            hub.pause.call(1, {"from": caller})
        with refused("Unauthorized", caller):
            hub.pause.call(0, {"from": caller})


def test_registrar__called_directly__obeys_nobody(deployment, Registrar, change, governor, guardian):
    """Not even those whom the hub obeys: the role is for the hub's address."""
    registrar = Registrar.at(deployment.registrar)
    with refused("Unauthorized", governor):
        registrar.setParams.call(*change(), {"from": governor})
    with refused("Unauthorized", guardian):
        registrar.pause.call(1, {"from": guardian})


# WITHIN WHICH BOUNDS


@pytest.mark.parametrize(
    ("bad", "values"),
    [
        ("settleSecs", {"settleSecs": 2**32 - 1}),
        ("guardSecs", {"guardSecs": 30 * 86_400 + 1}),
        ("keySecs", {"keySecs": 0}),
        ("claimSecs", {"claimSecs": 0}),
        ("showSecs", {"showSecs": 0}),
        ("voteCommitSecs", {"voteCommitSecs": 0}),
        ("voteRevealSecs", {"voteRevealSecs": 0}),
        ("appealSecs", {"appealSecs": 30 * 86_400 + 1}),
        ("feeUnit", {"feeUnit": 0}),
        ("minerUnit", {"minerUnit": 0}),
        ("seatUnit", {"seatUnit": 0}),
        ("seatUnit", {"seatUnit": 2**80}),
        ("halvingSecs", {"halvingSecs": 0}),
        ("tip", {"tip": DLBC // 16 + 1}),
        ("feeSplit", {"burnBps": 7_500}),
        ("feeSplit", {"burnBps": 2**16 - 1}),
        ("feeSplit", {"parentBps": 7_000}),
        ("slots", {"slots": 0}),
        ("slots", {"slots": 17}),
        ("committeeSize", {"committeeSize": 4}),
        ("committeeSize", {"committeeSize": 17}),
        ("committeeSize", {"committeeSize": 0, "quorum": 0}),
        ("quorum", {"quorum": 1}),
        ("quorum", {"quorum": 4}),
        ("appealBond", {"appealBond": 2}),
        ("minTrainSecs", {"minTrainSecs": 0}),
        ("maxTrainSecs", {"maxTrainSecs": 4}),
        ("maxTrainSecs", {"maxTrainSecs": 30 * 86_400 + 1}),
        ("unbondSecs", {"unbondSecs": 0}),
        ("unbondSecs", {"unbondSecs": 2**32 - 1}),
        ("alpha", {"alpha": 0}),
    ],
)
def test_set_params__out_of_bounds__reverts_and_changes_nothing(hub, change, governor, bad, values):
    before = parameters(hub)
    with refused("BadParameter", named(bad)):
        hub.setParams(*change(**values), {"from": governor})
    assert (hub.version(), parameters(hub)) == (1, before)


def longest(times, max_train):
    settle, guard, key, claim, show, commit, reveal, appeal = times
    prove = max_train // 8 + 60  # and as long to judge it
    return settle + max_train + guard + key + 3 * (claim + show + 2 * prove + commit + reveal + appeal)


def test_set_params__unbonding__longer_than_the_longest_round_and_no_longer_than_a_month_more(hub, change, governor):
    times, _, limits = change()
    least = longest(times, limits[1]) + 1
    for bad in (least - 1, least + 30 * 86_400):
        with refused("BadParameter", named("unbondSecs")):
            hub.setParams.call(*change(unbondSecs=bad), {"from": governor})
    for good in (least, least - 1 + 30 * 86_400):
        hub.setParams(*change(unbondSecs=good), {"from": governor})


@pytest.mark.parametrize(
    "values",
    [
        {"settleSecs": 0, "guardSecs": 0},
        {"tip": 0},
        {"tip": DLBC // 16},
        {"feeUnit": 2**96 - 1, "tip": (2**96 - 1) // 8},
        {"seatUnit": 2**80 - 1},
        {"committeeSize": 1, "quorum": 1},
        {"committeeSize": 15, "quorum": 15},
        {"slots": 16},
        {"appealBond": 3},
        {"alpha": 2**32 - 1, "gamma": 2**32 - 1},
        {"weightFlops": -(2**31), "weightNet": -(2**31), "weightData": -(2**31), "weightFee": -(2**31)},
        {"weightFlops": 2**31 - 1, "weightNet": 2**31 - 1, "weightData": 2**31 - 1, "weightFee": 2**31 - 1},
        {"burnBps": 0, "validatorBps": 0, "secondBps": 0, "thirdBps": 0, "parentBps": 0, "kappaBps": 0},
    ],
)
def test_set_params__at_a_bound__is_taken_and_rounds_go_on(play, requester, change, governor, values):
    play.hub.setParams(*change(**values), {"from": governor})
    assert parameters(play.hub) == change(**values)
    spec, _ = play.spec(requester, flops=2**64 - 1, netBytes=2**64 - 1, dataBytes=2**64 - 1)
    play.hub.floors(spec)
    if values.get("feeUnit") is None:
        play.submit(requester, fee=400 * DLBC, bond=200 * DLBC)
        play.hub.openRound(0, play.by)


# WHAT CHANGES


def test_set_params__good__are_the_next_version(hub, change, governor, profile):
    transaction = hub.setParams(*change(feeUnit=DLBC), {"from": governor})
    event = transaction.events["ParametersSet"]
    assert event["version"] == hub.version() == 2
    assert (plain(event["timing"]), plain(event["economy"]), plain(event["limits"])) == change(feeUnit=DLBC)
    assert plain(hub.parametersOf(2)) == parameters(hub) == change(feeUnit=DLBC)
    assert plain(hub.parametersOf(1)) == (profile.timing, profile.economy, profile.limits)
    for none in (0, 3, 255):
        assert plain(hub.parametersOf(none)[0]) == (0,) * 8


def test_set_params__last_version__is_255(hub, change, governor):
    set_version(hub, 254, 1)
    hub.setParams(*change(), {"from": governor})
    assert hub.version() == 255
    with refused("BadParameter", named("version")):
        hub.setParams.call(*change(), {"from": governor})


def test_set_params__faster_clock__runs_from_now_on(play, requester, change, governor):
    """The clock never jumps: what has waited keeps exactly what it gained."""
    play.submit(requester)
    wait_until(play.hub.task(1)["submittedAt"] + 100)
    alpha = play.hub.limits()["alpha"]
    transaction = play.hub.setParams(*change(alpha=4 * alpha, gamma=0), {"from": governor})
    at_change = play.hub.queueClock(block_identifier=transaction.block_number)
    waited = transaction.timestamp - play.hub.task(1)["submittedAt"]
    old_rate = alpha + play.hub.parametersOf(1)[2]["gamma"]
    assert at_change == waited * old_rate
    wait_until(transaction.timestamp + 10)
    assert play.hub.queueClock() == at_change + 10 * 4 * alpha


# INVARIANT 37: WHAT WAITS OR RUNS KEEPS ITS PARAMETERS

HARSH = {
    "claimSecs": 1,
    "showSecs": 1,
    "voteCommitSecs": 1,
    "voteRevealSecs": 1,
    "keySecs": 1,
    "minerUnit": 90 * DLBC,
    "seatUnit": 90 * DLBC,
    "burnBps": 9_000,
    "validatorBps": 0,
    "secondBps": 0,
    "thirdBps": 0,
    "parentBps": 0,
    "tip": 0,
    "slots": 1,
    "committeeSize": 1,
    "quorum": 1,
    "slotFeePerSec": 2**96 - 1,
}


@pytest.mark.parametrize("moment", ["queued", "training", "claimed", "shown", "judged"])
def test_set_params__in_the_middle__changes_nothing_for_what_has_begun(
    play, requester, miner, other_miner, change, governor, chain, moment
):
    def govern(now):
        if now == moment:
            play.hub.setParams(*change(**HARSH), {"from": governor})

    def whole_round(govern):
        task_id, spec, key = play.submit(requester)
        govern("queued")
        opened = play.hub.openRound(0, play.by)
        round_ = play.opened(opened, spec, key)
        assert round_.task_id == task_id
        play.wait_for(round_, "Train")
        govern("training")
        play.commit(round_, miner, other_miner)
        locked = play.hub.account(miner)["locked"]
        play.reveal_key(round_)
        for model, score in zip(round_.models, (300, 250), strict=True):
            play.claim(round_, model, score)
        govern("claimed")
        for model in round_.models:
            play.show(model)
        govern("shown")
        play.draw(round_)
        size = play.committee.ballot(round_.id)["size"]
        play.judge(round_, *[play.word(round_, {})] * size)
        govern("judged")
        transaction = play.finalize(round_, round_.models[0])
        times = play.hub.round(round_.id)
        lengths = tuple(times[b] - times[a] for a, b in (("commitStart", "commitEnd"), ("keyFrom", "keyUntil")))
        kinds = sorted((kind, amount) for _, kind, amount in paid(transaction))
        return locked, size, lengths, kinds, transaction.events["RoundFinalized"]["burned"]

    chain.snapshot()
    undisturbed = whole_round(lambda now: None)
    chain.revert()
    play.nonce = 0
    assert whole_round(govern) == undisturbed
    assert play.hub.version() == 2


# INVARIANT 39, AND NOBODY'S MONEY


def test_governance__everything_it_can_do__moves_nobodys_money(
    play, requester, miner, change, governor, guardian, deployer, validators
):
    play.submit(requester, fee=100 * DLBC)
    round_ = play.open(requester)
    play.commit(round_, miner)
    play.hub.requestUnbond(10 * DLBC, {"from": validators[0]})
    before = holdings(play)
    play.hub.setParams(*change(**HARSH), {"from": governor})
    play.hub.pause(WEEK, {"from": guardian})
    play.hub.pause(0, {"from": guardian})
    assert holdings(play) == before
    play.check_conservation()


def test_pause__whole_round_and_every_exit__go_on(play, requester, miner, other_miner, validators, guardian):
    queued, spec, _ = play.submit(requester, fee=100 * DLBC)
    round_ = play.open(requester)
    play.commit(round_, miner, other_miner)
    unbonding = play.hub.requestUnbond(10 * DLBC, {"from": validators[0]}).events["UnbondRequested"]["unbondAt"]
    play.hub.pause(WEEK, {"from": guardian})
    with refused("Paused"):
        play.hub.submitTask.call(play.spec(requester)[0], {"from": requester})
    with refused("Paused"):
        play.hub.openRound.call(1, play.by)

    play.hub.cancelTask(queued, spec, {"from": requester})
    play.reveal_key(round_)
    for model in round_.models:
        play.claim(round_, model, 200)
    for model in round_.models:
        play.show(model)
    play.draw(round_)
    size = play.committee.ballot(round_.id)["size"]
    play.judge(round_, *[play.word(round_, {})] * size)
    winner = round_.model_of(play.hub.preview(round_.id, round_.spec)[1])
    play.finalize(round_, winner)
    play.hub.releaseLocks(round_.id, [miner, other_miner], play.by)
    play.committee.leaveSeat(play.committee.seatsOf(validators[0])[0], {"from": validators[0]})
    wait_until(unbonding)
    play.hub.unbond({"from": validators[0]})
    play.hub.requestUnbond(1, {"from": miner})
    for actor in (requester, miner, other_miner, *validators):
        play.hub.withdraw(play.credit(actor), {"from": actor})
    play.hub.deposit(DLBC, {"from": requester})
    play.hub.stake(DLBC, {"from": requester})
    play.hub.setOperator(miner, {"from": requester})
    play.hub.post(named("item"), {"from": requester})
    assert play.hub.pausedUntil() > unbonding
    play.check_conservation()


def test_commit_model__while_paused__reverts(play, requester, miner, guardian):
    round_ = play.open(requester)
    until = play.hub.pause(30, {"from": guardian}).events["PausedUntil"]["until"]
    arguments = play.commit_arguments(round_, play.model(round_, miner))
    with refused("Paused", until):
        play.hub.commitModel.call(*arguments, {"from": miner})
    wait_until(until)
    play.hub.commitModel(*arguments, {"from": miner})


# PAUSE


@pytest.mark.parametrize("secs", [WEEK + 1, 2**32 - 1])
def test_pause__longer_than_a_week__reverts(hub, guardian, secs):
    with refused("PauseTooLong", secs, WEEK):
        hub.pause.call(secs, {"from": guardian})


def test_pause__week__ends_by_itself(hub, guardian):
    transaction = hub.pause(WEEK, {"from": guardian})
    until = transaction.timestamp + WEEK
    assert transaction.events["PausedUntil"] == {"until": until, "guardian": guardian}
    assert hub.pausedUntil() == until


def test_pause__before_a_week_has_passed__reverts(hub, guardian):
    """Or pauses could be strung together."""
    until = hub.pause(1, {"from": guardian}).events["PausedUntil"]["until"]
    with refused("PauseTooSoon", until + WEEK):
        hub.pause.call(1, {"from": guardian})
    wait_until(until + WEEK - 1)
    with refused("PauseTooSoon", until + WEEK):
        hub.pause.call(1, {"from": guardian})
    wait_until(until + WEEK)
    hub.pause(1, {"from": guardian})


def test_pause__of_no_time__ends_one_and_moves_nothing_else(hub, guardian):
    assert hub.pause(0, {"from": guardian}).events["PausedUntil"]["until"] == 0
    hub.pause(WEEK, {"from": guardian})
    ended = hub.pause(0, {"from": guardian})
    assert hub.pausedUntil() == ended.timestamp
    wait_until(ended.timestamp + 1_000)
    hub.pause(0, {"from": guardian})
    assert hub.pausedUntil() == ended.timestamp
    with refused("PauseTooSoon", ended.timestamp + WEEK):
        hub.pause.call(1, {"from": guardian})


# DELAYED


@pytest.fixture
def delayed(accounts, profile, governor, guardian, DLBC, Authority):
    """A hub whose governor and admin must wait."""
    roles = profiles.Governance(DELAY, str(accounts[15]), str(governor), str(guardian))
    made = deploy(accounts[0], dataclasses.replace(profile, governance=roles))
    return DLBC.at(made.hub), Authority.at(made.authority)


def test_delay__governor_at_once__reverts(delayed, change, governor):
    hub, authority = delayed
    with refused("Unauthorized", governor):
        hub.setParams.call(*change(), {"from": governor})
    with refused("AccessManagerNotScheduled"):
        authority.execute.call(hub, hub.setParams.encode_input(*change()), {"from": governor})


def test_delay__announced_and_waited__sets_them(delayed, change, governor, stranger):
    hub, authority = delayed
    data = hub.setParams.encode_input(*change(tip=0))
    with brownie.reverts():
        authority.schedule.call(hub, data, 0, {"from": stranger})
    announced = authority.schedule(hub, data, 0, {"from": governor})
    wait_until(announced.timestamp + DELAY - 2)
    with refused("AccessManagerNotReady"):
        authority.execute.call(hub, data, {"from": governor})
    wait_until(announced.timestamp + DELAY)
    with brownie.reverts():
        authority.execute.call(hub, data, {"from": stranger})
    authority.execute(hub, data, {"from": governor})
    assert (hub.version(), hub.economy()["tip"]) == (2, 0)
    with refused("AccessManagerNotScheduled"):
        authority.execute.call(hub, data, {"from": governor})


def test_delay__guardian_cancels__what_was_announced(delayed, change, governor, guardian, stranger):
    hub, authority = delayed
    data = hub.setParams.encode_input(*change(tip=0))
    announced = authority.schedule(hub, data, 0, {"from": governor})
    with refused("AccessManagerUnauthorizedCancel"):
        authority.cancel.call(governor, hub, data, {"from": stranger})
    authority.cancel(governor, hub, data, {"from": guardian})
    wait_until(announced.timestamp + DELAY)
    with refused("AccessManagerNotScheduled"):
        authority.execute.call(hub, data, {"from": governor})


def test_delay__guardian__pauses_at_once(delayed, guardian):
    hub, _ = delayed
    hub.pause(WEEK, {"from": guardian})
    hub.pause(0, {"from": guardian})


def test_delay__admin__cannot_name_a_governor_at_once(delayed, accounts, deployer):
    """Else the delay would be for show."""
    _, authority = delayed
    admin = accounts[15]
    with refused("AccessManagerNotScheduled"):
        authority.grantRole.call(authority.GOVERNOR(), admin, 0, {"from": admin})
    with refused("AccessManagerUnauthorizedAccount"):
        authority.grantRole.call(authority.GOVERNOR(), deployer, 0, {"from": deployer})
    data = authority.grantRole.encode_input(authority.GOVERNOR(), admin, 0)
    announced = authority.schedule(authority, data, 0, {"from": admin})
    wait_until(announced.timestamp + DELAY)
    authority.execute(authority, data, {"from": admin})
    assert authority.hasRole(authority.GOVERNOR(), admin)[0]
