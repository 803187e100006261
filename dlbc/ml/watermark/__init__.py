"""Whose model is it: a mark that its miner embeds, and a lineage test that needs no mark.

Four verbs: `keygen`, `embed`, `extract`, `verify`. Presence of a mark proves no work, since anyone can embed
one; what counts is the order of commitments and the absence of other owners' marks.
"""

from dlbc.ml.watermark.align import choose_probes
from dlbc.ml.watermark.conviction import Trial, try_mark
from dlbc.ml.watermark.fingerprint import Fingerprint, fingerprint, worth_aligning
from dlbc.ml.watermark.home import NEAR, nearness
from dlbc.ml.watermark.keys import Key, keygen, private_key_count, private_keys
from dlbc.ml.watermark.lineage import Lineage, beyond_parent, lineage
from dlbc.ml.watermark.mark import Verdict, embed, extract, inherited, start_of, start_score, strength, verify

__all__ = [
    "NEAR",
    "Fingerprint",
    "Key",
    "Lineage",
    "Trial",
    "Verdict",
    "beyond_parent",
    "choose_probes",
    "embed",
    "extract",
    "fingerprint",
    "inherited",
    "keygen",
    "lineage",
    "nearness",
    "private_key_count",
    "private_keys",
    "start_of",
    "start_score",
    "strength",
    "try_mark",
    "verify",
    "worth_aligning",
]
