//! Somebody on IRC by a bare socket, which knows nothing of the bot.

use crate::world::{CHANNEL, PATIENCE};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

pub struct Person {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Person {
    /// On the server, in no channel.
    pub async fn enter(port: u16, nick: &str) -> Self {
        let (read, write) = TcpStream::connect(("127.0.0.1", port))
            .await
            .unwrap()
            .into_split();
        let read = BufReader::new(read);
        let mut person = Self { read, write };
        person.send(format!("NICK {nick}")).await;
        person.send("USER person 0 * :A person").await;
        person.hear(" 001 ").await;
        person
    }

    /// In the channel.
    pub async fn join(port: u16, nick: &str) -> Self {
        let mut person = Self::enter(port, nick).await;
        person.send(format!("JOIN {CHANNEL}")).await;
        person.hear(" 366 ").await;
        person
    }

    pub async fn send(&mut self, line: impl AsRef<[u8]>) {
        let line = [line.as_ref(), b"\r\n"].concat();
        self.write.write_all(&line).await.unwrap();
    }

    pub async fn say(&mut self, text: impl AsRef<[u8]>) {
        let line = [format!("PRIVMSG {CHANNEL} :").as_bytes(), text.as_ref()].concat();
        self.send(line).await;
    }

    /// The next line that holds this.
    pub async fn hear(&mut self, part: &str) -> String {
        let mut heard = Vec::new();
        let found = timeout(PATIENCE, async {
            loop {
                let line = self.line().await;
                if line.contains(part) {
                    return line;
                }
                heard.push(line);
            }
        });
        let found = found.await;
        found.unwrap_or_else(|_| panic!("{part:?} was not heard, but {heard:#?}"))
    }

    /// The next line of this kind from somebody.
    pub async fn hear_from(&mut self, nick: &str, command: &str) {
        let (from, kind) = (format!(":{nick}!"), format!(" {command} "));
        while !self.hear(&from).await.contains(&kind) {}
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        let read = self.read.read_until(b'\n', &mut line).await.unwrap();
        assert!(read > 0, "the server closed the connection");
        assert!(read <= 512 || line.starts_with(b"@"), "{line:?}");
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Some(token) = line.strip_prefix("PING ") {
            self.send(format!("PONG {token}")).await;
        }
        line
    }
}
