-- Response runs (docs/response.md), version 3: `assay response` in place of an audit. meta: kind = response, plan_json,
-- plan_sha256. Engines that it built are evidence of the run folder engines.run inside.
-- cell_json: stream::Cell, one point of the grid.
CREATE TABLE response_cell (cell_id TEXT PRIMARY KEY, ordinal INTEGER NOT NULL, cell_json TEXT NOT NULL) STRICT;
-- One repetition of a cell, written whole in one transaction with its frame_log rows when it ended. outcome: ok | failed |
-- crashed | hung | out_of_memory | lied | interrupted. Of a (cell, repetition) the newest row that is not interrupted counts.
-- position: place in the randomised order of its repetition. t0_ns: CLOCK_MONOTONIC of the common start.
CREATE TABLE response_block (
  block_id TEXT PRIMARY KEY, cell_id TEXT NOT NULL REFERENCES response_cell, repetition INTEGER NOT NULL, position INTEGER NOT NULL,
  attempt_id TEXT NOT NULL REFERENCES attempt, outcome TEXT NOT NULL, reason TEXT NOT NULL, t0_ns INTEGER NOT NULL,
  wall_ns INTEGER NOT NULL, detail_json TEXT NOT NULL) STRICT;
-- One stream of one process. records_blob: stream::FrameRecord, 24 int64 LE words each, in the order they were decided.
-- planned: frames that should have come. machine_json: stats::MachineEvidence of its worker thread. child_json: wall, cpu,
-- memory, isolation and outcome of the process.
CREATE TABLE frame_log (
  frame_log_id TEXT PRIMARY KEY, block_id TEXT NOT NULL REFERENCES response_block, process INTEGER NOT NULL, stream INTEGER NOT NULL,
  name TEXT NOT NULL, task TEXT NOT NULL, camera INTEGER NOT NULL, deadline_ns INTEGER NOT NULL, planned INTEGER NOT NULL,
  n INTEGER NOT NULL, records_blob TEXT NOT NULL, results_blob TEXT, machine_json TEXT NOT NULL, child_json TEXT NOT NULL,
  stderr_blob TEXT, events_blob TEXT) STRICT;
CREATE TABLE response_derivation (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, attempt_id TEXT NOT NULL REFERENCES attempt, time_utc TEXT NOT NULL,
  assay_version TEXT NOT NULL, result_sha256 TEXT NOT NULL) STRICT; -- over the JSON of the results
CREATE INDEX frame_log_block ON frame_log(block_id);
