//! A server of a few lines, which has services but offers none of what a network may have: neither of the real ones
//! can be brought to that.

use crate::world::config;
use osm_backends::irc::Irc;
use osm_core::ports::Chat as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a server without capabilities says to each line of a client.
fn answer(line: &str) -> &'static str {
    match line.split(' ').next().unwrap_or_default() {
        "CAP" => ":irc 421 cloudlog CAP :Unknown command\r\n",
        "USER" => ":irc 001 cloudlog :Welcome\r\n",
        "JOIN" => concat!(
            ":cloudlog!cloudlog@host JOIN #cloud\r\n",
            ":ada!~ada@ada.example PRIVMSG #cloud :hello\r\n",
            ":ada!~ada@ada.example PRIVMSG #Cloud :!log bots one\r\n",
            ":ben!~ben@ben.example PRIVMSG #cloud :!log bots two\r\n",
        ),
        "WHOIS" if line.ends_with(" ada") => concat!(
            ":irc 311 cloudlog ada ~ada ada.example * :Ada\r\n",
            ":irc 330 cloudlog ada Lovelace :is logged in as\r\n",
            ":irc 318 cloudlog ada :End of WHOIS list\r\n",
        ),
        "WHOIS" => {
            ":irc 401 cloudlog ben :No such nick\r\n:irc 318 cloudlog ben :End of WHOIS list\r\n"
        }
        _ => "",
    }
}

async fn serve(stream: TcpStream) -> std::io::Result<Vec<String>> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut heard = Vec::new();
    while let Some(line) = lines.next_line().await? {
        write.write_all(answer(&line).as_bytes()).await?;
        heard.push(line);
    }
    Ok(heard)
}

#[tokio::test]
async fn a_server_that_does_not_say_who_speaks_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move { serve(listener.accept().await?.0).await });
    let irc = Irc::new(config(port));
    let mut talk = irc.connect().await.unwrap();
    let mut said = Vec::new();
    for _ in 0..3 {
        let next = talk.next().await.unwrap();
        assert_eq!(next.channel.as_deref(), Some("#cloud"));
        said.push((next.text, next.account));
    }
    let wanted = [
        ("hello", None),
        ("!log bots one", Some("Lovelace")),
        ("!log bots two", None),
    ];
    let wanted = wanted.map(|(text, account)| (text.to_owned(), account.map(str::to_owned)));
    assert_eq!(said, wanted);
    drop(talk);
    let heard = server.await.unwrap().unwrap();
    let asked: Vec<&String> = heard.iter().filter(|l| l.starts_with("WHOIS")).collect();
    assert_eq!(asked, ["WHOIS ada", "WHOIS ben"]);
}
