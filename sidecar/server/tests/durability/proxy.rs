//! A network that fails on command: a TCP proxy in front of one service.
//!
//! Of our own, since `noxious` cannot say whether it struck, nor which answer it swallowed, nor choose the
//! request whose answer is to be lost; and it has had no release since 2021.

use crate::world::eventually;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of what goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// Nobody listens, and what was open is closed.
    Refused,
    /// Connections are taken, and nothing that comes over them goes on, now or later.
    Hung,
    /// A pause before each kilobyte.
    Slow,
    /// The connection is closed after so many bytes of an answer.
    Cut(usize),
    /// A request that has these words in it arrives; its answer does not, and the connection is closed.
    Lost(&'static str),
}

const PAUSE: Duration = Duration::from_millis(250);

pub struct Proxy {
    pub address: SocketAddr,
    mode: watch::Sender<Mode>,
    told: Arc<Told>,
}

/// What the proxy saw.
#[derive(Default)]
struct Told {
    /// First lines of answers that did not arrive.
    lost: Mutex<Vec<String>>,
    struck: AtomicUsize,
}

impl Told {
    fn struck(&self) {
        self.struck.fetch_add(1, Ordering::SeqCst);
    }
}

impl Proxy {
    pub async fn before(upstream: SocketAddr) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, modes) = watch::channel(Mode::Pass);
        let told = Arc::<Told>::default();
        tokio::spawn(serve(listener, upstream, modes, told.clone()));
        Arc::new(Self {
            address,
            mode,
            told,
        })
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Passes all on from now; who was refused is let in when this returns.
    pub async fn pass(&self) {
        self.set(Mode::Pass);
        eventually("the proxy listens", async || {
            TcpStream::connect(self.address).await.is_ok()
        })
        .await;
    }

    /// How often a connection was not served as it should be. Who is refused is not seen.
    pub fn struck(&self) -> usize {
        self.told.struck.load(Ordering::SeqCst)
    }

    /// Answers that said "done", and did not arrive.
    pub fn lost_successes(&self) -> usize {
        let lost = self.told.lost.lock().unwrap();
        let success = |line: &&String| line.starts_with("HTTP/1.") && line.contains(" 2");
        lost.iter().filter(success).count()
    }
}

async fn serve(
    first: TcpListener,
    upstream: SocketAddr,
    mut modes: watch::Receiver<Mode>,
    told: Arc<Told>,
) {
    let address = first.local_addr().unwrap();
    let mut listener = Some(first);
    loop {
        if *modes.borrow_and_update() == Mode::Refused {
            listener = None;
            if modes.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(here) = &listener else {
            listener = TcpListener::bind(address).await.ok();
            tokio::task::yield_now().await;
            continue;
        };
        tokio::select! {
            accepted = here.accept() => {
                let Ok((client, _)) = accepted else { continue };
                tokio::spawn(connection(client, upstream, modes.clone(), told.clone()));
            }
            changed = modes.changed() => if changed.is_err() { return },
        }
    }
}

async fn connection(
    client: TcpStream,
    upstream: SocketAddr,
    mut modes: watch::Receiver<Mode>,
    told: Arc<Told>,
) {
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let chosen = AtomicBool::new(false);
    tokio::select! {
        () = requests(from_client, to_server, modes.clone(), &told, &chosen) => {}
        () = answers(from_server, to_client, modes.clone(), &told, &chosen) => {}
        _ = modes.wait_for(|mode| *mode == Mode::Refused) => told.struck(),
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut modes: watch::Receiver<Mode>,
    told: &Told,
    chosen: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let mode = *modes.borrow_and_update();
        if mode == Mode::Hung {
            told.struck();
            let _ = modes.wait_for(|mode| *mode != Mode::Hung).await;
            return;
        }
        let text = String::from_utf8_lossy(&buffer[..length]);
        if let Mode::Lost(words) = mode
            && text.contains(words)
        {
            chosen.store(true, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut modes: watch::Receiver<Mode>,
    told: &Told,
    chosen: &AtomicBool,
) {
    let mut given = 0;
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let mode = *modes.borrow_and_update();
        let part = match mode {
            Mode::Refused => return,
            Mode::Hung => {
                told.struck();
                let _ = modes.wait_for(|mode| *mode != Mode::Hung).await;
                return;
            }
            Mode::Lost(_) if chosen.load(Ordering::SeqCst) => {
                told.struck();
                let line = first_line(&String::from_utf8_lossy(&buffer[..length]));
                told.lost.lock().unwrap().push(line);
                return;
            }
            Mode::Cut(after) if given + length > after => {
                told.struck();
                let _ = to.write_all(&buffer[..after.saturating_sub(given)]).await;
                return;
            }
            Mode::Cut(_) => {
                given += length;
                &buffer[..length]
            }
            Mode::Slow => {
                told.struck();
                for part in buffer[..length].chunks(1024) {
                    tokio::time::sleep(PAUSE).await;
                    if to.write_all(part).await.is_err() {
                        return;
                    }
                }
                continue;
            }
            Mode::Pass | Mode::Lost(_) => &buffer[..length],
        };
        if to.write_all(part).await.is_err() {
            return;
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
