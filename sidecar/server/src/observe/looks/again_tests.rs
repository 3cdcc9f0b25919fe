use super::tests::*;
use super::*;

#[test]
fn what_failed_waits_longer_each_time_and_takes_along_what_comes() {
    let (mut looks, now) = (Looks::default(), Instant::now());
    let notice = || Notice {
        event: gone(),
        at: at(1),
        by: None,
    };
    looks.add(notice(), Receipt(1), now);
    for tries in 0..3_u32 {
        let due = looks.next().unwrap();
        let (about, look) = looks.due(due).remove(0);
        assert_eq!(look.tries, tries);
        looks.again(about, look, now);
        assert_eq!(looks.next(), Some(now + BURST * 2_u32.pow(tries)));
        looks.add(notice(), Receipt(2), now);
    }
    let due = looks.next().unwrap();
    assert_eq!(looks.due(due).remove(0).1.receipts.len(), 4);
}

/// What is told early is looked at twice, so that two looks about the same may fail at once.
#[test]
fn two_that_fail_keep_all_receipts() {
    let (mut looks, now) = (Looks::default(), Instant::now());
    let notice = |event| Notice {
        event,
        at: at(1),
        by: None,
    };
    looks.add(notice(port()), Receipt(1), now);
    let (about, look) = looks.due(now + BURST).remove(0);
    looks.done(about, &look, now);
    looks.add(notice(server(told())), Receipt(2), now);
    let (about, first) = looks.due(now + BURST).remove(0);
    looks.again(about, first, now + LATER - BURST);
    looks.add(notice(server(stopped())), Receipt(3), now);
    let due = looks.due(now + LATER);
    assert_eq!(due.len(), 2);
    for (about, look) in due {
        looks.again(about, look, now + LATER);
    }
    let next = looks.next().unwrap();
    let mut due = looks.due(next);
    assert_eq!(due.len(), 1);
    assert_eq!(due.remove(0).1.receipts, [Receipt(2), Receipt(3)]);
    assert_eq!(looks.next(), None);
}

#[test]
fn however_often_it_failed_it_is_tried_again_within_a_minute() {
    let (mut looks, mut now) = (Looks::default(), Instant::now());
    let notice = Notice {
        event: gone(),
        at: at(1),
        by: None,
    };
    looks.add(notice, Receipt(1), now);
    for _ in 0..40 {
        let next = looks.next().unwrap();
        assert!(next - now <= LONGEST);
        now = next;
        let (about, look) = looks.due(now).remove(0);
        looks.again(about, look, now);
    }
}

#[test]
fn what_has_come_to_rest_is_looked_at_at_once_and_not_over_and_over() {
    let (mut looks, start) = (Looks::default(), Instant::now());
    let busy = Told {
        task_state: Some("powering-off".to_owned()),
        ..told()
    };
    let building = Told {
        status: "BUILD".to_owned(),
        ..told()
    };
    let tenths = |tenths: u32| start + Duration::from_millis(100) * tenths;
    for (after, told, due) in [
        (0, busy.clone(), 10),
        (3, stopped(), 3),
        (5, told(), 15),
        (6, stopped(), 15),
        (40, building, 50),
        (41, told(), 41),
        (70, stopped(), 70),
    ] {
        let notice = Notice {
            event: server(told),
            at: at(1),
            by: None,
        };
        looks.add(notice, Receipt(1), tenths(after));
        assert_eq!(looks.next(), Some(tenths(due)), "told after {after}");
        looks.due(tenths(after));
        if after == 6 {
            looks.due(tenths(due));
        }
    }
}
