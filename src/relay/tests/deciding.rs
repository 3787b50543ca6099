//! The policy with a simulated history: no clock, no network.

use crate::formats::goproxy::{List, Rotate};
use crate::judgement::request::crossings::Crossings;
use crate::judgement::request::policy::*;
use crate::vocabulary::Cause;
use std::time::Duration;

const ENOUGH: Allowance = Allowance { retry: true, time: Duration::from_secs(60) };

fn asked() -> Asked {
    Asked {
        pinned: true,
        attempts: 4,
        backoff_base: Duration::from_millis(500),
        backoff_max: Duration::from_secs(15),
        ..Asked::default()
    }
}

fn crossings(list: &str) -> Crossings {
    Crossings::new(&List::parse(list), Rotate::Listed, 0)
}

fn eof(upstream: usize) -> Try {
    Try { upstream, outcome: Outcome::Fault { cause: Cause::Eof, gained: false } }
}

fn said(upstream: usize, outcome: Outcome) -> Try {
    Try { upstream, outcome }
}

fn fresh(n: usize) -> Vec<Condition> {
    vec![Condition::default(); n]
}

/// Plays a request against upstreams that always answer the same, and returns whom it asked
/// and how it ended.
fn play(asked: &Asked, list: &str, answers: &[Outcome]) -> (Vec<usize>, Step) {
    let crossings = crossings(list);
    let mut tries = Vec::new();
    loop {
        match next(asked, &crossings, &tries, &fresh(crossings.len()), ENOUGH) {
            Step::Ask(upstream, _) => tries.push(said(upstream, answers[upstream].clone())),
            end => return (tries.iter().map(|t| t.upstream).collect(), end),
        }
        assert!(tries.len() < 100, "no end");
    }
}

fn fault() -> Outcome {
    Outcome::Fault { cause: Cause::Eof, gained: false }
}

#[test]
fn faults_go_round_the_permitted_upstreams() {
    let public = "https://goproxy.cn,https://goproxy.io,direct";
    assert_eq!(play(&asked(), public, &[fault(), fault()]), (vec![0, 1, 0, 1, 0, 1, 0, 1], Step::GiveUp));
    let corp = "https://athens.corp,https://proxy.golang.org,direct";
    assert_eq!(play(&asked(), corp, &[fault(), fault()]), (vec![0, 0, 0, 0], Step::GiveUp));
    // The pipe inside a list of mixed separators: go would go on to `direct`.
    let piped = "https://athens.corp|https://proxy.golang.org|direct";
    assert_eq!(play(&asked(), piped, &[fault(), fault()]).1, Step::GiveUp, "the pipe is shown to go");
    let mixed = "https://goproxy.cn,https://athens.corp|direct";
    assert_eq!(play(&asked(), mixed, &[Outcome::NotFound, fault()]).1, Step::NotFound);
    assert_eq!(
        play(&asked(), "https://athens.corp,https://a.corp|direct", &[fault(), fault()]).1,
        Step::GiveUp
    );
}

#[test]
fn not_found_is_an_answer_only_from_all_that_go_would_have_asked() {
    let public = "https://goproxy.cn,https://goproxy.io,direct";
    assert_eq!(play(&asked(), public, &[Outcome::NotFound, Outcome::NotFound]), (vec![0, 1], Step::NotFound));
    assert_eq!(play(&asked(), public, &[fault(), Outcome::NotFound]).1, Step::NotFound);
    let alone = "https://goproxy.cn,https://goproxy.io";
    assert_eq!(play(&asked(), alone, &[fault(), Outcome::NotFound]).1, Step::GiveUp);
    // Athens down, and the second lacks it: an outage of Athens stays one.
    let corp = "https://athens.corp,https://b.corp,direct";
    assert_eq!(play(&asked(), corp, &[fault(), Outcome::NotFound]).1, Step::GiveUp);
}

#[test]
fn a_dead_one_whose_failure_leads_to_direct_is_not_waited_for() {
    let crossings = crossings("https://goproxy.cn,https://goproxy.io,direct");
    let mut conditions = fresh(2);
    conditions[0].open = true;
    assert_eq!(next(&asked(), &crossings, &[], &conditions, ENOUGH), Step::Ask(1, Wait::None));
    let tries = [said(1, Outcome::NotFound)];
    assert_eq!(next(&asked(), &crossings, &tries, &conditions, ENOUGH), Step::NotFound);
    let own = Crossings::new(&List::parse("http://a.corp,http://b.corp,direct"), Rotate::Listed, 0);
    assert_eq!(next(&asked(), &own, &tries, &conditions, ENOUGH), Step::Ask(0, Wait::None));
}

#[test]
fn refusals_stop_but_for_pipes_and_for_those_who_refuse_everything() {
    let comma = crossings("https://goproxy.cn,https://goproxy.io,direct");
    let pipe = crossings("https://goproxy.cn|https://goproxy.io|direct");
    let mut conditions = fresh(2);
    let denied = |status| [said(0, Outcome::Denied(status))];
    assert_eq!(next(&asked(), &comma, &denied(403), &conditions, ENOUGH), Step::Ask(1, Wait::None));
    assert_eq!(next(&asked(), &comma, &denied(401), &conditions, ENOUGH), Step::PassOn(0));
    assert_eq!(next(&asked(), &pipe, &denied(401), &conditions, ENOUGH), Step::Ask(1, Wait::None));
    conditions[0].served = true;
    assert_eq!(next(&asked(), &comma, &denied(403), &conditions, ENOUGH), Step::PassOn(0));
    let private = Asked { private: true, ..asked() };
    assert_eq!(next(&private, &comma, &denied(403), &fresh(2), ENOUGH), Step::PassOn(0));
}

#[test]
fn waits_begin_small_where_it_is_healthy_and_grow() {
    let crossings = crossings("https://goproxy.cn,direct");
    let wait = |n: usize, healthy: bool| {
        let conditions = [Condition { healthy, ..Condition::default() }];
        match next(&asked(), &crossings, &vec![eof(0); n], &conditions, ENOUGH) {
            Step::Ask(0, wait) => Some(wait),
            _ => None,
        }
    };
    let ms = |ms| Some(Wait::Backoff(Duration::from_millis(ms)));
    assert_eq!([wait(1, false), wait(2, false), wait(3, false)], [Some(Wait::None), ms(500), ms(1000)]);
    assert_eq!(wait(4, false), None, "attempts are spent");
    assert_eq!([wait(1, true), wait(2, true), wait(7, true)], [Some(Wait::None), ms(20), ms(640)]);
    assert_eq!(wait(8, true), None);
}

#[test]
fn pauses_asked_for_are_kept_and_bounded() {
    let crossings = crossings("https://goproxy.cn,direct");
    let mut conditions = fresh(1);
    conditions[0].rests = Duration::from_secs(7);
    let pause = Some(Duration::from_secs(7));
    let tries = vec![said(0, Outcome::Limited { pause }); 30];
    let rest = Step::Ask(0, Wait::Rest(Duration::from_secs(7)));
    assert_eq!(next(&asked(), &crossings, &tries, &conditions, ENOUGH), rest);
    assert_eq!(next(&asked(), &crossings, &[], &conditions, ENOUGH), rest, "shared by all requests");
    conditions[0].rests = Duration::from_secs(3600);
    assert_eq!(next(&asked(), &crossings, &tries, &conditions, ENOUGH), Step::GiveUp);
    assert_eq!(next(&asked(), &crossings, &[], &conditions, ENOUGH), Step::GiveUp);
    let hammering = vec![said(0, Outcome::Limited { pause: Some(Duration::ZERO) }); 4];
    assert_eq!(next(&asked(), &crossings, &hammering, &fresh(1), ENOUGH), Step::GiveUp);
    let two = Crossings::new(&List::parse("https://goproxy.cn,https://goproxy.io"), Rotate::Listed, 0);
    let conditions =
        [Condition { rests: Duration::from_secs(7), ..Condition::default() }, Condition::default()];
    assert_eq!(next(&asked(), &two, &tries[..1], &conditions, ENOUGH), Step::Ask(1, Wait::None));
}

#[test]
fn budgets_end_it() {
    let crossings = crossings("https://goproxy.cn,direct");
    let none_left = Allowance { retry: false, ..ENOUGH };
    let no_time = Allowance { time: Duration::ZERO, ..ENOUGH };
    for allowance in [none_left, no_time] {
        assert_eq!(next(&asked(), &crossings, &[eof(0)], &fresh(1), allowance), Step::GiveUp);
    }
    assert!(is_retry_affordable(50 + 449, 900) && !is_retry_affordable(50 + 450, 900));
}

#[test]
fn a_body_that_moves_on_is_continued_where_it_is() {
    let crossings = crossings("https://goproxy.cn,https://goproxy.io,direct");
    let gained = said(0, Outcome::Fault { cause: Cause::Eof, gained: true });
    let tries = vec![gained.clone(); 10];
    assert_eq!(next(&asked(), &crossings, &tries, &fresh(2), ENOUGH), Step::Ask(0, Wait::None));
    let endless = vec![gained; MAX_PIECES];
    assert_eq!(next(&asked(), &crossings, &endless, &fresh(2), ENOUGH), Step::GiveUp);
}

#[test]
fn wrong_bytes_are_believed_when_they_stay() {
    let hard = |upstream, digest: u8| said(upstream, Outcome::Wrong { digest: [digest; 32], hard: true });
    let soft = said(0, Outcome::Wrong { digest: [1; 32], hard: false });
    let alone = crossings("https://goproxy.cn,direct");
    let step = |tries: &[Try]| next(&asked(), &alone, tries, &fresh(1), ENOUGH);
    assert_eq!(step(&[hard(0, 1)]), Step::Ask(0, Wait::None));
    assert_eq!(step(&[hard(0, 1), hard(0, 1)]), Step::Ask(0, Wait::Backoff(Duration::from_millis(500))));
    assert_eq!(step(&[hard(0, 1), hard(0, 1), hard(0, 1), hard(0, 1)]), Step::Deliver(3));
    assert_eq!(step(&[hard(0, 1), hard(0, 2), hard(0, 3), hard(0, 4)]), Step::GiveUp);
    assert_eq!(step(&[soft.clone(), soft]), Step::Deliver(1));
    let healthy = [Condition { healthy: true, ..Condition::default() }];
    let of = |n: usize| next(&asked(), &alone, &vec![hard(0, 1); n], &healthy, ENOUGH);
    assert_eq!(of(3), Step::Ask(0, Wait::Backoff(Duration::from_millis(40))), "chance is likelier");
    assert_eq!(of(4), Step::Ask(0, Wait::Backoff(Duration::from_secs(2))), "spaced from here on");
    assert_eq!(of(8), Step::Deliver(7));
    let two = crossings("https://goproxy.cn,https://goproxy.io,direct");
    let step = |tries: &[Try]| next(&asked(), &two, tries, &fresh(2), ENOUGH);
    assert_eq!(step(&[hard(0, 1)]), Step::Ask(1, Wait::None));
    assert_eq!(step(&[hard(0, 1), hard(1, 1)]), Step::Deliver(1));
}

#[test]
fn likely_private_modules_stay_in_gos_order() {
    let private = Asked { private: true, ..asked() };
    assert_eq!(
        play(&private, "https://goproxy.cn,https://goproxy.io,direct", &[fault(), fault()]),
        (vec![0, 0, 0, 0], Step::GiveUp)
    );
    let (asked_of, _) = play(&private, "https://goproxy.cn|https://goproxy.io", &[fault(), fault()]);
    assert_eq!(asked_of[..3], [0, 0, 1]);
    let mirrored = Crossings::new(&List::parse("https://goproxy.cn"), Rotate::Listed, 1);
    assert!(!mirrored.may(&private, 0, 1) && mirrored.may(&asked(), 0, 1));
    let mut conditions = fresh(2);
    conditions[0].open = true;
    let comma = crossings("https://goproxy.cn,https://goproxy.io,direct");
    assert_eq!(next(&private, &comma, &[], &conditions, ENOUGH), Step::Ask(0, Wait::None));
    assert_eq!(hedge_target(&private, &comma, &[], &fresh(2), 0), None);
}

#[test]
fn hedges_ask_the_next_in_order_and_never_for_what_changes() {
    let three = crossings("https://goproxy.cn,https://goproxy.io,https://proxy.golang.org");
    assert_eq!(hedge_target(&asked(), &three, &[], &fresh(3), 0), Some(1));
    let mut conditions = fresh(3);
    conditions[1].open = true;
    assert_eq!(hedge_target(&asked(), &three, &[], &conditions, 0), Some(2));
    assert_eq!(hedge_target(&asked(), &three, &[said(2, Outcome::NotFound)], &conditions, 0), None);
    let changing = Asked { pinned: false, ..asked() };
    assert_eq!(hedge_target(&changing, &three, &[], &fresh(3), 0), None);
    assert_eq!(hedge_target(&asked(), &crossings("https://goproxy.cn,direct"), &[], &fresh(1), 0), None);
}

#[test]
fn what_never_rotates_still_walks_the_list_as_go_does() {
    let never = Crossings::new(&List::parse("http://a.corp|http://b.corp,http://c.corp"), Rotate::Never, 0);
    assert!(never.may(&asked(), 0, 1) && !never.may(&asked(), 1, 2) && !never.may(&asked(), 1, 0));
}

#[test]
fn the_one_that_may_answer_may_stand_beside_the_list() {
    let only = Asked { only: Some(1), pinned: false, ..asked() };
    let crossings = crossings("https://goproxy.cn,direct");
    let conditions = fresh(2);
    assert_eq!(next(&only, &crossings, &[], &conditions, ENOUGH), Step::Ask(1, Wait::None));
    assert_eq!(next(&only, &crossings, &[eof(1)], &conditions, ENOUGH), Step::Ask(1, Wait::None));
    assert_eq!(next(&only, &crossings, &vec![eof(1); 4], &conditions, ENOUGH), Step::GiveUp);
    assert_eq!(next(&only, &crossings, &[said(1, Outcome::NotFound)], &conditions, ENOUGH), Step::NotFound);
}
