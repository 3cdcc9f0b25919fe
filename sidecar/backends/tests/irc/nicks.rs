//! The bot's nick, and its place in the channel.

use crate::person::Person;
use crate::servers::{Kind, Server, Wish};
use crate::world::{Bot, CHANNEL, config, on_both};

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn a_taken_nick_is_taken_back() {
    on_both(async |kind| {
        let server = Server::start(kind, &Wish::default());
        let mut ada = Person::join(server.port, "ada").await;
        let mut thief = Person::enter(server.port, "cloudlog").await;
        // ngIRCd takes nine letters and no more.
        let mut other = Person::enter(server.port, "cloudlog_").await;
        let mut bot = Bot::enter(config(server.port)).await.unwrap();
        ada.hear(":cloudlo__!").await;
        ada.say("cloudlo__: help").await;
        assert_eq!(bot.next().await.unwrap().us, "cloudlo__");
        other.send("QUIT :bye").await;
        // The thief is in no channel of ours: nobody tells us that it goes. We look, after a while.
        thief.send("QUIT :bye").await;
        ada.hear(":cloudlo__!").await;
        ada.say("there you are").await;
        assert_eq!(bot.next().await.unwrap().us, "cloudlog", "{kind:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn a_thief_that_is_seen_to_go_leaves_the_nick_at_once() {
    on_both(async |kind| {
        let server = Server::start(kind, &Wish::default());
        let mut thief = Person::join(server.port, "cloudlog").await;
        let mut ada = Person::join(server.port, "ada").await;
        let mut bot = Bot::enter(config(server.port)).await.unwrap();
        ada.hear(":cloudlog_!").await;
        thief.send("NICK thief").await;
        ada.hear(":cloudlog_!").await;
        ada.say("there you are").await;
        assert_eq!(bot.next().await.unwrap().us, "cloudlog", "{kind:?}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs ngircd"]
async fn a_nick_that_the_server_does_not_take_is_told() {
    let server = Server::start(Kind::Ngircd, &Wish::default());
    let mut wrong = config(server.port);
    wrong.nick = "much-too-long".to_owned();
    let error = Bot::enter(wrong).await.err().unwrap().to_string();
    assert!(
        error.contains("does not take the nick") && error.contains("too long"),
        "{error}"
    );
}

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn kicked_out_it_comes_back() {
    on_both(async |kind| {
        let server = Server::start(kind, &Wish::default());
        // Who comes first may kick.
        let mut ada = Person::join(server.port, "ada").await;
        let mut bot = Bot::enter(config(server.port)).await.unwrap();
        ada.hear(":cloudlog!").await;
        ada.send(format!("KICK {CHANNEL} cloudlog :go")).await;
        ada.hear("KICK").await;
        ada.hear(":cloudlog!").await;
        ada.say("back again").await;
        assert_eq!(bot.hears().await, "back again", "{kind:?}");
    })
    .await;
}
