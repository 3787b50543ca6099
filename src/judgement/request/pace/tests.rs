//! A pace against hosts of all sorts, on a clock of its own.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// What a host bears.
#[derive(Clone, Copy, Debug)]
enum Host {
    /// So many a second, and so many at once before that counts.
    Rate(f64, f64),
    /// So many at a time.
    AtOnce(usize),
    /// It refuses this share by chance.
    Noise(f64),
    /// It refuses everything until then.
    Closed(Duration),
}

/// What came of it.
#[derive(Debug)]
struct Course {
    refusals: usize,
    time: Duration,
}

/// `requests` made of a host that takes `way` for an answer, by 60 at a time, each of which is made again some
/// moments after a refusal, or after the pause that is `told`.
fn against(host: Host, requests: usize, way: Duration, told: Option<Duration>) -> Course {
    let mut pace = Pace::default();
    let (mut now, mut left, mut refusals, mut asked) = (Duration::ZERO, requests, 0, 0u64);
    let mut tokens = if let Host::Rate(_, burst) = host { burst } else { 0.0 };
    // When it may ask, or what it is told when.
    let mut askers = [Duration::ZERO; 60];
    let mut under_way: Vec<(Duration, usize, Ticket, bool)> = Vec::new();
    let mut busy = [false; 60];
    while left > 0 {
        now += MS;
        if let Host::Rate(rate, burst) = host {
            tokens = (tokens + rate / 1000.0).min(burst.max(1.0));
        }
        let (come, rest): (Vec<_>, Vec<_>) = under_way.into_iter().partition(|(at, ..)| *at <= now);
        under_way = rest;
        for (_, asker, ticket, well) in come {
            busy[asker] = false;
            pace.ended(ticket, if well { Ended::Well } else { Ended::Refused(told) }, now);
            left -= usize::from(well && left > 0);
            refusals += usize::from(!well);
            askers[asker] = if well { now } else { now + told.unwrap_or(20 * MS) };
        }
        for asker in 0..askers.len() {
            if busy[asker] || askers[asker] > now || under_way.len() >= left {
                continue;
            }
            let Turn::Now(ticket) = pace.turn(now) else { continue };
            busy[asker] = true;
            asked += 1;
            let well = match host {
                Host::Rate(..) => {
                    let well = tokens >= 1.0;
                    tokens -= f64::from(u8::from(well));
                    well
                }
                Host::AtOnce(most) => under_way.iter().filter(|(.., well)| *well).count() < most,
                Host::Noise(share) => {
                    // Chance that is the same each time.
                    let draw = asked.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let draw = (draw ^ draw >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    ((draw ^ draw >> 32) % 1000) as f64 >= share * 1000.0
                }
                Host::Closed(until) => now >= until,
            };
            under_way.push((now + way, asker, ticket, well));
        }
        assert!(now < Duration::from_secs(900), "no end: {left} left, {pace:?}");
    }
    Course { refusals, time: now }
}

#[test]
fn a_limit_of_requests_a_second_is_found_and_kept_to() {
    for (rate, burst) in [(5.0, 5.0), (20.0, 20.0), (20.0, 1.0), (20.0, 100.0), (60.0, 60.0), (1.0, 1.0)] {
        for way in [2 * MS, 30 * MS, 100 * MS] {
            for told in [None, Some(WINDOW)] {
                let course = against(Host::Rate(rate, burst), 300, way, told);
                let least = Duration::from_secs_f64((300.0 - burst) / rate);
                let of = format!("{rate} {burst} {way:?} {told:?}: {course:?} of {least:?}");
                assert!(course.refusals < 700, "{of}");
                // With nothing saved up, each moment that is not used is lost.
                let most = if burst > 1.0 { least * 9 / 8 } else { least * 2 };
                assert!(course.time < most + WINDOW, "{of}");
            }
        }
    }
}

#[test]
fn a_limit_of_requests_at_a_time_is_found_and_kept_to() {
    for most in [4, 8, 20] {
        for way in [2 * MS, 30 * MS, 100 * MS] {
            let course = against(Host::AtOnce(most), 300, way, None);
            let least = way * (300 / most as u32);
            let of = format!("{most} {way:?}: {course:?} of {least:?}");
            assert!(course.refusals < 150, "{of}");
            assert!(course.time < least * 5 / 4 + WINDOW, "{of}");
        }
    }
}

#[test]
fn a_host_that_refuses_some_is_not_slowed() {
    for share in [0.1, 0.3] {
        for way in [2 * MS, 100 * MS] {
            for told in [None, Some(WINDOW)] {
                let course = against(Host::Noise(share), 300, way, told);
                // Each of 60 has five to ask for, and some of them are refused more than once.
                let most = way * 10 + told.unwrap_or(20 * MS) * 3;
                assert!(course.time < most, "{share} {way:?} {told:?}: {course:?}");
            }
        }
    }
}

#[test]
fn what_asking_less_does_not_change_is_no_limit() {
    for way in [2 * MS, 100 * MS] {
        let course = against(Host::Noise(0.7), 300, way, None);
        assert!(course.time < WINDOW * 60, "{course:?}");
    }
}

#[test]
fn a_host_that_refuses_everything_is_asked_seldom_and_at_once_when_it_is_back() {
    for told in [None, Some(WINDOW)] {
        let course = against(Host::Closed(WINDOW * 20), 300, 2 * MS, told);
        assert!(course.refusals < 80, "{course:?}");
        assert!(course.time < WINDOW * 28, "{course:?}");
    }
}
