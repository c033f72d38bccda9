-- SPDX-License-Identifier: MIT
--
-- Times and durations are integer microseconds, times since 1970 UTC, NULL where there is none. Counters are unsigned
-- 64-bit numbers kept in their two's complement: exact, and what is beyond 2^63 reads as a negative number here.

CREATE TABLE runs (
    id         INTEGER PRIMARY KEY,
    run        TEXT    NOT NULL UNIQUE,
    host       TEXT    NOT NULL,
    pid        INTEGER NOT NULL,
    app        TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    go_version TEXT    NOT NULL,
    start_us   INTEGER,
    end_us     INTEGER,
    ended      TEXT    NOT NULL CHECK (ended IN ('running', 'clean', 'unclean')),
    dropped    INTEGER NOT NULL
) STRICT;

CREATE INDEX runs_by_start ON runs (start_us);

-- A usage is one domain in one run; last_seq names its newest snapshot, which is what lists show.
CREATE TABLE usages (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    domain   TEXT    NOT NULL,
    last_seq INTEGER NOT NULL,
    UNIQUE (run_id, domain)
) STRICT;

CREATE INDEX usages_by_domain ON usages (domain, run_id);

-- Latency is a histogram per kind, only ever added up in Go, packed to a tenth of its JSON. Codes is a small JSON object
-- of counts by result code, so that people can read it where they are.
CREATE TABLE snapshots (
    usage_id   INTEGER NOT NULL REFERENCES usages (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    at_us      INTEGER,
    elapsed_us INTEGER NOT NULL,
    server     TEXT    NOT NULL,

    initial_connection_start_us INTEGER,
    open_socket_start_us        INTEGER,
    connection_stop_us          INTEGER,
    last_transmitted_us         INTEGER,
    last_received_us            INTEGER,

    "servers_from_pool"     INTEGER NOT NULL,
    "open_sockets"          INTEGER NOT NULL,
    "closed_sockets"        INTEGER NOT NULL,
    "wrapped_sockets"       INTEGER NOT NULL,
    "bytes_transmitted"     INTEGER NOT NULL,
    "bytes_received"        INTEGER NOT NULL,
    "messages_transmitted"  INTEGER NOT NULL,
    "messages_received"     INTEGER NOT NULL,
    "operations"            INTEGER NOT NULL,
    "abandon_operations"    INTEGER NOT NULL,
    "bind_operations"       INTEGER NOT NULL,
    "add_operations"        INTEGER NOT NULL,
    "compare_operations"    INTEGER NOT NULL,
    "delete_operations"     INTEGER NOT NULL,
    "extended_operations"   INTEGER NOT NULL,
    "modify_operations"     INTEGER NOT NULL,
    "modify_dn_operations"  INTEGER NOT NULL,
    "search_operations"     INTEGER NOT NULL,
    "unbind_operations"     INTEGER NOT NULL,
    "referrals_received"    INTEGER NOT NULL,
    "referrals_followed"    INTEGER NOT NULL,
    "referrals_connections" INTEGER NOT NULL,
    "restartable_failures"  INTEGER NOT NULL,
    "restartable_successes" INTEGER NOT NULL,
    "entries"               INTEGER NOT NULL,
    "references"            INTEGER NOT NULL,
    "pages"                 INTEGER NOT NULL,
    "errors"                INTEGER NOT NULL,
    "bind_failures"         INTEGER NOT NULL,
    "abandoned"             INTEGER NOT NULL,
    "timeouts"              INTEGER NOT NULL,
    "notices"               INTEGER NOT NULL,
    "malformed_messages"    INTEGER NOT NULL,
    "dial_failures"         INTEGER NOT NULL,
    "pool_waits"            INTEGER NOT NULL,
    "pool_wait_us"          INTEGER NOT NULL,
    "pool_timeouts"         INTEGER NOT NULL,

    conns_max      INTEGER NOT NULL,
    conns_idle     INTEGER NOT NULL,
    conns_in_use   INTEGER NOT NULL,
    conns_waiting  INTEGER NOT NULL,
    conns_waits    INTEGER NOT NULL,
    conns_wait_us  INTEGER NOT NULL,
    conns_timeouts INTEGER NOT NULL,
    conns_opened   INTEGER NOT NULL,
    conns_closed   INTEGER NOT NULL,

    latency BLOB NOT NULL,
    codes   TEXT NOT NULL,
    PRIMARY KEY (usage_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX snapshots_by_elapsed ON snapshots (usage_id, elapsed_us);

-- The newest totals of each shape of operation. The domain is repeated here so that adding them up over all runs reads
-- one index and nothing else.
CREATE TABLE shapes (
    usage_id     INTEGER NOT NULL REFERENCES usages (id) ON DELETE CASCADE,
    shape        TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    domain       TEXT    NOT NULL,
    text         TEXT    NOT NULL,
    count        INTEGER NOT NULL,
    errors       INTEGER NOT NULL,
    total_us     INTEGER NOT NULL,
    max_us       INTEGER NOT NULL,
    entries      INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    last_seen_us INTEGER,
    PRIMARY KEY (usage_id, shape, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX shapes_totals ON shapes (domain, shape, kind, total_us, max_us, last_seen_us, count, errors, entries, bytes);
