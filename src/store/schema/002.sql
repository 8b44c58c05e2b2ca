-- Locks (docs/locks.md), version 2. A recipe of lock mode `verified` is built from a lock.
-- lock_blob: lock.json. signature: unsigned | unchecked | checked.
CREATE TABLE lock (
  recipe_id TEXT PRIMARY KEY REFERENCES recipe, lock_sha256 TEXT NOT NULL, lock_blob TEXT NOT NULL, proof TEXT NOT NULL,
  signature TEXT NOT NULL) STRICT;
-- How a build of such a recipe was made: recorded (the lock's own engine, copied) | rebuilt (the compiler ran from the
-- lock's decisions) | replayed (the lock's engine, copied: proof class replayed).
CREATE TABLE locked_build (build_id TEXT PRIMARY KEY REFERENCES build, made_by TEXT NOT NULL) STRICT;
-- What did not fit the lock, and one row `items` with the number that were held against it. launch_id: "" for the build
-- itself. state: same | differs | absent | extra | allowed.
CREATE TABLE lock_check (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, build_id TEXT NOT NULL REFERENCES build, launch_id TEXT NOT NULL, name TEXT NOT NULL,
  state TEXT NOT NULL, expected TEXT NOT NULL, found TEXT NOT NULL) STRICT;
