-- A row while all writing is held, by the kind of the reason. `read_through_at` is NULL until the cloud was read
-- through since. An older replica knows nothing of it: it is not to run beside after a restore.
CREATE TABLE IF NOT EXISTS holds (
  kind            VARBINARY(32) NOT NULL PRIMARY KEY,
  since           DATETIME(6) NOT NULL,
  detail          TEXT NOT NULL,
  read_through_at DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Operations that the wiki or the cloud told of and this database did not account for. They stay, so that
-- no second hold is put for them.
CREATE TABLE IF NOT EXISTS lost_operations (
  id       VARBINARY(64) NOT NULL PRIMARY KEY,
  found_at DATETIME(6) NOT NULL,
  seen_at  TEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
