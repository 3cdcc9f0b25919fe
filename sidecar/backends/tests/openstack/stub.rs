//! A cloud of one socket that says what a test wants it to say, down to the bytes.

use osm_backends::openstack::{OpenStack, OpenStackConfig};
use osm_backends::secret::Secret;
use osm_core::ids::{ProjectId, Region};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub const PASSWORD: &str = "pass-word-91ab";
pub const TOKEN: &str = "token-77ce";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET /v2.1/servers?…`
    pub line: String,
    pub head: String,
    pub body: String,
}

/// What is sent back.
#[derive(Clone)]
pub enum Answer {
    Bytes(Vec<u8>),
    Hang,
}

impl Answer {
    /// How patient the adapter is to be with it.
    pub fn patience(&self) -> Duration {
        match self {
            Self::Bytes(_) => Duration::from_secs(20),
            Self::Hang => Duration::from_secs(1),
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "", &body.to_string())
    }

    /// With further header lines, each ending in CR LF.
    pub fn text(status: u16, headers: &str, body: &str) -> Self {
        Self::Bytes(
            format!(
                "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Connection: close\r\nX-OpenStack-Request-Id: req-of-the-service\r\n{headers}\r\n{body}",
                body.len()
            )
            .into_bytes(),
        )
    }
}

/// Decides the answer to the n-th request (from 0) of this very line; `None` is the usual answer.
type Script = dyn Fn(&Seen, usize) -> Option<Answer> + Send + Sync;

pub struct Stub {
    pub cloud: OpenStack,
    seen: Arc<Mutex<Vec<Seen>>>,
}

pub fn region() -> Region {
    Region::trusted("RegionOne")
}

pub fn bots() -> ProjectId {
    ProjectId::trusted("b075")
}

impl Stub {
    pub async fn new(
        script: impl Fn(&Seen, usize) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        Self::patient(Duration::from_secs(20), script).await
    }

    /// With an adapter that waits so long for an answer.
    pub async fn patient(
        patience: Duration,
        script: impl Fn(&Seen, usize) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let config = OpenStackConfig {
            auth_url: format!("{address}/v3"),
            username: "service".to_owned(),
            user_domain: "Default".to_owned(),
            password: Secret::new(PASSWORD),
            project_domain: "Default".to_owned(),
            reader_project: "reading".to_owned(),
            interface: "public".to_owned(),
            regions: vec![region()],
        };
        let script: Arc<Script> = Arc::new(script);
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                let address = address.clone();
                tokio::spawn(async move { serve(stream, &address, &*script, &log).await });
            }
        });
        let cloud = OpenStack::with_timeout(config, patience).unwrap();
        Self { cloud, seen }
    }

    /// The requests whose line begins so.
    pub fn seen(&self, line: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        let alike = seen.iter().filter(|s| s.line.starts_with(line));
        alike.cloned().collect()
    }
}

async fn serve(stream: TcpStream, address: &str, script: &Script, log: &Mutex<Vec<Seen>>) {
    let mut stream = BufReader::new(stream);
    let Some(seen) = read(&mut stream).await else {
        return;
    };
    let nth = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.iter().filter(|s| s.line == seen.line).count() - 1
    };
    let answer = script(&seen, nth).or_else(|| usual(&seen, address));
    match answer.unwrap_or_else(|| Answer::text(501, "", "nothing is scripted")) {
        Answer::Bytes(bytes) => stream.write_all(&bytes).await.unwrap_or_default(),
        // Until the client goes away.
        Answer::Hang => drop(stream.read(&mut [0]).await),
    }
    stream.shutdown().await.unwrap_or_default();
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase().replacen("\r\n", "\n", 1);
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next()?.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let mut words = head.split(' ');
    let line = format!("{} {}", words.next()?.to_uppercase(), words.next()?);
    Some(Seen {
        line,
        head,
        body: String::from_utf8(body).ok()?,
    })
}

/// Logins, versions, projects and images, so that a script holds only what its test is about.
fn usual(seen: &Seen, address: &str) -> Option<Answer> {
    Some(match seen.line.split('?').next()? {
        "POST /v3/auth/tokens" => login(address, "2099-01-01T01:00:00Z"),
        "GET /v3/auth/projects" => Answer::json(
            200,
            &json!({"projects": [
                {"id": "b075", "name": "bots", "domain_id": "default", "enabled": true},
                {"id": "7001", "name": "tools", "domain_id": "default", "enabled": true},
                {"id": "b0750", "name": "bots", "domain_id": "elsewhere", "enabled": true},
            ]}),
        ),
        "GET /v2.1/" => Answer::json(
            200,
            &json!({"version": {"version": "2.104", "min_version": "2.1"}}),
        ),
        "GET /v2/images" => Answer::json(200, &json!({"images": []})),
        _ => return None,
    })
}

/// A login whose token was made at 2099-01-01T00:00:00Z and ends as said.
pub fn login(address: &str, expires: &str) -> Answer {
    let endpoint = |kind: &str, path: &str| {
        json!({"type": kind, "endpoints": [
            {"interface": "internal", "region_id": "RegionOne", "url": "http://127.0.0.1:9"},
            {"interface": "public", "region_id": "Other", "url": "http://127.0.0.1:9"},
            {"interface": "public", "region_id": "RegionOne", "url": format!("{address}{path}")},
        ]})
    };
    let body = json!({"token": {
        "issued_at": "2099-01-01T00:00:00Z",
        "expires_at": expires,
        "user": {"id": "us"},
        "project": {"id": "0", "name": "reading", "domain": {"id": "default", "name": "Default"}},
        "catalog": [endpoint("compute", "/v2.1"), endpoint("image", ""), endpoint("network", "")],
    }});
    Answer::text(
        201,
        &format!("X-Subject-Token: {TOKEN}\r\n"),
        &body.to_string(),
    )
}
