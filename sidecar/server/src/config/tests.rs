use super::*;
use std::fs;

const EXAMPLE: &str = include_str!("../../../../docs/config.example.toml");

/// The example as it stands, and with every optional key that it shows commented out.
fn with_optional_keys() -> String {
    let is_key = |line: &str| {
        line.starts_with("[")
            || line
                .split_once(" = ")
                .is_some_and(|(k, _)| !k.contains(' '))
    };
    EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("#") {
            Some(key) if is_key(key) => key,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("test.toml"), text)
}

#[test]
fn the_example_shows_every_key_and_nothing_else() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(check::problems(&config), Vec::<String>::new());
    let full = with_optional_keys();
    let config = parse(&full).unwrap();
    assert_eq!(check::problems(&config), Vec::<String>::new());
    // Writing the parsed configuration gives keys that the text left to their defaults, too.
    let keys_known: toml::Value = toml::Value::try_from(&config).unwrap();
    let keys_shown: toml::Value = toml::from_str(&full).unwrap();
    assert_eq!(keys(&keys_known), keys(&keys_shown));
    // And no key is left out because it is absent.
    assert!(
        config
            .keystone
            .admin
            .is_some_and(|a| a.password_file.is_some())
    );
    assert!(config.regions[0].domain.is_some() && config.regions[0].read_only.is_some());
    assert!(config.signing.shim_keys_file.is_some() && config.signing.wiki_keys_file.is_some());
    assert!(config.keystone.people_domain_id.is_some());
    let rabbitmq = config.rabbitmq.unwrap();
    assert!(rabbitmq.password_file.is_some() && rabbitmq.region.is_some());
    for file in [
        config.database.password_file,
        config.keystone.password_file,
        config.ldap.password_file,
    ] {
        assert!(file.is_some());
    }
}

fn keys(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::Table(table) => table
            .iter()
            .flat_map(|(key, value)| {
                let below = keys(value).into_iter().map(move |k| format!("{key}.{k}"));
                std::iter::once(key.clone()).chain(below)
            })
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect(),
        toml::Value::Array(array) => array.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (from, to, complaints) in [
        (
            "poll_seconds",
            "poll_second",
            ["observe", "unknown field `poll_second`"],
        ),
        (
            "port = 3306",
            "port = \"many\"",
            ["database.port", "invalid type"],
        ),
        (
            "create = \"member\"",
            "create = \"admin\"",
            ["policy.create", "unknown variant"],
        ),
        ("[ldap]", "[ldpa]", ["unknown field `ldpa`", "ldap"]),
        ("[database]", "[database", ["line", "table"]),
        (
            "listen = \"127.0.0.1:8090\"",
            "listen = \"8090\"",
            ["server.listen", "socket address"],
        ),
        // A secret in a wrong place is not repeated into a log.
        (
            "password_file =",
            "password = \"hunter2\"\npassword_file =",
            ["database", "unknown field `password`"],
        ),
    ] {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "{from}");
        let error = parse(&text).unwrap_err().to_string();
        for complaint in complaints {
            assert!(
                error.contains(complaint),
                "{error:?} should mention {complaint:?}"
            );
        }
        assert!(!error.contains("hunter2"), "{error}");
    }
    let text = EXAMPLE.replacen("poll_seconds", "poll_second", 1);
    let line = 1 + text
        .lines()
        .position(|l| l.starts_with("poll_second"))
        .unwrap();
    let error = parse(&text).unwrap_err().to_string();
    assert!(error.contains(&format!("line {line}")), "{error}");
}

#[test]
fn impossible_values_are_all_named() {
    for (from, to, complaint) in [
        (
            "public_authority = \"127.0.0.1:8090\"",
            "public_authority = \"http://x/\"",
            "server.public_authority",
        ),
        (
            "http://127.0.0.1:8080/api.php",
            "http://127.0.0.1:8080/index.php",
            "wiki.api_url",
        ),
        (
            "https://cloud.example:5000",
            "ftp://cloud.example:5000",
            "keystone.auth_url",
        ),
        (
            "https://cloud.example:5000",
            "https://u:p@cloud.example:5000",
            "keystone.auth_url",
        ),
        (
            "ldap://ldap.example",
            "ldaps://ldap.example",
            "ldap.starttls",
        ),
        (
            "poll_seconds = 5",
            "poll_seconds = 0",
            "observe.poll_seconds",
        ),
        ("name = \"RegionOne\"", "name = \"a/b\"", "regions.name"),
        (
            "region_interface = \"public\"",
            "region_interface = \"outer\"",
            "region_interface",
        ),
    ] {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "{from}");
        let problems = check::problems(&parse(&text).unwrap()).join("\n");
        assert!(
            problems.contains(complaint),
            "{problems:?} should name {complaint:?}"
        );
    }
}

#[test]
fn a_broker_that_cannot_be_right_is_named() {
    let full = with_optional_keys();
    let second = "[[regions]]\nname = \"RegionTwo\"\n\n[ldap]";
    for (from, to, complaint) in [
        ("amqps://rabbitmq", "https://rabbitmq", "rabbitmq.urls"),
        ("amqps://rabbitmq", "amqps://u:p@rabbitmq", "rabbitmq.urls"),
        (
            "region = \"RegionOne\"",
            "region = \"RegionTwo\"",
            "rabbitmq.region",
        ),
        (
            "queue_length = 100000",
            "queue_length = 10",
            "rabbitmq.queue_length",
        ),
        (
            "queue = \"openstackmanager\"",
            "queue = \" \"",
            "rabbitmq.queue",
        ),
    ] {
        let text = full.replacen(from, to, 1);
        assert_ne!(text, full, "{from}");
        let problems = check::problems(&parse(&text).unwrap()).join("\n");
        assert!(
            problems.contains(complaint),
            "{problems:?} should name {complaint:?}"
        );
    }
    // With one region it need not be said which; with two it must.
    let unsaid = full.replacen("region = \"RegionOne\"\n", "", 1);
    assert_eq!(
        check::problems(&parse(&unsaid).unwrap()),
        Vec::<String>::new()
    );
    let two = unsaid.replacen("[ldap]", second, 1);
    let problems = check::problems(&parse(&two).unwrap()).join("\n");
    assert!(problems.contains("rabbitmq.region"), "{problems:?}");
}

#[test]
fn secrets_come_from_files_or_the_environment_and_are_not_shown() {
    let folder = std::env::temp_dir().join(format!("osm-config-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let keys = folder.join("keys");
    fs::write(&keys, format!("k1:{}\n", "ab".repeat(32))).unwrap();
    let ldap = folder.join("ldap");
    fs::write(&ldap, "from-file\n").unwrap();
    let kept: Vec<&str> = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with("password_file"))
        .collect();
    let ldap_section = format!("[ldap]\npassword_file = \"{}\"", ldap.display());
    let text = kept
        .join("\n")
        .replace(
            "/etc/openstackmanager/shim.keys",
            &keys.display().to_string(),
        )
        .replace(
            "/etc/openstackmanager/wiki.keys",
            &keys.display().to_string(),
        )
        .replace("[ldap]", &ldap_section);
    let file = folder.join("config.toml");
    fs::write(&file, text).unwrap();
    let all = |name: &str| {
        name.ends_with("_PASSWORD")
            .then(|| format!("value-of-{name}"))
    };
    let two = |name: &str| all(name).filter(|_| !name.contains("LDAP"));

    let (_, secrets) = Config::load(&file, &two).unwrap();
    assert_eq!(secrets.ldap_password.expose(), "from-file");
    assert_eq!(
        secrets.database_password.expose(),
        "value-of-OSM_DATABASE_PASSWORD"
    );
    let shown = format!("{secrets:?}");
    assert!(
        !shown.contains("value-of") && !shown.contains("from-file") && !shown.contains("abab"),
        "{shown}"
    );

    let error = Config::load(&file, &all).unwrap_err().to_string();
    assert!(
        error.contains("ldap.password_file and OSM_LDAP_PASSWORD are both set"),
        "{error}"
    );
    let error = Config::load(&file, &|_| None).unwrap_err().to_string();
    for variable in ["OSM_DATABASE_PASSWORD", "OSM_KEYSTONE_PASSWORD"] {
        assert!(error.contains(variable), "{error}");
    }
    fs::write(&keys, "k1:abcd\n").unwrap();
    let error = Config::load(&file, &two).unwrap_err().to_string();
    assert!(error.contains("signing.shim_keys: line 1"), "{error}");
    fs::remove_dir_all(&folder).unwrap();
}
