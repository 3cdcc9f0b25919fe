//! LDAP: people, projects, roles.
