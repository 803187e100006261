"""`claimModel`: who may open which commitment, and what he may say of it."""

from __future__ import annotations

import brownie
import pytest
from round_play import Commitment, keccak, plain, refused, wrong_phase

# answers every call with isValidSignature's magic value
AGREEABLE = "0x631626ba7e60e01b60005260206000f3"
# with another value, by a revert, not at all
DISAGREEING = ("0x6312345678" + "60e01b60005260206000f3", "0x60006000fd", "0x00")
GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
def committed(play, requester, miner, other_miner):
    """Two commits, and the test key is out."""
    round_ = play.open(requester)
    play.commit(round_, miner, other_miner)
    play.reveal_key(round_)
    return round_


def claim(play, round_, commitment, score=300, signature=None, model=None, spec=None, parent_round=0):
    signature = signature or play.sign(model or round_.models[0], score)
    return play.hub.claimModel.call(commitment, score, spec or round_.spec, parent_round, signature, play.by)


def set_code(address, code):
    brownie.web3.provider.make_request("anvil_setCode", [str(address), code])


def test_claim_model__before_the_key__reverts(play, requester, miner):
    round_ = play.open(requester)
    model = play.commit(round_, miner)[0]
    with wrong_phase("Train"):
        claim(play, round_, model.commitment)


def test_claim_model__too_late__reverts(play, committed):
    assert play.wait(committed) == "Tally"  # nothing is listed
    with wrong_phase("Tally"):
        claim(play, committed, committed.models[0].commitment)


def test_claim_model__never_committed__reverts(play, committed, miners):
    model = play.model(committed, miners[2])
    with refused("NotCommitted", miners[2]):
        claim(play, committed, model.commitment, model=model)


@pytest.mark.parametrize("name", [name for name in Commitment._fields if name not in ("roundId", "miner")])
def test_claim_model__changed_member__reverts(play, committed, name):
    """Also with a good signature over the changed commitment: the commit binds every member."""
    model = committed.models[0]
    other = 7 if name == "artifactBytes" else keccak("other")
    changed = play.model(committed, model.miner)
    changed.commitment = model.commitment._replace(**{name: other})
    with refused("CommitmentMismatch"):
        claim(play, committed, changed.commitment, model=changed)


def test_claim_model__another_miners_commitment__reverts(play, committed):
    first, second = committed.models
    with refused("CommitmentMismatch"):
        claim(play, committed, first.commitment._replace(miner=str(second.miner)), model=second)


def test_claim_model__copied_commit__opens_for_nobody(play, requester, miner, other_miner):
    """The thief commits what he saw in the mempool: whatever he puts in, it is not what he committed to."""
    round_ = play.open(requester)
    model = play.commit(round_, miner)[0]
    arguments = play.commit_arguments(round_, model)
    play.hub.commitModel(arguments[0], other_miner, *arguments[2:], {"from": other_miner})
    play.reveal_key(round_)
    stolen = play.model(round_, other_miner)
    stolen.commitment = model.commitment._replace(miner=str(other_miner))
    with refused("CommitmentMismatch"):
        claim(play, round_, stolen.commitment, model=stolen)
    with refused("BadSignature", miner):
        claim(play, round_, model.commitment, signature=play.sign(model, 300, signer=other_miner))


def test_claim_model__model_of_an_earlier_round__reverts(play, requester, miner, other_miner):
    old = play.judged(requester, {miner: 300})
    play.finalize(old, old.models[0])
    round_ = play.open(requester)
    stolen = old.models[0]
    play.hub.commitModel(
        round_.id,
        miner,
        play.announced(stolen),
        stolen.commitment.artifact,
        stolen.commitment.artifactBytes,
        round_.anchor,
        round_.spec_hash,
        {"from": miner},
    )
    play.reveal_key(round_)
    moved = play.model(round_, miner)
    moved.commitment = stolen.commitment._replace(roundId=round_.id)
    with refused("CommitmentMismatch"):
        claim(play, round_, moved.commitment, model=moved)


@pytest.mark.parametrize(("name", "error"), [("anchor", "AnchorMismatch"), ("specHash", "SpecMismatch")])
def test_claim_model__bound_elsewhere__reverts(play, requester, miner, name, error):
    round_ = play.open(requester)
    model = play.commit(round_, miner, **{name: keccak("elsewhere")})[0]
    play.reveal_key(round_)
    with refused(error):
        claim(play, round_, model.commitment, model=model)


def test_claim_model__other_spec__reverts(play, committed):
    with refused("SpecMismatch"):
        claim(play, committed, committed.models[0].commitment, spec=committed.spec._replace(minScore=0))


def test_claim_model__more_than_perfect__reverts(play, committed):
    with refused("ScoreOutOfRange", 361, 0, 360):
        claim(play, committed, committed.models[0].commitment, score=361)


def test_claim_model__other_score_than_signed__reverts(play, committed, miner):
    signature = play.sign(committed.models[0], 299)
    with refused("BadSignature", miner):
        claim(play, committed, committed.models[0].commitment, signature=signature)


@pytest.mark.parametrize("domain", [{"chain_id": 1}, {"hub": "0x" + "11" * 20}])
def test_claim_model__signed_for_elsewhere__reverts(play, committed, miner, domain):
    signature = play.sign(committed.models[0], 300, **domain)
    with refused("BadSignature", miner):
        claim(play, committed, committed.models[0].commitment, signature=signature)


def test_claim_model__garbage_signature__reverts(play, committed, miner):
    with refused("BadSignature", miner):
        claim(play, committed, committed.models[0].commitment, signature="0x1234")


def test_claim_model__flipped_signature__reverts(play, committed, miner):
    """The same signature's other form: it would make one claim two transactions."""
    signature = bytes.fromhex(play.sign(committed.models[0], 300)[2:])
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    flipped = r + (GROUP_ORDER - s).to_bytes(32, "big") + bytes([27 + 28 - v])
    with refused("BadSignature", miner):
        claim(play, committed, committed.models[0].commitment, signature="0x" + flipped.hex())


@pytest.mark.parametrize("length", [0, 64, 66])
def test_claim_model__signature_of_another_length__reverts(play, committed, miner, length):
    signature = bytes.fromhex(play.sign(committed.models[0], 300)[2:])
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    compact = r + (s | (v - 27) << 255).to_bytes(32, "big")
    found = {0: b"", 64: compact, 66: signature + b"\x00"}[length]
    with refused("BadSignature", miner):
        claim(play, committed, committed.models[0].commitment, signature="0x" + found.hex())


def test_claim_model__twice__reverts(play, committed, miner):
    play.claim(committed, committed.models[0], 300)
    with refused("AlreadyClaimed", miner):
        claim(play, committed, committed.models[0].commitment)


def test_claim_model__by_anyone__lists_the_claim(play, committed, miner):
    model = committed.models[0]
    transaction = play.claim(committed, model, 300)
    event = transaction.events["ModelClaimed"]
    assert (event["roundId"], event["miner"], event["commitmentHash"]) == (committed.id, miner, model.hash)
    assert (event["sequence"], event["score"], event["listed"]) == (1, 300, True)
    assert plain(event["commitment"]) == tuple(model.commitment)
    assert plain(play.hub.candidates(committed.id)) == ((miner, 300, 1, False, model.hash),)
    assert plain(play.hub.commitOf(committed.id, miner)) == (1, True, True)
    assert play.phase(committed) == "Claim"


def test_claim_model__below_the_threshold__opens_but_is_not_listed(play, committed, miner):
    event = play.claim(committed, committed.models[0], 99).events["ModelClaimed"]
    assert not event["listed"]
    assert plain(play.hub.candidates(committed.id)) == ()
    assert plain(play.hub.commitOf(committed.id, miner)) == (1, True, True)


def test_claim_model__last_one__ends_the_phase(play, committed):
    play.claim(committed, committed.models[0], 300)
    last = play.claim(committed, committed.models[1], 310)
    assert play.phase(committed) == "Show"
    assert play.hub.round(committed.id)["claimEnd"] == last.timestamp


def test_claim_model__account_with_code__still_signs_with_its_key(play, committed, miner):
    """An EIP-7702 account: its code refuses, or even reverts, and its key counts."""
    signature = play.sign(committed.models[0], 300)
    set_code(miner, "0x60006000fd")
    claim(play, committed, committed.models[0].commitment, signature=signature)


def test_claim_model__delegated_account__still_signs_with_its_key(play, committed, miner, stranger):
    """What EIP-7702 leaves at an account: 0xef0100 and the address of the code."""
    signature = play.sign(committed.models[0], 300)
    set_code(miner, "0xef0100" + str(stranger)[2:].lower())
    claim(play, committed, committed.models[0].commitment, signature=signature)


@pytest.mark.parametrize("code", DISAGREEING)
def test_claim_model__contract_account_that_disagrees__reverts(play, committed, miner, code):
    set_code(miner, code)
    with refused("BadSignature", miner):
        claim(play, committed, committed.models[0].commitment, signature="0x" + "00" * 65)


def test_claim_model__contract_account__says_what_it_signed(play, committed, miner):
    signature = "0x" + "00" * 65
    with refused("BadSignature", miner):
        claim(play, committed, committed.models[0].commitment, signature=signature)
    set_code(miner, AGREEABLE)
    claim(play, committed, committed.models[0].commitment, signature=signature)


def test_claim_model__eight_claims__the_six_best_are_listed_in_order(play, requester, miners):
    scores = [300, 310, 305, 310, 290, 320, 305, 280]
    round_ = play.claimed(requester, dict(zip(miners, scores, strict=True)))
    listed = play.hub.candidates(round_.id)
    expected = sorted(((-score, number + 1) for number, score in enumerate(scores)))[:6]
    assert [(-candidate[1], candidate[2]) for candidate in listed] == expected
    assert [round_.models[candidate[2] - 1].hash for candidate in listed] == [str(candidate[4]) for candidate in listed]
    state = play.hub.round(round_.id)
    assert (state["claims"], state["listed"]) == (8, 6)
    for model in (round_.models[4], round_.models[7]):
        with refused("NotListed", model.hash):
            play.hub.showKey.call(model.commitment, model.key, play.by)
