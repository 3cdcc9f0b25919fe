//! How each outside system is spoken to, a folder each. None knows another; none knows our own HTTP. Only the
//! beginnings of an HTTP client (`http`) and `secret` serve several.

mod http;
pub mod irc;
pub mod ldap;
pub mod mysql;
pub mod openstack;
pub mod rabbitmq;
pub mod remote;
pub mod secret;
pub mod wiki;
