-- When a step was begun and when it ended. A table of its own: an older replica goes on without it.
CREATE TABLE IF NOT EXISTS step_times (
  operation_id VARBINARY(64) NOT NULL,
  position     INT UNSIGNED NOT NULL,
  started_at   DATETIME(6) NOT NULL,
  ended_at     DATETIME(6) NULL,
  PRIMARY KEY (operation_id, position)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
