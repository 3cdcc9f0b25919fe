//! Two servers of a network lose each other and find each other again.

use crate::person::Person;
use crate::servers::{Kind, Server, Wish, free_port};
use crate::world::{Bot, CHANNEL, config, on_both};
use osm_core::ports::PortError;

struct Network {
    one: Server,
    two: Server,
    oper: Person,
}

impl Network {
    async fn start(kind: Kind) -> Self {
        let [one, two, one_servers, two_servers] = [(); 4].map(|()| free_port());
        let (to_one, to_two) = match kind {
            Kind::Ngircd => (one, two),
            Kind::Inspircd => (one_servers, two_servers),
        };
        let wish = |linked| Wish {
            open: true,
            linked: Some(linked),
            ..Wish::default()
        };
        let two = Server::named(
            kind,
            "two.test",
            two,
            two_servers,
            &wish(("one.test", to_one)),
        );
        let one = Server::named(
            kind,
            "one.test",
            one,
            one_servers,
            &wish(("two.test", to_two)),
        );
        let mut oper = Person::join(one.port, "oper").await;
        oper.send("OPER oper secret").await;
        oper.hear(" 381 ").await;
        Self { one, two, oper }
    }

    /// Until somebody on the other side, who is in the channel, is seen.
    async fn link(&mut self, nick: &str) {
        self.oper.send("CONNECT two.test").await;
        self.oper.hear_from(nick, "JOIN").await;
    }

    async fn split(&mut self, nick: &str) {
        self.oper.send("SQUIT two.test :split").await;
        self.oper.hear_from(nick, "QUIT").await;
    }
}

#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn people_of_both_sides_are_heard_before_a_split_and_after_it() {
    on_both(async |kind| {
        let mut network = Network::start(kind).await;
        let mut ben = Person::join(network.two.port, "ben").await;
        let mut bot = Bot::enter(config(network.one.port)).await.unwrap();
        network.oper.hear(":cloudlog!").await;
        network.link("ben").await;
        ben.hear(":cloudlog!").await;
        for round in 0..3 {
            ben.say(format!("!log bots {round}")).await;
            let said = bot.next().await.unwrap();
            assert_eq!(
                (said.nick.as_str(), said.text),
                ("ben", format!("!log bots {round}"))
            );
            bot.voice.say(CHANNEL, &format!("answer {round}"));
            ben.hear(&format!("answer {round}")).await;
            network.split("ben").await;
            network.oper.say("alone").await;
            assert_eq!(bot.hears().await, "alone", "{kind:?}");
            network.link("ben").await;
            ben.hear(":cloudlog!").await;
        }
    })
    .await;
}

/// While the servers do not see each other somebody takes the bot's nick on the other one: ngIRCd then throws both
/// out, InspIRCd gives them numbers for names.
#[tokio::test]
#[ignore = "needs ngircd and inspircd"]
async fn two_of_the_same_nick_meet_after_a_split() {
    on_both(async |kind| {
        let mut network = Network::start(kind).await;
        let port = network.one.port;
        let mut bot = Bot::enter(config(port)).await.unwrap();
        network.oper.hear(":cloudlog!").await;
        let mut ben = Person::join(network.two.port, "ben").await;
        let mut thief = Person::join(network.two.port, "cloudlog").await;
        network.link("ben").await;
        network.oper.say("who is there?").await;
        let heard: Result<String, PortError> = bot.next().await.map(|said| said.text);
        if let Err(lost) = heard {
            assert_eq!(kind, Kind::Ngircd, "{lost}");
            bot = Bot::enter(config(port)).await.unwrap();
        } else {
            thief.send("NICK thief").await;
        }
        ben.hear("cloudlog").await;
        // As soon as it has its nick.
        loop {
            ben.say("!log bots after it").await;
            let said = bot.next().await.unwrap();
            if said.us == "cloudlog" && said.text == "!log bots after it" {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}
