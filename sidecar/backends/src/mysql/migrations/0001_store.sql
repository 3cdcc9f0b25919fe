-- The store of the sidecar. Each statement may be run twice, since DDL is not transactional.
--
-- What is compared (ids, names, titles, keys) is VARBINARY: octet by octet, no case, no padding, and
-- any octets may be asked for. JSON is text, not the JSON type, so that it stays as written.
-- Times are UTC. What belongs to a region begins its key with the region.

-- Who is behind a wiki account.
CREATE TABLE IF NOT EXISTS links (
  wiki_user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  entry_uuid   VARBINARY(64) NOT NULL,
  how          VARCHAR(64) NOT NULL,
  made_by      VARCHAR(255) NOT NULL,
  made_at      DATETIME(6) NOT NULL,
  UNIQUE KEY entry (entry_uuid)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Nonces of signed requests, until they are too old to pass anyway.
CREATE TABLE IF NOT EXISTS nonces (
  nonce      VARBINARY(128) NOT NULL PRIMARY KEY,
  expires_at DATETIME(6) NOT NULL,
  KEY expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- LDAP projects and their Keystone projects as first seen; Keystone serves all regions.
CREATE TABLE IF NOT EXISTS pins (
  name       VARBINARY(255) NOT NULL PRIMARY KEY,
  entry_uuid VARBINARY(64) NOT NULL,
  project_id VARBINARY(64) NOT NULL,
  pinned_at  DATETIME(6) NOT NULL,
  UNIQUE KEY entry (entry_uuid),
  UNIQUE KEY project (project_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Operations. `busy` is the resource written to, while the operation is not over: its unique key
-- lets one writer at a time in. `due_at` is when the operation may next be claimed: at once, after
-- a back-off, or when its owner's lease ends; NULL once it is over.
CREATE TABLE IF NOT EXISTS operations (
  id             VARBINARY(64) NOT NULL PRIMARY KEY,
  region         VARBINARY(255) NOT NULL,
  project        VARBINARY(255) NOT NULL,
  project_id     VARBINARY(64) NOT NULL,
  instance_id    VARBINARY(36) NULL,
  action         VARBINARY(64) NOT NULL,
  plan           MEDIUMTEXT NOT NULL,
  state          VARBINARY(16) NOT NULL,
  error          MEDIUMTEXT NULL,
  wiki_user_id   BIGINT UNSIGNED NOT NULL,
  wiki_user_name VARCHAR(255) NOT NULL,
  request_id     VARCHAR(64) NOT NULL,
  created_at     DATETIME(6) NOT NULL,
  finished_at    DATETIME(6) NULL,
  busy           VARBINARY(1024) NULL,
  due_at         DATETIME(6) NULL,
  owner          VARCHAR(255) NULL,
  generation     BIGINT UNSIGNED NOT NULL DEFAULT 0,
  UNIQUE KEY busy (busy),
  KEY due (due_at),
  KEY created (created_at, id),
  KEY instance (region, instance_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS steps (
  operation_id VARBINARY(64) NOT NULL,
  position     INT UNSIGNED NOT NULL,
  name         VARCHAR(64) NOT NULL,
  state        VARBINARY(16) NOT NULL,
  attempts     INT UNSIGNED NOT NULL,
  error        MEDIUMTEXT NULL,
  PRIMARY KEY (operation_id, position)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What was asked and how it ended. Rows are only ever added.
CREATE TABLE IF NOT EXISTS audit (
  id             BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at             DATETIME(6) NOT NULL,
  event          VARBINARY(32) NOT NULL,
  operation_id   VARBINARY(64) NULL,
  region         VARBINARY(255) NOT NULL,
  project        VARBINARY(255) NOT NULL,
  wiki_user_id   BIGINT UNSIGNED NOT NULL,
  wiki_user_name VARCHAR(255) NOT NULL,
  request_id     VARCHAR(64) NOT NULL,
  detail         MEDIUMTEXT NOT NULL,
  KEY operation (operation_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Names reserved by operations: from their submission until they leave no server, or the server ends.
CREATE TABLE IF NOT EXISTS names (
  region       VARBINARY(255) NOT NULL,
  project_id   VARBINARY(64) NOT NULL,
  name         VARBINARY(1024) NOT NULL,
  operation_id VARBINARY(64) NOT NULL,
  instance_id  VARBINARY(36) NULL,
  PRIMARY KEY (region, project_id, name),
  KEY operation (operation_id),
  KEY instance (region, instance_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Clients' own keys, with the caller before them: the same key with the same content is the same operation.
CREATE TABLE IF NOT EXISTS idempotency (
  caller_key   VARBINARY(1024) NOT NULL PRIMARY KEY,
  body_hash    VARBINARY(255) NOT NULL,
  operation_id VARBINARY(64) NOT NULL,
  created_at   DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Pages with work waiting, a row a page. `due_at` as in operations. `seen_only` is 0 where a
-- person's doing is among the reasons: those come first. `attempts` counts claims and with the
-- owner tells one claim from the next.
CREATE TABLE IF NOT EXISTS page_queue (
  page_key  VARBINARY(1600) NOT NULL PRIMARY KEY,
  page      TEXT NOT NULL,
  seen_only TINYINT UNSIGNED NOT NULL,
  since     DATETIME(6) NOT NULL,
  due_at    DATETIME(6) NOT NULL,
  owner     VARCHAR(255) NULL,
  attempts  INT UNSIGNED NOT NULL DEFAULT 0,
  error     TEXT NULL,
  KEY turn (seen_only, since)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS page_reasons (
  id             BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  page_key       VARBINARY(1600) NOT NULL,
  wiki_user_id   BIGINT UNSIGNED NULL,
  wiki_user_name VARCHAR(255) NULL,
  operation_id   VARBINARY(64) NULL,
  what           TEXT NOT NULL,
  at             DATETIME(6) NOT NULL,
  KEY page (page_key, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The wiki page that stands for a key; a title belongs to one key for good.
CREATE TABLE IF NOT EXISTS pages (
  page_key VARBINARY(1600) NOT NULL PRIMARY KEY,
  title    VARBINARY(512) NOT NULL,
  page_id  BIGINT UNSIGNED NULL,
  revision BIGINT UNSIGNED NOT NULL DEFAULT 0,
  UNIQUE KEY title (title)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The cloud's servers as last seen; lists are read in the order of `live` or `everything`.
CREATE TABLE IF NOT EXISTS instances (
  region     VARBINARY(255) NOT NULL,
  id         VARBINARY(36) NOT NULL,
  project    VARBINARY(255) NOT NULL,
  project_id VARBINARY(64) NOT NULL,
  name       VARBINARY(1024) NOT NULL,
  ended      TINYINT UNSIGNED NOT NULL,
  as_of      DATETIME(6) NOT NULL,
  facts      MEDIUMTEXT NOT NULL,
  PRIMARY KEY (region, id),
  KEY live (ended, project, region, name, id),
  KEY everything (project, region, name, id),
  KEY name (region, project_id, name, ended)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What we know of a server and Nova does not; may be known before the server is first seen.
CREATE TABLE IF NOT EXISTS instance_notes (
  region      VARBINARY(255) NOT NULL,
  id          VARBINARY(36) NOT NULL,
  created_by  VARCHAR(255) NULL,
  last_reboot DATETIME(6) NULL,
  PRIMARY KEY (region, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- When each region was last read through.
CREATE TABLE IF NOT EXISTS watermarks (
  region VARBINARY(255) NOT NULL PRIMARY KEY,
  at     DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
