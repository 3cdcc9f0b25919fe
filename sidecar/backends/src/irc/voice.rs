//! Speaking no faster than the network allows.

use super::LINE;
use super::stream::Write;
use osm_core::ports::Voice as Port;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;
use tracing::warn;

/// So many answers wait at most: after a flood nobody reads the rest.
const WAITING: usize = 500;
/// Words to the server itself that wait.
const PROMPT: usize = 100;

const END: &str = "\r\n";

/// Says lines, from a task of its own, until it is dropped.
#[derive(Clone)]
pub(super) struct Voice {
    prompt: Sender<String>,
    slow: Sender<String>,
}

impl Voice {
    pub fn new(write: Write, burst: u32, pause: Duration) -> Self {
        let (prompt, prompt_lines) = channel(PROMPT);
        let (slow, slow_lines) = channel(WAITING);
        tokio::spawn(speak(write, prompt_lines, slow_lines, burst, pause));
        Self { prompt, slow }
    }

    /// A word to the server that cannot wait: an answer to its ping, or the way in.
    pub fn at_once(&self, line: impl Into<String>) {
        if self.prompt.try_send(line.into()).is_err() {
            warn!("the IRC server does not take what we say");
        }
    }

    /// In its turn.
    pub fn in_turn(&self, line: String) {
        if self.slow.try_send(line).is_err() {
            warn!("too many answers wait to be said on IRC; this one is not said");
        }
    }
}

impl Port for Voice {
    fn say(&self, to: &str, text: &str) {
        self.in_turn(format!("PRIVMSG {to} :{text}"));
    }
}

async fn speak(
    mut write: Write,
    mut prompt: Receiver<String>,
    mut slow: Receiver<String>,
    burst: u32,
    pause: Duration,
) {
    // When the line after the next may be said had all been said as fast as is allowed.
    let mut ahead = Instant::now();
    loop {
        let free = ahead
            .checked_sub(pause * burst.saturating_sub(1))
            .unwrap_or(ahead);
        let line = tokio::select! {
            biased;
            line = prompt.recv() => match line {
                Some(line) => line,
                None => break,
            },
            line = async {
                tokio::time::sleep_until(free).await;
                slow.recv().await
            } => match line {
                Some(line) => {
                    ahead = ahead.max(Instant::now()) + pause;
                    line
                }
                None => break,
            },
        };
        let sent = write.write_all(one_line(&line).as_bytes()).await;
        if sent.is_err() || write.flush().await.is_err() {
            // Whoever reads learns it, too.
            break;
        }
    }
    let _ = write.shutdown().await;
}

/// Nothing that is said can hold another line, or is longer than a line may be: some servers end a connection for it.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(LINE);
    for c in text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')) {
        if line.len() + c.len_utf8() + END.len() > LINE {
            break;
        }
        line.push(c);
    }
    line.push_str(END);
    line
}
