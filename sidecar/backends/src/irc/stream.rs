//! Bytes to and from a server, and lines made of them.

use super::{IrcConfig, error, tls};
use irc_proto::Message;
use osm_core::log::grammar::decode;
use osm_core::ports::{Kind, PortError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;

pub(super) const CONNECT: Duration = Duration::from_secs(15);
/// A line has 512 bytes, its tags up to 8191: a longer one is nobody's.
const LONGEST: usize = 9000;

/// What the server sends.
pub(super) struct Lines {
    read: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    begun: Vec<u8>,
    config: IrcConfig,
}

pub(super) type Write = Box<dyn AsyncWrite + Send + Unpin>;

/// Connects, encrypted where the configuration says so.
pub(super) async fn open(config: &IrcConfig) -> Result<(Lines, Write), PortError> {
    let failed = |detail: String| error(config, "connect", Kind::Unavailable, detail);
    let address = (config.host.as_str(), config.port);
    let connecting = TcpStream::connect(address);
    let tcp = tokio::time::timeout(CONNECT, connecting)
        .await
        .map_err(|_| failed("no answer in time".to_owned()))?
        .map_err(|e| failed(e.to_string()))?;
    let (read, write): (Box<dyn AsyncRead + Send + Unpin>, Write) = if config.tls {
        let stream = tls::encrypt(config, tcp).await?;
        let (read, write) = tokio::io::split(stream);
        (Box::new(read), Box::new(write))
    } else {
        let (read, write) = tcp.into_split();
        (Box::new(read), Box::new(write))
    };
    let lines = Lines {
        read: BufReader::new(read),
        begun: Vec::new(),
        config: config.clone(),
    };
    Ok((lines, write))
}

impl Lines {
    /// The next message; may be given up half-way. A line that makes no sense is passed over.
    pub async fn next(&mut self) -> Result<Message, PortError> {
        loop {
            let line = self.line().await?;
            if let Ok(message) = line.parse() {
                return Ok(message);
            }
            tracing::debug!(line, "a line from the IRC server that cannot be read");
        }
    }

    async fn line(&mut self) -> Result<String, PortError> {
        loop {
            let lost =
                |e: std::io::Error| error(&self.config, "read", Kind::Unavailable, e.to_string());
            let bytes = self.read.fill_buf().await.map_err(lost)?;
            if bytes.is_empty() {
                let detail = "the server closed the connection";
                return Err(error(&self.config, "read", Kind::Unavailable, detail));
            }
            let end = bytes.iter().position(|b| *b == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            if self.begun.len() <= LONGEST {
                self.begun.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.read.consume(used);
            if end.is_some() {
                let line = std::mem::take(&mut self.begun);
                let line = line.strip_suffix(b"\r").unwrap_or(&line);
                if !line.is_empty() && line.len() <= LONGEST {
                    return Ok(decode(line));
                }
            }
        }
    }
}
