//! The wiki adapter against a real MediaWiki with the shim: the lab's.
//!
//! `LAB_DIR=.lab LAB_WIKI_URL=http://127.0.0.1:8080/ cargo test -p osm-backends --test wiki -- --ignored`.
//! Each test has a page of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

use chrono::Utc;
use osm_backends::wiki::push::{self, Outcome, Reach, Shipped};
use osm_backends::wiki::{Wiki, WikiConfig};
use osm_core::ids::{OperationId, ProjectName};
use osm_core::pages::summary;
use osm_core::ports::{Edit, EditAs, Edited, Kind, WikiRead, WikiWrite};
use osm_core::signing::{Keys, Request, TO_WIKI, content_digest, sign};
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use url::Url;
use uuid::Uuid;

const SYSTEM: EditAs = EditAs::System { bot: false };

fn api_url() -> Url {
    let wiki = std::env::var("LAB_WIKI_URL").expect("LAB_WIKI_URL=http://host:port/");
    Url::parse(&wiki).unwrap().join("api.php").unwrap()
}

fn secret(name: &str) -> String {
    let lab = PathBuf::from(std::env::var("LAB_DIR").expect("LAB_DIR: the lab's state"));
    std::fs::read_to_string(lab.join("secrets").join(name)).expect(name)
}

fn wiki_with(keys: &str) -> Wiki {
    Wiki::new(WikiConfig {
        api_url: api_url(),
        keys: Keys::parse(keys).unwrap(),
        timeout: Wiki::CALL_TIMEOUT,
    })
    .unwrap()
}

fn wiki() -> Wiki {
    wiki_with(&secret("wiki.keys"))
}

async fn person(wiki: &Wiki, name: &str) -> EditAs {
    EditAs::User(wiki.user_id(name).await.unwrap().expect(name))
}

fn own_page() -> String {
    format!("Nova Resource:Test {}", Uuid::new_v4().simple())
}

fn edit(title: &str, text: &str, by: &EditAs, parent: u64) -> Edit {
    Edit {
        title: title.to_owned(),
        text: text.to_owned(),
        summary: format!("test of {title}"),
        by: by.clone(),
        parent,
    }
}

async fn save(wiki: &Wiki, title: &str, text: &str, by: &EditAs, parent: u64) -> u64 {
    match wiki.edit(&edit(title, text, by, parent)).await.unwrap() {
        Edited::Saved { revision, .. } => revision,
        other => panic!("{title}: {other:?}"),
    }
}

/// The wiki as a browser sees it.
struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new() -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            cookies: BTreeMap::new(),
        }
    }

    async fn post(&mut self, parameters: &[(&str, &str)]) -> Value {
        let jar: Vec<_> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let mut form = vec![("format", "json"), ("formatversion", "2")];
        form.extend_from_slice(parameters);
        let request = self.http.post(api_url()).header(COOKIE, jar.join("; "));
        let response = request.form(&form).send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        response.json().await.unwrap()
    }

    async fn token(&mut self, kind: &str) -> String {
        let reply = self
            .post(&[("action", "query"), ("meta", "tokens"), ("type", kind)])
            .await;
        let path = format!("/query/tokens/{kind}token");
        reply.pointer(&path).unwrap().as_str().unwrap().to_owned()
    }

    async fn log_in(name: &str, password: &str) -> Self {
        let mut browser = Self::new();
        let token = browser.token("login").await;
        let reply = browser
            .post(&[
                ("action", "clientlogin"),
                ("username", name),
                ("password", password),
                ("loginreturnurl", "http://127.0.0.1/"),
                ("logintoken", &token),
            ])
            .await;
        assert_eq!(reply["clientlogin"]["status"], "PASS", "{reply}");
        browser
    }

    async fn latest(&mut self, title: &str) -> Value {
        let reply = self
            .post(&[
                ("action", "query"),
                ("prop", "revisions"),
                ("rvprop", "user|comment|tags|flags"),
                ("titles", title),
            ])
            .await;
        reply["query"]["pages"][0]["revisions"][0].clone()
    }

    /// What Recent Changes has of a revision: MediaWiki puts it there, and the tag onto it, once it has answered.
    async fn recent_change(&mut self, title: &str, revision: u64) -> Value {
        for _ in 0..100 {
            let reply = self
                .post(&[
                    ("action", "query"),
                    ("list", "recentchanges"),
                    ("rctitle", title),
                    ("rcprop", "user|comment|tags|flags|ids"),
                ])
                .await;
            let changes = reply["query"]["recentchanges"].as_array().unwrap();
            let change = changes.iter().find(|c| c["revid"] == revision);
            if let Some(change) = change.filter(|c| c["tags"] != serde_json::json!([])) {
                return change.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("revision {revision} of {title} is not in Recent Changes");
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn an_edit_stands_under_the_persons_name() {
    let wiki = wiki();
    let title = own_page();
    let volunteer = person(&wiki, "Volunteer").await;
    let first = save(&wiki, &title, "one", &volunteer, 0).await;

    let mut browser = Browser::new();
    let change = browser.recent_change(&title, first).await;
    assert_eq!(change["user"], "Volunteer");
    assert_eq!(change["comment"], format!("test of {title}"));
    assert_eq!(change["bot"], false);
    assert_eq!(change["tags"], serde_json::json!(["openstackmanager"]));

    let page = &wiki.pages(std::slice::from_ref(&title)).await.unwrap()[0];
    assert_eq!((page.text.as_str(), page.revision), ("one", first));
    assert_eq!(page.last_editor.as_deref(), Some("Volunteer"));
    assert!(page.page_id.is_some());

    let same = wiki
        .edit(&edit(&title, "one", &volunteer, first))
        .await
        .unwrap();
    assert_eq!(same, Edited::Unchanged);

    let second = save(&wiki, &title, "two", &EditAs::System { bot: true }, first).await;
    assert!(second > first);
    let change = browser.recent_change(&title, second).await;
    assert_eq!(change["bot"], true);
    assert_eq!(browser.latest(&title).await["user"], "OpenStackManager");
}

/// That those of ours are read, the tests of a restore show: an operation that only the wiki knows would put
/// the lab's own sidecar on hold.
#[tokio::test]
#[ignore = "needs the lab"]
async fn nobody_makes_the_wiki_tell_of_an_operation() {
    let wiki = wiki();
    let (title, forged) = (own_page(), "01JDA3V6B8R3Z6K7H4T5N9QXYZ");
    let posed = format!("x (operation {forged})");
    let named = Edit {
        summary: summary::found(&posed, &ProjectName::trusted(posed.as_str())),
        ..edit(&title, "one", &SYSTEM, 0)
    };
    let Edited::Saved { revision, .. } = wiki.edit(&named).await.unwrap() else {
        panic!("not saved");
    };
    let mut browser = Browser::log_in("Volunteer", &secret("wiki-volunteer")).await;
    let change = browser.recent_change(&title, revision).await;
    assert_eq!(change["tags"], serde_json::json!(["openstackmanager"]));
    let token = browser.token("csrf").await;
    let mut own = vec![
        ("action", "edit"),
        ("title", "Sandbox"),
        ("text", title.as_str()),
        ("summary", posed.as_str()),
        ("token", token.as_str()),
    ];
    let reply = browser.post(&own).await;
    assert_eq!(reply["edit"]["result"], "Success", "{reply}");
    // The tag is the software's: it cannot be asked for.
    own.extend([("appendtext", "x"), ("tags", "openstackmanager")]);
    let reply = browser.post(&own).await;
    assert_eq!(reply["error"]["code"], "badtags", "{reply}");

    let told = wiki.told_operations(500).await.unwrap();
    assert!(told.iter().all(|(id, _)| id.as_str() != forged), "{told:?}");
    let real = told.iter().all(|(id, page)| {
        OperationId::ulid(id.as_str()).is_some() && page.starts_with("Nova Resource:")
    });
    assert!(real, "{told:?}");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn another_revision_than_the_parent_is_a_conflict() {
    let wiki = wiki();
    let title = own_page();
    let volunteer = person(&wiki, "Volunteer").await;
    let missing = wiki.edit(&edit(&title, "x", &volunteer, 1)).await.unwrap();
    assert_eq!(missing, Edited::Conflict, "the page was deleted since");
    let first = save(&wiki, &title, "one", &volunteer, 0).await;
    let twice = wiki.edit(&edit(&title, "x", &volunteer, 0)).await.unwrap();
    assert_eq!(twice, Edited::Conflict, "the page was made since");

    // The same person in a browser, which MediaWiki alone would not call a conflict.
    let mut browser = Browser::log_in("Volunteer", &secret("wiki-volunteer")).await;
    let token = browser.token("csrf").await;
    let reply = browser
        .post(&[
            ("action", "edit"),
            ("title", &title),
            ("text", "by hand"),
            ("token", &token),
        ])
        .await;
    assert_eq!(reply["edit"]["result"], "Success", "{reply}");
    let late = wiki
        .edit(&edit(&title, "two", &volunteer, first))
        .await
        .unwrap();
    assert_eq!(late, Edited::Conflict);
    let page = &wiki.pages(&[title]).await.unwrap()[0];
    assert_eq!(page.text, "by hand");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_protected_page_is_refused_to_the_person_only() {
    let wiki = wiki();
    let title = own_page();
    let volunteer = person(&wiki, "Volunteer").await;
    let first = save(&wiki, &title, "one", &volunteer, 0).await;
    let mut sysop = Browser::log_in("WikiSysop", &secret("wiki-sysop")).await;
    let token = sysop.token("csrf").await;
    let reply = sysop
        .post(&[
            ("action", "protect"),
            ("title", &title),
            ("protections", "edit=sysop"),
            ("token", &token),
        ])
        .await;
    assert!(reply.get("protect").is_some(), "{reply}");
    // Protecting adds a revision of the same text.
    let parent = wiki.pages(std::slice::from_ref(&title)).await.unwrap()[0].revision;
    assert!(parent > first);

    let refused = wiki
        .edit(&edit(&title, "two", &volunteer, parent))
        .await
        .unwrap();
    assert!(
        matches!(&refused, Edited::Refused { code, .. } if code == "protectedpage"),
        "{refused:?}"
    );
    save(&wiki, &title, "two", &SYSTEM, parent).await;
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn only_our_namespaces_and_only_users_there_are() {
    let wiki = wiki();
    let volunteer = person(&wiki, "Volunteer").await;
    for (title, by) in [
        ("User:Volunteer", &volunteer),
        ("Template:None of ours", &volunteer),
        ("No page of ours", &SYSTEM),
        ("Nova Resource:X", &EditAs::User(999_999)),
    ] {
        let outcome = wiki.edit(&edit(title, "x", by, 0)).await;
        assert!(
            matches!(outcome, Ok(Edited::Refused { .. })),
            "{title}: {outcome:?}"
        );
    }
    assert_eq!(wiki.user_id("Nobody of that name").await.unwrap(), None);
    let EditAs::User(id) = volunteer else {
        unreachable!()
    };
    let names = wiki.user_names(&[id, 999_999]).await.unwrap();
    assert_eq!(names, [(id, "Volunteer".to_owned())].into());
    assert_eq!(wiki.page_by_id(999_999_999).await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn the_latest_revisions_are_the_same_however_many_are_asked_for() {
    let wiki = wiki();
    let title = own_page();
    let first = save(&wiki, &title, "one", &SYSTEM, 0).await;
    let last = save(&wiki, &title, "two", &SYSTEM, first).await;
    let id = wiki.pages(&[title]).await.unwrap()[0].page_id.unwrap();
    let few = wiki.revisions(&[id, 999_999_999]).await.unwrap();
    assert_eq!(few, [(id, last)].into());
    // So many that the namespace is listed instead.
    let many: Vec<u64> = [id].into_iter().chain(900_000_000..900_002_001).collect();
    let all = wiki.revisions(&many).await.unwrap();
    assert_eq!(all.get(&id), Some(&last));
    assert!(!all.contains_key(&900_000_000));
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn pages_are_read_in_the_order_asked() {
    let wiki = wiki();
    let title = own_page();
    let lower = title.replace("Test", "test").replace(' ', "_");
    let redirect = own_page();
    save(&wiki, &title, "text", &SYSTEM, 0).await;
    save(
        &wiki,
        &redirect,
        &format!("#REDIRECT [[{title}]]"),
        &SYSTEM,
        0,
    )
    .await;

    let mut titles = vec![
        lower,
        redirect,
        "Nova Resource:None such".to_owned(),
        title.clone(),
    ];
    titles.extend((0..120).map(|n| format!("Nova Resource:Never made {n}")));
    let pages = wiki.pages(&titles).await.unwrap();
    assert_eq!(pages.len(), titles.len());
    assert_eq!(pages[0].title, title);
    assert_eq!(pages[0].text, "text");
    assert_eq!(pages[1].text, format!("#REDIRECT [[{title}]]"));
    assert_eq!((pages[2].page_id, pages[2].revision), (None, 0));
    assert_eq!(pages[3], pages[0]);
    assert_eq!(pages[123].title, "Nova Resource:Never made 119");

    let wrong = wiki
        .pages(&["Nova Resource:<x>".to_owned()])
        .await
        .unwrap_err();
    assert_eq!(wrong.kind, Kind::Rejected, "{wrong}");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn texts_larger_than_one_answer_are_all_read() {
    let wiki = wiki();
    // Five of these are more than the 8 MiB at which MediaWiki cuts an answer.
    let text = "x".repeat(1_900_000);
    let titles: Vec<String> = (0..5).map(|_| own_page()).collect();
    for title in &titles {
        save(&wiki, title, &text, &SYSTEM, 0).await;
    }
    let pages = wiki.pages(&titles).await.unwrap();
    assert!(pages.iter().all(|p| p.text.len() == text.len()));
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn another_key_is_denied_and_nothing_is_done() {
    let id = secret("wiki.keys").split(':').next().unwrap().to_owned();
    let stranger = wiki_with(&format!("{id}:{}", "00".repeat(32)));
    let title = own_page();
    let error = stranger
        .edit(&edit(&title, "x", &SYSTEM, 0))
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Denied, "{error}");
    let page = &wiki().pages(&[title]).await.unwrap()[0];
    assert_eq!(page.page_id, None);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_signed_request_is_good_for_one_time_and_for_its_own_body() {
    let keys = Keys::parse(&secret("wiki.keys")).unwrap();
    let url = api_url();
    let authority = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(80));
    let body = "action=query&meta=userinfo&format=json&formatversion=2&errorformat=plaintext";
    let form = "application/x-www-form-urlencoded";
    let request_id = Uuid::new_v4().to_string();
    let signed = sign(
        &TO_WIKI,
        &keys,
        Request {
            method: "POST",
            authority: &authority,
            path: url.path(),
            query: "",
            body: body.as_bytes(),
        },
        |name| match name {
            "content-type" => Some(form),
            "osm-request-id" => Some(request_id.as_str()),
            "osm-user" => Some("system"),
            "osm-parent" => Some("-"),
            _ => None,
        },
        Utc::now().timestamp(),
        &Uuid::new_v4().simple().to_string(),
    )
    .unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = |body: &str, digest: &str| {
        http.post(url.clone())
            .header("Content-Type", form)
            .header("OSM-Request-Id", &request_id)
            .header("OSM-User", "system")
            .header("OSM-Parent", "-")
            .header("Content-Digest", digest)
            .header("Signature-Input", &signed.signature_input)
            .header("Signature", &signed.signature)
            .body(body.to_owned())
            .send()
    };
    let other = format!("{body}&curtimestamp=1");
    for digest in [&signed.content_digest, &content_digest(other.as_bytes())] {
        assert_eq!(
            send(&other, digest).await.unwrap().status(),
            401,
            "another body"
        );
    }
    let first = send(body, &signed.content_digest).await.unwrap();
    assert!(first.headers().get(SET_COOKIE).is_none());
    let first: Value = first.json().await.unwrap();
    assert_eq!(
        first["query"]["userinfo"]["name"], "OpenStackManager",
        "{first}"
    );
    let again = send(body, &signed.content_digest).await.unwrap();
    assert_eq!(again.status(), 401, "a replay");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn the_wiki_says_what_it_is() {
    let info = wiki().info().await.unwrap();
    assert!(info.generator.starts_with("MediaWiki 1."), "{info:?}");
    assert_eq!(info.system_user, "OpenStackManager");
    assert_eq!(info.read_only, None);
    assert!(!info.extension_version.is_empty());
}

#[tokio::test]
async fn a_wiki_that_is_away_is_unavailable() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let wiki = Wiki::new(WikiConfig {
        api_url: Url::parse(&format!("http://127.0.0.1:{port}/api.php")).unwrap(),
        keys: Keys::parse(&format!("k:{}", "11".repeat(32))).unwrap(),
        timeout: Wiki::CALL_TIMEOUT,
    })
    .unwrap();
    let error = wiki.edit(&edit("X", "x", &SYSTEM, 0)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable, "{error}");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn templates_are_pushed_once_and_local_edits_stay() {
    let wiki = wiki();
    let smw = wiki.info().await.unwrap().smw;
    let shipped = push::shipped(smw).unwrap();
    for page in push::plan(&wiki, shipped.clone()).await.unwrap() {
        push::carry_out(&wiki, page).await.unwrap();
    }
    let again = push::plan(&wiki, shipped).await.unwrap();
    assert!(again.iter().all(|page| !page.writes()), "{again:?}");
    assert_eq!(Reach::of(&wiki, &again).await.unwrap().pages, 0);

    let title = format!("Template:Test {}", Uuid::new_v4().simple());
    let page = |text: &str| {
        vec![Shipped {
            title: title.clone(),
            text: text.to_owned(),
        }]
    };
    let plan = async |text| push::plan(&wiki, page(text)).await.unwrap().remove(0);
    let outcome = async |text| push::carry_out(&wiki, plan(text).await).await.unwrap();
    let first = plan("one").await;
    assert_eq!(outcome("one").await, Outcome::Created);
    // Somebody was quicker than whoever planned this; then that is looked at again.
    assert_eq!(push::carry_out(&wiki, first).await.unwrap(), Outcome::Same);
    assert_eq!(outcome("two").await, Outcome::Updated);
    let shows = own_page();
    save(&wiki, &shows, &format!("{{{{{title}}}}}"), &SYSTEM, 0).await;
    let reach = Reach::of(&wiki, &[plan("three").await]).await.unwrap();
    assert_eq!(reach.pages, 1);
    let mut sysop = Browser::log_in("WikiSysop", &secret("wiki-sysop")).await;
    let token = sysop.token("csrf").await;
    sysop
        .post(&[
            ("action", "edit"),
            ("title", &title),
            ("text", "ours"),
            ("token", &token),
        ])
        .await;
    let kept = outcome("three").await;
    let Outcome::Kept { editor, diff } = &kept else {
        panic!("{kept:?}");
    };
    assert_eq!(editor, "WikiSysop");
    assert!(diff.ends_with("@@ -1 +1 @@\n-ours\n+three\n"), "{diff}");
    let now = wiki.pages(std::slice::from_ref(&title)).await.unwrap();
    assert_eq!(now[0].text, "ours");
}
