"""Accusing: looked for off-chain first, with keys that nobody has seen; then one order of one number."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from eth_account import Account as EthAccount
from miner_world import ANCHOR, HUB, MINER, RIVAL, ROUND, UNIT, World

from dlbc.artifact import encrypt_file, sha256_file
from dlbc.chain.contracts import Account, Accusation
from dlbc.chain.events import BlockAppended, ModelAccused, ModelClaimed, ModelKeyShown, RoundFinalized
from dlbc.errors import UsageError
from dlbc.journal import Duty
from dlbc.manifest import ModelLimits
from dlbc.ml.attacks import permute_channels
from dlbc.ml.channels import Network
from dlbc.ml.measure import measure
from dlbc.ml.model_file import save_model
from dlbc.ml.models import build, initialise
from dlbc.ml.watermark import embed, keygen
from dlbc.service import Drop, Wait
from dlbc.types import ZERO_ADDRESS, ZERO_BYTES32, BlockHeader, MarkKey, ModelCommitment, Outcome, Phase
from dlbc.wire import merkle
from dlbc.wire.derivation import ArtifactKind, artifact_context, key_hash
from dlbc.wire.typed_data import commitment_hash, spec_hash
from miner import accusation
from miner.accusation import Charge
from miner.money import in_words, move
from miner.options import MONEY, Options
from miner.own_mark import trace
from miner.secrets import secrets_of

torch.set_num_threads(1)

WIDE: dict[str, Any] = {"name": "mlp", "hidden": 256, "layers": 2}  # carries two private keys, the world's own none
EARLIER, THIEF, BETWEEN = ROUND - 1, RIVAL, ROUND - 2
CHAIN_ID = 31337


class Scene:
    """The miner's model was shown in an earlier round, and a rival's in this one, which may be disputed now."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        measured = measure(WIDE, (16,), 4)
        limits = ModelLimits(measured.parameters, measured.model_bytes)
        manifest = replace(world.manifest, architecture=WIDE, model=limits)
        path = folder / "wide-manifest"
        path.write_bytes(manifest.to_bytes())
        self.spec = replace(world.spec, manifest=world.ipfs.add_file(path).digest)
        for round_id in (EARLIER, ROUND):
            world.opened(round_id, spec=replace(self.spec, nonce=round_id))
        own_seed = secrets_of(world.context, self._commitment(EARLIER, MINER.address))
        self.original = build(WIDE, (16,), 4)
        initialise(self.original, own_seed.seed)
        embed(self.original, (own_seed.public_key, *own_seed.private_keys(self.original)))
        self.keys = own_seed.private_keys(self.original)
        self.own = self.show(EARLIER, MINER.address, self.original, own_seed.watermark_root(self.original))
        world.event(RoundFinalized, EARLIER, 1, Outcome.BLOCK, 0)
        world.phase(Phase.APPEAL, 2_000, opened_at=2_000)
        world.hub.money = Account(30 * UNIT, 0, 0, 0, 0)
        world.hub.accusation_of = lambda _: Accusation(ZERO_ADDRESS, 0, ZERO_BYTES32)  # type: ignore[method-assign]

    def _commitment(self, round_id: int, miner: str) -> ModelCommitment:
        zero = ZERO_BYTES32
        of_spec = spec_hash(replace(self.spec, nonce=round_id))
        return ModelCommitment(
            round_id, ANCHOR, of_spec, zero, zero, 1, zero, zero, zero, zero, zero, miner=miner, salt=zero
        )

    def show(
        self, round_id: int, miner: str, model: Network, watermark: bytes = ZERO_BYTES32, parent: bytes = ZERO_BYTES32
    ) -> ModelCommitment:
        """A model that is claimed, and whose key is shown."""
        plain, sealed, key = self.folder / "plain", self.folder / "sealed", b"k" * 32
        save_model(model, plain)
        encrypt_file(plain, sealed, key, artifact_context(CHAIN_ID, HUB, ArtifactKind.MODEL, round_id, miner))
        commitment = replace(
            self._commitment(round_id, miner),
            model_hash=sha256_file(plain),
            artifact=self.world.ipfs.add_file(sealed).digest,
            artifact_bytes=sealed.stat().st_size,
            key_hash=key_hash(key),
            watermark=watermark,
            parent=parent,
        )
        digest = commitment_hash(commitment)
        self.world.event(ModelClaimed, round_id, miner, digest, 1, 15, True, commitment)
        self.world.event(ModelKeyShown, round_id, miner, digest, key)
        return commitment

    def won(self, model: Network) -> ModelCommitment:
        """A stranger won a block with the model."""
        zero, miner = ZERO_BYTES32, "0x" + "77" * 20
        self.world.opened(BETWEEN, spec=replace(self.spec, nonce=BETWEEN))
        shown = self.show(BETWEEN, miner, model)
        header = BlockHeader(
            1, 1, zero, zero, BETWEEN, zero, commitment_hash(shown), zero, 15, 16, zero, miner, zero, 0, 1, 1000
        )
        self.world.event(BlockAppended, 1, zero, header)
        return shown

    def steal(self, **changes: Any) -> ModelCommitment:
        """The rival shows the miner's model with its channels reordered."""
        model = copy.deepcopy(self.original)
        permute_channels(model, b"t" * 32)
        return self.show(ROUND, THIEF, model, **changes)

    def shown_before(self, index: int) -> None:
        """A private key was used in an earlier dispute."""
        key = self.keys[index]
        shown = MarkKey(key.index, key.shares, key.secret)
        self.world.event(ModelAccused, 2, MINER.address, b"a" * 32, b"e" * 32, EARLIER, shown)

    def trace(self) -> Any:
        return trace(self.world.context, ROUND, THIEF, self.folder / "fetched")

    def order(self, value: int) -> Any:
        duty = Duty(MONEY, 0, "order", payload={"kind": "accuse", "value": str(value)})
        return move(duty, self.world.context, Options())


@pytest.fixture
def scene(world: World, tmp_path: Path) -> Scene:
    return Scene(world, tmp_path)


# The order's number


def test_charge__largest_values__survive_their_number() -> None:
    charge = Charge((1 << 32) - 1, "0x" + "fF" * 20, (1 << 32) - 2, 255)
    again = Charge.of(charge.value)
    assert (again.round_id, again.earlier_round, again.key) == (charge.round_id, charge.earlier_round, charge.key)
    assert again.accused.lower() == charge.accused.lower()
    assert charge.value < 1 << 256
    assert Charge.of(Charge(9, RIVAL, 8, 1).value) == Charge(9, RIVAL, 8, 1)
    assert in_words("accuse", Charge(9, RIVAL, 8, 1).value) == f"accuse {RIVAL} in round 9"


# Looking


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phase": Phase.VOTE_COMMIT}, "nobody can be accused yet"),
        ({"phase": Phase.TALLY}, "nobody can be accused any more"),
        ({"phase": Phase.APPEAL, "epoch": 2}, "in its last epoch"),
    ],
)
def test_trace__out_of_its_time__refused(scene: Scene, changes: dict[str, Any], words: str) -> None:
    scene.steal()
    scene.world.phase(time=2_000, **changes)
    with pytest.raises(UsageError, match=words):
        scene.trace()


def test_trace__somebody_was_accused_before__refused(scene: Scene) -> None:
    scene.steal()
    scene.world.phase(Phase.APPEAL, 2_000, appeals=1)
    accused = Accusation(MINER.address, 0, b"a" * 32)
    scene.world.hub.accusation_of = lambda _: accused  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="one accusation is all"):
        scene.trace()


def test_trace__nobody_showed_such_a_model__refused(scene: Scene) -> None:
    with pytest.raises(UsageError, match=f"{THIEF} has shown no model in round {ROUND}"):
        scene.trace()


def test_trace__own_model__refused(scene: Scene) -> None:
    with pytest.raises(UsageError, match="nobody steals from himself"):
        trace(scene.world.context, ROUND, MINER.address, scene.folder)


def test_trace__independent_model__refused_with_z_and_what_it_would_cost(scene: Scene) -> None:
    honest = build(WIDE, (16,), 4)
    initialise(honest, b"h" * 32)
    embed(honest, keygen(b"h" * 32))
    scene.show(ROUND, THIEF, honest)
    with pytest.raises(
        UsageError, match=r"of 2 keys the strongest is key \d of round 8 with z .* you would lose 30 DLBC"
    ):
        scene.trace()


def test_trace__stolen__names_round_key_bond_and_what_may_be_lost(scene: Scene) -> None:
    scene.steal()
    found = scene.trace()
    assert (found.charge.earlier_round, found.charge.accused, found.tried) == (EARLIER, THIEF, 2)
    assert found.charge.key in {0, 1}
    assert found.z >= 8
    for words in (f"key {found.charge.key} of your model of round 8", "locks 30 DLBC", "goes to its validators if not"):
        assert words in found.question()


@pytest.mark.parametrize("spent", [0, 1])
def test_trace__key_was_shown_before__the_other_is_used(scene: Scene, spent: int) -> None:
    scene.steal()
    scene.shown_before(spent)
    found = scene.trace()
    assert (found.charge.key, found.tried) == (1 - spent, 1)


def test_trace__all_keys_were_shown_before__nothing_is_left_to_hold_against_him(scene: Scene) -> None:
    scene.steal()
    scene.shown_before(0)
    scene.shown_before(1)
    with pytest.raises(UsageError, match="nothing to hold against"):
        scene.trace()


def test_trace__parent_is_declared__nothing_to_hold_against_him(scene: Scene) -> None:
    scene.steal(parent=commitment_hash(scene.own))
    with pytest.raises(UsageError, match="nothing to hold against"):
        scene.trace()


def test_trace__mark_came_with_a_declared_winner__refused_before_the_bond_is_lost(scene: Scene) -> None:
    winner = scene.won(scene.original)
    scene.steal(parent=commitment_hash(winner))
    with pytest.raises(UsageError, match=r"came with the winner that it says it improves \(z .*lose 30 DLBC"):
        scene.trace()


def test_trace__declared_winner_has_not_the_mark__is_no_excuse(scene: Scene) -> None:
    stranger = build(WIDE, (16,), 4)
    initialise(stranger, b"h" * 32)
    winner = scene.won(stranger)
    scene.steal(parent=commitment_hash(winner))
    assert scene.trace().z >= 8


def test_trace__own_commits_were_open_when_the_accuseds_round_opened__nothing_to_hold_against_him(scene: Scene) -> None:
    """The contracts would refuse: he could have trained from where the other begins."""
    scene.steal()
    scene.world.phase(Phase.APPEAL, 2_000, opened_at=10)
    with pytest.raises(UsageError, match="nothing to hold against"):
        scene.trace()


def test_trace__key_file_is_not_the_one_that_committed__nothing_to_hold_against_him(scene: Scene) -> None:
    scene.steal()
    scene.world.context.signer = EthAccount.from_key(b"\x09" * 32)
    with pytest.raises(UsageError, match="nothing to hold against"):
        scene.trace()


# The order


def test_move__accusation__shows_the_key_with_its_proof(scene: Scene) -> None:
    theft = scene.steal()
    assert isinstance(scene.order(Charge(ROUND, THIEF, EARLIER, 1).value), Wait)
    ((kind, arguments),) = scene.world.transactions.sent.values()
    round_id, spec, accused, earlier, key, proof = arguments
    assert (kind, round_id, accused, earlier) == ("accuse", ROUND, theft, scene.own)
    assert spec == replace(scene.spec, nonce=ROUND)
    assert key == MarkKey(1, 2, scene.keys[1].secret)
    assert merkle.verify(scene.own.watermark, scene.keys[1].leaf, 1, 2, proof)


def test_move__accusation_without_credit__deposits_the_bond_first(scene: Scene) -> None:
    scene.steal()
    scene.world.hub.money = Account(29 * UNIT, 0, 0, 0, 0)
    token = scene.world.context.token
    token.balance_of = lambda owner: 5 * UNIT  # type: ignore[method-assign]
    token.allowance = lambda owner, spender: 5 * UNIT  # type: ignore[method-assign]
    assert isinstance(scene.order(Charge(ROUND, THIEF, EARLIER, 0).value), Wait)
    assert list(scene.world.transactions.sent.values()) == [("deposit", (UNIT,))]


@pytest.mark.parametrize(
    ("charge", "words"),
    [
        (Charge(ROUND, "0x" + "77" * 20, EARLIER, 0), "not known here yet"),
        (Charge(ROUND, THIEF, EARLIER, 2), "none of number 2"),
    ],
)
def test_move__accusation_that_cannot_be__dropped_with_the_reason(scene: Scene, charge: Charge, words: str) -> None:
    scene.steal()
    result = scene.order(charge.value)
    assert isinstance(result, Drop)
    assert words in result.why
    assert not scene.world.transactions.sent


def test_move__accusation_too_late__dropped_before_money_moves(scene: Scene) -> None:
    scene.steal()
    scene.world.phase(Phase.TALLY, 2_000)
    result = scene.order(Charge(ROUND, THIEF, EARLIER, 0).value)
    assert isinstance(result, Drop)
    assert "any more" in result.why


def test_accuse__time_is_over__sends_nothing(scene: Scene) -> None:
    scene.world.phase(Phase.FINAL, 2_000)
    with pytest.raises(UsageError, match="any more"):
        accusation.accuse(scene.world.context, Charge(ROUND, THIEF, EARLIER, 0), lambda _: None)
