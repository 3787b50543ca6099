//! The examples for CI systems, images, make and git: their shell parts are taken out and run as those systems
//! would, with the real go against the lab.

use crate::harness::{Outcome, Project, go, gox};
use crate::lab::{Fault, Lab, Running, always, first};
use crate::tidy::root;
use std::fs;
use std::path::Path;

const WORKFLOW: &str = "github-workflow.yml";
const GITLAB: &str = "gitlab-ci.yml";

fn example(name: &str) -> String {
    fs::read_to_string(root().join("examples/ci").join(name)).expect("an example")
}

/// A project whose PATH has gox and go as an agent of such a system has them.
fn agent(lab: &Running) -> Project {
    let project = Project::new(lab).shared_build_cache();
    let bin = project.root().join("bin");
    fs::create_dir(&bin).expect("a folder in the temporary one");
    std::os::unix::fs::symlink(gox(), bin.join("gox")).expect("a link in the temporary folder");
    let path = format!(
        "{}:{}:{}",
        bin.display(),
        go().parent().expect("a folder of go's").display(),
        project.tools().display()
    );
    project.env("PATH", path)
}

fn shell(project: &Project, script: &str) -> Outcome {
    project.program(Path::new("/bin/sh"), ["-e", "-c", script]).run()
}

/// What stands at `run:` in a workflow, step by step: on its line, or below it and further in.
fn steps(workflow: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    let mut lines = workflow.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(command) = line.trim_start().strip_prefix("run: ") else { continue };
        let mut script = String::new();
        if command != "|" {
            script += command;
        }
        while let Some(below) = lines.next_if(|below| command == "|" && indent(below) > indent(line)) {
            script += below.trim_start();
            script.push('\n');
        }
        found.push(script);
    }
    found
}

/// The lines of each `script:` of a GitLab pipeline, by job.
fn jobs(pipeline: &str) -> Vec<String> {
    let after = pipeline.split("  script:\n").skip(1);
    let commands = |text: &str| -> String {
        text.lines().map_while(|line| line.strip_prefix("    - ")).map(|line| format!("{line}\n")).collect()
    };
    after.map(commands).collect()
}

/// What a Dockerfile runs, without the mounts.
fn runs(file: &str) -> Vec<String> {
    let joined = file.replace("\\\n", " ");
    let commands = joined.lines().filter_map(|line| line.strip_prefix("RUN "));
    let bare = |line: &str| {
        line.split_whitespace().skip_while(|word| word.starts_with("--")).collect::<Vec<_>>().join(" ")
    };
    commands.map(bare).collect()
}

/// Everything that go.sum names is in the module cache: go needs nobody.
#[track_caller]
fn is_complete(project: &Project) -> bool {
    project.go(["mod", "download"]).env("GOPROXY", "off").run().code() == Some(0)
}

#[test]
fn a_workflow_keeps_only_a_complete_module_cache() {
    let text = example(WORKFLOW);
    let [place, modules, test]: [String; 3] = steps(&text).try_into().expect("three steps with a command");
    let save = text.split("uses: actions/cache/save").nth(1).expect("it saves");
    assert!(save.contains("if: steps.modules.outcome == 'success' &&"), "{save}");

    let lab = Lab::new().modules(4).fault(Fault::Eof, first(2)).start();
    let project = agent(&lab);
    let output = project.root().join("output");
    let project = project.env("GITHUB_OUTPUT", &output).env("GITHUB_ACTIONS", "true");
    shell(&project, &place).success();
    let told = fs::read_to_string(&output).expect("what the step puts out");
    assert_eq!(told, format!("modules={}\n", project.module_cache().display()));
    shell(&project, &modules).success();
    assert!(is_complete(&project));
    shell(&project, &test).success();

    // All but one are there: whoever saved it would have every later job begin with that.
    let lab = Lab::new().modules(4).fault(Fault::Status(451), always().path("m002")).start();
    let project = agent(&lab).env("GITHUB_ACTIONS", "true");
    assert_ne!(shell(&project, &modules).code(), Some(0));
    assert!(project.cached("example.test/m003/@v/v1.0.0.zip").exists() && !is_complete(&project));
}

#[test]
fn a_pipeline_of_gitlab_does_as_well() {
    let text = example(GITLAB);
    let [modules, test]: [String; 2] = jobs(&text).try_into().expect("two jobs");
    let kept = text.split("policy: pull-push").nth(1).and_then(|rest| rest.split("script:").next());
    assert!(kept.is_some_and(|rest| rest.contains("when: on_success")), "{text}");
    assert_eq!(text.matches("policy: pull\n").count(), 1, "who tests saves nothing");
    let lab = Lab::new().modules(3).fault(Fault::Status(502), first(1)).start();
    let project = agent(&lab).env("GITLAB_CI", "true");
    let below = project.dir().join(".modules");
    let project = project.env("GOMODCACHE", &below);
    shell(&project, &modules).success();
    shell(&project, &test).success();
    crate::harness::remove_all(&below);
}

#[test]
fn a_stage_of_jenkins_runs() {
    let text = example("Jenkinsfile");
    let balance = |open: char, close: char| text.matches(open).count() == text.matches(close).count();
    assert!(balance('{', '}') && balance('(', ')') && text.matches("'''").count() == 2);
    let one = text.lines().filter_map(|line| line.trim().strip_prefix("sh '")?.strip_suffix('\''));
    let more = text.split("'''").nth(1).expect("several lines");
    let scripts: Vec<&str> = one.filter(|script| *script != "'").chain([more]).collect();
    assert_eq!(scripts[0], "gox mod download");
    let lab = Lab::new().modules(3).fault(Fault::EofInBody, first(1)).start();
    let project = agent(&lab);
    for script in scripts {
        shell(&project, script).success();
    }
}

#[test]
fn the_images_commands_run() {
    for name in ["Dockerfile", "Dockerfile.alpine"] {
        let lab = Lab::new().modules(3).fault(Fault::Status(503), first(1)).start();
        let project = agent(&lab);
        let commands = runs(&example(name));
        assert_eq!(commands.len(), 2, "{commands:?}");
        for command in commands {
            let out = project.root().join("out").display().to_string();
            shell(&project, &command.replace("/out", &out)).success();
        }
        assert!(project.root().join("out/app").is_file(), "{name}");
    }
}

#[test]
fn make_fetches_before_it_tests() {
    let Some(make) = ["/usr/bin/make", "/bin/make"].map(Path::new).into_iter().find(|make| make.exists())
    else {
        return;
    };
    let makefile = root().join("examples/ci/Makefile");
    let lab = Lab::new().modules(3).fault(Fault::Eof, first(1)).start();
    let project = agent(&lab);
    let make = |words: &[&str]| {
        let file = makefile.to_string_lossy();
        project.program(make, ["-f", &*file].iter().chain(words)).run()
    };
    let outcome = make(&["test"]).success();
    assert!(outcome.out().starts_with("gox mod download\ngox test ./...\n"), "{outcome}");
    assert!(make(&["GO=go", "build"]).success().out().starts_with("go mod download\n"));
}

#[test]
fn a_commit_of_an_untidy_go_mod_is_refused() {
    let lab = Lab::new().modules(3).chain().fault(Fault::Eof, first(1)).start();
    let project = agent(&lab);
    let hook = root().join("examples/ci/pre-commit");
    let git = |script: &str| shell(&project, &format!("git -c user.name=a -c user.email=a@b.test {script}"));
    // git's own housekeeping would outlive the commit.
    git("init -q && git config maintenance.auto false && git config gc.auto 0").success();
    fs::copy(&hook, project.dir().join(".git/hooks/pre-commit")).expect("the hook");
    shell(&project, "gox mod tidy").success();
    git("add . && git -c user.name=a -c user.email=a@b.test commit -q -m one").success();
    let go_mod = fs::read_to_string(project.dir().join("go.mod")).expect("go.mod");
    let project_file = project.dir().join("go.mod");
    let cut: Vec<&str> = go_mod.lines().filter(|line| !line.contains("m001")).collect();
    fs::write(&project_file, cut.join("\n") + "\n").expect("go.mod");
    let refused = git("commit -q -a -m two").exited(1);
    assert!(refused.err().contains("pre-commit: go.mod or go.sum is not tidy"), "{refused}");
    fs::write(&project_file, go_mod).expect("go.mod");
    fs::write(project.dir().join("words.txt"), "no Go").expect("a file");
    git("add words.txt && git -c user.name=a -c user.email=a@b.test commit -q -m three").success();
}

#[test]
fn what_is_yaml_is_well_formed() {
    for (name, first) in [(WORKFLOW, "name"), (GITLAB, "default")] {
        let documents = yaml_rust2::YamlLoader::load_from_str(&example(name));
        let documents = documents.unwrap_or_else(|error| panic!("{name}: {error}"));
        let [document] = &documents[..] else { panic!("{name}: {} documents", documents.len()) };
        assert!(document.as_hash().is_some_and(|keys| keys.len() > 3), "{name}: {document:?}");
        assert!(!document[first].is_badvalue(), "{name} has no {first}");
    }
}
