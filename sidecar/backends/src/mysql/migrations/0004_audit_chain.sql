-- The audit's chain. New tables only: an older replica goes on writing rows into `audit` that wait for nothing;
-- `openstackmanager audit verify` names them, `audit adopt` has them sealed.

-- Rows of the audit that are not sealed yet, put here by the transaction that wrote them.
CREATE TABLE IF NOT EXISTS audit_unsealed (
  audit_id BIGINT UNSIGNED NOT NULL PRIMARY KEY
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The chain. `hash` is hex. Rows are only ever added.
CREATE TABLE IF NOT EXISTS audit_seals (
  seq       BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  audit_id  BIGINT UNSIGNED NOT NULL,
  hash      VARBINARY(64) NOT NULL,
  sealed_at DATETIME(6) NOT NULL,
  UNIQUE KEY row_sealed (audit_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The chain's head on each day, for the wiki. Rows are only ever added.
CREATE TABLE IF NOT EXISTS audit_anchors (
  day  DATE NOT NULL PRIMARY KEY,
  seq  BIGINT UNSIGNED NOT NULL,
  hash VARBINARY(64) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Work that one replica does for all: who, and until when.
CREATE TABLE IF NOT EXISTS elections (
  name  VARBINARY(64) NOT NULL PRIMARY KEY,
  owner VARCHAR(255) NOT NULL,
  until DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO elections (name, owner, until) VALUES ('audit', '', '1970-01-01 00:00:00');

-- What was written before there was a chain is its beginning.
INSERT IGNORE INTO audit_unsealed (audit_id)
SELECT audit.id FROM audit LEFT JOIN audit_seals ON audit_seals.audit_id = audit.id
WHERE audit_seals.seq IS NULL;
