//! An instance's page.

use super::region;
use super::template::Call;
use crate::instance::Instance;
use crate::puppet::Puppet;
use chrono::{DateTime, Utc};

/// What an instance's page is composed from.
#[derive(Clone, Debug)]
pub struct InstancePage<'a> {
    /// The cloud's facts.
    pub instance: &'a Instance,
    /// When it was last rebooted through us.
    pub last_reboot: Option<DateTime<Utc>>,
    /// Name of the wiki user who asked for it.
    pub created_by: Option<&'a str>,
    /// Its name in the DNS, where there is one.
    pub fqdn: Option<&'a str>,
    /// What its entry in LDAP says.
    pub puppet: &'a Puppet,
}

impl InstancePage<'_> {
    /// The machine's part of the page.
    pub fn machine(&self) -> String {
        let i = self.instance;
        let gone = is_deleted(i);
        let mut call = Call::new(if gone { "deleted instance" } else { "instance" });
        call.text("Instance Name", &i.name);
        call.text("Instance Id", &i.id.to_string());
        if !gone {
            call.list("Private IP", ips(i, false));
            call.list("Public IP", ips(i, true));
            call.text("Instance State", &i.status);
            call.maybe("Instance Host", i.host.as_deref());
        }
        call.text("Instance Type", &i.flavor.name);
        call.text("RAM Size", &i.flavor.ram_mb.to_string());
        call.text("Number of CPUs", &i.flavor.vcpus.to_string());
        call.text("Amount of Storage", &storage_gb(i).to_string());
        // The name, as on Labs since 2012; the id where the image is gone.
        let image = i.image.as_ref().map(|m| m.name.as_deref().unwrap_or(&m.id));
        call.maybe("Image Id", image);
        call.text("Project", i.project.as_str());
        call.maybe("Availability Zone", i.availability_zone.as_deref());
        call.text("Region", i.region.as_str());
        call.list("Security Group", sorted(&i.security_groups));
        call.time("Launch Time", i.launched);
        if !gone {
            call.maybe("FQDN", self.fqdn);
            call.list("Puppet Class", &self.puppet.classes);
            call.list("Puppet Var", &self.puppet.vars);
        }
        call.time("Creation Time", Some(i.created));
        call.time("Last Reboot", self.last_reboot);
        call.maybe(
            "Created By",
            self.created_by.map(super::template::user).as_deref(),
        );
        if gone {
            call.time("Deletion Time", Some(i.deleted.unwrap_or(i.updated)));
        } else if i.status == "ERROR" {
            call.maybe("Fault", i.fault.as_deref());
        }
        call.done()
    }

    /// The whole page: what people wrote stays. `documentation` adds an open section to a new page.
    pub fn compose(&self, old: &str, documentation: bool) -> String {
        if documentation && old.trim().is_empty() {
            region::new_page(&self.machine())
        } else {
            region::merge(old, &self.machine())
        }
    }
}

/// Nova's positive word that it is no more.
fn is_deleted(instance: &Instance) -> bool {
    instance.deleted.is_some() || instance.status == "DELETED"
}

/// Root disk and extra disk.
pub(super) fn storage_gb(instance: &Instance) -> u64 {
    let flavor = &instance.flavor;
    flavor.disk_gb.saturating_add(flavor.ephemeral_gb)
}

fn ips(instance: &Instance, floating: bool) -> Vec<String> {
    let mut ips: Vec<_> = instance
        .addresses
        .iter()
        .filter(|a| a.floating == floating)
        .map(|a| a.ip)
        .collect();
    ips.sort();
    ips.dedup();
    ips.iter().map(ToString::to_string).collect()
}

/// Sorted and without repeats: Neutron gives a group once a port and in no order.
fn sorted(names: &[String]) -> Vec<&str> {
    let mut names: Vec<_> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}
