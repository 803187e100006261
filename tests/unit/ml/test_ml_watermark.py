"""Watermark and lineage on networks trained here; `stolen` is the first miner's, disguised and fine-tuned."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from calibration import digest
from conftest import Submission, steal

from dlbc.ml.attacks import attack, permute_channels, rotate_streams
from dlbc.ml.channels import Network
from dlbc.ml.data import Dataset, prepare
from dlbc.ml.evaluate import score
from dlbc.ml.models import build, initialise
from dlbc.ml.tensor_file import Array
from dlbc.ml.training import train
from dlbc.ml.watermark import (
    Key,
    beyond_parent,
    embed,
    extract,
    inherited,
    keygen,
    lineage,
    mark,
    private_key_count,
    private_keys,
    start_score,
    strength,
    verify,
)
from dlbc.ml.watermark.align import align
from dlbc.ml.watermark.balance import balance
from dlbc.ml.watermark.mark import amplitudes

Pair = tuple[Submission, Submission]


def test_extract__reference_without_probes__refused(lenets: Pair) -> None:
    with pytest.raises(ValueError, match="probes"):
        extract(lenets[0].model, lenets[0].public, lenets[1].model)


def test_align__two_architectures__refused(lenets: Pair, resnets: Pair, probes: Array) -> None:
    with pytest.raises(ValueError, match="one architecture"):
        align(lenets[0].model, resnets[0].model, probes)


def test_private_keys__secret_of_another_length__refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        private_keys(b"short", bytes(32), 1)


def test_verify__own_public_key__present(honest: Pair) -> None:
    for submission in honest:
        verdict = verify(submission.model, submission.public)
        assert verdict.z >= 12
        assert verdict.present
        assert verdict.false_positive < 1e-30


def test_verify__strangers_public_key__absent(honest: Pair) -> None:
    for submission, stranger in (honest, honest[::-1]):
        assert not verify(submission.model, stranger.public).present


def test_verify__unmarked_network__absent(train_set: Dataset) -> None:
    model = build({"name": "lenet", "width": 32}, train_set.sample_shape, 10)
    initialise(model, digest("x"))
    assert abs(verify(model, keygen(digest("x"))).z) < 6


def test_verify__two_hundred_strangers_keys__behave_as_chance(resnets: Pair) -> None:
    scores = [extract(resnets[0].model, Key(digest(f"stranger {i}"))) for i in range(200)]
    assert abs(np.mean(scores)) < 0.4
    assert 0.8 < np.std(scores) < 1.2
    assert max(scores) < 5


def test_verify__private_keys_after_theft__found_again(honest: Pair, stolen: Network, probes: Array) -> None:
    """A dispute: the owner reveals his network and one private key."""
    owner = honest[0]
    assert len(owner.private) == private_key_count(owner.model.carrier_size())
    for key in owner.private:
        assert verify(stolen, key, owner.model, probes).present
    assert verify(stolen, owner.public, owner.model, probes).present


def test_verify__private_keys_against_an_honest_stranger__absent(honest: Pair, probes: Array) -> None:
    """Projecting the key out of the reference keeps alignment from finding what it looks for."""
    owner, stranger = honest
    for key in (owner.public, *owner.private):
        verdict = verify(stranger.model, key, owner.model, probes)
        assert abs(verdict.z) < 4.5
        assert not verdict.present


def test_verify__without_alignment__theft_hides_the_mark(resnets: Pair, train_set: Dataset) -> None:
    stolen = steal(resnets[0].model, train_set)
    assert not verify(stolen, resnets[0].public).present


def test_verify__more_comparisons__weaker_bound(lenets: Pair) -> None:
    model = copy.deepcopy(lenets[1].model)
    once, often = (verify(model, lenets[1].public, comparisons=n) for n in (1, 1000))
    assert often.false_positive == pytest.approx(1000 * once.false_positive)
    assert verify(model, lenets[0].public, comparisons=1000).false_positive == 1.0


def test_lineage__honest_miners__not_related(honest: Pair, probes: Array) -> None:
    for subject, reference in (honest, honest[::-1]):
        found = lineage(subject.model, reference.model, probes)
        assert not found.related
        assert found.cosine < 0.35
        assert found.match < 0.40
        assert found.core < 0.50


def test_lineage__stolen__related(honest: Pair, stolen: Network, probes: Array) -> None:
    found = lineage(stolen, honest[0].model, probes)
    assert found.related
    assert found.match > 0.9
    assert found.cosine > 0.8
    assert not lineage(stolen, honest[1].model, probes).related


def test_lineage__half_of_the_channels_replaced__related_by_what_was_kept(
    honest: Pair, train_set: Dataset, probes: Array
) -> None:
    """Over whole tensors a quarter of the weights is the owner's, and drowns."""
    stolen = attack("permute+rotate+graft", honest[0].model, train_set, 2, digest("thief"))
    found = lineage(stolen, honest[0].model, probes)
    assert found.related
    assert found.cosine < 0.45
    assert found.core > 0.55
    assert not lineage(stolen, honest[1].model, probes).related


def test_lineage__three_quarters_of_the_channels_replaced__related_by_the_core_alone(
    lenets: Pair, train_set: Dataset, probes: Array
) -> None:
    stolen = attack("permute+rotate+graft-hard", lenets[0].model, train_set, 3, digest("thief"))
    found = lineage(stolen, lenets[0].model, probes)
    assert found.related
    assert found.cosine < 0.45
    assert found.match < 0.50
    assert not lineage(stolen, lenets[1].model, probes).related


def test_align__disguised_network__recovers_every_channel(honest: Pair, probes: Array) -> None:
    disguised = copy.deepcopy(honest[0].model)
    permute_channels(disguised, digest("disguise"))
    rotate_streams(disguised, digest("disguise"))
    found = align(disguised, honest[0].model, probes)
    assert found.match == pytest.approx(1.0)
    for name in honest[0].model.carriers:
        assert np.allclose(found.subject(name), found.reference(name), atol=1e-4), name


def test_balance__rows_and_columns_scaled__same_result() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(8, 6, 9))
    scaled = weight * rng.uniform(0.1, 10, (8, 1, 1)) * rng.uniform(0.1, 10, (1, 6, 1))
    first, second = balance(weight), balance(scaled)
    assert np.allclose(first.x, second.x, atol=1e-6)
    assert np.mean(first.x**2) == pytest.approx(1)
    assert np.allclose(first.x / first.scale, weight)


def test_balance__dead_channels__finite() -> None:
    weight = np.random.default_rng(0).normal(size=(8, 6, 9))
    weight[2], weight[:, 3] = 0, 0
    assert np.isfinite(balance(weight).x).all()
    assert np.isfinite(balance(np.zeros((8, 6, 9))).x).all()


def test_start_score__own_and_other_seed__tell_them_apart(honest: Pair) -> None:
    first, second = honest
    assert start_score(first.model, first.seed) >= 8
    assert abs(start_score(first.model, second.seed)) < 6


def test_embed__weights__change_little(train_set: Dataset, lenets: Pair, test_set: Dataset) -> None:
    model = copy.deepcopy(lenets[0].model)
    before = score(model, test_set).correct
    embed(model, keygen(digest("more")))
    assert verify(model, keygen(digest("more"))).z >= 12
    assert score(model, test_set).correct > before - 0.05 * len(test_set)


def test_strength__network_sizes__own_mark_in_reach() -> None:
    assert strength(100_000) == 0.1
    assert strength(2_048) * 2_048**0.5 == pytest.approx(16)


def test_amplitudes__small_tensors__carry_in_proportion_and_the_mean_stays(honest: Pair) -> None:
    """Changing the first layers costs most, and they have next to no weights."""
    model = honest[0].model
    found, sizes = amplitudes(model), {name: model.get_parameter(name).numel() for name in model.carriers}
    assert sum(found[name] * sizes[name] for name in sizes) / model.carrier_size() == pytest.approx(
        strength(model.carrier_size())
    )
    smallest, largest = (choose(sizes, key=sizes.__getitem__) for choose in (min, max))
    assert found[smallest] / found[largest] == pytest.approx(sizes[smallest] / sizes[largest])


def test_embed__costs_less_than_the_same_amplitude_everywhere(
    honest: Pair, train_set: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def harm() -> float:
        model = copy.deepcopy(honest[0].model)
        embed(model, keygen(digest("another")))
        with torch.inference_mode():
            logits = model(prepare(train_set.x))
        return float(torch.nn.functional.cross_entropy(logits, torch.as_tensor(train_set.y, dtype=torch.int64)))

    proportional = harm()
    monkeypatch.setattr(
        mark, "amplitudes", lambda model, mean: dict.fromkeys(model.carriers, strength(model.carrier_size()))
    )
    assert proportional < harm()


def test_beyond_parent__two_who_improve_for_long__unrelated_and_a_copy_related(
    train_set: Dataset, probes: Array
) -> None:
    """They follow the same data, so that they grow alike for as long as they train."""
    parent = build({"name": "lenet", "width": 32}, train_set.sample_shape, 10)
    initialise(parent, digest("parent"))
    train(parent, train_set, seed=digest("parent"), epochs=10)
    children = [copy.deepcopy(parent) for _ in range(2)]
    for number, child in enumerate(children):
        train(child, train_set, seed=digest(f"child {number}"), epochs=40)
    nobodys = keygen(digest("nobody"))
    found = beyond_parent(children[0], children[1], parent, probes, nobodys)
    assert not found.related
    assert found.cosine > 0.7  # what once accused an honest miner
    copied = copy.deepcopy(children[1])
    permute_channels(copied, digest("thief"))
    assert beyond_parent(copied, children[1], parent, probes, nobodys).related


@pytest.fixture(scope="module")
def children(lenets: tuple[Submission, Submission], train_set: Dataset) -> list[Network]:
    """What two made of Alice's model, each with his own mark."""
    return [_improved(lenets[0].model, train_set, f"child {number}") for number in range(2)]


def _improved(parent: Network, data: Dataset, name: str) -> Network:
    model = copy.deepcopy(parent)
    train(model, data, seed=digest(name), epochs=10, mark=lambda m: embed(m, keygen(digest(name))))
    return model


@pytest.mark.parametrize("theft", ["ftal-hard", "prune", "diverge"])
def test_beyond_parent__another_ones_improvement_worked_on__is_told_by_its_mark(
    lenets: tuple[Submission, Submission], children: list[Network], train_set: Dataset, probes: Array, theft: str
) -> None:
    """Its weights are then no more alike than those of two who improve one model for long."""
    parent, (improved, honest), key = lenets[0].model, children, keygen(digest("child 0"))
    stolen = attack(f"permute+{theft}", improved, train_set, 5, digest("thief"))
    found = beyond_parent(stolen, improved, parent, probes, key)
    assert found.related
    assert found.mark > 8
    assert not beyond_parent(honest, improved, parent, probes, key).related
    # what the parent has already is no trace of the improvement
    assert not beyond_parent(stolen, improved, improved, probes, key).mark


def test_inherited__mark_of_a_grandparent__is_in_the_grandchild_and_explained_by_its_parent(
    lenets: tuple[Submission, Submission], children: list[Network], train_set: Dataset, probes: Array
) -> None:
    """Marks outlive improvement. Who declared the parent alone would lose his stake to its parent's owner."""
    alice, key = lenets[0].model, lenets[0].private[0]
    grandchild = _improved(children[0], train_set, "grandchild")
    assert verify(grandchild, key, alice, probes).present
    assert inherited(children[0], key, alice, probes)
    assert not inherited(lenets[1].model, key, alice, probes)


def test_keys__known_seed__known_secrets_and_leaves() -> None:
    """A vector: the public key must be recomputable for ever, and leaves are committed on chain."""
    seed, r = bytes(range(32)), bytes(range(32, 64))
    assert keygen(seed).secret.hex() == "4017b58e7d7a45ddea8dd2c971917aeda90f5a001c7cd62218bd55fe537751e2"
    first, second = private_keys(r, seed, 2)
    assert first.leaf.hex() == "123432e33eaa8cbde521ee0dcab59c57e18ce3cb11aa8cdd5779ac185e7a2256"
    assert len({first.secret, second.secret, keygen(seed).secret}) == 3
    assert first.leaf != Key(first.secret, 1, 2).leaf


def test_chips__shares__disjoint_and_complete() -> None:
    keys = private_keys(bytes(32), bytes(32), 3)
    shares = np.stack([key.chips(1000) != 0 for key in keys])
    assert (shares.sum(axis=0) == 1).all()
    assert (keygen(bytes(32)).chips(1000) != 0).all()


def test_chips__secret_of_a_public_key_committed_to__are_other_ones() -> None:
    """An owner could else commit to another miner's public key, and find it in each of his honest models."""
    public = keygen(bytes(32))
    agreement = np.mean(public.chips(10_000) * Key(public.secret, private=True).chips(10_000))
    assert abs(agreement) < 0.05


def test_private_key_count__sizes__one_per_25_600_weights_up_to_four() -> None:
    assert [private_key_count(n) for n in (25_599, 25_600, 76_432, 10**9)] == [0, 1, 2, 4]
