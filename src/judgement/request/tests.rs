//! The policy with a simulated history: no clock, no network.

use super::UpstreamId;
use super::crossings::Crossings;
use super::miss::{Flaw, Miss, Try};
use super::policy::*;
use super::terms::Terms;
use crate::formats::goproxy::{Entry, List, Rotate, Separator};
use crate::judgement::publicity::Publicity;
use crate::vocabulary::Cause;
use std::time::Duration;

const ENOUGH: Allowance = Allowance { retry: true, time: Duration::from_secs(60) };
const STALL: Duration = Duration::from_secs(30);

const PUBLIC: &str = "https://goproxy.cn,https://goproxy.io,direct";
const OWN: &str = "https://athens.corp,https://b.corp,direct";

fn terms() -> Terms {
    Terms {
        fixed: true,
        pinned: true,
        attempts: 4,
        backoff_base: Duration::from_millis(500),
        backoff_max: Duration::from_secs(15),
        ..Terms::default()
    }
}

fn private() -> Terms {
    Terms { publicity: Publicity::LikelyPrivate, ..terms() }
}

fn unpinned() -> Terms {
    Terms { pinned: false, ..terms() }
}

fn crossings(list: &str) -> Crossings {
    Crossings::new(&List::parse(list), Rotate::Listed, &[])
}

const fn at(place: usize) -> UpstreamId {
    UpstreamId::at(place)
}

fn said(place: usize, miss: Miss) -> Try {
    Try { upstream: at(place), miss, waited: false, alone: None }
}

fn fault() -> Miss {
    Miss::Fault { cause: Cause::Eof, gained: false }
}

fn eof(place: usize) -> Try {
    said(place, fault())
}

fn fresh(n: usize) -> Vec<Condition> {
    vec![Condition::default(); n]
}

fn ask(place: usize) -> Move {
    Move::Ask(at(place), Pause::None)
}

fn next(
    terms: &Terms,
    crossings: &Crossings,
    tries: &[Try],
    conditions: &[Condition],
    allowance: Allowance,
) -> Move {
    Situation { terms, crossings, tries, conditions, allowance }.next()
}

fn hedge(
    terms: &Terms,
    crossings: &Crossings,
    tries: &[Try],
    conditions: &[Condition],
) -> Option<UpstreamId> {
    Situation { terms, crossings, tries, conditions, allowance: ENOUGH }.hedge_target(at(0))
}

/// Plays a request against upstreams that always answer the same, and returns whom it asked
/// and how it ended.
fn play(terms: &Terms, list: &str, answers: &[Miss]) -> (Vec<usize>, Move) {
    let crossings = crossings(list);
    let mut tries = Vec::new();
    loop {
        match next(terms, &crossings, &tries, &fresh(crossings.len()), ENOUGH) {
            Move::Ask(upstream, _) => tries.push(Try {
                upstream,
                miss: answers[upstream.place()].clone(),
                waited: false,
                alone: None,
            }),
            end => return (tries.iter().map(|t| t.upstream.place()).collect(), end),
        }
        assert!(tries.len() < 100, "no end");
    }
}

#[test]
fn faults_go_round_the_permitted_upstreams() {
    let both = [fault(), fault()];
    for terms in [terms(), unpinned()] {
        assert_eq!(play(&terms, PUBLIC, &both), (vec![0, 1, 0, 1, 0, 1, 0, 1], Move::GiveUp));
    }
    assert_eq!(play(&terms(), OWN, &both), (vec![0, 1, 0, 1, 0, 1, 0, 1], Move::GiveUp));
    assert_eq!(play(&unpinned(), OWN, &both), (vec![0; 4], Move::GiveUp), "only what is proven crosses");
    for mixed in ["https://a.corp,https://proxy.golang.org", "https://proxy.golang.org,https://a.corp"] {
        assert_eq!(play(&terms(), mixed, &both), (vec![0; 4], Move::GiveUp), "{mixed}");
    }
    let between = "https://goproxy.cn,https://a.corp,https://goproxy.io";
    let three = [fault(), fault(), fault()];
    assert_eq!(play(&terms(), between, &three).0, [0; 4], "an own one in between is not jumped over");
    let piped = "https://a.corp|https://proxy.golang.org|direct";
    assert_eq!(play(&unpinned(), piped, &both).1, Move::GiveUp, "the pipe is shown to go");
    assert_eq!(play(&unpinned(), piped, &both).0[..3], [0, 1, 0], "go's own walk, and back");
    // The pipe inside a list of mixed separators: go would go on to `direct`.
    let mixed = "https://goproxy.cn,https://a.corp|direct";
    assert_eq!(play(&terms(), mixed, &[Miss::NotFound, fault()]).1, Move::NotFound);
}

#[test]
fn not_found_is_an_answer_only_from_all_that_go_would_have_asked() {
    assert_eq!(play(&terms(), PUBLIC, &[Miss::NotFound, Miss::NotFound]), (vec![0, 1], Move::NotFound));
    // The first is down, and the second lacks it: an outage of the first stays one.
    for list in [PUBLIC, OWN, "https://goproxy.cn,https://goproxy.io"] {
        assert_eq!(play(&terms(), list, &[fault(), Miss::NotFound]).1, Move::GiveUp, "{list}");
    }
    let piped = "https://goproxy.cn|https://goproxy.io|direct";
    assert_eq!(play(&terms(), piped, &[fault(), Miss::NotFound]).1, Move::NotFound);
}

#[test]
fn a_dead_one_whose_failure_leads_go_to_direct_is_not_waited_for() {
    let piped = crossings("https://goproxy.cn|https://goproxy.io|direct");
    let mut conditions = fresh(2);
    conditions[0].open = true;
    assert_eq!(next(&terms(), &piped, &[], &conditions, ENOUGH), ask(1));
    let tries = [said(1, Miss::NotFound)];
    assert_eq!(next(&terms(), &piped, &tries, &conditions, ENOUGH), Move::NotFound);
    assert_eq!(next(&terms(), &crossings(OWN), &tries, &conditions, ENOUGH), ask(0));
}

#[test]
fn a_refusal_stops_but_for_pipes_and_for_a_public_host_that_refuses_everything() {
    let denied = |blanket| [said(0, Miss::Denied { blanket })];
    let after = |terms: &Terms, list: &str, blanket: bool| {
        next(terms, &crossings(list), &denied(blanket), &fresh(2), ENOUGH)
    };
    assert_eq!(after(&terms(), PUBLIC, true), ask(1));
    assert_eq!(after(&terms(), PUBLIC, false), Move::PassOn(0), "one refused module is a verdict");
    assert_eq!(after(&unpinned(), PUBLIC, true), Move::PassOn(0), "look-ups never count");
    assert_eq!(after(&private(), PUBLIC, true), Move::PassOn(0));
    assert_eq!(after(&terms(), OWN, true), Move::PassOn(0), "a policy of somebody's own");
    for mixed in ["https://a.corp,https://goproxy.io", "https://goproxy.io,https://a.corp"] {
        assert_eq!(after(&terms(), mixed, true), Move::PassOn(0), "{mixed}");
    }
    for terms in [terms(), unpinned(), private()] {
        assert_eq!(after(&terms, "https://a.corp|https://goproxy.io", false), ask(1), "as go does");
    }
    let mut conditions = fresh(2);
    conditions[0].refuses = true;
    let first = |terms: &Terms, list: &str| next(terms, &crossings(list), &[], &conditions, ENOUGH);
    assert_eq!(first(&terms(), PUBLIC), ask(1), "it is known by now");
    assert_eq!((first(&unpinned(), PUBLIC), first(&private(), PUBLIC)), (ask(0), ask(0)));
    assert_eq!(first(&terms(), OWN), ask(0));
}

#[test]
fn who_was_not_asked_or_refused_is_not_walked_past() {
    let mixed = crossings("https://a.corp,https://b.corp,direct");
    let mut conditions = fresh(2);
    conditions[1].rests = Duration::from_secs(3600);
    let lacks = [said(0, Miss::NotFound)];
    assert_eq!(next(&terms(), &mixed, &lacks, &conditions, ENOUGH), Move::GiveUp, "not 404: go would go on");
    // Passed over for its health, and asked after the second had refused.
    let piped = crossings("https://a.corp|https://b.corp,direct");
    for blanket in [false, true] {
        let tries = [said(1, Miss::Denied { blanket }), said(0, Miss::NotFound)];
        assert_eq!(next(&terms(), &piped, &tries, &fresh(2), ENOUGH), Move::PassOn(0), "{blanket}");
    }
    // As go walks: over a pipe, and then by the answer of the next.
    let three = crossings("https://a.corp|https://b.corp,https://c.corp");
    let tries = [said(0, Miss::Denied { blanket: false }), said(1, Miss::NotFound)];
    assert_eq!(next(&terms(), &three, &tries, &fresh(3), ENOUGH), ask(2));
}

#[test]
fn waits_begin_small_where_it_is_healthy_and_grow() {
    let alone = crossings("https://goproxy.cn,direct");
    let wait = |n: usize, healthy: bool| {
        let conditions = [Condition { healthy, ..Condition::default() }];
        match next(&terms(), &alone, &vec![eof(0); n], &conditions, ENOUGH) {
            Move::Ask(_, pause) => Some(pause),
            _ => None,
        }
    };
    let ms = |ms| Some(Pause::Backoff(Duration::from_millis(ms)));
    assert_eq!([wait(1, false), wait(2, false), wait(3, false)], [Some(Pause::None), ms(500), ms(1000)]);
    assert_eq!(wait(4, false), None, "attempts are spent");
    assert_eq!([wait(1, true), wait(2, true), wait(7, true)], [Some(Pause::None), ms(20), ms(640)]);
    assert_eq!(wait(8, true), None);
}

#[test]
fn pauses_asked_for_are_kept_and_bounded() {
    let alone = crossings("https://goproxy.cn,direct");
    let mut conditions = fresh(1);
    conditions[0].rests = Duration::from_secs(7);
    let pause = Some(Duration::from_secs(7));
    let tries = vec![said(0, Miss::Limited { pause }); 30];
    let rest = Move::Ask(at(0), Pause::Rest(Duration::from_secs(7)));
    assert_eq!(next(&terms(), &alone, &tries, &conditions, ENOUGH), rest);
    assert_eq!(next(&terms(), &alone, &[], &conditions, ENOUGH), rest, "shared by all requests");
    conditions[0].rests = Duration::from_secs(3600);
    assert_eq!(next(&terms(), &alone, &tries, &conditions, ENOUGH), Move::GiveUp);
    assert_eq!(next(&terms(), &alone, &[], &conditions, ENOUGH), Move::GiveUp);
    let hammering = vec![said(0, Miss::Limited { pause: Some(Duration::ZERO) }); 4];
    assert_eq!(next(&terms(), &alone, &hammering, &fresh(1), ENOUGH), Move::GiveUp);
    let two = crossings("https://goproxy.cn,https://goproxy.io");
    let conditions =
        [Condition { rests: Duration::from_secs(7), ..Condition::default() }, Condition::default()];
    assert_eq!(next(&terms(), &two, &tries[..1], &conditions, ENOUGH), ask(1));
}

#[test]
fn budgets_end_it() {
    let alone = crossings("https://goproxy.cn,direct");
    let none_left = Allowance { retry: false, ..ENOUGH };
    for allowance in [none_left, Allowance { time: Duration::ZERO, ..ENOUGH }] {
        assert_eq!(next(&terms(), &alone, &[eof(0)], &fresh(1), allowance), Move::GiveUp);
    }
    let two = crossings("https://x.test|https://y.test");
    assert_eq!(next(&terms(), &two, &[eof(0)], &fresh(2), none_left), ask(1));
}

#[test]
fn a_body_that_moves_on_is_continued_where_it_is() {
    let gained = said(0, Miss::Fault { cause: Cause::Eof, gained: true });
    let tries = vec![gained.clone(); 10];
    assert_eq!(next(&terms(), &crossings(PUBLIC), &tries, &fresh(2), ENOUGH), ask(0));
    let endless = vec![gained; MAX_PIECES];
    assert_eq!(next(&terms(), &crossings(PUBLIC), &endless, &fresh(2), ENOUGH), Move::GiveUp);
}

#[test]
fn wrong_bytes_are_believed_when_they_stay() {
    let wrong = |place, digest: u8, flaw| said(place, Miss::Wrong { digest: [digest; 32], flaw });
    let hard = |place, digest| wrong(place, digest, Flaw::Shape);
    let soft = wrong(0, 1, Flaw::Doubt);
    let alone = crossings("https://goproxy.cn,direct");
    let step = |tries: &[Try]| next(&terms(), &alone, tries, &fresh(1), ENOUGH);
    let backoff = |wait| Move::Ask(at(0), Pause::Backoff(wait));
    assert_eq!(step(&[hard(0, 1)]), ask(0));
    assert_eq!(step(&[hard(0, 1), hard(0, 1)]), backoff(Duration::from_millis(500)));
    assert_eq!(step(&[hard(0, 1), hard(0, 1), hard(0, 1), hard(0, 1)]), Move::Deliver(3));
    assert_eq!(step(&[hard(0, 1), hard(0, 2), hard(0, 3), hard(0, 4)]), Move::GiveUp);
    assert_eq!(step(&[soft.clone(), soft]), Move::Deliver(1));
    let healthy = [Condition { healthy: true, ..Condition::default() }];
    let of = |n: usize| next(&terms(), &alone, &vec![hard(0, 1); n], &healthy, ENOUGH);
    assert_eq!(of(3), backoff(Duration::from_millis(40)), "chance is likelier");
    assert_eq!(of(4), backoff(Duration::from_secs(2)), "spaced from here on");
    assert_eq!(of(8), Move::Deliver(7));
    let step = |tries: &[Try]| next(&terms(), &crossings(PUBLIC), tries, &fresh(2), ENOUGH);
    assert_eq!(step(&[hard(0, 1)]), ask(1));
    assert_eq!(step(&[hard(0, 1), hard(1, 1)]), Move::Deliver(1));
}

#[test]
fn a_mismatch_is_confirmed_by_three_fetches_two_seconds_apart() {
    let hash = |place, digest: u8| said(place, Miss::Wrong { digest: [digest; 32], flaw: Flaw::Hash });
    let alone = crossings("https://goproxy.cn,direct");
    let apart = Pause::Rest(Duration::from_secs(2));
    let healthy = [Condition { healthy: true, ..Condition::default() }; 2];
    for conditions in [&fresh(1)[..], &healthy[..1]] {
        let step = |tries: &[Try]| next(&terms(), &alone, tries, conditions, ENOUGH);
        assert_eq!(step(&[hash(0, 1)]), ask(0), "chance is likelier");
        assert_eq!(step(&[hash(0, 1), hash(0, 1)]), Move::Ask(at(0), apart));
        assert_eq!(step(&[hash(0, 1), hash(0, 2), hash(0, 1)]), Move::Ask(at(0), apart));
        assert_eq!(step(&[hash(0, 1), hash(0, 1), hash(0, 1)]), Move::Deliver(2));
    }
    let confirms = |tries: &[Try]| {
        let (terms, conditions) = (terms(), fresh(1));
        let situation =
            Situation { terms: &terms, crossings: &alone, tries, conditions: &conditions, allowance: ENOUGH };
        situation.confirms()
    };
    assert!(!confirms(&[hash(0, 1)]) && !confirms(&[hash(0, 1), hash(0, 2)]));
    assert!(confirms(&[hash(0, 1), hash(0, 1)]), "over a fresh connection");
    // Of two hosts that agree one more is asked where answers arrive sound otherwise: a machine on the way.
    let two = |conditions: &[Condition]| {
        next(&terms(), &crossings(PUBLIC), &[hash(0, 1), hash(1, 1)], conditions, ENOUGH)
    };
    assert_eq!((two(&fresh(2)), two(&healthy)), (Move::Deliver(1), Move::Ask(at(0), apart)));
    let hurried = Allowance { time: Duration::from_secs(1), ..ENOUGH };
    let last = next(&terms(), &alone, &[hash(0, 1), hash(0, 1)], &fresh(1), hurried);
    assert_eq!(last, Move::Ask(at(0), Pause::Rest(Duration::from_secs(1))), "within the budget");
}

#[test]
fn a_page_is_nobodys_file_but_what_nothing_verifies_go_judges() {
    let page = |digest: u8| said(0, Miss::Wrong { digest: [digest; 32], flaw: Flaw::Page });
    let alone = crossings("https://goproxy.cn,direct");
    let pages: Vec<Try> = (0..4).map(|_| page(1)).collect();
    assert_eq!(next(&terms(), &alone, &pages, &fresh(1), ENOUGH), Move::GiveUp);
    let changing = Terms { fixed: false, ..terms() };
    assert_eq!(next(&changing, &alone, &pages, &fresh(1), ENOUGH), Move::Deliver(3));
    let differing: Vec<Try> = (0..4).map(page).collect();
    assert_eq!(next(&changing, &alone, &differing, &fresh(1), ENOUGH), Move::Deliver(3));
    let reset = [page(1), eof(0), eof(0), eof(0)];
    assert_eq!(next(&changing, &alone, &reset, &fresh(1), ENOUGH), Move::GiveUp);
}

#[test]
fn what_go_sum_pins_is_asked_for_again_before_its_absence_counts() {
    let alone = "https://a.corp";
    let step = |terms: &Terms, list: &str, absent: u64, allowance: Allowance| {
        let conditions =
            vec![Condition { absent: Some(Duration::from_secs(absent)), ..Condition::default() }; 1];
        next(terms, &crossings(list), &[said(0, Miss::NotFound)], &conditions, allowance)
    };
    let rest = |secs| Move::Ask(at(0), Pause::Rest(Duration::from_secs(secs)));
    let asked: Vec<Move> = [0, 2, 7, 17].map(|at| step(&terms(), alone, at, ENOUGH)).to_vec();
    assert_eq!(asked, [rest(2), rest(5), rest(10), Move::NotFound], "one series for all of them");
    assert_eq!(step(&unpinned(), alone, 0, ENOUGH), Move::NotFound, "a verdict");
    assert_eq!(step(&Terms { fixed: false, ..terms() }, alone, 0, ENOUGH), Move::NotFound);
    assert_eq!(step(&terms(), "https://a.corp,direct", 0, ENOUGH), Move::NotFound, "go asks the origin");
    assert_eq!(step(&terms(), "https://a.corp,off", 0, ENOUGH), rest(2));
    let short = Allowance { time: Duration::from_secs(10), ..ENOUGH };
    assert_eq!((step(&terms(), alone, 2, short), step(&terms(), alone, 7, short)), (rest(5), Move::NotFound));
}

#[test]
fn likely_private_modules_stay_in_gos_order_whatever_the_health() {
    assert_eq!(play(&private(), PUBLIC, &[fault(), fault()]), (vec![0; 4], Move::GiveUp));
    let (asked_of, _) = play(&private(), "https://goproxy.cn|https://goproxy.io", &[fault(), fault()]);
    assert_eq!(asked_of[..3], [0, 0, 1]);
    let mut conditions = fresh(2);
    conditions[0].open = true;
    for list in [PUBLIC, OWN, "https://goproxy.cn|https://goproxy.io|direct"] {
        assert_eq!(next(&private(), &crossings(list), &[], &conditions, ENOUGH), ask(0), "{list}");
        let once = next(&private(), &crossings(list), &[eof(0)], &conditions, ENOUGH);
        assert_eq!(once, ask(0), "a second chance before anybody else learns of it: {list}");
    }
    assert_eq!(hedge(&private(), &crossings(PUBLIC), &[], &fresh(2)), None);
    conditions[0].rests = Duration::from_secs(5);
    let rests = next(&private(), &crossings("https://a.corp|https://b.corp"), &[], &conditions, ENOUGH);
    assert_eq!(rests, Move::Ask(at(0), Pause::Rest(Duration::from_secs(5))));
}

#[test]
fn mirrors_hear_of_plainly_public_modules_alone() {
    let mirror = [Entry::Proxy("https://goproxy.cn".into())];
    let mirrored = Crossings::new(&List::parse("https://proxy.golang.org"), Rotate::Listed, &mirror);
    let public = Terms { publicity: Publicity::PlainlyPublic, ..terms() };
    assert!(mirrored.may(&public, at(0), at(1)) && mirrored.may_pass(&public, at(0), at(1)));
    for terms in [terms(), private()] {
        assert!(!mirrored.may(&terms, at(0), at(1)) && !mirrored.may_pass(&terms, at(0), at(1)));
    }
    assert_eq!(next(&public, &mirrored, &[eof(0)], &fresh(2), ENOUGH), ask(1));
    assert_eq!(next(&public, &mirrored, &[said(0, Miss::NotFound)], &fresh(2), ENOUGH), Move::NotFound);
}

#[test]
fn hedges_ask_the_next_in_order_and_never_for_what_changes() {
    let three = crossings("https://goproxy.cn,https://goproxy.io,https://proxy.golang.org");
    assert_eq!(hedge(&terms(), &three, &[], &fresh(3)), Some(at(1)));
    let mut conditions = fresh(3);
    conditions[1].open = true;
    assert_eq!(hedge(&terms(), &three, &[], &conditions), Some(at(2)));
    assert_eq!(hedge(&terms(), &three, &[said(2, Miss::NotFound)], &conditions), None);
    let changing = Terms { fixed: false, ..terms() };
    assert_eq!(hedge(&changing, &three, &[], &fresh(3)), None);
    assert_eq!(hedge(&unpinned(), &crossings(OWN), &[], &fresh(2)), None);
    assert_eq!(hedge(&terms(), &crossings("https://goproxy.cn,direct"), &[], &fresh(1)), None);
}

#[test]
fn a_hedge_goes_no_further_than_a_retry() {
    // What the first keeps to itself does not get out by way of the second, to which only proven bytes crossed.
    let list = crossings("http://a.corp,http://b.corp|https://goproxy.io");
    let (tries, conditions) = ([said(0, fault())], fresh(3));
    let situation = Situation {
        terms: &terms(),
        crossings: &list,
        tries: &tries,
        conditions: &conditions,
        allowance: ENOUGH,
    };
    assert_eq!(situation.next(), Move::Ask(at(1), Pause::None));
    assert_eq!(situation.hedge_target(at(1)), Some(at(0)), "back, but not on");
}

#[test]
fn what_never_rotates_still_walks_the_list_as_go_does() {
    for rotate in [Rotate::Never, Rotate::Go] {
        let list = List::parse("http://a.corp|http://b.corp,http://c.corp");
        let never = Crossings::new(&list, rotate, &[]);
        assert!(never.may(&terms(), at(0), at(1)) && never.may(&terms(), at(1), at(0)));
        assert!(!never.may(&terms(), at(1), at(2)) && !never.may(&terms(), at(0), at(2)));
    }
}

#[test]
fn who_alone_may_answer_is_asked_alone() {
    let only = Terms { only: Some(at(1)), fixed: false, ..terms() };
    let list = crossings(PUBLIC);
    let conditions = fresh(2);
    assert_eq!(next(&only, &list, &[], &conditions, ENOUGH), ask(1));
    assert_eq!(next(&only, &list, &[eof(1)], &conditions, ENOUGH), ask(1));
    assert_eq!(next(&only, &list, &vec![eof(1); 4], &conditions, ENOUGH), Move::GiveUp);
    assert_eq!(next(&only, &list, &[said(1, Miss::NotFound)], &conditions, ENOUGH), Move::NotFound);
    let denied = [said(1, Miss::Denied { blanket: true })];
    assert_eq!(next(&only, &list, &denied, &conditions, ENOUGH), Move::PassOn(0));
}

#[test]
fn patience_grows_and_is_greatest_at_last() {
    let patience = |list: &str, tries: &[Try], usual: Option<Duration>| {
        let conditions = vec![Condition { usual, ..Condition::default() }; 2];
        let (terms, crossings) = (terms(), crossings(list));
        Situation { terms: &terms, crossings: &crossings, tries, conditions: &conditions, allowance: ENOUGH }
            .patience(at(0), STALL)
            .as_secs()
    };
    let alone = "https://goproxy.cn,direct";
    assert_eq!(patience(alone, &[], None), 30);
    assert_eq!(patience(PUBLIC, &[], None), 5);
    assert_eq!(patience(PUBLIC, &[eof(0), eof(1), eof(0)], None), 20);
    assert_eq!(patience(alone, &[], Some(Duration::from_millis(20))), 5, "it answers others at once");
    assert_eq!(patience(alone, &[eof(0), eof(0), eof(0)], None), 300);
}

/// Every walk that chance can lead to, for every kind of name: it ends, a private name goes nowhere
/// but where go would have taken it, and nobody is asked who may not be asked.
#[test]
fn no_history_leads_a_private_name_astray_and_every_history_ends() {
    let mut dice = fastrand::Rng::with_seed(20261126);
    let hosts = ["https://goproxy.cn", "https://goproxy.io", "https://a.corp", "https://b.corp"];
    for round in 0..20_000 {
        let n = dice.usize(1..=4);
        let mut text = String::new();
        for i in 0..n {
            text.push_str(hosts[dice.usize(0..4)]);
            text.push_str(&format!("/{i}"));
            text.push_str(if dice.bool() { "," } else { "|" });
        }
        text.push_str(["direct", "off"][dice.usize(0..2)]);
        let list = List::parse(&text);
        let mirrors: Vec<Entry> = (0..dice.usize(0..2)).map(|_| Entry::Proxy(hosts[0].into())).collect();
        let crossings = Crossings::new(&list, Rotate::Listed, &mirrors);
        let terms = Terms {
            fixed: dice.bool(),
            pinned: dice.bool(),
            publicity: [Publicity::LikelyPrivate, Publicity::Ordinary, Publicity::PlainlyPublic]
                [dice.usize(0..3)],
            ..terms()
        };
        let mut tries: Vec<Try> = Vec::new();
        loop {
            let mut conditions = fresh(crossings.len());
            for condition in &mut conditions {
                condition.open = dice.u8(..) < 64;
                condition.refuses = dice.u8(..) < 32;
                condition.healthy = dice.bool();
            }
            let Move::Ask(to, _) = next(&terms, &crossings, &tries, &conditions, ENOUGH) else { break };
            if terms.is_private() {
                let passed = |before: usize| {
                    let mut at_it = tries.iter().filter(|t| t.upstream == at(before)).peekable();
                    let over_pipe = list.separators[before] == Separator::Pipe;
                    at_it.peek().is_some() && (over_pipe || at_it.any(|t| t.miss == Miss::NotFound))
                };
                assert!((0..to.place()).all(passed), "{round}: {text} {tries:?} -> {to:?}");
            }
            let own = |place: usize| place < n && !list.entries[place].is_public_proxy();
            // What an own one keeps to itself leaves it over 404 and pipes only.
            let leaves = (0..to.place().min(n))
                .filter(|place| own(*place) && list.separators[*place] == Separator::Comma);
            for place in leaves {
                let lacks = |t: &Try| t.upstream == at(place) && t.miss == Miss::NotFound;
                let pinned = terms.pinned && own(to.place());
                assert!(pinned || tries.iter().any(lacks), "own {round}: {text} {tries:?} -> {to:?}");
            }
            let miss = match dice.u8(0..6) {
                0 => Miss::NotFound,
                1 => Miss::Denied { blanket: dice.bool() },
                2 => Miss::Fault { cause: Cause::Eof, gained: true },
                3 => Miss::Limited { pause: None },
                4 => Miss::Wrong {
                    digest: [dice.u8(0..2); 32],
                    flaw: [Flaw::Hash, Flaw::Shape, Flaw::Page, Flaw::Doubt][dice.usize(0..4)],
                },
                _ => fault(),
            };
            tries.push(Try { upstream: to, miss, waited: false, alone: None });
            assert!(tries.len() < 200, "{round}: no end: {text}");
        }
    }
}

#[test]
fn a_host_that_answers_nobody_is_waited_for_and_that_costs_a_request_none_of_its_tries() {
    let crossings = crossings("https://a.test");
    let patient = Terms { patient: true, ..terms() };
    let waited: Vec<Try> = (0..40).map(|_| Try { waited: true, ..eof(0) }).collect();
    let some = Duration::from_secs(1);
    for (down, time, waits) in [(true, some, true), (false, some, true), (true, Duration::ZERO, false)] {
        let conditions = [Condition { down, ..Condition::default() }];
        let next = next(&patient, &crossings, &waited, &conditions, Allowance { retry: true, time });
        assert_eq!(next != Move::GiveUp, waits, "{down} {time:?}");
    }
    // Its own failures are counted.
    let own: Vec<Try> = (0..40).map(|_| eof(0)).collect();
    assert_eq!(next(&patient, &crossings, &own, &fresh(1), ENOUGH), Move::GiveUp);
}
