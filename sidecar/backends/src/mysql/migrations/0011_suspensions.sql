-- A new table only: an older replica knows nothing of it, suspends nobody and gives nothing back.
-- What a person who is blocked on the wiki had in a project. It is written with the operation that takes it, before
-- anything is taken, and deleted when it was given back.
CREATE TABLE IF NOT EXISTS suspensions (
  person        VARBINARY(64) NOT NULL,
  project_entry VARBINARY(64) NOT NULL,
  project       VARBINARY(255) NOT NULL,
  wiki_user_id  BIGINT UNSIGNED NOT NULL,
  kept          LONGTEXT NOT NULL,
  blocked_by    TEXT NOT NULL,
  since         DATETIME(6) NOT NULL,
  latest        VARBINARY(64) NOT NULL,
  back          BOOLEAN NOT NULL,
  PRIMARY KEY (person, project_entry)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
