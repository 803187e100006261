"""Data and models travel here: CIDs, the client of a node, and a node of our own.

`client` talks to any node over the Kubo RPC; `embedded` starts one in a process of its own. Everything below
`node` (`kubo_library`, `blocks`, `dag`, `rpc_server`, `multipart`) runs in that process only.
"""
