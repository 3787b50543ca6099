//! go and the fetcher are asked for the same, in hundreds of forms: what go gets, gox gets, by itself or by leaving it
//! to go; what the fetcher gets, go would have got; and nobody sees other credentials.

mod heads;
mod ways;
mod world;

use crate::harness::{Outcome, Project};
use crate::lab::{Lab, Running};
use heads::Form;
use std::collections::BTreeSet;
use std::sync::Mutex;
use world::{Ask, World};

/// One module for each form, and the file of that module in its manner.
fn hall(forms: &[Form]) -> (Running, World) {
    let lab = Lab::new().modules(forms.len()).size(3_000).start();
    let manners: Vec<_> = forms.iter().map(|form| form.manner.clone()).collect();
    let files = lab.modules().iter().map(|m| m.path.clone()).collect::<Vec<_>>();
    let shelf = std::sync::Arc::new(Mutex::new(std::collections::BTreeMap::new()));
    {
        let mut shelf = shelf.lock().expect("no test panics here");
        for (number, module) in files.iter().enumerate() {
            for end in ["info", "mod", "zip"] {
                let path = format!("{module}/@v/v1.0.0.{end}");
                let bytes = lab.file(&path).expect("a file of a module");
                shelf.insert(format!("/{path}"), (number, bytes));
            }
        }
    }
    let world = World::start(
        |_, _| {},
        move |ask: &Ask| {
            let shelf = shelf.lock().expect("no test panics here");
            let path = ask.path.split('?').next().unwrap_or_default().replace("%40", "@");
            match shelf.get(&format!("/{}", path.trim_start_matches('/'))) {
                Some((number, bytes)) => (manners[*number])(&ask.path, bytes),
                None => b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
            }
        },
    );
    (lab, world)
}

fn name(number: usize) -> String {
    format!("example.test/m{number:03}")
}

/// The modules that `mod download -json` got.
fn got(outcome: &Outcome) -> BTreeSet<String> {
    let objects = serde_json::Deserializer::from_slice(&outcome.stdout).into_iter::<serde_json::Value>();
    let objects = objects.map(|object| object.expect("go's JSON"));
    objects
        .filter(|object| object["Error"].is_null())
        .filter_map(|object| object["Path"].as_str().map(str::to_owned))
        .collect()
}

fn asked(modules: &[usize]) -> Vec<String> {
    let names = modules.iter().map(|n| format!("{}@v1.0.0", name(*n)));
    ["mod", "download", "-json"].map(str::to_owned).into_iter().chain(names).collect()
}

/// A project whose go.mod requires these modules.
fn project(lab: &Running, world: &World, modules: &[usize]) -> Project {
    let required: String = modules.iter().map(|n| format!("require {} v1.0.0\n", name(*n))).collect();
    Project::new(lab)
        .file("go.mod", format!("module example.test/main\n\ngo 1.21\n\n{required}"))
        .env("GOPROXY", format!("http://{}", world.address()))
        .env("GOX_BUDGET", "2s")
}

/// gox with its relay alone, or with a fill before it.
fn ask(project: &Project, modules: &[usize], filled: bool) -> Outcome {
    if filled {
        project.gox(["mod", "download"]).run()
    } else {
        project.gox(asked(modules)).env("GOX_RELAY", "always").env("GOX_FILL", "off").run()
    }
}

/// What gox reads and go does not, and nothing can be told two ways: an empty line before an answer (it belongs to the
/// answer before it), more than sixteen digits of a chunk's size with zeros in front, and more than five informal answers,
/// which newer releases take.
const HARMLESS: &[&str] = &["an empty line first", "chunks with many zeros", "six times 100 first"];

/// What gox gets of one form alone; the error says what is wrong.
fn alone(lab: &Running, world: &World, form: &Form, number: usize, go_gets: bool) -> Result<(), String> {
    // What go refuses need be asked for once.
    let attempts = if go_gets { "4" } else { "1" };
    for filled in [false, true] {
        let project = project(lab, world, &[number]).env("GOX_ATTEMPTS", attempts);
        let outcome = ask(&project, &[number], filled);
        let gets = outcome.code() == Some(0);
        if gets != go_gets && !(HARMLESS.contains(&form.name.as_str()) && gets) {
            return Err(format!("{}: go gets it: {go_gets}, gox: {gets}\n{outcome}\n", form.name));
        }
        if !go_gets {
            break;
        }
    }
    Ok(())
}

/// Does it for each on a few threads, and gathers what went wrong.
fn gathered<T: Send + Sync>(of: &[T], what: impl Fn(&T) -> Result<(), String> + Sync) -> String {
    let wrong = Mutex::new(String::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        while let Some(one) = of.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            if let Err(words) = what(one) {
                wrong.lock().expect("no test panics here").push_str(&words);
            }
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    wrong.into_inner().expect("no test panics here")
}

/// Runs at once; they wait more than they work.
const THREADS: usize = 4;

/// Those that gox reads by itself are asked for in one run, each of the others in one of its own.
#[test]
fn release_answers_are_read_as_go_reads_them() {
    let forms = heads::forms();
    let (lab, world) = hall(&forms);
    let all: Vec<usize> = (0..forms.len()).collect();
    let plain = project(&lab, &world, &[]).go(asked(&all)).run();
    let gos = got(&plain);
    let (mut many, mut single): (Vec<usize>, Vec<usize>) =
        all.iter().partition(|n| forms[**n].plain && gos.contains(&name(**n)));
    let mut wrong = String::new();
    for filled in [false, true] {
        let together = ask(&project(&lab, &world, &many), &many, filled);
        let left = together.report()["fetch"]["left_to_go"].as_array().is_some_and(|left| !left.is_empty());
        if together.code() != Some(0) || left || together.attempts() != 1 {
            wrong.push_str(&format!("not all were read by gox itself:\n{together}\n"));
            single.append(&mut many);
            break;
        }
    }
    wrong.push_str(&gathered(&single, |number| {
        alone(&lab, &world, &forms[*number], *number, gos.contains(&name(*number)))
    }));
    assert!(wrong.is_empty(), "{wrong}");
    assert!(forms.len() >= 200 && many.len() >= 100, "{} of {}", many.len(), forms.len());
}
