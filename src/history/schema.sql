-- Version 1 of the history database. reports/SCHEMA.md tells people what they may count on: the views.
--
-- A run's key is the second in which it began (Unix time; one more where that is taken), so keys sort by time. Whatever
-- grows with the nights is kept in the order of the runs: a night is written and deleted in one place, its rows are
-- found by their run, and those of a line by seeking it in each run, so neither needs another index.

-- Names, once each.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    plan TEXT NOT NULL,
    bank TEXT NOT NULL,
    UNIQUE (plan, bank)
) STRICT;

-- The codes of reports/SCHEMA.md; 0 is none, a pass.
CREATE TABLE fault (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    result TEXT NOT NULL,
    blame TEXT NOT NULL
) STRICT;

-- What was called, by bank, and who was heard there. Times are Unix seconds.
CREATE TABLE number (
    id INTEGER PRIMARY KEY,
    bank TEXT NOT NULL,
    number TEXT NOT NULL,
    voice_at INTEGER,          -- a voice answered last
    voice_run TEXT,
    voice_line TEXT,
    carrier_at INTEGER,        -- a modem answered last
    confirmed_at INTEGER,      -- somebody said that it is the right number
    UNIQUE (bank, number)
) STRICT;

-- A line whose number has changed is another line.
CREATE TABLE line (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series,
    name TEXT NOT NULL,
    number INTEGER NOT NULL REFERENCES number,
    facets INTEGER NOT NULL REFERENCES facets,    -- those of the last run that had it
    last_run INTEGER NOT NULL,                    -- that run
    untested_runs INTEGER NOT NULL,               -- in a row, up to that run
    UNIQUE (series, name, number)
) STRICT;

-- What else a plan says of a line; a row of its own for each state that it was ever in.
CREATE TABLE facets (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    hostname TEXT,
    country TEXT,
    hunt_group TEXT,
    priority INTEGER NOT NULL,
    tags TEXT NOT NULL         -- between and around them commas; empty without any
) STRICT;
CREATE INDEX facets_by_site ON facets (site, hostname);

-- A modem as it was in some runs: another family or trunk is another row.
CREATE TABLE modem (
    id INTEGER PRIMARY KEY,
    bank TEXT NOT NULL,
    name TEXT NOT NULL,
    family TEXT NOT NULL,
    trunk TEXT
) STRICT;
CREATE INDEX modem_by_name ON modem (bank, name);

CREATE TABLE carrier (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- What two modems agreed upon: few different ones.
CREATE TABLE link (
    id INTEGER PRIMARY KEY,
    tx_bps INTEGER,
    rx_bps INTEGER,
    modulation TEXT,
    protocol TEXT,
    compression TEXT
) STRICT;
CREATE INDEX link_by_rates ON link (tx_bps, rx_bps);

CREATE TABLE run (
    run INTEGER PRIMARY KEY,   -- Unix seconds
    id TEXT NOT NULL,
    series INTEGER NOT NULL REFERENCES series,
    ended INTEGER,             -- Unix seconds; absent: it was killed
    ending TEXT,               -- completed, interrupted
    sittings INTEGER NOT NULL,
    lineman TEXT NOT NULL,
    currency TEXT,
    lines INTEGER NOT NULL,
    pass INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    fail INTEGER NOT NULL,
    untested INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    billed_s INTEGER NOT NULL,
    cost INTEGER,              -- millionths of the currency
    calls_kept INTEGER NOT NULL DEFAULT 1,
    journal_bytes INTEGER NOT NULL,
    -- Two hosts may begin runs of one name in one second.
    UNIQUE (id, series)
) STRICT;
CREATE INDEX run_by_series ON run (series, run);

-- Every line of the run's plan.
CREATE TABLE verdict (
    run INTEGER NOT NULL REFERENCES run,
    line INTEGER NOT NULL REFERENCES line,
    facets INTEGER NOT NULL REFERENCES facets,
    fault INTEGER REFERENCES fault,    -- 0: a pass; absent: the run was killed before
    at INTEGER,                -- when, seconds from `run`; absent: no call decided
    attempts INTEGER NOT NULL,
    call INTEGER,              -- the attempt that decided
    detail TEXT,               -- of what did not pass, and was not left out by rule
    PRIMARY KEY (run, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE call (
    run INTEGER NOT NULL REFERENCES run,
    line INTEGER NOT NULL REFERENCES line,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,       -- the port was taken, seconds from `run`
    took_ms INTEGER,           -- port taken .. port free
    fault INTEGER NOT NULL REFERENCES fault,
    modem INTEGER NOT NULL REFERENCES modem,
    dialed INTEGER NOT NULL,   -- 1: digits may have gone out
    hangup INTEGER NOT NULL,   -- 0 not needed, 1 proven, 2 unproven
    via INTEGER REFERENCES number,     -- the alternative number; absent: the line's own
    carrier INTEGER REFERENCES carrier,
    class INTEGER,             -- 0 local, 1 national, 2 mobile, 3 international
    billed_s INTEGER,
    cost INTEGER,              -- millionths of the run's currency
    total_ms INTEGER,          -- dialed .. on-hook
    dialed_to_connect_ms INTEGER,
    post_dial_ms INTEGER,
    ring_ms INTEGER,
    train_ms INTEGER,
    connect_ms INTEGER,
    ring_train_ms INTEGER,
    train_connect_ms INTEGER,
    answer_error_ms INTEGER,   -- the answer may have been so much earlier or later; absent: seen
    link INTEGER REFERENCES link,
    rx_level_dbm INTEGER,
    tx_level_dbm INTEGER,
    snr_db INTEGER,
    line_quality INTEGER,
    retrains INTEGER,
    rate_shifts INTEGER,
    block_errors INTEGER,
    round_trip_ms INTEGER,
    PRIMARY KEY (run, line, attempt)
) STRICT, WITHOUT ROWID;

-- Modem health by run.
CREATE TABLE bench (
    run INTEGER NOT NULL REFERENCES run,
    modem INTEGER NOT NULL REFERENCES modem,
    health TEXT NOT NULL,
    state TEXT,
    calls INTEGER NOT NULL,
    pass INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    fail INTEGER NOT NULL,
    untested INTEGER NOT NULL,
    bench_faults INTEGER NOT NULL,
    hangup_unproven INTEGER NOT NULL,
    times_out INTEGER NOT NULL,
    checks INTEGER NOT NULL,
    checks_failed INTEGER NOT NULL,
    on_line_ms INTEGER NOT NULL,
    billed_s INTEGER NOT NULL,
    cost INTEGER,
    last_fault INTEGER REFERENCES fault,
    detail TEXT,
    -- Medians of its calls that passed.
    dialed_to_connect_ms INTEGER,
    train_ms INTEGER,
    train_connect_ms INTEGER,
    ring_train_ms INTEGER,
    connect_bps INTEGER,
    rx_level_dbm INTEGER,
    snr_db INTEGER,
    PRIMARY KEY (run, modem)
) STRICT, WITHOUT ROWID;

-- Runs in a row with one result, those in which the line was untested left out. They outlive the verdicts.
CREATE TABLE spell (
    line INTEGER NOT NULL REFERENCES line,
    first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL,
    since INTEGER NOT NULL,    -- the first verdict, Unix seconds
    last_at INTEGER NOT NULL,  -- the last one
    runs INTEGER NOT NULL,
    result TEXT NOT NULL,
    fault INTEGER NOT NULL REFERENCES fault,      -- the last one
    PRIMARY KEY (line, first_run)
) STRICT, WITHOUT ROWID;

-- Journals that could not be taken in, so that they are told once and not read each night.
CREATE TABLE refused (
    id TEXT PRIMARY KEY,
    journal_bytes INTEGER NOT NULL,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- For people: words in place of keys.
CREATE VIEW runs AS
SELECT run.id AS run, series.plan, series.bank, datetime(run.run, 'unixepoch') AS started,
    datetime(run.ended, 'unixepoch') AS ended, run.ending, run.sittings, run.lineman, run.lines, run.pass,
    run.degraded, run.fail, run.untested, run.calls, run.billed_s, run.cost / 1e6 AS cost, run.currency
FROM run JOIN series ON series.id = run.series;

CREATE VIEW verdicts AS
SELECT run.id AS run, series.plan, series.bank, datetime(run.run, 'unixepoch') AS started, line.name AS line,
    facets.site, number.number, facets.hostname, facets.country, facets.hunt_group, facets.priority,
    trim(facets.tags, ',') AS tags, fault.result, fault.code AS fault, fault.blame, verdict.detail,
    datetime(verdict.run + verdict.at, 'unixepoch') AS at, verdict.attempts
FROM run CROSS JOIN verdict ON verdict.run = run.run
    JOIN series ON series.id = run.series
    JOIN line ON line.id = verdict.line
    JOIN number ON number.id = line.number
    JOIN facets ON facets.id = verdict.facets
    LEFT JOIN fault ON fault.id = verdict.fault;

CREATE VIEW calls AS
SELECT run.id AS run, series.plan, series.bank, line.name AS line, facets.site, facets.country, call.attempt,
    datetime(call.run + call.at, 'unixepoch') AS started, call.took_ms, fault.result, fault.code AS fault,
    fault.blame, modem.name AS modem, modem.family, modem.trunk, carrier.name AS carrier,
    coalesce(other.number, number.number) AS number,
    CASE call.class WHEN 0 THEN 'local' WHEN 1 THEN 'national' WHEN 2 THEN 'mobile' WHEN 3 THEN 'international' END
        AS class,
    call.billed_s, call.cost / 1e6 AS cost, run.currency, call.total_ms, call.dialed_to_connect_ms,
    call.post_dial_ms, call.ring_ms, call.train_ms, call.connect_ms, call.ring_train_ms, call.train_connect_ms,
    link.tx_bps, link.rx_bps, link.modulation, link.protocol, link.compression, call.rx_level_dbm,
    call.tx_level_dbm, call.snr_db, call.line_quality, call.retrains, call.rate_shifts, call.block_errors,
    call.round_trip_ms
FROM run CROSS JOIN call ON call.run = run.run
    JOIN series ON series.id = run.series
    JOIN line ON line.id = call.line
    JOIN number ON number.id = line.number
    JOIN verdict ON verdict.run = call.run AND verdict.line = call.line
    JOIN facets ON facets.id = verdict.facets
    JOIN fault ON fault.id = call.fault
    JOIN modem ON modem.id = call.modem
    LEFT JOIN carrier ON carrier.id = call.carrier
    LEFT JOIN number AS other ON other.id = call.via
    LEFT JOIN link ON link.id = call.link;

CREATE VIEW modems AS
SELECT run.id AS run, series.plan, series.bank, datetime(run.run, 'unixepoch') AS started, modem.name AS modem,
    modem.family, modem.trunk, bench.health, bench.state, bench.calls, bench.pass, bench.degraded, bench.fail,
    bench.untested, bench.bench_faults, bench.hangup_unproven, bench.times_out, bench.checks, bench.checks_failed,
    bench.on_line_ms, bench.billed_s, bench.cost / 1e6 AS cost, run.currency, fault.code AS last_fault, bench.detail,
    bench.dialed_to_connect_ms, bench.train_ms, bench.train_connect_ms, bench.ring_train_ms, bench.connect_bps,
    bench.rx_level_dbm, bench.snr_db
FROM run CROSS JOIN bench ON bench.run = run.run
    JOIN series ON series.id = run.series
    JOIN modem ON modem.id = bench.modem
    LEFT JOIN fault ON fault.id = bench.last_fault;
