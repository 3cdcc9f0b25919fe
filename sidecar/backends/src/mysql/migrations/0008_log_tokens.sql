-- Tokens by which scripts log to a project. A new table only: an older replica knows nothing of it and goes on.
-- A token itself is nowhere, only its hash; a row is deleted when it is revoked.
CREATE TABLE IF NOT EXISTS log_tokens (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  project    VARBINARY(128) NOT NULL,
  name       VARBINARY(64) NOT NULL,
  token_hash VARBINARY(64) NOT NULL,
  made_at    DATETIME(6) NOT NULL,
  made_by    VARCHAR(255) NOT NULL,
  used_at    DATETIME(6) NULL,
  UNIQUE KEY token (token_hash),
  UNIQUE KEY named (project, name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
