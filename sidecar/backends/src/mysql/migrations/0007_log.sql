-- The Server Admin Log. New tables only: an older replica knows nothing of them and goes on.

-- Each log that was ever written to. `last_seq` counts what was accepted, `written_seq` what stands on its page; both
-- in the order in which the row was locked, so that no number becomes known before a smaller one. `tried_from` is
-- the page's revision at the first try since, until it is known what came of it. `due_at` as in operations;
-- NULL where nothing waits.
CREATE TABLE IF NOT EXISTS logs (
  log         VARBINARY(128) NOT NULL PRIMARY KEY,
  last_seq    BIGINT UNSIGNED NOT NULL,
  written_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
  tried_from  BIGINT UNSIGNED NULL,
  due_at      DATETIME(6) NULL,
  since       DATETIME(6) NOT NULL,
  last_at     DATETIME(6) NOT NULL,
  owner       VARCHAR(255) NULL,
  generation  BIGINT UNSIGNED NOT NULL DEFAULT 0,
  attempts    INT UNSIGNED NOT NULL DEFAULT 0,
  error       TEXT NULL,
  KEY due (due_at),
  KEY latest (last_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What was accepted. Rows are only ever added; `revision` is filled in once.
CREATE TABLE IF NOT EXISTS log_entries (
  id             BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  log            VARBINARY(128) NOT NULL,
  seq            BIGINT UNSIGNED NOT NULL,
  said_key       VARBINARY(255) NOT NULL,
  said_at        DATETIME(6) NOT NULL,
  nick           VARCHAR(255) NOT NULL,
  wiki_user_id   BIGINT UNSIGNED NULL,
  wiki_user_name VARCHAR(255) NULL,
  source         VARCHAR(255) NOT NULL,
  undoes         BIGINT UNSIGNED NULL,
  message        TEXT NOT NULL,
  revision       BIGINT UNSIGNED NULL,
  UNIQUE KEY place (log, seq),
  UNIQUE KEY said (said_key),
  KEY speaker (nick, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Whose accounts of chat networks are. The name is that of the time when it was proved.
CREATE TABLE IF NOT EXISTS speakers (
  network        VARBINARY(64) NOT NULL,
  account        VARBINARY(255) NOT NULL,
  wiki_user_id   BIGINT UNSIGNED NOT NULL,
  wiki_user_name VARCHAR(255) NOT NULL,
  made_at        DATETIME(6) NOT NULL,
  PRIMARY KEY (network, account),
  KEY wiki_user (wiki_user_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Codes that wiki users were shown, by their hash; one each.
CREATE TABLE IF NOT EXISTS speaker_codes (
  wiki_user_id   BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  wiki_user_name VARCHAR(255) NOT NULL,
  code_hash      VARBINARY(64) NOT NULL,
  until          DATETIME(6) NOT NULL,
  UNIQUE KEY code (code_hash)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
