"""Mutants of contracts, all compiled at once.

A mutant is a small error that a good test finds. The compiler is slow, so it runs once: the copy of the sources holds
every mutant behind a condition, `(Mutant.on(17) ? a >= b : a > b)`, and `Mutant.on` compares its number with
`block.coinbase`, which Forge takes from its environment. Each mutant then costs a run of the tests and no compilation.
"""
