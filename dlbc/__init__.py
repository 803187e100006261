"""What requester, miner and validator share: wire formats, chain, IPFS, models, journal."""
