//! Real servers, on ports and in folders of their own, as Debian has them.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ngircd,
    Inspircd,
}

pub const BOTH: [Kind; 2] = [Kind::Ngircd, Kind::Inspircd];

/// What a server is to be like. Without anything said it keeps its own limits.
#[derive(Default)]
pub struct Wish<'a> {
    /// People may say as much at once as they like.
    pub open: bool,
    /// A folder with `cert.pem` and `key.pem`.
    pub tls: Option<&'a Path>,
    /// The name and port of the other server of the network.
    pub linked: Option<(&'a str, u16)>,
}

pub struct Server {
    pub port: u16,
    child: Child,
    _home: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Server {
    pub fn start(kind: Kind, wish: &Wish<'_>) -> Self {
        Self::named(kind, "one.test", free_port(), free_port(), wish)
    }

    /// With a name, the port for people and that for the other server; ngIRCd has one for both.
    pub fn named(kind: Kind, name: &str, port: u16, servers: u16, wish: &Wish<'_>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("server.conf");
        let text = match kind {
            Kind::Ngircd => ngircd(name, port, wish),
            Kind::Inspircd => inspircd(home.path(), name, port, servers, wish),
        };
        fs::write(&file, text).unwrap();
        let mut command = match kind {
            Kind::Ngircd => {
                let mut command = Command::new("/usr/sbin/ngircd");
                command.args(["-n", "-f"]).arg(&file);
                command
            }
            Kind::Inspircd => {
                let mut command = Command::new("/usr/sbin/inspircd");
                let config = format!("--config={}", file.display());
                command.args(["--nofork", "--runasroot", &config]);
                command
            }
        };
        let log = home.path().join("log");
        let out = fs::File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stderr(out.try_clone().unwrap())
            .stdout(out)
            .spawn()
            .unwrap_or_else(|e| panic!("{kind:?} cannot be started, is it installed? {e}"));
        let mut server = Self {
            port,
            child,
            _home: home,
        };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().unwrap();
            let told = || fs::read_to_string(&log).unwrap_or_default();
            assert!(
                ended.is_none() && Instant::now() < until,
                "{kind:?}: {}",
                told()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

fn ngircd(name: &str, port: u16, wish: &Wish<'_>) -> String {
    let penalty = if wish.open { 0 } else { -1 };
    let (ports, ssl) = match wish.tls {
        // It listens in plain, too: on a port that nobody knows.
        Some(folder) => (
            free_port(),
            format!(
                "[SSL]\nCertFile = {0}/cert.pem\nKeyFile = {0}/key.pem\nPorts = {port}\n",
                folder.display()
            ),
        ),
        None => (port, String::new()),
    };
    let link = wish.linked.map(|(other, port)| {
        format!(
            "[Server]\nName = {other}\nHost = 127.0.0.1\nPort = {port}\nMyPassword = secret\n\
             PeerPassword = secret\nPassive = yes\n"
        )
    });
    format!(
        "[Global]\nName = {name}\nInfo = Test\nListen = 127.0.0.1\nPorts = {ports}\n\
         [Limits]\nMaxConnectionsIP = 0\nMaxPenaltyTime = {penalty}\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\n\
         [Operator]\nName = oper\nPassword = secret\n{ssl}{}",
        link.unwrap_or_default()
    )
}

fn inspircd(home: &Path, name: &str, port: u16, servers: u16, wish: &Wish<'_>) -> String {
    let limits = match wish.open {
        true => r#"commandrate="1000000" threshold="1000000" recvq="1M" softsendq="1M""#,
        false => r#"commandrate="1000" threshold="10" recvq="8K" softsendq="8K""#,
    };
    let (modules, ssl) = match wish.tls {
        Some(folder) => (
            r#"<module name="ssl_gnutls">"#,
            format!(
                r#"<sslprofile name="tls" provider="gnutls" certfile="{0}/cert.pem" keyfile="{0}/key.pem">"#,
                folder.display()
            ),
        ),
        None => ("", String::new()),
    };
    let profile = if wish.tls.is_some() {
        r#"sslprofile="tls""#
    } else {
        ""
    };
    let link = wish.linked.map(|(other, port)| {
        format!(
            r#"<link name="{other}" ipaddr="127.0.0.1" port="{port}" allowmask="127.0.0.1" sendpass="secret" recvpass="secret">"#
        )
    });
    // Of a network no two may have the same.
    let id = if name.starts_with("one") {
        "1AA"
    } else {
        "2AA"
    };
    format!(
        r#"<config format="xml">
<server name="{name}" description="Test" network="Test" id="{id}">
<admin name="test" nick="test" email="root@localhost">
<path configdir="{home}" datadir="{home}" logdir="{home}" moduledir="/usr/lib/inspircd/modules">
<pid file="{home}/pid">
{modules}<module name="spanningtree">
{ssl}
<bind address="127.0.0.1" port="{port}" type="clients" {profile}>
<bind address="127.0.0.1" port="{servers}" type="servers">
<connect name="all" allow="*" timeout="20" pingfreq="60" hardsendq="1M" fakelag="no" {limits} localmax="100" globalmax="100"
 limit="200" resolvehostnames="no">
<class name="all" commands="SQUIT CONNECT">
<type name="oper" classes="all">
<oper name="oper" password="secret" host="*@*" type="oper">
<log method="file" target="/dev/stdout" type="*" level="default" flush="1">
<options casemapping="ascii" defaultmodes="not">
{}
"#,
        link.unwrap_or_default(),
        home = home.display(),
    )
}
