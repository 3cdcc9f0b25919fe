-- New tables only: an older replica knows nothing of them.
-- What people asked for. `content` and its hash never change. `open_for` is the asker while the request is open: its
-- unique key lets each person have one open. `operation` carries it out where it was granted.
CREATE TABLE IF NOT EXISTS requests (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  content         MEDIUMTEXT NOT NULL,
  hash            VARBINARY(64) NOT NULL,
  project         VARBINARY(255) NOT NULL,
  wiki_user_id    BIGINT UNSIGNED NOT NULL,
  wiki_user_name  VARCHAR(255) NOT NULL,
  asked_at        DATETIME(6) NOT NULL,
  caller_key      VARBINARY(1024) NOT NULL,
  open_for        BIGINT UNSIGNED NULL,
  state           VARBINARY(16) NOT NULL,
  by_rule         BOOLEAN NOT NULL,
  decided_by      BIGINT UNSIGNED NULL,
  decided_by_name VARCHAR(255) NULL,
  decided_at      DATETIME(6) NULL,
  answer          TEXT NULL,
  operation       VARBINARY(64) NULL,
  UNIQUE KEY caller (caller_key),
  UNIQUE KEY open_for (open_for),
  KEY asker (wiki_user_id, asked_at),
  KEY state (state, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- When a request of each person was last granted by rule: whoever asks twice at once meets in this row.
CREATE TABLE IF NOT EXISTS rule_grants (
  wiki_user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  granted_at   DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
