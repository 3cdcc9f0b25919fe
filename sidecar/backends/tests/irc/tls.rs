//! TLS: a server is believed whose certificate an authority has signed for its name, and no other.

use crate::servers::{Server, Wish};
use crate::world::{Bot, config, on_both};
use osm_backends::irc::IrcConfig;
use osm_core::ports::Kind;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn openssl(folder: &Path, words: &str) {
    let done = Command::new("openssl")
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl cannot be started, is it installed?");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// An authority, and a certificate for `localhost` by it.
fn authority() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(
        folder.path(),
        &format!("{new} -keyout ca.key -out ca.pem -subj /CN=Test -addext keyUsage=keyCertSign"),
    );
    openssl(
        folder.path(),
        &format!(
            "{new} -keyout key.pem -out cert.pem -subj /CN=localhost -CA ca.pem -CAkey ca.key \
             -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE"
        ),
    );
    folder
}

fn secure(port: u16, host: &str, authority: &TempDir) -> IrcConfig {
    IrcConfig {
        host: host.to_owned(),
        tls: true,
        ca_file: Some(authority.path().join("ca.pem")),
        ..config(port)
    }
}

#[tokio::test]
#[ignore = "needs ngircd, inspircd and openssl"]
async fn a_server_is_believed_by_its_certificate() {
    let (ours, others) = (authority(), authority());
    on_both(async |kind| {
        let wish = Wish {
            tls: Some(ours.path()),
            ..Wish::default()
        };
        let server = Server::start(kind, &wish);
        let port = server.port;
        Bot::enter(secure(port, "localhost", &ours)).await.unwrap();
        let nowhere = IrcConfig {
            ca_file: Some("/nonexistent.pem".into()),
            ..secure(port, "localhost", &ours)
        };
        let unnamed = IrcConfig {
            ca_file: None,
            ..secure(port, "localhost", &ours)
        };
        for (config, wanted) in [
            (
                secure(port, "localhost", &others),
                "name the authority's certificate in irc.ca_file",
            ),
            (unnamed, "name the authority's certificate in irc.ca_file"),
            (
                secure(port, "127.0.0.1", &ours),
                "irc.host must be a name for which the certificate is made",
            ),
            (nowhere, "ca_file /nonexistent.pem cannot be read"),
        ] {
            let error = Bot::enter(config).await.err().unwrap();
            assert!(error.to_string().contains(wanted), "{kind:?}: {error}");
            assert_eq!(error.kind, Kind::Rejected, "{error}");
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn a_port_without_tls_is_told() {
    let ours = authority();
    on_both(async |kind| {
        let server = Server::start(kind, &Wish::default());
        let error = Bot::enter(secure(server.port, "localhost", &ours))
            .await
            .err()
            .unwrap();
        assert!(error.to_string().contains("TLS"), "{kind:?}: {error}");
    })
    .await;
}
