-- Version 4: what the machine did. Append-only as all evidence.
-- record_blob: a record (docs/platforms.md) of every channel that was read over a build or a launch.
-- begin_ns, end_ns: the timed loop of a launch, the whole child of a build (monotonic). idle_*: the stretch
-- before the loop in which nothing ran; 0, 0 when there was none.
CREATE TABLE platform (
  platform_id TEXT PRIMARY KEY, owner TEXT NOT NULL,    -- build | launch
  owner_id TEXT NOT NULL, record_blob TEXT NOT NULL, begin_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
  idle_begin_ns INTEGER NOT NULL, idle_end_ns INTEGER NOT NULL) STRICT;
-- Peaks measured in this attempt, one row a device and number of threads.
CREATE TABLE peak (
  attempt_id TEXT NOT NULL REFERENCES attempt, device TEXT NOT NULL, threads INTEGER NOT NULL,
  peaks_json TEXT NOT NULL, PRIMARY KEY (attempt_id, device, threads)) STRICT;
CREATE INDEX platform_owner ON platform(owner_id);
