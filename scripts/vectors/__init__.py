"""The examples in tests/vectors: `examples` is the data, `hashed` and `computed` describe it file by file."""
