//! The real process, to be killed, stopped and started again.

use crate::world::{World, eventually, eventually_else, lab};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A replica: what it needs to be started, and its life now. It dies with this.
pub struct Replica {
    folder: TempDir,
    address: SocketAddr,
    log: PathBuf,
    life: Mutex<Option<Child>>,
}

impl Replica {
    /// Puts down the configuration; nothing runs yet. Replicas of one world differ in their port.
    pub fn new(world: &World) -> Self {
        let folder = TempDir::with_prefix("osm-replica-").unwrap();
        let address = free_address();
        let password = folder.path().join("database-password");
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&password)
            .unwrap();
        file.write_all(world.password.expose().as_bytes()).unwrap();
        let mut config = world.config.clone();
        config.server.listen = address;
        config.server.public_authority = address.to_string();
        config.database.password_file = Some(password);
        let text = toml::to_string(&config).unwrap();
        fs::write(folder.path().join("config.toml"), text).unwrap();
        let name = format!("durability-{}-{}.log", world.prefix, address.port());
        Self {
            folder,
            address,
            log: lab().join("log").join(name),
            life: Mutex::default(),
        }
    }

    /// Starts it, and waits until it serves. It goes no further at the points named here.
    pub async fn start(&self, hold_at: &[String]) {
        let _ = fs::remove_file(self.held_file());
        let _ = fs::remove_file(self.go_file());
        let mut log = File::options();
        let log = log.create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_openstackmanager"));
        command
            .arg("--config")
            .arg(self.folder.path().join("config.toml"))
            .arg("serve")
            .env_remove("OSM_CONFIG")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if !hold_at.is_empty() {
            command
                .env("OSM_HOLD_AT", hold_at.join(","))
                .env("OSM_HOLD_FILE", self.held_file());
        }
        *self.life.lock().unwrap() = Some(command.spawn().unwrap());
        eventually("the replica serves", async || {
            self.lives();
            self.answers().await.is_ok()
        })
        .await;
    }

    async fn answers(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await?;
        stream.read_to_end(&mut Vec::new()).await?;
        Ok(())
    }

    /// It has not ended by itself.
    fn lives(&self) {
        if let Some(life) = self.life.lock().unwrap().as_mut() {
            let ended = life.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}, see {}", self.log.display());
        }
    }

    /// `kill -9`.
    pub fn kill(&self) {
        if let Some(mut life) = self.life.lock().unwrap().take() {
            life.kill().unwrap();
            life.wait().unwrap();
        }
    }

    /// `kill -STOP`, `-CONT`.
    pub fn signal(&self, signal: &str) {
        let life = self.life.lock().unwrap();
        let id = life.as_ref().unwrap().id().to_string();
        let status = Command::new("/bin/kill").args([signal, &id]).status();
        assert!(status.unwrap().success(), "{signal}");
    }

    /// The points at which something is held.
    pub fn held(&self) -> Vec<String> {
        let text = fs::read_to_string(self.held_file()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until each of these points is reached. One may be reached twice: where the database is slow, a
    /// claim runs out and is taken anew.
    pub async fn wait_held(&self, points: &[String]) {
        let missing = || {
            let held = BTreeSet::from_iter(self.held());
            let missing = points.iter().filter(|point| !held.contains(*point));
            missing.cloned().collect::<Vec<_>>()
        };
        let say = || format!("held at {:?}, see {}", missing(), self.log.display());
        eventually_else(say, async || missing().is_empty()).await;
    }

    /// Lets go on what is held.
    pub fn go(&self) {
        fs::write(self.go_file(), "").unwrap();
    }

    /// What it has said since its first start.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn held_file(&self) -> PathBuf {
        self.folder.path().join("held")
    }

    fn go_file(&self) -> PathBuf {
        self.folder.path().join("held.go")
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
