//! Situations from a seed: the same seed gives the same situation everywhere.

use super::permit::{PUBLIC_PROXIES, Rotate, Surroundings};
use super::situation::{
    Behaviour, FIRST, Hop, Host, ModFlag, Module, Pin, Replacement, Requirement, Separator, Server, Settings,
    Situation, Sums, Verb,
};
use std::collections::{BTreeMap, BTreeSet};

/// The modules that exist: of known forges, of public vanity hosts, of strangers, and of hosts that are
/// private by their spelling.
pub(crate) const MODULES: [&str; 9] = [
    "github.com/acme/secret",
    "github.com/acme/tools",
    "github.com/other/lib",
    "github.com/third/deep",
    "golang.org/x/sync",
    "vanity.test/m1",
    "vanity.test/deep/m2",
    "git.corp/team/base",
    "go.strange.example/kit",
];

/// The newer version of the modules that have one.
pub(crate) const NEWER: &str = "v1.1.0";

/// A module proxy in a random situation can have so many numbers.
pub(crate) const PROXIES: usize = 3;

/// SplitMix64: enough for drawing cases.
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Draw {
        Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6a09_e667_f3bc_c908)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// So often in a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of them.
    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// The situation of a seed.
pub(crate) fn situation(seed: u64) -> Situation {
    let mut draw = Draw::new(seed);
    let modules = modules(&mut draw);
    let (requirements, new_imports) = main_module(&mut draw);
    let go_sum = go_sum(&mut draw);
    let settings = settings(&mut draw);
    let all: BTreeSet<String> = modules.keys().cloned().collect();
    let proxies = (0..PROXIES)
        .map(|n| Server {
            host: Host::Proxy(n),
            behaviour: behaviour(&mut draw),
            knows: some(&mut draw, &all, 75),
            carries_sums: draw.chance(50),
        })
        .collect();
    let database = Server {
        host: Host::Database(settings.gosumdb.host().unwrap_or("none.example.test").to_owned()),
        behaviour: behaviour(&mut draw),
        knows: some(&mut draw, &all, 80),
        carries_sums: true,
    };
    let origins = origins(&mut draw, &modules);
    let folder = some(&mut draw, &all, 40);
    let verb = verb(&mut draw, &requirements);
    Situation {
        release: u32::MAX,
        settings,
        proxies,
        database,
        origins,
        folder,
        modules,
        requirements,
        go_sum,
        new_imports,
        verb,
    }
}

fn some(draw: &mut Draw, all: &BTreeSet<String>, percent: u64) -> BTreeSet<String> {
    all.iter().filter(|_| draw.chance(percent)).cloned().collect()
}

fn behaviour(draw: &mut Draw) -> Behaviour {
    if draw.chance(60) {
        return Behaviour::Serves;
    }
    *draw.of(&[
        Behaviour::Refused,
        Behaviour::Missing(404),
        Behaviour::Missing(410),
        Behaviour::Forbidden,
        Behaviour::Broken,
        Behaviour::Cut,
        Behaviour::Portal,
    ])
}

fn modules(draw: &mut Draw) -> BTreeMap<String, Module> {
    let mut modules = BTreeMap::new();
    for (n, path) in MODULES.iter().enumerate() {
        let versions = if draw.chance(50) { vec![FIRST, NEWER] } else { vec![FIRST] };
        // Only of later ones, so that there is no circle.
        let later = &MODULES[n + 1..];
        let requires =
            if draw.chance(35) && !later.is_empty() { vec![(*draw.of(later)).to_owned()] } else { vec![] };
        let module = Module { versions, pruned: draw.chance(70), requires, page: draw.chance(70) };
        modules.insert((*path).to_owned(), module);
    }
    modules
}

fn main_module(draw: &mut Draw) -> (Vec<Requirement>, Vec<String>) {
    let mut left: Vec<&str> = MODULES.to_vec();
    let mut take = |draw: &mut Draw| left.remove(draw.below(left.len())).to_owned();
    let requirements = (0..1 + draw.below(3))
        .map(|_| {
            let path = take(draw);
            let replacement = match draw.below(10) {
                0 => Replacement::Folder,
                // One that nothing else is about.
                1 => Replacement::Module(take(draw)),
                _ => Replacement::Nothing,
            };
            Requirement { path, replacement, imported: draw.chance(75) }
        })
        .collect();
    let new_imports = if draw.chance(50) { vec![take(draw)] } else { vec![] };
    (requirements, new_imports)
}

fn go_sum(draw: &mut Draw) -> BTreeMap<String, Pin> {
    let mut pins = BTreeMap::new();
    for path in MODULES {
        match draw.below(10) {
            0..5 => drop(pins.insert(path.to_owned(), Pin::Both)),
            5 => drop(pins.insert(path.to_owned(), Pin::GoMod)),
            _ => {}
        }
    }
    pins
}

fn settings(draw: &mut Draw) -> Settings {
    let mut goproxy = Vec::new();
    let proxies = if draw.chance(12) { 0 } else { 1 + draw.below(PROXIES) };
    for n in 0..proxies {
        goproxy.push((Hop::Proxy(n), separator(draw)));
    }
    if draw.chance(12) {
        goproxy.insert(draw.below(goproxy.len() + 1), (Hop::Folder, separator(draw)));
    }
    match draw.below(8) {
        0..4 => goproxy.push((Hop::Direct, separator(draw))),
        4 => goproxy.push((Hop::Off, separator(draw))),
        5 => goproxy.insert(draw.below(goproxy.len() + 1), (Hop::Direct, separator(draw))),
        6 if draw.chance(30) => goproxy.insert(draw.below(goproxy.len() + 1), (Hop::Off, separator(draw))),
        _ => {}
    }
    if goproxy.is_empty() {
        goproxy.push((Hop::Direct, Separator::Comma));
    }
    let private =
        ["", "", "", "github.com/acme", "*.corp", "git.corp,github.com/acme/secret", "vanity.test/*"];
    let own = |draw: &mut Draw| {
        let values = ["none", "github.com/acme/*", "golang.org/x", "vanity.test"];
        draw.chance(25).then(|| (*draw.of(&values)).to_owned())
    };
    Settings {
        goproxy,
        goprivate: (*draw.of(&private)).to_owned(),
        gonoproxy: own(draw),
        gonosumdb: own(draw),
        gosumdb: *draw.of(&[
            Sums::Off,
            Sums::Own,
            Sums::Own,
            Sums::OwnAt,
            Sums::OwnAt,
            Sums::Public,
            Sums::Mirror,
        ]),
        mod_flag: draw
            .chance(25)
            .then(|| *draw.of(&[ModFlag::Mod, ModFlag::Mod, ModFlag::Readonly, ModFlag::Vendor])),
    }
}

fn separator(draw: &mut Draw) -> Separator {
    if draw.chance(35) { Separator::Pipe } else { Separator::Comma }
}

fn origins(draw: &mut Draw, modules: &BTreeMap<String, Module>) -> BTreeMap<String, Server> {
    let mut origins = BTreeMap::new();
    for path in MODULES {
        let host = path.split('/').next().unwrap_or(path).to_owned();
        let of_host = modules.keys().filter(|m| m.split('/').next() == Some(&host));
        let server = Server {
            host: Host::Origin(host.clone()),
            behaviour: behaviour(draw),
            knows: of_host.filter(|_| draw.chance(80)).cloned().collect(),
            carries_sums: false,
        };
        origins.entry(host).or_insert(server);
    }
    origins
}

fn verb(draw: &mut Draw, requirements: &[Requirement]) -> Verb {
    let required = draw.of(requirements).path.clone();
    let any = if draw.chance(50) { required } else { (*draw.of(&MODULES)).to_owned() };
    // `get` of what is replaced is a matter of its own.
    let plain = requirements.iter().all(|r| r.path != any || r.replacement == Replacement::Nothing);
    match draw.below(9) {
        0 | 1 => Verb::Download,
        2 => Verb::DownloadOf(any, FIRST),
        3 if plain => Verb::Get(any, if draw.chance(50) { FIRST } else { NEWER }),
        4 if plain => Verb::Get(any, "latest"),
        5 => Verb::ListVersions(any),
        6 => Verb::Build,
        _ => Verb::Tidy,
    }
}

/// Surroundings, from another draw than the situation's.
pub(crate) fn surroundings(draw: &mut Draw) -> Surroundings {
    let all_public = draw.chance(40);
    let names = (0..PROXIES).map(|n| (all_public || draw.chance(25)).then(|| PUBLIC_PROXIES[n])).collect();
    Surroundings {
        names,
        rotate: *draw.of(&[Rotate::Listed, Rotate::Listed, Rotate::Listed, Rotate::Go, Rotate::Never]),
        mirrors: if draw.chance(40) { vec![PROXIES - 1] } else { vec![] },
        resting: if draw.chance(15) { vec![draw.below(PROXIES)] } else { vec![] },
        private: (*draw.of(&["", "", "", "github.com/acme/*", "vanity.test"])).to_owned(),
        origin: *draw.of(&[
            None,
            None,
            Some("github.com/acme"),
            Some("git.corp/team"),
            Some("vanity.test/deep"),
        ]),
    }
}
