//! OpenStack: Keystone, Nova, Glance, Neutron.
