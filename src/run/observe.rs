//! Turns the end of an attempt into an observation: go's words, the cache, the hosts.

use super::scratch::{Scratch, of_the_modules, own_trace};
use super::watching::Notes;
use super::{Interrupt, Prepare, Run, is_interrupt};
use crate::child::{self, Command, Ended as ChildEnded, Hooks, Outcome, StderrMode};
use crate::classify::trace::{self, Outcome as Answer};
use crate::classify::{Classifier, Stream};
use crate::exit::Exit;
use crate::formats::authority;
use crate::formats::go_sum::GoSum;
use crate::formats::goproxy::Entry;
use crate::judgement::attempt::{AttemptEnd, Observation, Repair, RepairKind, State, database};
use crate::judgement::table::{self, Class, Meaning, Suspicion, Trouble};
use crate::machine::names;
use crate::machine::network::{self, Probe};
use crate::module_cache::{Cache, Finding, Mark, Owner};
use crate::vocabulary::{Cause, Detail, Failure, Source};
use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a scan of the module cache for nameless damage may take.
const SCAN: Duration = Duration::from_secs(10);

impl Run {
    /// Looks at everything an attempt left behind that was to be ended after so much silence.
    pub(super) async fn observe(
        &mut self,
        outcome: &Outcome,
        notes: Notes,
        mark: Option<&Mark>,
        patience: Duration,
    ) -> Result<Observation, Exit> {
        let end = match &outcome.ended {
            _ if is_interrupt(outcome) => AttemptEnd::Interrupted,
            ChildEnded::Exited(code) => AttemptEnd::Code(*code),
            ChildEnded::Signaled(signal) => AttemptEnd::Signal(*signal),
            ChildEnded::Stalled => AttemptEnd::Stalled,
            ChildEnded::Hook(_) | ChildEnded::Interrupted(_) => AttemptEnd::NoConnection,
        };
        let mut observation = Observation::new(end, notes.reading.failures);
        observation.elapsed = outcome.elapsed;
        let ended = matches!(end, AttemptEnd::Code(0) | AttemptEnd::Signal(_) | AttemptEnd::Interrupted);
        let lenient = self.lenient && end == AttemptEnd::Code(0);
        if self.job.invocation.json
            && (!ended || lenient)
            && let Ok(mut reader) = outcome.stdout.reader()
        {
            read_json(&self.job.rules, &mut reader, &mut observation.failures);
        }
        self.read_relay(&mut observation);
        for failure in observation.failures.iter_mut().filter(|f| f.detail == Detail::HttpProxy) {
            failure.facts.between = failure.url.as_deref().and_then(network::http_proxy_for);
        }
        observation.no_relay = self.relaying.refusal();
        if lenient {
            self.read_what_is_hidden(&mut observation);
        }
        if ended && !observation.incomplete {
            return Ok(observation);
        }
        if observation.failures.is_empty() && matches!(end, AttemptEnd::Code(_)) {
            return Ok(observation);
        }
        // What went before without a sign was trouble already.
        let silent = if end == AttemptEnd::Stalled { patience } else { Duration::ZERO };
        let now = Instant::now();
        let first = *self.first_failure.get_or_insert(now.checked_sub(silent).unwrap_or(now));
        observation.since_first_failure = observation.since_first_failure.max(first.elapsed());
        // What no attempt can change ends the run, whatever go's settings are.
        let told = observation.failures.iter().any(|f| f.rule.is_some());
        let worth = told || !matches!(end, AttemptEnd::Code(_)) || self.any_curable(&observation.failures);
        if worth && self.asked_go.is_none() {
            self.ask_go().await?;
            observation.premises = Some(Arc::new(self.premises()));
        }
        let state = State::after(&self.policy, &self.history, &observation);
        // What gox itself saw (a stall, a proxy that takes no connection) is a failure like go's.
        observation.failures = observation.all_failures(&state);
        if !self.any_curable(&observation.failures) {
            return Ok(observation);
        }
        if let (Some(cache), Some(mark)) = (self.cache(), mark) {
            observation.progress = cache.grew_since(mark);
            if observation.progress {
                // Progress pays back.
                self.first_failure = Some(now.checked_sub(silent).unwrap_or(now));
                observation.since_first_failure = silent;
            }
            if !self.policy.verifying {
                self.find_damage(&cache, &state, &mut observation).await?;
            }
        }
        // The relay tells by itself who served; it need not have been the first.
        if observation.progress && !observation.relayed {
            observation.serving.extend(state.first().filter(|e| e.is_network_proxy()).cloned());
        }
        observation.dead.extend(notes.dead);
        self.look_at_hosts(&state, &mut observation).await?;
        Ok(observation)
    }

    /// Keeps of what a go that exits 0 has met the faults of the network: what else it says belongs to what was
    /// asked of it. Where it says nothing, the relay knows.
    fn read_what_is_hidden(&self, observation: &mut Observation) {
        observation.failures.retain(|f| f.row().is_transport());
        if observation.failures.is_empty()
            && let Some(tally) = self.tally()
        {
            observation.failures.extend(tally.failed.iter().filter(|f| f.row().is_transport()).cloned());
        }
        observation.incomplete = !observation.failures.is_empty();
    }

    /// Asks go for its settings, beside the loop so that signals are heard.
    async fn ask_go(&mut self) -> Result<(), Interrupt> {
        let job = self.job.clone();
        let (go, dir, known) = (job.go.clone(), job.dir.clone(), job.go_env.clone());
        let asking =
            tokio::task::spawn_blocking(move || crate::machine::go_env::ask_go(&go, Some(&dir), &known));
        self.asked_go = self.unless_interrupted(asking).await?.ok();
        Ok(())
    }

    /// Whether looking further can change anything: a compile error outside the cache ends the run
    /// whatever the network does.
    fn any_curable(&self, failures: &[Failure]) -> bool {
        let looked_at = |f: &Failure| f.facts.path.is_some() || f.row().suspicion != Suspicion::Nothing;
        failures.iter().any(|f| f.row().is_curable() || looked_at(f))
    }

    /// Finds local damage for each failure that may come from it: beside the loop, since zips are
    /// read through for it.
    async fn find_damage(
        &mut self,
        cache: &Cache,
        state: &State,
        observation: &mut Observation,
    ) -> Result<(), Interrupt> {
        let sums = self.sums();
        let (cache, failures) = (cache.clone(), observation.failures.clone());
        let (dir, gosumdb) = (self.job.dir.clone(), state.premises.gosumdb.clone());
        let search = tokio::task::spawn_blocking(move || -> Vec<Vec<Finding>> {
            failures.iter().map(|failure| damage_of(&cache, &sums, failure, &dir, &gosumdb)).collect()
        });
        let found = self.unless_interrupted(search).await?.unwrap_or_default();
        for (index, found) in found.into_iter().enumerate() {
            for finding in found {
                let kind = match finding {
                    Finding::Damage(_) => RepairKind::Evict,
                    Finding::Dispute(_) => RepairKind::SetAside,
                };
                let (what, path) = (finding.name(), finding.path().to_path_buf());
                observation.repairs.push(Repair { failure: index, kind, what, path });
                self.findings.retain(|known| known.path() != finding.path());
                self.findings.push(finding);
            }
        }
        for repair in &observation.repairs {
            // go's words for a wrong hash do not tell where the bytes lay; now it is known.
            observation.failures[repair.failure].source.get_or_insert(Source::Cache);
        }
        Ok(())
    }

    /// Which listed proxies take a connection now, and is there a network at all?
    async fn look_at_hosts(&mut self, state: &State, observation: &mut Observation) -> Result<(), Interrupt> {
        for failure in observation.failures.iter_mut().filter(|f| f.cause == Cause::Dns) {
            let name = failure.host.as_deref().map(authority::name).unwrap_or_default().to_owned();
            let plain = failure.detail == Detail::Plain && failure.source == Some(Source::Proxy);
            if plain
                && let Some(detail) =
                    self.unless_interrupted(names::detail(&known_names(state), &name)).await?
            {
                failure.detail = detail;
            }
        }
        let failures = &observation.failures;
        let (hosts, names) = failing_hosts(failures);
        let all_away = !failures.is_empty() && failures.iter().all(|f| f.row().trouble == Trouble::Network);
        if all_away {
            observation.no_network = network::no_network(&hosts, names);
        }
        let away = |f: &Failure| {
            let row = f.row();
            row.is_dead_host() || row.trouble == Trouble::Silent || row.class == Class::Toolchain
        };
        let proxies: Vec<Entry> =
            state.list().reachable().iter().filter(|e| e.is_network_proxy()).cloned().collect();
        if observation.no_network.is_some() || !failures.iter().any(away) || proxies.is_empty() {
            return Ok(());
        }
        for (entry, probe) in self.unless_interrupted(network::probe(&proxies)).await? {
            if probe == Probe::Dead && !observation.dead.contains(&entry) {
                observation.dead.push(entry);
            }
        }
        Ok(())
    }

    /// One diagnostic attempt: the same network, with traces that are read and not shown.
    ///
    /// # Errors
    /// A signal asked gox to end meanwhile.
    pub(super) async fn diagnose(&mut self, observation: &mut Observation) -> Result<(), Interrupt> {
        observation.diagnosed = true;
        let state = State::after(&self.policy, &self.history, observation);
        let job = self.job.clone();
        let go_env = self.asked_go.as_ref().unwrap_or(&job.go_env);
        let Some(scratch) = Scratch::copy(&job.dir, go_env, &job.args) else { return Ok(()) };
        let own = own_trace(&job.args, &job.invocation, job.prepare != Prepare::Nothing, &scratch);
        // `-C` stands in the user's arguments; ours need the folder itself.
        let dir = own.is_none().then(|| job.dir.clone());
        let Some(args) = own.or_else(|| of_the_modules(&state, observation, &scratch)) else { return Ok(()) };
        self.voice.diagnosing(&mut self.supervisor);
        let mut hooks =
            Tracing { classifier: Classifier::new(&job.rules, Stream::Stderr), trace: Vec::new() };
        let command = Command { program: job.go.clone(), args, envs: self.envs(), dir };
        let watch = child::Watch { stall: Some(self.policy.stall), quiet: super::QUIET };
        let result = self.supervisor.run(&command, StderrMode::Hidden, watch, &mut hooks).await;
        let Ok(outcome) = result else { return Ok(()) };
        if let ChildEnded::Interrupted(signal) = outcome.ended {
            return Err(Interrupt(signal));
        }
        observation.refusals.extend(refusals(&hooks.trace));
        for request in trace::requests(&hooks.trace) {
            let asked = |e: &&Entry| e.is_network_proxy() && request.url.starts_with(&e.shown());
            if matches!(request.outcome, Answer::Status(200..=399 | 404 | 410)) {
                observation.serving.extend(state.list().entries.iter().find(asked).cloned());
            }
        }
        if outcome.ended == ChildEnded::Exited(0) {
            observation.healed = true;
            return Ok(());
        }
        let mut told = hooks.classifier.finish().failures;
        if let Ok(mut reader) = outcome.stdout.reader() {
            read_json(&self.job.rules, &mut reader, &mut told);
        }
        // What was named plainly before stays; what hid its cause gives way to what was told now.
        let clear: Vec<Failure> = told.into_iter().filter(|f| f.cause != Cause::Other).collect();
        if clear.is_empty() {
            return Ok(());
        }
        if clear.iter().any(|f| !f.hides()) {
            observation.failures.retain(|f| !f.hides());
        }
        observation
            .failures
            .extend(clear.into_iter().filter(|f| !observation.failures.contains(f)).collect::<Vec<_>>());
        observation.repairs.clear();
        if let Some(cache) = self.cache() {
            self.find_damage(&cache, &state, observation).await?;
        }
        Ok(())
    }
}

/// The files of module versions that were refused, as a trace tells.
fn refusals(trace: &[u8]) -> Vec<Failure> {
    let of_request = |request: trace::Request| {
        let Answer::Status(status) = request.outcome else { return None };
        let (cause, _) = table::of_status(status).filter(|(_, meaning)| *meaning == Meaning::Refused)?;
        let (module, version) = request.module_version()?;
        let mut failure = Failure::new(cause, Some(Source::Proxy), request.url.clone());
        (failure.module, failure.version) = (Some(module), Some(version));
        failure.facts.status = Some(status);
        failure.url = Some(request.url);
        Some(failure)
    };
    trace::requests(trace).into_iter().filter_map(of_request).collect()
}

/// Listens to a diagnostic attempt.
struct Tracing {
    classifier: Classifier,
    /// The first part of the trace, which tells enough.
    trace: Vec<u8>,
}

/// Bytes of a trace that are kept.
const TRACE: usize = 4 << 20;

impl Hooks for Tracing {
    fn stderr(&mut self, bytes: &[u8]) {
        self.classifier.push(bytes);
        let room = TRACE.saturating_sub(self.trace.len()).min(bytes.len());
        self.trace.extend_from_slice(&bytes[..room]);
    }
}

/// Reads the objects of a `-json` verb.
fn read_json(rules: &crate::classify::Rules, reader: &mut impl BufRead, failures: &mut Vec<Failure>) {
    let mut classifier = Classifier::new(rules, Stream::JsonStdout);
    while let Ok(piece) = reader.fill_buf()
        && !piece.is_empty()
    {
        classifier.push(piece);
        let taken = piece.len();
        reader.consume(taken);
    }
    for failure in classifier.finish().failures {
        let same = |f: &Failure| {
            f.cause == failure.cause && f.module == failure.module && f.version == failure.version
        };
        if !failures.iter().any(same) {
            failures.push(failure);
        }
    }
}

/// The modules of go.sum that may hold a package which go does not find: files may be gone from their
/// folders.
fn holders<'a>(sums: &'a GoSum, package: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let below =
        |module: &str| package.strip_prefix(module).is_some_and(|r| r.is_empty() || r.starts_with('/'));
    sums.modules().filter(move |(m, v)| below(m) && !sums.lookup(m, v, false).is_empty())
}

/// What in the cache explains one failure. The failure's words say where to look; what is wrong there, and
/// which hash is wanted, the files themselves and go.sum tell. A folder that may be somebody's own edit is
/// only touched where the words name it.
fn damage_of(
    cache: &Cache,
    sums: &GoSum,
    failure: &Failure,
    dir: &std::path::Path,
    gosumdb: &str,
) -> Vec<Finding> {
    let database = gosumdb.split(['+', ' ']).next().unwrap_or("sum.golang.org");
    let place = failure.facts.path.as_deref().and_then(|p| cache.locate(p, dir));
    match &place {
        Some(Owner::Vcs(clone)) => return cache.diagnose_vcs(clone, &failure.evidence),
        Some(Owner::Sumdb(name)) => return cache.diagnose_sumdb(name),
        // A compiler's complaint about a file of the module cache: is the folder what go.sum says?
        Some(Owner::Module { module, version }) => return cache.diagnose(sums, module, version),
        None => {}
    }
    let suspicion = failure.row().suspicion;
    let module = failure.module.as_deref();
    match suspicion {
        Suspicion::Nothing => vec![],
        // `malformed record data` is what a page in place of a record gives, and a cached one too.
        Suspicion::Database => cache.diagnose_sumdb(database),
        Suspicion::Package => {
            let holders = module.into_iter().flat_map(|package| holders(sums, package));
            let found = holders.flat_map(|(m, v)| cache.diagnose(sums, m, v));
            found.filter(|finding| !finding.may_be_an_edit()).collect()
        }
        Suspicion::Clone => {
            let clones = module.into_iter().flat_map(|module| cache.clones_of(module));
            clones.flat_map(|clone| cache.diagnose_vcs(&clone, &failure.evidence)).collect()
        }
        Suspicion::Version | Suspicion::Info | Suspicion::Anything => {
            let (Some(module), Some(version)) = (&failure.module, &failure.version) else {
                if suspicion != Suspicion::Anything {
                    return vec![];
                }
                let all: Vec<(String, String)> =
                    sums.modules().map(|(m, v)| (m.to_owned(), v.to_owned())).collect();
                return cache.scan(sums, &all, SCAN);
            };
            let mut found = cache.diagnose(sums, module, version);
            found.retain(|finding| !finding.may_be_an_edit());
            if found.is_empty() && suspicion == Suspicion::Info {
                // A version that nobody has may come from the .info file of another version.
                let listed: Vec<(String, String)> = sums
                    .modules()
                    .filter(|(m, v)| m == module && v != version)
                    .map(|(m, v)| (m.to_owned(), v.to_owned()))
                    .collect();
                found = cache.scan(sums, &listed, SCAN);
                found.retain(Finding::is_info);
            }
            found
        }
    }
}

/// Names of hosts that the user's settings name: of the listed proxies, and of the checksum database.
pub(super) fn known_names(state: &State) -> Vec<String> {
    let proxies = state.list().reachable().iter().filter(|e| e.is_network_proxy()).filter_map(Entry::host);
    let database = database(&state.premises.gosumdb).filter(|host| host.contains('.'));
    let names = proxies.chain(database).map(|host| authority::name(&host).to_owned());
    names.filter(|name| name.parse::<std::net::IpAddr>().is_err()).collect()
}

/// The hosts that failures name, and whether names did not resolve.
pub(super) fn failing_hosts(failures: &[Failure]) -> (Vec<String>, bool) {
    let hosts = failures.iter().filter_map(|f| f.host.clone()).collect();
    (hosts, failures.iter().any(|f| f.cause == Cause::Dns))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whose names gox may ask the system for: nobody's but those that go's own settings hold.
    #[test]
    fn only_names_of_gos_settings_are_looked_up() {
        for (database, found) in [
            ("sum.golang.org", &["a.example", "b.example", "sum.golang.org"][..]),
            ("sum.corp+0a1b+Ac4z https://sums.corp:8443/x", &["a.example", "b.example", "sums.corp"]),
            ("off", &["a.example", "b.example"]),
            ("", &["a.example", "b.example"]),
        ] {
            let list = "https://u:p@a.example:81/x,http://192.0.2.1|https://b.example,direct";
            let mut policy = crate::judgement::attempt::Policy::example(list);
            let premises = Arc::make_mut(policy.premises.as_mut().expect("premises"));
            premises.gosumdb = database.into();
            assert_eq!(known_names(&State::start(&policy)), found, "{database}");
        }
    }

    /// A cache that holds `example.test/dep@v1.0.0`, whole, with the go.sum that says so.
    fn healthy(top: &std::path::Path) -> (Cache, GoSum) {
        use std::io::Write as _;
        let at = top.join("cache/download/example.test/dep/@v");
        let tree = top.join("example.test/dep@v1.0.0");
        std::fs::create_dir_all(&at).unwrap();
        std::fs::create_dir_all(&tree).unwrap();
        let files = [("go.mod", "module example.test/dep\n"), ("dep.go", "package dep\n")];
        let mut zip = zip::ZipWriter::new(std::fs::File::create(at.join("v1.0.0.zip")).unwrap());
        for (name, content) in files {
            let whole = format!("example.test/dep@v1.0.0/{name}");
            zip.start_file(whole, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
            std::fs::write(tree.join(name), content).unwrap();
        }
        zip.finish().unwrap();
        let sum = crate::module_cache::hash::of_zip(&at.join("v1.0.0.zip"), "example.test/dep@v1.0.0/");
        let sum = sum.unwrap().h1().to_owned();
        let go_mod = crate::formats::h1::of_go_mod(files[0].1.as_bytes());
        std::fs::write(at.join("v1.0.0.ziphash"), &sum).unwrap();
        std::fs::write(at.join("v1.0.0.mod"), files[0].1).unwrap();
        std::fs::write(at.join("v1.0.0.info"), r#"{"Version":"v1.0.0"}"#).unwrap();
        let text = format!("example.test/dep v1.0.0 {sum}\nexample.test/dep v1.0.0/go.mod {go_mod}\n");
        (Cache::new(top, None), GoSum::parse(text.as_bytes()))
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        /// Whatever anybody writes, nothing is found in a healthy cache: there is nothing that a repair
        /// could be made of.
        #[test]
        fn no_words_make_damage_of_a_healthy_cache(
            picks in proptest::collection::vec((0usize..16, "\\PC{0,12}"), 1..6),
        ) {
            static TOP: std::sync::LazyLock<tempfile::TempDir> =
                std::sync::LazyLock::new(|| tempfile::tempdir().unwrap());
            static HEALTHY: std::sync::LazyLock<(Cache, GoSum)> =
                std::sync::LazyLock::new(|| healthy(TOP.path()));
            let (cache, sums) = &*HEALTHY;
            let top = TOP.path().display();
            let mut text = String::new();
            for (pick, noise) in picks {
                text += &match pick {
                    0 => "verifying example.test/dep@v1.0.0: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tgo.sum:     h1:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".to_owned(),
                    1 => "verifying example.test/dep@v1.0.0/go.mod: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tsum.golang.org: h1:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".to_owned(),
                    2 => format!("-> unzip {top}/cache/download/example.test/dep/@v/v1.0.0.zip: zip: checksum error\n"),
                    3 => "go: zip: not a valid zip file\n".to_owned(),
                    4 => "go: example.test/dep@v1.0.0: parsing go.mod: missing module line\n".to_owned(),
                    5 => format!("{top}/example.test/dep@v1.0.0/dep.go:1:1: expected 'package', found 'EOF'\n"),
                    6 => format!("go: example.test/dep@v1.0.0: invalid version: git ls-remote -q origin in {top}/cache/vcs/{}: exit status 128:\n\tfatal: bad object 1\n", "0123456789abcdef".repeat(4)),
                    7 => "go: example.test/dep@v1.0.0: initializing sumdb.Client: checking tree#1: TileReader returned bad result slice (tile/8/0/000.p/1 len=2, want 32)\n".to_owned(),
                    8 => "go: example.test/dep@v1.0.0: invalid version: unknown revision v1.0.0\n".to_owned(),
                    9 => "main.go:3:8: no required module provides package example.test/dep; to add it:\n\tgo get example.test/dep\n".to_owned(),
                    10 => "go: example.test/dep@v9.9.9: reading https://p.example/example.test/dep/@v/v9.9.9.info: 404 Not Found\n\tserver response: ".to_owned(),
                    11 => "\tserver response:\n\t".to_owned(),
                    12 => "verifying example.test/dep@v1.0.0: open ".to_owned() + &format!("{top}/cache/download/example.test/dep/@v/v1.0.0.ziphash: no such file or directory\n"),
                    13 => "go: ".to_owned(),
                    14 => "\n".to_owned(),
                    _ => format!("{noise} "),
                };
            }
            let rules = crate::classify::Rules::default();
            for stream in [Stream::Stderr, Stream::JsonStdout] {
                for failure in crate::classify::classify(&rules, stream, text.as_bytes()).failures {
                    for gosumdb in ["sum.golang.org", "off"] {
                        let found = damage_of(cache, sums, &failure, TOP.path(), gosumdb);
                        proptest::prop_assert!(found.is_empty(), "{found:?} from {text:?}");
                    }
                }
            }
        }
    }
}
