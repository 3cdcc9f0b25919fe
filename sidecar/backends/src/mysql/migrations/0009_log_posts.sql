-- How far webhooks are told of each log. A new table only: an older replica knows nothing of it and goes on. The row
-- with an empty log says that the hook has begun: what was logged before is not posted.
CREATE TABLE IF NOT EXISTS log_posts (
  hook       VARBINARY(64) NOT NULL,
  log        VARBINARY(128) NOT NULL,
  posted_seq BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (hook, log)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
