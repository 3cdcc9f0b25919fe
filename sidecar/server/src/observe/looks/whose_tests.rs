use super::tests::*;
use super::*;
use uuid::Uuid;

/// Whose doing what is told is held to be, one after the other: each at its second, by a user with whatever
/// request id they chose.
fn doers(told: &[(i64, Event, &str)]) -> Vec<Option<String>> {
    let (mut looks, now) = (Looks::new(Some("people".to_owned())), Instant::now());
    let whose = told.iter().map(|(seconds, event, name)| {
        let domain = match *name {
            "nova" | "admin" => "services",
            _ => "people",
        };
        let by = Initiator {
            domain_id: domain.to_owned(),
            request_id: Some("req-chosen".to_owned()),
            ..user(name)
        };
        let notice = Notice {
            event: event.clone(),
            at: at(*seconds),
            by: Some(by),
        };
        looks.add(notice, Receipt(1), now);
        let (_, look) = looks.due(now + BURST).remove(0);
        let doer = look.doer(&ProjectId::trusted(BOTS));
        doer.map(|doer| doer.user_name.clone())
    });
    whose.collect()
}

fn port_in(project: &str) -> Event {
    Event::Look {
        id: ID,
        project_id: ProjectId::trusted(project),
        early: true,
    }
}

fn names(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| Some((*name).to_owned())).collect()
}

#[test]
fn what_nova_has_done_for_it_is_the_doing_of_who_asked_nova() {
    let told = [
        (1, port(), "nova"),
        (2, server(told()), "volunteer"),
        (3, port(), "nova"),
        (4, server(told()), "admin"),
        (5, port(), "nova"),
        (70, port(), "nova"),
    ];
    let whose = names(&["nova", "volunteer", "volunteer", "admin", "admin", "nova"]);
    assert_eq!(doers(&told), whose);
}

/// All these bear the same request id: a client may choose it.
#[test]
fn nobody_s_name_is_borrowed() {
    // Another person's port is their own doing, whatever they call the request.
    let told_then = |event, who| doers(&[(1, server(told()), "volunteer"), (2, event, who)]);
    assert_eq!(
        told_then(port_in(BOTS), "mallory"),
        names(&["volunteer", "mallory"])
    );
    // And in a project of their own it says nothing of a server that it names.
    let elsewhere = told_then(port_in("mallory's"), "mallory");
    assert_eq!(elsewhere, [Some("volunteer".to_owned()), None]);
    // What a service does to another server is nobody's whom it did not follow from.
    let other = InstanceId(Uuid::from_u128(8));
    let event = Event::Look {
        id: other,
        project_id: ProjectId::trusted(BOTS),
        early: true,
    };
    assert_eq!(told_then(event, "nova"), names(&["volunteer", "nova"]));
}
