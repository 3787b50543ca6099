//! Whom the fetcher's rules tell which name, held against the model: the walk of each request as the fetcher
//! makes it, without a socket, so that a hundred thousand situations are a matter of minutes.
//!
//! `tests/it/privacy` does the same with whole processes, in fewer situations.

#[allow(dead_code, unused_imports, reason = "a specification: not every part of it by every one")]
#[path = "../model/mod.rs"]
mod model;

use crate::formats::goproxy::{Entry, List, Rotate};
use crate::formats::module_path;
use crate::judgement::attempt::{Policy, Premises, State};
use crate::judgement::privacy::Neighbour;
use crate::judgement::publicity::Publicity;
use crate::judgement::request::UpstreamId;
use crate::judgement::request::crossings::Crossings;
use crate::judgement::request::miss::{Flaw, Miss, Try};
use crate::judgement::request::policy::{Allowance, Condition, Move, Situation as Request};
use crate::judgement::request::terms::Terms;
use crate::vocabulary::Cause;
use model::permit::{self, Permit, Surroundings};
use model::random::{self, Draw};
use model::situation::{Behaviour, FIRST, Hop, Host, Pin, Replacement, Separator, Situation, Sums};
use model::{Answer, File, StandIn};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How a module proxy is written in the list.
fn url(around: &Surroundings, n: usize) -> String {
    around.names[n].map_or_else(|| format!("https://proxy{n}.test"), |name| format!("https://{name}"))
}

fn list(situation: &Situation, around: &Surroundings) -> List {
    let mut text = String::new();
    for (hop, separator) in &situation.settings.goproxy {
        text.push_str(&match hop {
            Hop::Proxy(n) => url(around, *n),
            Hop::Folder | Hop::StandIn => "file:///nowhere".into(),
            Hop::Direct => "direct".into(),
            Hop::Off => "off".into(),
        });
        text.push(if *separator == Separator::Pipe { '|' } else { ',' });
    }
    text.pop();
    List::parse(&text)
}

/// What gox knows before its first request.
fn policy(situation: &Situation, around: &Surroundings) -> Policy {
    let settings = &situation.settings;
    let mut policy = Policy::example("off");
    policy.rotate = match around.rotate {
        permit::Rotate::Listed => Rotate::Listed,
        permit::Rotate::Go => Rotate::Go,
        permit::Rotate::Never => Rotate::Never,
    };
    policy.mirrors = around.mirrors.iter().map(|n| Entry::Proxy(url(around, *n))).collect();
    policy.mirrors_by_hand = true;
    let mut premises = Premises { list: list(situation, around), ..Premises::default() };
    premises.gosumdb = settings.gosumdb.host().unwrap_or("off").to_owned();
    premises.goprivate.clone_from(&settings.goprivate);
    premises.gonoproxy = settings.no_proxy().to_owned();
    premises.gonosumdb = settings.no_sums().to_owned();
    premises.private.no_proxy = settings.no_proxy().to_owned();
    premises.private.named = format!("{},{}", settings.goprivate, settings.no_sums());
    premises.private.configured.clone_from(&around.private);
    let of_origin = |origin: &str| match origin.split_once('/') {
        Some(("github.com", _)) => Neighbour::Owner(origin.to_owned()),
        Some((host, _)) => Neighbour::Host(host.to_owned()),
        None => Neighbour::Host(origin.to_owned()),
    };
    premises.private.origins = around.origin.map(of_origin).into_iter().collect();
    let both = situation.go_sum.iter().filter(|(_, pin)| **pin == Pin::Both);
    premises.pinned = both.map(|(module, _)| (module.clone(), FIRST.to_owned())).collect();
    let required = situation.requirements.iter().map(|r| r.path.clone());
    premises.modules = required.chain(situation.go_sum.keys().cloned()).collect();
    let replaced = situation.requirements.iter().filter(|r| r.replacement != Replacement::Nothing);
    premises.replaced = replaced.map(|r| r.path.clone()).collect();
    policy.premises = Some(Arc::new(premises));
    policy
}

/// The fetcher in the list, without connections.
struct Fetcher<'a> {
    situation: &'a Situation,
    permit: &'a Permit<'a>,
    policy: &'a Policy,
    crossings: Crossings,
    /// The number of each upstream's server.
    servers: Vec<usize>,
    /// Who answered the first changing question about a module.
    answered_by: BTreeMap<String, UpstreamId>,
    /// Pinned modules that each refused, and whether it served any.
    refused: Vec<(BTreeSet<String>, bool)>,
    down: Vec<bool>,
    draw: Draw,
    wrong: Vec<String>,
    asked: usize,
}

impl Fetcher<'_> {
    fn hears(&mut self, to: UpstreamId, module: &str, late: Option<UpstreamId>) {
        let n = self.servers[to.place()];
        self.asked += 1;
        // Who takes no connection hears nothing.
        if self.situation.proxies[n].behaviour == Behaviour::Refused {
            return;
        }
        let forbidden = match late {
            Some(late) => self.permit.forbids_beside(self.servers[late.place()], &Host::Proxy(n), module),
            None => self.permit.forbids(&Host::Proxy(n), module),
        };
        self.wrong.extend(forbidden.map(|why| format!("proxy {n} heard {module}: {why}")));
    }

    fn conditions(&mut self) -> Vec<Condition> {
        let count = self.servers.len();
        let of = |at: usize, fetcher: &mut Self| Condition {
            open: fetcher.down[at],
            down: fetcher.down[at],
            refuses: fetcher.refuses(at),
            healthy: fetcher.draw.chance(50),
            // Who asked to be left alone was in trouble.
            rests: if fetcher.down[at] && fetcher.draw.chance(30) {
                Duration::from_secs(3)
            } else {
                Duration::ZERO
            },
            usual: fetcher.draw.chance(50).then(|| Duration::from_millis(20)),
            absent: fetcher.draw.chance(30).then(|| Duration::from_secs(18)),
            // What go asks itself, no fetcher tells.
            answers: fetcher.draw.chance(50),
            left: false,
            go_fails: false,
            nonsense: fetcher.draw.chance(30).then(|| Duration::from_secs(18)),
            settled: fetcher.draw.chance(20),
        };
        (0..count).map(|at| of(at, self)).collect()
    }

    fn refuses(&self, at: usize) -> bool {
        let (refused, served) = &self.refused[at];
        !served && refused.len() >= 2
    }

    /// Whether go's look-up of paths in step ends at `at` for a path next to this one, as [`crate::fetch`] finds out
    /// by what go asks for at the same time.
    fn ends_at(&self, at: UpstreamId, module: &str, file: File) -> bool {
        let server = &self.situation.proxies[self.servers[at.place()]];
        let kin = |other: &str| {
            other != module && (module_path::covers(other, module) || module_path::covers(module, other))
        };
        let piped = self.crossings.go_walks(at, UpstreamId::at(at.place() + 1));
        let has = |other: &str| server.knows.contains(other) && self.situation.exists(other, file);
        let ends = |other: &str| match server.behaviour {
            Behaviour::Serves => has(other),
            Behaviour::Cut => has(other) && !piped,
            _ => false,
        };
        random::MODULES.iter().any(|other| kin(other) && ends(other))
    }

    /// What this server makes of one request; `None` for the file.
    fn answer(&mut self, to: UpstreamId, module: &str, file: File, pinned: bool) -> Option<Miss> {
        let server = &self.situation.proxies[self.servers[to.place()]];
        let has = server.knows.contains(module) && self.situation.exists(module, file);
        let fault = |cause| Some(Miss::Fault { cause, gained: false });
        match server.behaviour {
            Behaviour::Serves if has => {
                self.refused[to.place()].1 = true;
                None
            }
            Behaviour::Serves | Behaviour::Missing(_) => Some(Miss::NotFound),
            Behaviour::Cut if has => fault(Cause::Eof),
            Behaviour::Cut => Some(Miss::NotFound),
            Behaviour::Refused => fault(Cause::ConnRefused),
            Behaviour::Broken => fault(Cause::Http5xx),
            Behaviour::Portal => Some(Miss::Wrong { digest: [1; 32], flaw: Flaw::Page }),
            Behaviour::Forbidden => {
                if pinned {
                    self.refused[to.place()].0.insert(module.to_owned());
                }
                Some(Miss::Denied { blanket: self.refuses(to.place()) })
            }
        }
    }
}

impl StandIn for Fetcher<'_> {
    fn ask(&mut self, module: &str, file: File) -> Answer {
        let premises = self.policy.premises.as_deref().expect("an example's");
        let changing = matches!(file, File::List | File::Latest);
        let terms = Terms {
            chosen: false,
            fixed: !changing,
            pinned: matches!(file, File::Info(FIRST) | File::Mod(FIRST) | File::Zip(FIRST))
                && self.situation.go_sum.get(module) == Some(&Pin::Both),
            publicity: premises.private.publicity(module),
            only: if changing { self.answered_by.get(module).copied() } else { None },
            attempts: 1 + self.draw.below(5) as u32,
            patient: false,
            backoff_base: Duration::from_millis(1),
            backoff_max: Duration::from_millis(1),
        };
        assert!(terms.publicity != Publicity::PlainlyPublic || !terms.is_private());
        let mut tries: Vec<Try> = Vec::new();
        for _ in 0..200 {
            let conditions = self.conditions();
            let time = Duration::from_secs(if self.draw.chance(90) { 60 } else { 0 });
            let request = Request {
                terms: &terms,
                crossings: &self.crossings,
                tries: &tries,
                conditions: &conditions,
                allowance: Allowance { retry: true, time },
            };
            let moves = request.next();
            if let (Move::Ask(to, _), Some(last)) = (&moves, tries.last())
                && *to != last.upstream
                && terms.is_private()
                && !terms.pinned
                && (self.ends_at(last.upstream, module, file)
                    || changing
                        && last.miss == Miss::NotFound
                        && premises.replaced.iter().any(|m| m == module))
            {
                return Answer::Missing;
            }
            let (to, beside) = match moves {
                Move::Ask(to, _) => (to, request.hedge_target(to)),
                Move::NotFound => return Answer::Missing,
                Move::Deliver(_) => return Answer::Page,
                Move::PassOn(_) | Move::GiveUp => return Answer::Failed,
                Move::Leave(_) => panic!("nothing of gox's own fails here"),
            };
            self.hears(to, module, None);
            // A refusal comes at once.
            let refuses = self.situation.proxies[self.servers[to.place()]].behaviour == Behaviour::Forbidden;
            if let Some(beside) = beside.filter(|_| !refuses && self.draw.chance(20)) {
                self.hears(beside, module, Some(to));
            }
            let Some(miss) = self.answer(to, module, file, terms.pinned) else {
                if changing {
                    self.answered_by.entry(module.to_owned()).or_insert(to);
                }
                return Answer::Found;
            };
            let trouble = matches!(miss, Miss::Fault { .. } | Miss::Wrong { .. });
            if trouble && self.draw.chance(30) {
                self.down[to.place()] = true;
            }
            tries.push(Try { upstream: to, miss, waited: false, alone: None });
        }
        panic!("no end for {module}");
    }
}

/// What is wrong with one situation, and how many requests it took; `None` where no relay can serve it.
fn check(seed: u64) -> Option<(Vec<String>, usize)> {
    let mut situation = random::situation(seed);
    let mut draw = Draw::new(seed ^ 0x5eed);
    let around = random::surroundings(&mut draw);
    for mirror in &around.mirrors {
        situation.settings.goproxy.retain(|(hop, _)| *hop != Hop::Proxy(*mirror));
    }
    if seed % 2 == 1 {
        situation.settings.gosumdb = Sums::Off;
    }
    let hops = &situation.settings.goproxy;
    let walled = hops.iter().position(|(hop, _)| matches!(hop, Hop::Direct | Hop::Off)).unwrap_or(hops.len());
    if walled == 0 || hops.iter().any(|(hop, _)| *hop == Hop::Folder) {
        return None;
    }
    let policy = policy(&situation, &around);
    let state = State::start(&policy);
    let crossings = Crossings::new(state.list(), policy.rotate, &state.mirrors);
    let number = |hop: &Hop| if let Hop::Proxy(n) = hop { Some(*n) } else { None };
    let mut servers: Vec<usize> = hops[..walled].iter().filter_map(|(hop, _)| number(hop)).collect();
    servers.extend(around.mirrors.iter().take(state.mirrors.len()));
    assert_eq!(servers.len(), crossings.len(), "seed {seed}");
    let permit = Permit::new(&situation, &around);
    let mut beside = situation.clone();
    beside.settings.goproxy = vec![(Hop::StandIn, Separator::Comma)];
    if let Some((separator, tail)) = crossings.tail() {
        let piped = *separator == crate::formats::goproxy::Separator::Pipe;
        let separator = if piped { Separator::Pipe } else { Separator::Comma };
        let hop = if *tail == Entry::Direct { Hop::Direct } else { Hop::Off };
        beside.settings.goproxy = vec![(Hop::StandIn, separator), (hop, Separator::Comma)];
    }
    let down = servers.iter().map(|n| around.resting.contains(n)).collect();
    let mut fetcher = Fetcher {
        situation: &situation,
        permit: &permit,
        policy: &policy,
        crossings,
        refused: vec![Default::default(); servers.len()],
        servers,
        answered_by: BTreeMap::new(),
        down,
        draw,
        wrong: Vec::new(),
        asked: 0,
    };
    let told = model::told_beside(&beside, &mut fetcher);
    let (mut wrong, asked) = (fetcher.wrong, fetcher.asked);
    // Where a database has a say go may leave the relay for its word, and the database is asked another way.
    let unverified = situation.settings.gosumdb == Sums::Off;
    for (host, name) in told.names.iter().filter(|(host, _)| unverified && matches!(host, Host::Origin(_))) {
        wrong.extend(permit.forbids(host, name).map(|why| format!("{host:?} heard {name}: {why}")));
    }
    Some((wrong, asked))
}

/// So many situations in each run of the suite; `GOX_TEST_WALKS_CASES` gives others.
const USUAL: u64 = 3_000;

#[test]
fn no_walk_of_the_fetchers_tells_anybody_whom_the_rules_do_not_name() {
    let number = |name: &str, usual| {
        std::env::var(name).map_or(usual, |n| n.parse().unwrap_or_else(|_| panic!("{name}: a number")))
    };
    let (first, cases) = (number("GOX_TEST_WALKS_FIRST", 0), number("GOX_TEST_WALKS_CASES", USUAL));
    let (mut checked, mut requests) = (0u64, 0usize);
    for seed in first.. {
        if checked == cases {
            break;
        }
        let Some((wrong, asked)) = check(seed) else { continue };
        assert!(wrong.is_empty(), "seed {seed}: {}\n{:?}", wrong.join("\n"), random::situation(seed));
        (checked, requests) = (checked + 1, requests + asked);
    }
    println!("{checked} situations, {requests} requests, nobody heard what is not his");
    assert!(requests as u64 > checked, "they ask");
}
