//! The way into a database as its root, and a server of a test's own, which may be killed and filled up.

use crate::world::{eventually, lab};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};
use ulid::Ulid;

/// The way into a database as its root.
#[derive(Clone)]
pub struct Root {
    pub socket: PathBuf,
    pub password: String,
}

impl Root {
    pub fn of_lab() -> Self {
        let password = std::fs::read_to_string(lab().join("secrets/mariadb-root")).unwrap();
        Self {
            socket: lab().join("mariadb/sock"),
            password: password.trim_end().to_owned(),
        }
    }

    /// Runs statements; gives the first column of what the last one says.
    pub async fn run(&self, statements: &[String]) -> Vec<String> {
        let mut conn = self.conn().await.expect("the database answers");
        let mut rows = Vec::new();
        for statement in statements {
            rows = conn.query(statement).await.expect(statement);
        }
        conn.disconnect().await.unwrap();
        rows
    }

    /// Runs one that may fail.
    pub async fn try_run(&self, statement: &str) -> Result<(), mysql_async::Error> {
        let mut conn = self.conn().await?;
        let done = conn.query_drop(statement).await;
        conn.disconnect().await?;
        done
    }

    pub async fn answers(&self) -> bool {
        self.conn().await.is_ok()
    }

    async fn conn(&self) -> Result<Conn, mysql_async::Error> {
        let options = mysql_async::OptsBuilder::default()
            .socket(Some(self.socket.to_string_lossy()))
            .user(Some("root"))
            .pass(Some(&self.password));
        Conn::new(options).await
    }
}

/// Runs statements as the root of the lab's database.
pub async fn as_root(statements: &[String]) -> Vec<String> {
    Root::of_lab().run(statements).await
}

/// MariaDB does not run as root: then it runs as nobody.
const NOBODY: u32 = 65534;

pub struct Mariadb {
    folder: PathBuf,
    pub port: u16,
    options: Vec<String>,
    child: Option<Child>,
}

impl Mariadb {
    /// Makes a server with an empty data folder, and starts it.
    pub async fn new(options: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("osm-mariadb-{}", Ulid::generate()));
        std::fs::create_dir_all(folder.join("data")).unwrap();
        if is_root() {
            for path in [folder.clone(), folder.join("data")] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut server = Self {
            port,
            options: options.iter().map(|o| (*o).to_owned()).collect(),
            child: None,
            folder,
        };
        let mut install = server.command("mariadb-install-db");
        install.args([
            "--skip-test-db",
            "--force",
            "--auth-root-authentication-method=normal",
        ]);
        let done = install.stdout(Stdio::null()).status().await.unwrap();
        assert!(done.success(), "mariadb-install-db: {done}");
        server.start().await;
        server
    }

    fn command(&self, program: &str) -> Command {
        let mut command = std::process::Command::new(program);
        let folder = self.folder.display();
        command.arg("--no-defaults");
        command.arg(format!("--datadir={folder}/data"));
        command.args(&self.options);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.stderr(Stdio::null()).current_dir("/");
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        command
    }

    /// Starts it, and waits until it answers.
    pub async fn start(&mut self) {
        let mut command = self.command("/usr/sbin/mariadbd");
        let folder = self.folder.display();
        command.arg(format!("--socket={folder}/sock"));
        command.arg(format!("--pid-file={folder}/pid"));
        command.arg(format!("--tmpdir={folder}"));
        command.arg(format!("--port={}", self.port));
        command.args(["--bind-address=127.0.0.1", "--skip-name-resolve"]);
        self.child = Some(command.spawn().unwrap());
        let root = self.root();
        eventually("the database answers", async || root.answers().await).await;
    }

    /// Starts it anew with other options.
    pub async fn restart(&mut self, options: &[&str]) {
        self.kill().await;
        self.options = options.iter().map(|o| (*o).to_owned()).collect();
        self.start().await;
    }

    /// As a crash does.
    pub async fn kill(&mut self) {
        self.child.take().unwrap().kill().await.unwrap();
    }

    pub fn root(&self) -> Root {
        Root {
            socket: self.folder.join("sock"),
            password: String::new(),
        }
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        drop(self.child.take());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(Path::new("/proc/self")).unwrap().uid() == 0
}
