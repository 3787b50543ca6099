use super::lines::{columns, span, volume};
use super::*;
use crate::vocabulary::Cause;
use crate::words::Language;

const S: Duration = Duration::from_secs(1);

/// At no time.
const NEVER: [u32; 0] = [];

fn filling(bytes: u64) -> Facts {
    Facts { attempt: 1, modules: Some((87, 173)), bytes, under_way: 9, ..Facts::default() }
}

fn slow() -> Slow {
    Slow { name: "k8s.io/kubernetes v1.30.1".into(), host: "proxy.golang.org".into(), age: 8 * S }
}

/// What a look of this kind shows after a steady course.
fn shown(facts: &Facts, language: Language, columns: usize) -> Vec<String> {
    let course = Course { now: 12 * S, rate: 9_800_000, still: Duration::ZERO, waiting: 12 * S };
    block(facts, course, language, columns)
}

#[test]
fn at_eighty_columns_all_is_said() {
    let facts = Facts { slowest: Some(slow()), attempt: 2, ..filling(64_200_000) };
    let want = [
        "gox: 87 of 173 modules, 64.2 MB, 9.8 MB/s, attempt 2, 12 s",
        "     slowest: k8s.io/kubernetes v1.30.1, 8 s",
    ];
    assert_eq!(shown(&facts, Language::English, 80), want);
    let wait =
        Wait::Host { host: "proxy.golang.org".into(), left: Some(4 * S), n: 3, cause: Some(Cause::Http5xx) };
    let waits = Facts { wait: Some(wait), left: Some(280 * S), ..facts };
    let last = "     proxy.golang.org is asked again in 4 s (try 3), budget 4 min 40 s";
    assert_eq!(shown(&waits, Language::English, 80)[2], last);
    let all = format!("{last}, after a server's own trouble (5xx)");
    assert_eq!(shown(&waits, Language::English, 120)[2], all);
}

#[test]
fn no_line_is_as_wide_as_the_terminal() {
    let long = Slow { name: format!("example.test/{} v1.0.0", "very/".repeat(60)), ..slow() };
    let waits = [
        None,
        Some(Wait::Attempt { left: 9 * S }),
        Some(Wait::Network { left: 29 * S }),
        Some(Wait::Host { host: "h".repeat(300), left: Some(70 * S), n: 12, cause: Some(Cause::Eof) }),
        Some(Wait::Host { host: "proxy.golang.org".into(), left: None, n: 2, cause: Some(Cause::Dns) }),
        Some(Wait::Host { host: "proxy.golang.org".into(), left: None, n: 1, cause: None }),
        Some(Wait::Word { name: "example.test/m v1.0.0".into() }),
        Some(Wait::Go { still: 5 * S, stall: 30 * S }),
    ];
    for language in [Language::English, Language::Chinese] {
        for wait in &waits {
            let facts = Facts {
                slowest: Some(long.clone()),
                wait: wait.clone(),
                left: Some(S),
                attempt: 3,
                ..filling(171_000_000)
            };
            for width in 40..=200 {
                let lines = shown(&facts, language, width);
                assert_eq!(lines.len(), 3, "{lines:?}");
                for line in &lines {
                    assert!(columns(line) < width, "{width}: {line}");
                }
                assert!(lines[0].starts_with("gox: "), "{lines:?}");
                assert!(lines[1].contains("v1.0.0") || width < 45, "{lines:?}");
            }
        }
    }
    assert_eq!(shown(&filling(0), Language::English, 10), [""; 0]);
}

#[test]
fn chinese_takes_two_columns_a_character() {
    assert_eq!(columns("模块 87/173"), 4 + 7);
    let facts = Facts { slowest: Some(slow()), ..filling(64_200_000) };
    let want =
        ["gox: 模块 87/173，64.2 MB，每秒 9.8 MB，已 12 秒", "     最慢：k8s.io/kubernetes v1.30.1，已 8 秒"];
    assert_eq!(shown(&facts, Language::Chinese, 80), want);
    assert_eq!(shown(&facts, Language::Chinese, 40)[0], "gox: 模块 87/173，64.2 MB，每秒 9.8 MB");
}

#[test]
fn strangers_names_move_no_cursor() {
    let name = "example.test/\u{1b}[2Jm\u{9b}1m https://u:p@h.test/x v1.0.0";
    let facts = Facts { slowest: Some(Slow { name: name.into(), ..slow() }), ..filling(1) };
    for width in [40, 80, 200] {
        let text = shown(&facts, Language::English, width).concat();
        assert!(!text.contains(['\u{1b}', '\u{9b}']) && !text.contains("u:p"), "{text:?}");
    }
}

#[test]
fn amounts_and_spans_are_short() {
    let volumes = [0, 999, 1_000, 999_999, 1_000_000, 64_250_000, 171_400_000, 2_340_000_000].map(volume);
    assert_eq!(volumes, ["0 B", "999 B", "1 kB", "999 kB", "1.0 MB", "64.3 MB", "171 MB", "2.3 GB"]);
    let spans = [0, 59, 60, 61, 300].map(|n| span(n * S).en);
    assert_eq!(spans, ["0 s", "59 s", "1 min", "1 min 1 s", "5 min"]);
}

/// The times, in tenths of a second, at which a block was up.
fn seen(looks: impl Fn(u32) -> Facts, until: u32) -> Vec<u32> {
    let mut pace = Pace::default();
    let tick = Duration::from_millis(100);
    (0..until)
        .filter(|at| {
            let facts = looks(*at);
            let course = pace.look(tick * *at, &facts);
            pace.shows(course, &facts)
        })
        .collect()
}

#[test]
fn a_fill_is_seen_after_a_second() {
    assert_eq!(seen(|_| filling(1), 9), NEVER);
    assert_eq!(seen(|_| filling(1), 30), (10..30).collect::<Vec<_>>());
}

#[test]
fn without_a_fill_three_seconds_of_silence_are_waited_for() {
    let asks = |at: u32| Facts { under_way: 1, silent: S * at / 10, ..Facts::default() };
    assert_eq!(seen(asks, 40), (30..40).collect::<Vec<_>>());
    // go talks: nothing is needed.
    assert_eq!(seen(|at| Facts { silent: S * (at % 20) / 10, ..asks(at) }, 100), NEVER);
    // It compiles: nothing is waited for.
    assert_eq!(seen(|at| Facts { under_way: 0, ..asks(at) }, 100), NEVER);
}

#[test]
fn the_end_of_the_wait_takes_the_block_away_and_a_short_gap_does_not() {
    let gap = |at: u32| Facts { under_way: usize::from(!(20..35).contains(&at)), ..filling(1) };
    assert_eq!(seen(gap, 50), (10..50).collect::<Vec<_>>());
    let end = |at: u32| match at {
        0..20 => filling(1),
        _ => Facts { under_way: 0, modules: Some((173, 173)), ..filling(1) },
    };
    let seen = seen(end, 100);
    assert_eq!((seen[0], *seen.last().expect("some")), (10, 39));
}

#[test]
fn whoever_may_ask_a_person_has_the_terminal() {
    let asks = |at: u32| Facts { in_company: (15..20).contains(&at), ..filling(1) };
    assert_eq!(seen(asks, 30), (10..15).chain(20..30).collect::<Vec<_>>());
}

#[test]
fn a_go_alone_is_told_of_while_nothing_moves() {
    let still = |at: u32| Wait::Go { still: S * at / 10, stall: 30 * S };
    let alone = |at: u32| Facts { wait: (at >= 30).then(|| still(at)), ..Facts::default() };
    assert_eq!(seen(alone, 40), (30..40).collect::<Vec<_>>());
}

#[test]
fn a_go_that_moves_alone_is_told_of_after_its_last_word() {
    let word = || Wait::Word { name: "example.test/m v1.0.0".into() };
    let alone = |at: u32| Facts { wait: Some(word()), silent: S * at / 10, ..Facts::default() };
    assert_eq!(seen(alone, 40), (30..40).collect::<Vec<_>>());
    let text = shown(&Facts { attempt: 1, ..alone(120) }, Language::English, 90);
    let last = "     12 s since go began to download example.test/m v1.0.0";
    assert_eq!(text, ["gox: 9.8 MB/s, 12 s", last]);
}

/// At which second a plain line was told.
fn told(looks: impl Fn(u32) -> Facts, until: u32) -> Vec<u32> {
    let mut pace = Pace::default();
    (0..until)
        .filter(|at| {
            let course = pace.look(S * *at, &looks(*at));
            pace.tells(course)
        })
        .collect()
}

#[test]
fn without_a_terminal_one_line_each_thirty_seconds_of_waiting() {
    assert_eq!(told(|_| filling(1), 30), NEVER);
    assert_eq!(told(|_| filling(1), 95), [30, 60, 90]);
    // A minute of compiling in between begins the count anew.
    let compiles = |at: u32| Facts { under_way: usize::from(!(20..80).contains(&at)), ..filling(1) };
    assert_eq!(told(compiles, 120), [110]);
}

#[test]
fn the_plain_line_says_all_at_once() {
    let mut pace = Pace::default();
    let facts = Facts { slowest: Some(slow()), left: Some(240 * S), ..filling(64_200_000) };
    pace.look(Duration::ZERO, &Facts { bytes: 64_200_000, ..facts.clone() });
    let course = pace.look(30 * S, &facts);
    let text = line(&facts, course);
    assert_eq!(
        text.en,
        "waiting for the network for 30 s: 87 of 173 modules, 64.2 MB; slowest: k8s.io/kubernetes v1.30.1, 8 s; \
         proxy.golang.org has sent nothing for 30 s; budget 4 min"
    );
    assert!(text.zh.starts_with("等待网络已 30 秒：模块 87/173，64.2 MB；最慢："), "{}", text.zh);
}

#[test]
fn the_rate_is_that_of_the_last_seconds() {
    let mut pace = Pace::default();
    let mut rate = 0;
    for at in 0..20u32 {
        let bytes = u64::from(at.min(10)) * 1_000_000;
        rate = pace.look(S * at, &filling(bytes)).rate;
        if at == 10 {
            assert_eq!(rate, 1_000_000);
        }
    }
    assert_eq!(rate, 0);
}
