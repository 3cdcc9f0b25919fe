//! Everything there is, declared once. The shim's contract file is printed from here
//! (`openstackmanager contract`), and a test compares the two.

use serde_json::{Value as Json, json};

/// The special pages.
pub const SPECIAL_PAGES: [&str; 4] = ["NovaInstance", "NovaLink", "NovaOperations", "NovaProject"];

/// The rights that the wiki's extension declares.
pub const RIGHTS: [&str; 6] = [
    "accessrestrictedregions",
    "listall",
    "loginviashell",
    "manageglobalpuppet",
    "manageproject",
    "managednsdomain",
];

/// The contract with the shim.
pub fn contract() -> Json {
    let string = json!({"type": "string"});
    json!({
        "special_pages": SPECIAL_PAGES,
        "actions": {
            "novainstance": {
                "writes": true,
                "params": {
                    "subaction": {
                        "type": ["create", "reboot", "consoleoutput", "delete"],
                        "required": true,
                    },
                    "instanceid": string,
                    "instancename": string,
                    "instanceType": string,
                    "imageType": string,
                    "groups": {"type": "string", "multi": true},
                    "project": string,
                    "region": string,
                    "dryrun": {"type": "boolean"},
                    "idempotencykey": string,
                },
            },
            "novaoperation": {
                "writes": false,
                "params": {"operation": {"type": "string", "required": true}},
            },
        },
        "lists": {
            "novainstances": {
                "prefix": "ni",
                "params": {
                    "project": string,
                    "region": string,
                    "limit": {"type": "limit"},
                    "continue": string,
                },
            },
        },
        "rights": RIGHTS,
        "messages": messages(),
    })
}

/// Every message key the sidecar can send, sorted.
pub fn messages() -> Vec<String> {
    let mut keys: Vec<String> = MESSAGES
        .split_whitespace()
        .map(|name| format!("openstackmanager-{name}"))
        .collect();
    keys.sort();
    keys
}

/// Names of the messages, without prefix, a line a file. A test compares them with the sources.
const MESSAGES: &str = "
action-consoleoutput action-delete action-reboot actions addresses attempts backend-conflict
backend-denied backend-notfound backend-protocol backend-quota backend-ratelimited
backend-rejected backend-timeout backend-toolarge backend-unavailable backinstancelist
backoperationlist badaction badimage badinstanceid badinstancename badinstancetype badoffset
badprojectname badregion badrequest badsecuritygroup banner-maintenance banner-region
banner-wikireadonly blocked busy cancelled consoleoutput-empty consoleoutput-title created
createinstance createinstance-done createinstance-failed createinstance-in createinstance-inregion
createinstance-parked createinstance-running createinstance-submit createinstance-title
createinstance-unwinding deleteinstance-confirm deleteinstance-done deleteinstance-failed
deleteinstance-parked deleteinstance-running deleteinstance-submit deleteinstance-title
deleteinstance-unwinding description did-instance-create did-instance-delete did-instance-reboot
finished flavortoosmall imagename imagetype instancegone instanceid instancename instancename-help
instancestate instancetype instancetype-option keyreused keytoolong launchtime ldappassword
link-blocked link-intro link-submit link-taken link-toomany link-wrong linked maintenance members
mustbeloggedin nametaken needcloudadmin needproject needregion needrole noaccount noinstances
nolink nonexistenthost nonexistentoperation nonexistentproject nooperations noprojects
noquota-cores noquota-instances noquota-ram noreason notrebootable novainstance novalink
novaoperations novaproject operation operation-title project projectmismatch projectname-dotslash
projectname-likeid projectnotincloud reason rebootinstance-confirm rebootinstance-done
rebootinstance-failed rebootinstance-parked rebootinstance-running rebootinstance-submit
rebootinstance-title rebootinstance-unwinding region requestid securitygroups servererror
servertimeout shellname showinstances started state state-done state-failed state-parked
state-queued state-running state-undone state-unwinding state-waiting step step-await-server
step-create-server step-delete-server step-finishing step-reboot-server toomanyoperations user vanished wish-cancel
wish-cancel-about wish-giveup wish-giveup-about wish-retry wish-retry-about wish-toolate
";
