//! `gox config`: every setting and where it comes from; `gox config init`: a file to start with.

use super::set::edited;
use super::{columns, put, say};
use crate::command_line::{Format, UsedAt};
use crate::configuration::{
    DEFAULT_TOML, Environment, Error, FileKind, Files, Key, Origin, Resolved, Setting, nearest,
};
use crate::machine::configuration_files::{FILE_NAME, repository_root, user_file};
use crate::machine::locale;
use crate::words::{Language, Text, faults, keeping};
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Prints every setting with its origin. `variables` are the names in the environment: those that
/// resemble one of gox's without being one are pointed out. The notices of `resolved` are the
/// caller's to print, on stderr, as for any run; they stand in the JSON too.
///
/// # Errors
/// Where `out` cannot be written.
pub(crate) fn run(
    format: Format,
    resolved: &Resolved,
    variables: &[String],
    env: Environment<'_>,
    out: &mut dyn Write,
) -> Result<i32, Error> {
    match format {
        Format::Text => put(out, &text(resolved, variables, locale::of_lines(env))),
        Format::Json => put(out, &format!("{:#}\n", as_json(resolved))),
    }
}

fn text(resolved: &Resolved, variables: &[String], language: Language) -> String {
    let said = |text: Text| text.in_language(language).to_owned();
    let from = |origin: &Origin| match origin {
        Origin::CommandLine => said(keeping::COMMAND_LINE.into()),
        Origin::BuiltIn => said(keeping::BUILT_IN.into()),
        Origin::Environment(_) | Origin::File { .. } => origin.to_string(),
    };
    let mut rows = Vec::new();
    for key in Key::ALL {
        let (setting, origin) = resolved.settings.get(key);
        let value = match setting.to_string() {
            empty if empty.is_empty() => "-".to_owned(),
            value => value,
        };
        rows.push([key.name().to_owned(), value, from(origin)]);
    }
    for rule in &resolved.settings.rules {
        let value = format!("{} {:?}", rule.action.as_str(), rule.pattern);
        rows.push([said(keeping::RULE.into()), value, from(&rule.origin)]);
    }
    for (kind, path) in &resolved.files {
        let whose = match kind {
            FileKind::System => keeping::OF_THE_SYSTEM,
            FileKind::User => keeping::OF_THE_USER,
            FileKind::Project => keeping::OF_THE_PROJECT,
        };
        rows.push([said(keeping::FILE.into()), path.display().to_string(), said(whose.into())]);
    }
    let mut more = Text::default();
    for notice in &resolved.ignored {
        let notice =
            Text { en: notice.in_language(Language::English), zh: notice.in_language(Language::Chinese) };
        more.line(keeping::IGNORED.with(&[("notice", &notice)]));
    }
    for name in variables {
        if let Some(key) = misspelt(name) {
            more.line(keeping::UNKNOWN_VARIABLE.with(&[("name", name), ("known", &key.env())]));
        }
    }
    columns(&rows) + more.in_language(language)
}

/// The key that a variable's name probably means, where it begins with `GOX_` and is none.
fn misspelt(name: &str) -> Option<Key> {
    let known = Key::ALL.into_iter().any(|key| key.env() == name);
    if known || !name.starts_with("GOX_") {
        return None;
    }
    nearest(name, Key::ALL.into_iter().map(Key::name)).and_then(Key::named)
}

fn as_json(resolved: &Resolved) -> Value {
    let settings: Map<String, Value> = Key::ALL
        .into_iter()
        .map(|key| {
            let (setting, origin) = resolved.settings.get(key);
            let mut entry = json!({ "value": value(&setting) });
            place(&mut entry, origin);
            (key.name().to_owned(), entry)
        })
        .collect();
    let rules: Vec<Value> = resolved
        .settings
        .rules
        .iter()
        .map(|rule| {
            let mut entry = json!({ "match": rule.pattern, "action": rule.action.as_str() });
            place(&mut entry, &rule.origin);
            entry
        })
        .collect();
    let files: Vec<Value> = resolved
        .files
        .iter()
        .map(|(kind, path)| json!({ "kind": kind.to_string(), "path": path.to_string_lossy() }))
        .collect();
    let notices = resolved.notices.iter().chain(&resolved.ignored);
    let notices: Vec<String> = notices.map(ToString::to_string).collect();
    json!({ "schema": 1, "settings": settings, "rules": rules, "files": files, "notices": notices })
}

/// Adds where a value comes from: `origin`, and `variable`, `file` and `line` or null.
fn place(entry: &mut Value, origin: &Origin) {
    let (word, variable, file, line) = match origin {
        Origin::CommandLine => ("command-line", None, None, None),
        Origin::Environment(name) => ("environment", Some(*name), None, None),
        Origin::File { path, line, .. } => ("file", None, Some(path.to_string_lossy()), Some(*line)),
        Origin::BuiltIn => ("built-in", None, None, None),
    };
    entry["origin"] = json!(word);
    entry["variable"] = json!(variable);
    entry["file"] = json!(file);
    entry["line"] = json!(line);
}

fn value(setting: &Setting) -> Value {
    match setting {
        Setting::Attempts(n) => json!(n),
        Setting::Offline(on) | Setting::Bypass(on) => json!(on),
        Setting::Mirrors(entries) => entries.iter().map(|entry| json!(entry.shown())).collect(),
        Setting::Private(patterns) | Setting::Confidential(patterns) => json!(patterns),
        Setting::Go(None)
        | Setting::Report(None)
        | Setting::Record(None)
        | Setting::StateDir(None)
        | Setting::Config(Files::Usual) => Value::Null,
        other => json!(other.to_string()),
    }
}

/// Writes a gox.toml in which every key stands explained and commented out: the user's own, or
/// with `project` one at the root of the repository that `folder` lies in (in `folder` itself
/// outside a repository). What suits `place` is set in it.
///
/// # Errors
/// A file that is there already (it is left alone), no home folder, or a folder that cannot be
/// written.
pub(crate) fn init(
    project: bool,
    place: Option<UsedAt>,
    env: Environment<'_>,
    folder: Option<&Path>,
    out: &mut dyn Write,
) -> Result<i32, Error> {
    let path: PathBuf = if project {
        let folder = folder.ok_or_else(|| Error::usage(faults::NO_HERE))?;
        repository_root(folder).unwrap_or(folder).join(FILE_NAME)
    } else {
        user_file(env).ok_or_else(|| Error::usage(faults::NO_HOME))?
    };
    let cannot = |e: std::io::Error| match e.kind() {
        ErrorKind::AlreadyExists => Error::file(&path, faults::THERE_ALREADY),
        _ => Error::file(&path, faults::UNWRITABLE.with(&[("why", &e)])),
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    let text = place
        .map_or(&[][..], suited)
        .iter()
        .fold(template(), |text, (key, literal)| edited(&text, key.name(), literal));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path).map_err(cannot)?;
    if let Err(e) = file.write_all(text.as_bytes()) {
        // Half a file would be read at the next run; where it cannot even be removed, the error
        // above all names it.
        let _ = fs::remove_file(&path);
        return Err(cannot(e));
    }
    let mut text = Text::default();
    text.line(keeping::WROTE.with(&[("path", &path.display())]));
    say(out, &text, env)
}

/// What is set for a place, each as TOML.
fn suited(place: UsedAt) -> &'static [(Key, &'static str)] {
    match place {
        // The word of consent: without it they are asked only where the list or the locale shows that world.
        UsedAt::Cn => &[(Key::Mirrors, "\"cn\"")],
        // Nobody looks on, and nothing outlives the job; a job has the time to wait out a longer outage.
        UsedAt::Ci => &[(Key::Budget, "\"10m\""), (Key::Progress, "\"off\""), (Key::Journal, "\"off\"")],
        // What stands in GOPROXY, and how it is separated, is a policy.
        UsedAt::Company => &[(Key::Mirrors, "\"none\""), (Key::Rotate, "\"go\"")],
    }
}

/// `default.toml` with every setting commented out: a copy that spelled the values out would pin
/// them, and would count as set by hand.
fn template() -> String {
    let mut text = String::new();
    for line in DEFAULT_TOML.lines() {
        if !line.is_empty() && !line.starts_with('#') {
            text += "# ";
        }
        text += line;
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::{CliOptions, FileKind, FileText, resolve};
    use std::ffi::OsString;

    fn resolved() -> Resolved {
        let cli = CliOptions { given: vec![(Key::Attempts, "6".into())] };
        let env = |name: &str| match name {
            "GOX_STALL" => Some(OsString::from("1m30s")),
            "GOX_MIRRORS" => Some("https://me:secret@m.example/x".into()),
            _ => None,
        };
        let text =
            "budget = \"2m\"\nprivate = [\"git.corp\"]\n[[rule]]\nmatch = \"a b\"\naction = \"stop\"\n";
        let user = FileText { path: "/u/gox.toml".into(), text: text.into(), kind: FileKind::User };
        let project = FileText {
            path: "/p/gox.toml".into(),
            text: "rotate = \"never\"\ngo = \"x/y\"".into(),
            kind: FileKind::Project,
        };
        resolve(&cli, &env, &[user, project]).unwrap()
    }

    #[test]
    fn text_has_a_line_for_each_key() {
        let mut out = Vec::new();
        let variables = ["GOX_STALL", "GOX_ATEMPTS", "GOX_QQQ", "HOME"].map(String::from);
        assert_eq!(run(Format::Text, &resolved(), &variables, &|_| None, &mut out), Ok(0));
        let want = "\
go            -                                                   built in
attempts      6                                                   command line
budget        2m                                                  /u/gox.toml:1
stall         1m30s                                               GOX_STALL
backoff-base  500ms                                               built in
backoff-max   15s                                                 built in
rotate        never                                               /p/gox.toml:1
mirrors       https://m.example/x                                 GOX_MIRRORS
private       git.corp                                            /u/gox.toml:2
confidential  none                                                built in
fill          auto                                                built in
relay         auto                                                built in
verbosity     normal                                              built in
progress      auto                                                built in
lang          auto                                                built in
report        -                                                   built in
record        -                                                   built in
journal       on                                                  built in
state-dir     -                                                   built in
offline       false                                               built in
config        -                                                   built in
bypass        false                                               built in
rule          stop \"a b\"                                          /u/gox.toml:3
file          /u/gox.toml                                         user
file          /p/gox.toml                                         project
ignored: /p/gox.toml:2: go = \"/p/x/y\" is ignored: a project may not choose the program that runs; set GOX_GO or go in your own gox.toml if you want one
GOX_ATEMPTS is not known to gox; did you mean GOX_ATTEMPTS?
";
        let squeeze = |text: &str| -> Vec<Vec<String>> {
            text.lines().map(|l| l.split_whitespace().map(str::to_owned).collect()).collect()
        };
        assert_eq!(squeeze(&String::from_utf8(out).unwrap()), squeeze(want));
    }

    #[test]
    fn the_table_is_told_in_chinese_too() {
        let mut out = Vec::new();
        let chinese = |name: &str| (name == "GOX_LANG").then(|| OsString::from("zh"));
        assert_eq!(run(Format::Text, &resolved(), &["GOX_ATEMPTS".into()], &chinese, &mut out), Ok(0));
        let text = String::from_utf8(out).unwrap();
        for words in [
            "内置默认值",
            "命令行",
            "规则",
            "用户",
            "项目",
            "已忽略：/p/gox.toml:2",
            "您是不是想写 GOX_ATTEMPTS",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
        assert!(!text.contains("built in") && !text.contains("ignored"), "{text}");
    }

    #[test]
    fn json_has_typed_values_and_places() {
        let mut out = Vec::new();
        assert_eq!(run(Format::Json, &resolved(), &[], &|_| None, &mut out), Ok(0));
        assert!(!String::from_utf8_lossy(&out).contains("secret"));
        let all: Value = serde_json::from_slice(&out).unwrap();
        let at = |key: &str| all["settings"][key].clone();
        let want = |value: Value, origin: &str, variable: Value, file: Value, line: Value| json!({ "value": value, "origin": origin, "variable": variable, "file": file, "line": line });
        let null = || Value::Null;
        assert_eq!(all["schema"], 1);
        assert_eq!(at("attempts"), want(json!(6), "command-line", null(), null(), null()));
        assert_eq!(at("stall"), want(json!("1m30s"), "environment", json!("GOX_STALL"), null(), null()));
        assert_eq!(at("budget"), want(json!("2m"), "file", null(), json!("/u/gox.toml"), json!(1)));
        assert_eq!(at("private")["value"], json!(["git.corp"]));
        assert_eq!(at("go"), want(null(), "built-in", null(), null(), null()));
        assert_eq!(at("offline")["value"], json!(false));
        assert_eq!(all["settings"].as_object().unwrap().len(), Key::ALL.len());
        assert_eq!(all["rules"][0]["match"], "a b");
        assert_eq!(all["files"][1], json!({ "kind": "project", "path": "/p/gox.toml" }));
        assert_eq!(all["notices"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn init_writes_what_changes_nothing_and_never_writes_twice() {
        let home = tempfile::TempDir::new().unwrap();
        let env = |name: &str| (name == "HOME").then(|| home.path().as_os_str().to_owned());
        let path = home.path().join(".config/gox/gox.toml");
        let mut out = Vec::new();
        assert_eq!(init(false, None, &env, None, &mut out), Ok(0));
        assert_eq!(String::from_utf8(out).unwrap(), format!("wrote {}\n", path.display()));
        let text = fs::read_to_string(&path).unwrap();
        let file = FileText { path: path.clone(), text: text.clone(), kind: FileKind::User };
        let mut after = resolve(&CliOptions::default(), &|_| None, &[file]).unwrap();
        after.files.clear();
        assert_eq!(after, resolve(&CliOptions::default(), &|_| None, &[]).unwrap());
        for key in Key::ALL.into_iter().filter(|key| key.in_file()) {
            assert!(text.contains(&format!("\n# {} = ", key.name())), "{}", key.name());
        }
        let again = init(false, None, &env, None, &mut Vec::new()).unwrap_err().to_string();
        assert_eq!(again, format!("{}: is there already and is left alone", path.display()));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert!(init(false, None, &|_| None, None, &mut Vec::new()).is_err());
    }

    #[test]
    fn init_for_a_place_sets_what_suits_it_and_nothing_else() {
        for (place, want) in [
            (UsedAt::Cn, &["mirrors = \"cn\""][..]),
            (UsedAt::Ci, &["budget = \"10m\"", "progress = \"off\"", "journal = \"off\""]),
            (UsedAt::Company, &["rotate = \"go\"", "mirrors = \"none\""]),
        ] {
            let home = tempfile::TempDir::new().unwrap();
            let env = |name: &str| (name == "HOME").then(|| home.path().as_os_str().to_owned());
            assert_eq!(init(false, Some(place), &env, None, &mut Vec::new()), Ok(0));
            let path = home.path().join(".config/gox/gox.toml");
            let text = fs::read_to_string(&path).unwrap();
            let set: Vec<&str> =
                text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
            assert_eq!(set, want);
            let file = FileText { path, text, kind: FileKind::User };
            assert!(resolve(&CliOptions::default(), &|_| None, &[file]).is_ok(), "{place:?}");
        }
    }

    #[test]
    fn a_projects_file_goes_to_the_root_of_the_repository() {
        let root = tempfile::TempDir::new().unwrap();
        let deep = root.path().join("cmd/x");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(init(true, None, &|_| None, Some(&deep), &mut Vec::new()), Ok(0));
        assert!(root.path().join(FILE_NAME).is_file());
        assert!(init(true, None, &|_| None, None, &mut Vec::new()).is_err());
    }
}
