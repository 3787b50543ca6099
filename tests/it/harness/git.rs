//! Private modules behind git, on this machine: the host names are real, the repositories are local.

use super::Project;
use std::fs;
use std::path::Path;

impl Project {
    /// A git repository with a module of one package and the tag v1.0.0, found where go looks for `path`
    /// (such as `github.com/acme/secret`, or `git.corp.test/team/secret.git`). git is told, by environment,
    /// to take every repository of that host from here.
    pub(crate) fn git_module(self, path: &str) -> Project {
        let dir = self.root().join("git").join(path);
        let package = path.trim_end_matches(".git").rsplit('/').next().unwrap_or(path).to_owned();
        fs::create_dir_all(&dir).expect("a folder in the temporary one");
        let write = |name: &str, text: String| {
            fs::write(dir.join(name), text).expect("a file in the temporary folder");
        };
        write("go.mod", format!("module {path}\n\ngo 1.21\n"));
        write(
            &format!("{package}.go"),
            format!(
                "// Package {package} is secret.\npackage {package}\n\n// Value is one.\nconst Value = 1\n"
            ),
        );
        self.git(&dir, &["init", "--quiet", "--initial-branch=main"]);
        self.git(&dir, &["add", "."]);
        self.git(&dir, &["commit", "--quiet", "--message=First"]);
        self.git(&dir, &["tag", "v1.0.0"]);
        let host = path.split('/').next().unwrap_or(path).to_owned();
        let local = format!("file://{}/git/{host}/", self.root().display());
        self.git_instead_of(&format!("https://{host}/"), &local)
    }

    /// Has git take another address (`url.TO.insteadOf = FROM`).
    pub(crate) fn git_instead_of(self, from: &str, to: &str) -> Project {
        // Housekeeping would outlive git, as it does without gox.
        self.git_config(&format!("url.{to}.insteadOf"), from).git_config("maintenance.auto", "false")
    }

    /// Runs git, with nobody's settings.
    fn git(&self, dir: &Path, args: &[&str]) {
        // Housekeeping would outlive git.
        let settings = [
            "user.name=Lab",
            "user.email=lab@example.test",
            "commit.gpgSign=false",
            "maintenance.auto=false",
        ];
        let settings = settings.iter().flat_map(|setting| ["-c", setting]);
        let git = self.tools().join("git");
        self.program(&git, settings.chain(args.iter().copied())).dir(dir).run().success();
    }

    fn git_config(self, key: &str, value: &str) -> Project {
        let count = self.var("GIT_CONFIG_COUNT").and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
        self.env("GIT_CONFIG_COUNT", (count + 1).to_string())
            .env(&format!("GIT_CONFIG_KEY_{count}"), key)
            .env(&format!("GIT_CONFIG_VALUE_{count}"), value)
    }
}
