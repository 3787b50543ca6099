//! `gox doctor`: looks at everything that a download depends on, and tells what is wrong and what mends it.
//!
//! `settings`, `cache` and `beside` look at this machine, `network` at hosts, all at the same time and within ten seconds
//! in all; `print` shows the verdict, what mends it, and each check. What the verdict is decides
//! [`crate::judgement::diagnosis`].

mod beside;
mod cache;
mod network;
mod print;
mod settings;

use crate::command_line::DoctorArguments;
use crate::configuration::{Environment, Error, Settings, quoted};
use crate::formats::goproxy::{List, Separator};
use crate::formats::module_path::is_module_path;
use crate::judgement::diagnosis::{self, Facts, Verdict};
use crate::judgement::privacy::Rules;
use crate::machine::go_env::GoEnv;
use crate::machine::locale;
use crate::run::surroundings::{self, Project};
use crate::words::{Text, faults};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// All of it ends within this; what is left of the ten seconds is for printing.
const BOUND: Duration = Duration::from_secs(9);

/// No gox is older: the beginning of 2026.
const MADE: Duration = Duration::from_secs(1_767_225_600);

/// What the verb finds around it.
pub(crate) struct Around<'a> {
    /// The real go.
    pub(crate) go: PathBuf,
    /// go's settings.
    pub(crate) go_env: GoEnv,
    /// The working folder.
    pub(crate) dir: PathBuf,
    /// gox's settings.
    pub(crate) settings: Settings,
    /// go told its settings when it was asked for them.
    pub(crate) answers: bool,
    /// When the looking began.
    pub(crate) since: Instant,
    /// The environment.
    pub(crate) env: Environment<'a>,
}

impl std::fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Around").field("go", &self.go).finish_non_exhaustive()
    }
}

/// One line of what was found.
#[derive(Clone, Debug)]
struct Check {
    /// What was looked at, as it stands in the JSON.
    name: &'static str,
    /// The host, or the setting.
    host: Option<String>,
    /// Nothing is wrong with it.
    ok: bool,
    /// How long it took.
    ms: Option<u64>,
    /// What was found.
    detail: Text,
}

/// A module that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    /// As the user wrote it.
    name: String,
    module: String,
    version: Option<String>,
}

/// What all looks need to know.
struct Grounds<'a> {
    around: &'a Around<'a>,
    /// When all of it is to be over.
    until: Instant,
    list: List,
    rules: Rules,
    project: Project,
}

/// Looks, and tells.
///
/// # Errors
/// Arguments that are no modules, a standard output that cannot be written.
pub(crate) fn run(
    arguments: &DoctorArguments,
    around: &Around<'_>,
    out: &mut dyn Write,
) -> Result<i32, Error> {
    let wanted = arguments.modules.iter().map(|name| wanted(name)).collect::<Result<Vec<_>, _>>()?;
    let project = surroundings::read_project(&around.dir, &around.go_env);
    let grounds = Grounds {
        around,
        until: around.since + BOUND,
        list: List::parse(around.go_env.get("GOPROXY")),
        rules: surroundings::private(&around.settings, &around.go_env, &project),
        project,
    };
    let (harms, mut checks) = settings::look(&grounds);
    checks.extend(beside::look(&grounds));
    let (places, sums) = (cache::Places::of(around), &grounds.project.go_sum);
    let (network, cache) = std::thread::scope(|scope| {
        let cache = scope.spawn(|| cache::look(&places, sums, arguments));
        (network::look(&grounds, &wanted, arguments), cache.join())
    });
    let network = network?;
    let (faults, of_cache) = cache.unwrap_or_default();
    checks.extend(network.checks);
    checks.extend(of_cache);
    let facts = Facts {
        no_route: network.no_route,
        no_name: network.no_name,
        now: network.now,
        too_early: SystemTime::now() < UNIX_EPOCH + MADE,
        clock: network.clock,
        looks: network.looks,
        cache: faults,
        settings: harms,
        commas: commas(&grounds.list),
        mirror: network.mirror,
        most_ms: arguments.max_latency.map(|most| u64::try_from(most.as_millis()).unwrap_or(u64::MAX)),
    };
    let found = diagnosis::judge(&facts);
    print::print(arguments.format, locale::language(around.settings.lang), &found, &checks, out)?;
    Ok(i32::from(found.verdict != Verdict::Well))
}

/// Behind which entries of GOPROXY a comma stands.
fn commas(list: &List) -> Vec<usize> {
    let is_comma = |(at, separator): (usize, &Separator)| (*separator == Separator::Comma).then_some(at);
    list.separators.iter().enumerate().filter_map(is_comma).collect()
}

/// Reads MODULE or MODULE@VERSION.
fn wanted(name: &str) -> Result<Wanted, Error> {
    let (module, version) =
        name.split_once('@').map_or((name, None), |(module, version)| (module, Some(version.to_owned())));
    if !is_module_path(module) || version.as_deref() == Some("") {
        return Err(Error::usage(
            faults::NO_MODULE_PATH.with(&[("verb", &"doctor"), ("given", &quoted(name))]),
        ));
    }
    Ok(Wanted { name: name.to_owned(), module: module.to_owned(), version })
}
