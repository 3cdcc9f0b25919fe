//! Everything there is, declared once. The shim's contract file is printed from here
//! (`openstackmanager contract`), and a test compares the two.

use serde_json::{Value as Json, json};

/// The special pages.
pub const SPECIAL_PAGES: [&str; 12] = [
    "NovaDrift",
    "NovaInstance",
    "NovaKey",
    "NovaLink",
    "NovaLog",
    "NovaOperations",
    "NovaProject",
    "NovaRequest",
    "NovaResources",
    "NovaRole",
    "NovaSudoer",
    "NovaWhy",
];

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
            "novaaccount": {
                "writes": true,
                "params": {
                    "subaction": {"type": ["create"], "required": true},
                    "shellname": {"type": "string", "required": true},
                    "dryrun": {"type": "boolean"},
                    "facts": string,
                    "idempotencykey": string,
                },
            },
            "novadrift": {
                "writes": true,
                "params": {
                    "difference": {"type": "string", "required": true},
                    "dryrun": {"type": "boolean"},
                    "facts": string,
                    "idempotencykey": string,
                },
            },
            "novainstance": {
                "writes": true,
                "params": {
                    "subaction": {
                        "type": ["create", "reboot", "consoleoutput", "delete", "configure"],
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
                    "facts": string,
                    "idempotencykey": string,
                },
            },
            "novakey": {
                "writes": true,
                "params": {
                    "subaction": {"type": ["add", "delete"], "required": true},
                    "key": {"type": "text", "sensitive": true},
                    "hash": string,
                    "dryrun": {"type": "boolean"},
                    "facts": string,
                    "idempotencykey": string,
                },
            },
            "novalog": {
                "writes": true,
                "params": {
                    "project": {"type": "string", "required": true},
                    "message": {"type": "string", "required": true},
                    "idempotencykey": string,
                },
            },
            "novaoperationwish": {
                "writes": true,
                "params": {
                    "operation": {"type": "string", "required": true},
                    "wish": {"type": ["cancel", "retry", "giveup"], "required": true},
                    "idempotencykey": string,
                },
            },
            "novaprobe": {
                "writes": true,
                "params": {"dryrun": {"type": "boolean"}, "idempotencykey": string},
            },
            "novaproject": {
                "writes": true,
                "params": {
                    "subaction": {
                        "type": [
                            "create", "configure", "delete", "quota", "addmember", "deletemember",
                        ],
                        "required": true,
                    },
                    "projectname": {"type": "string", "required": true},
                    "description": string,
                    "member": string,
                    "members": {"type": "string", "multi": true},
                    "region": string,
                    "instances": string,
                    "cores": string,
                    "ram": string,
                    "dryrun": {"type": "boolean"},
                    "facts": string,
                    "idempotencykey": string,
                },
            },
            "novarequest": {
                "writes": true,
                "params": {
                    "subaction": {"type": ["project", "quota", "grant", "decline", "withdraw"], "required": true},
                    "projectname": string,
                    "description": string,
                    "region": string,
                    "instances": string,
                    "cores": string,
                    "ram": string,
                    "reason": string,
                    "request": {"type": "integer"},
                    "hash": string,
                    "answer": string,
                    "idempotencykey": string,
                },
            },
            "novarole": {
                "writes": true,
                "params": {
                    "subaction": {"type": ["addmember", "deletemember"], "required": true},
                    "projectname": {"type": "string", "required": true},
                    "rolename": {"type": "string", "required": true},
                    "members": {"type": "string", "multi": true, "required": true},
                    "dryrun": {"type": "boolean"},
                    "facts": string,
                    "idempotencykey": string,
                },
            },
            "novasudoer": {
                "writes": true,
                "params": {
                    "subaction": {"type": ["create", "modify", "delete"], "required": true},
                    "projectname": {"type": "string", "required": true},
                    "sudoername": {"type": "string", "required": true},
                    "users": {"type": "string", "multi": true},
                    "runas": {"type": "string", "multi": true},
                    "commands": {"type": "text"},
                    "options": {"type": "text"},
                    "requirepassword": {"type": ["yes", "no"]},
                    "dryrun": {"type": "boolean"},
                    "facts": string,
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
            "novarequests": {
                "prefix": "nr",
                "params": {
                    "state": {"type": ["open", "granted", "declined", "withdrawn"]},
                    "project": string,
                    "limit": {"type": "limit"},
                    "continue": string,
                },
            },
            "novalogs": {
                "prefix": "nl",
                "params": {
                    "project": string,
                    "nick": string,
                    "text": string,
                    "from": string,
                    "until": string,
                    "limit": {"type": "limit"},
                    "continue": string,
                },
            },
            "novaquotas": {
                "prefix": "nq",
                "params": {
                    "project": {"type": "string", "required": true},
                    "region": string,
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

/// Names of the messages, without prefix, one a line. A test compares them with the sources.
const MESSAGES: &str = include_str!("messages.txt");

#[cfg(test)]
mod tests {
    use super::*;
    use osm_core::action::Action;

    #[test]
    fn each_action_has_its_words() {
        let known = messages();
        for action in Action::ALL {
            assert!(known.contains(&format!("openstackmanager-do-{action}")));
            let did = format!("openstackmanager-did-{action}");
            assert!(!action.plans() || known.contains(&did), "{did}");
        }
    }
}
