-- SPDX-License-Identifier: MIT
--
-- Single operations worth keeping: slow or failed ones by the writer's policy, and those that somebody pinned. The
-- document is the operation in JSON as the writer redacted it; the columns are what questions select by.

CREATE TABLE operations (
    run         TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    domain      TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    shape       TEXT    NOT NULL,
    reason      TEXT    NOT NULL CHECK (reason IN ('slow', 'failed', 'pinned')),
    start_us    INTEGER,
    duration_us INTEGER NOT NULL,
    code        INTEGER NOT NULL,
    note        TEXT    NOT NULL,
    document    TEXT    NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT;

CREATE INDEX operations_by_start ON operations (start_us);
