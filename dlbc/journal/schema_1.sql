-- Amounts and fees are decimal text: SQLite's integers end at 2^63. Hashes are 32-byte blobs, addresses checksummed text.

-- Whose journal this is: chain_id, genesis_hash, hub, address.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- Ends of the block ranges read so far; the highest is the cursor, the others are where a walk back may stop.
CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;

-- Logs of the chain we follow. `arguments` is a JSON object of text values (dlbc/journal/records.py).
CREATE TABLE events (
    block_hash BLOB NOT NULL,
    log_index INTEGER NOT NULL,
    block_number INTEGER NOT NULL,
    name TEXT NOT NULL,
    arguments TEXT NOT NULL,
    PRIMARY KEY (block_hash, log_index)
) STRICT;
CREATE INDEX events_in_order ON events (name, block_number, log_index);
CREATE INDEX events_of_round ON events (name, json_extract(arguments, '$.round_id'));

-- Times are chain seconds; deadline 0 is none. `born_in` is the block of the event that made the duty, 0 if none did:
-- when a reorganisation removes that block, the duty rests (`orphaned`) until the event is seen again.
CREATE TABLE duties (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    round_id INTEGER NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at REAL NOT NULL,
    last_error TEXT NOT NULL,
    born_in INTEGER NOT NULL,
    orphaned INTEGER NOT NULL,
    UNIQUE (kind, round_id, subject)
) STRICT;
CREATE INDEX duties_by_state ON duties (state, next_at);

-- One row a name ("claim/5"); what was signed for it lies in attempts, before it leaves.
CREATE TABLE transactions (
    name TEXT PRIMARY KEY,
    what TEXT NOT NULL,
    recipient TEXT NOT NULL,
    data BLOB NOT NULL,
    value TEXT NOT NULL,
    gas INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    state TEXT NOT NULL,
    reverts INTEGER NOT NULL,
    reason TEXT NOT NULL,
    tx_hash BLOB NOT NULL,
    block_number INTEGER NOT NULL,
    block_hash BLOB NOT NULL,
    gas_used INTEGER NOT NULL
) STRICT;
CREATE INDEX transactions_by_state ON transactions (state, nonce);

CREATE TABLE attempts (
    hash BLOB PRIMARY KEY,
    name TEXT NOT NULL REFERENCES transactions (name) ON DELETE CASCADE,
    nonce INTEGER NOT NULL,
    raw BLOB NOT NULL,
    max_fee TEXT NOT NULL,
    tip TEXT NOT NULL,
    sent_block INTEGER NOT NULL
) STRICT;

-- Small state that outlives everything, reorganisations too: salts, votes, local results. Bytes as BLOB, the rest as JSON text.
CREATE TABLE notes (scope TEXT NOT NULL, key TEXT NOT NULL, value ANY NOT NULL, PRIMARY KEY (scope, key)) STRICT;
