-- New tables only: an older replica knows nothing of them and goes on.
-- The next number of each kind that nobody has been given yet.
CREATE TABLE IF NOT EXISTS numbers (
  kind VARBINARY(16) NOT NULL PRIMARY KEY,
  next BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- Projects that were deleted through the wiki: their pages say so.
CREATE TABLE IF NOT EXISTS deleted_projects (
  name VARBINARY(255) NOT NULL PRIMARY KEY,
  deleted_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
