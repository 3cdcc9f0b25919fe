-- Operations that somebody wishes taken back. A table of its own: it is made again harmlessly, and an
-- older replica that knows nothing of it goes on working.
CREATE TABLE IF NOT EXISTS cancellations (
  operation_id   VARBINARY(64) NOT NULL PRIMARY KEY,
  at             DATETIME(6) NOT NULL,
  wiki_user_id   BIGINT UNSIGNED NOT NULL,
  wiki_user_name VARCHAR(255) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
