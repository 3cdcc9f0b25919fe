//! MySQL/MariaDB: what we remember ourselves.
