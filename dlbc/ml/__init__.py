"""Models, data, training, scoring and watermarks: what miner and validator must compute alike.

Needs torch, numpy and safetensors, and scipy where channels are aligned; nothing of the chain. Every random
bit that the protocol depends on comes from `dlbc.ml.prg`.
"""
