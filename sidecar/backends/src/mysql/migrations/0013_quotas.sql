-- A project's page says which quota was set last: the latest of the project's operations that did so.
-- MySQL knows no ADD KEY IF NOT EXISTS.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.statistics WHERE table_schema = DATABASE()
  AND table_name = 'operations' AND index_name = 'project_action');
SET @add = IF(@missing, 'ALTER TABLE operations ADD KEY project_action (project, action, created_at)', 'DO 0');
PREPARE add_key FROM @add;
EXECUTE add_key;
DEALLOCATE PREPARE add_key;
