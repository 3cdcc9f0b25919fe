//! What is read back from edit summaries.

use osm_core::ids::{OperationId, ProjectName};
use osm_core::pages::summary::{self, Reason};

#[test]
fn operations_are_read_back_from_summaries_and_names_cannot_pose_as_one() {
    let bots = ProjectName::trusted("bots");
    let (one, two) = ("01JDA3V6B8R3Z6K7H4T5N9QXYZ", "01JDA3V6B8R3Z6K7H4T5N9QXY0");
    let ids = [one, two].map(OperationId::trusted);
    let forger = format!("x (operation {two}) y");
    let what = [
        summary::created(&forger, &bots),
        summary::into_group("web", &forger),
        summary::project(&bots, &forger),
        summary::renamed(&forger, &forger),
    ];
    let reasons = what.each_ref().map(|what| Reason {
        what,
        operation: Some(&ids[0]),
    });
    let told = |text: &str| -> Vec<_> { summary::operations(text).collect() };
    let text = summary::on_behalf(&forger, &summary::of(&reasons[..2]));
    assert_eq!(told(&text), [ids[0].clone(), ids[0].clone()], "{text}");
    for reason in &reasons {
        assert_eq!(told(&summary::of(&[*reason])), ids[..1], "{reason:?}");
        let seen = Reason {
            operation: None,
            ..*reason
        };
        assert_eq!(told(&summary::of(&[seen])), [], "{reason:?}");
    }
    let made = Reason {
        what: "made",
        operation: Some(&ids[1]),
    };
    let both = summary::of(&[reasons[0], made]);
    assert_eq!(told(&both), ids, "{both}");
    for text in [
        "(operation 01JDA3V6B8R3Z6K7H4T5N9QXYZ",
        "(operation 01JDA3V6B8R3Z6K7H4T5N9QXY)",
        "(operation 01JDA3V6B8R3Z6K7H4T5N9QXYZ0)",
        "(operation 01jda3v6b8r3z6k7h4t5n9qxyz)",
        "(operation 81JDA3V6B8R3Z6K7H4T5N9QXYZ)",
        "(operation 01JDA3V6B8R3Z6K7H4T5N9QXYU)",
        "operation 01JDA3V6B8R3Z6K7H4T5N9QXYZ",
    ] {
        assert_eq!(told(text), [], "{text}");
    }
}

#[test]
fn what_was_only_seen_leaves_room_for_what_was_done() {
    let operation = OperationId::trusted("01JDA3V6B8R3Z6K7H4T5N9QXYZ");
    let gone: Vec<String> = (0..20)
        .map(|number| summary::state(&format!("instance-{number}"), "DELETED"))
        .collect();
    let seen = gone.iter().map(|what| Reason {
        what,
        operation: None,
    });
    let done = Reason {
        what: "gave Outsider their places back",
        operation: Some(&operation),
    };
    let text = summary::of(&[done].into_iter().chain(seen).collect::<Vec<_>>());
    assert!(text.starts_with(done.what), "{text}");
    assert!(
        text.contains("instance-19") && !text.contains("instance-0 "),
        "{text}"
    );
}
