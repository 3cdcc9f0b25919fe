-- What an instance's entry in LDAP has Puppet do; no row where there is nothing to tell. A table of its own: an
-- older replica goes on without it.
CREATE TABLE IF NOT EXISTS instance_puppet (
  region VARBINARY(255) NOT NULL,
  id     VARBINARY(36) NOT NULL,
  puppet MEDIUMTEXT NOT NULL,
  PRIMARY KEY (region, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
