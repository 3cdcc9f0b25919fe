//! What is said, and answered.

use crate::person::Person;
use crate::servers::{Server, Wish};
use crate::world::{Bot, CHANNEL, config, on_both};
use std::time::Duration;

/// The longest line that a client may send, without its end.
const LINE: usize = 510;

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn a_message_is_heard_and_answered() {
    on_both(async |kind| {
        let server = Server::start(kind, &Wish::default());
        let mut ada = Person::join(server.port, "ada").await;
        let mut bot = Bot::enter(config(server.port)).await.unwrap();
        ada.hear(":cloudlog!").await;
        ada.say("!log bots Added cluebot to bots1").await;
        let said = bot.next().await.unwrap();
        assert_eq!(said.text, "!log bots Added cluebot to bots1");
        assert_eq!((said.nick.as_str(), said.us.as_str()), ("ada", "cloudlog"));
        assert_eq!(said.channel.as_deref(), Some(CHANNEL), "{kind:?}");
        assert_eq!(said.account, None);
        // The longest answer comes whole.
        let long = "x".repeat(said.room);
        bot.voice.say(CHANNEL, &long);
        ada.hear(&format!("PRIVMSG {CHANNEL} :{long}")).await;
        // What is longer is cut, and does not end the connection.
        bot.voice.say(CHANNEL, &"🐢".repeat(300));
        bot.voice.say("ada", "alone");
        let cut = ada.hear("🐢").await;
        assert!(whole(&cut).ends_with('🐢'), "{cut}");
        ada.hear("PRIVMSG ada :alone").await;
        ada.send("PRIVMSG cloudlog :link CODE").await;
        let said = bot.next().await.unwrap();
        assert_eq!((said.channel, said.text.as_str()), (None, "link CODE"));
    })
    .await;
}

/// What is left of a text that a server cut: ngIRCd says so, behind the half of a character.
fn whole(heard: &str) -> &str {
    let cut = heard.strip_suffix("[CUT]").unwrap_or(heard);
    cut.trim_end_matches('\u{fffd}')
}

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn bytes_of_all_kinds() {
    on_both(async |kind| {
        let server = Server::start(
            kind,
            &Wish {
                open: true,
                ..Wish::default()
            },
        );
        let mut ada = Person::join(server.port, "ada").await;
        let mut bot = Bot::enter(config(server.port)).await.unwrap();
        ada.hear(":cloudlog!").await;
        // The server puts a prefix before it and cuts the end, at each place within a character.
        for pad in 0..4 {
            let head = format!("!log bots {}", "x".repeat(pad));
            let room = LINE - format!("PRIVMSG {CHANNEL} :{head}").len();
            ada.say(format!("{head}{}", "🐢".repeat(room / 4))).await;
            let heard = bot.hears().await;
            let turtles = whole(&heard)
                .strip_prefix(&head)
                .unwrap_or_else(|| panic!("{heard}"));
            assert!(turtles.chars().count() > 100, "{kind:?} {heard}");
            assert!(turtles.chars().all(|c| c == '🐢'), "{kind:?} {heard}");
        }
        ada.say(b"!log bots \x02bold\x02 \x034,5red\x03 gr\xfcn end")
            .await;
        let heard = bot.hears().await;
        assert_eq!(
            heard,
            "!log bots \u{2}bold\u{2} \u{3}4,5red\u{3} gr\u{fffd}n end"
        );
        ada.say("\u{1}ACTION !log bots x\u{1}").await;
        assert_eq!(bot.hears().await, "\u{1}ACTION !log bots x\u{1}");
        // A program's question is answered to who asks, and nobody else hears of it.
        ada.send("PRIVMSG cloudlog :\u{1}VERSION\u{1}").await;
        ada.hear("NOTICE ada :\u{1}VERSION OpenStackManager ").await;
        ada.send(format!("NOTICE {CHANNEL} :!log bots a notice"))
            .await;
        ada.say("!log bots last").await;
        assert_eq!(bot.hears().await, "!log bots last");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn a_flood_is_heard_whole_and_in_order() {
    on_both(async |kind| {
        let server = Server::start(
            kind,
            &Wish {
                open: true,
                ..Wish::default()
            },
        );
        let mut ada = Person::join(server.port, "ada").await;
        let mut bot = Bot::enter(config(server.port)).await.unwrap();
        ada.hear(":cloudlog!").await;
        for n in 0..500 {
            ada.say(format!("!log bots {n}")).await;
        }
        for n in 0..500 {
            assert_eq!(bot.hears().await, format!("!log bots {n}"), "{kind:?}");
        }
    })
    .await;
}

/// With the server's own limits, which end a connection that says more, and the pace that is ours without any other
/// word in the configuration.
#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn it_never_says_more_than_the_server_allows() {
    on_both(async |kind| {
        let server = Server::start(kind, &Wish::default());
        let mut ada = Person::join(server.port, "ada").await;
        let mut calm = config(server.port);
        (calm.burst, calm.pause) = (5, Duration::from_secs(1));
        let mut bot = Bot::enter(calm).await.unwrap();
        ada.hear(":cloudlog!").await;
        for n in 0..16 {
            bot.voice.say(CHANNEL, &format!("answer {n}."));
        }
        for n in 0..16 {
            ada.hear(&format!("PRIVMSG {CHANNEL} :answer {n}.")).await;
        }
        ada.say("still there?").await;
        assert_eq!(bot.hears().await, "still there?", "{kind:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn a_server_that_goes_is_an_error_that_says_so() {
    on_both(async |kind| {
        let server = Server::start(kind, &Wish::default());
        let port = server.port;
        let mut ada = Person::join(port, "ada").await;
        let mut bot = Bot::enter(config(port)).await.unwrap();
        ada.hear(":cloudlog!").await;
        drop(server);
        let lost = bot.next().await.unwrap_err().to_string();
        assert!(lost.contains(&format!("test (127.0.0.1:{port})")), "{lost}");
        let away = Bot::enter(config(port)).await.err().unwrap().to_string();
        assert!(
            away.contains("irc: connect test") && away.contains("refused"),
            "{away}"
        );
        let again = Server::named(kind, "one.test", port, 0, &Wish::default());
        let mut ada = Person::join(again.port, "ada").await;
        let _bot = Bot::enter(config(port)).await.unwrap();
        ada.hear(":cloudlog!").await;
    })
    .await;
}
