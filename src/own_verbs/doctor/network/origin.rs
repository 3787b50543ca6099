//! Looks at a module's own host, as go and git come to it: its page for `?go-get=1`, and the repository that this
//! names. git itself has the last word where a login is wanted: it may have one that is not seen here.

use super::{Seen, Way};
use crate::fetch::probe::{Asked, Expect, Sight};
use crate::judgement::diagnosis::{Found, Part};
use crate::machine::answer::answer;

/// Hosts whose repositories go knows by their path alone.
const BY_PATH: &[&str] = &["github.com", "bitbucket.org"];

/// Looks at it; `wanted` is how the user asked for the module.
pub(super) async fn look(way: &Way, module: &str, wanted: Option<&str>, seen: &mut Seen) {
    let ask = async |url: String, expect| {
        let asked = Asked { url, expect, module: module.to_owned() };
        way.prober.look(&asked, way.until).await.into_iter().next_back()
    };
    let mut note = |sight: Sight| {
        let name = if wanted.is_some() { "module" } else { "origin" };
        seen.add(way, name, Part::Origin(module.to_owned()), wanted, sight);
    };
    let repository = match by_path(module) {
        Some(repository) => repository,
        None => {
            let Some(page) = ask(format!("https://{module}?go-get=1"), Expect::Page).await else { return };
            match repository_of(&String::from_utf8_lossy(&page.body), module) {
                Some(repository) if page.found == Found::Well => repository,
                // A page that names no repository is none for go.
                None if page.found == Found::Well => {
                    return note(Sight { found: Found::Absent(404), ..page });
                }
                _ => return note(page),
            }
        }
    };
    let Some(mut sight) = ask(format!("{repository}/info/refs?service=git-upload-pack"), Expect::Refs).await
    else {
        return;
    };
    if !sight.found.is_well() && git_gets_in(way, &repository).await {
        sight.found = Found::Well;
        sight.steps.push("git ls-remote".into());
    }
    note(sight);
}

/// The repository of a module whose host go knows.
fn by_path(module: &str) -> Option<String> {
    // As in go: an element that ends in .git says where the repository is.
    if let Some(at) = module.find(".git/").or_else(|| module.ends_with(".git").then(|| module.len() - 4)) {
        return Some(format!("https://{}", &module[..at + 4]));
    }
    let mut parts = module.split('/');
    let host = parts.next().filter(|host| BY_PATH.contains(host))?;
    let (owner, name) = (parts.next()?, parts.next()?);
    Some(format!("https://{host}/{owner}/{name}"))
}

/// The https repository that a page names for git.
fn repository_of(page: &str, module: &str) -> Option<String> {
    page.split("<meta").skip(1).find_map(|tag| {
        let tag = tag.split('>').next()?;
        if !tag.contains("go-import") {
            return None;
        }
        let content = tag.split("content=").nth(1)?;
        let quote = content.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let mut words = content[1..].split(quote).next()?.split_whitespace();
        let (prefix, vcs, repository) = (words.next()?, words.next()?, words.next()?);
        let is_of_it = module == prefix || module.strip_prefix(prefix).is_some_and(|r| r.starts_with('/'));
        (is_of_it && vcs == "git" && repository.starts_with("https://"))
            .then(|| repository.trim_end_matches('/').to_owned())
    })
}

/// Whether git reaches the repository with what it knows: rewritten addresses, helpers, keys. It asks nobody for
/// a password, as below go.
async fn git_gets_in(way: &Way, repository: &str) -> bool {
    let url = repository.to_owned();
    let until = way.until.into_std();
    let tried = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new("git");
        command.args(["ls-remote", "--", &url, "HEAD"]);
        command.env("GIT_TERMINAL_PROMPT", "0").env("GCM_INTERACTIVE", "never");
        command.env("GIT_SSH_COMMAND", "ssh -o ControlMaster=no -o BatchMode=yes");
        answer(&mut command, until).is_some()
    });
    tried.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_found_as_go_finds_it() {
        assert_eq!(by_path("github.com/a/b/v2").as_deref(), Some("https://github.com/a/b"));
        assert_eq!((by_path("github.com/a"), by_path("gitlab.com/a/b")), (None, None));
        assert_eq!(by_path("git.corp/t/lib.git/v2").as_deref(), Some("https://git.corp/t/lib.git"));
        assert_eq!(by_path("git.corp/t/lib.git").as_deref(), Some("https://git.corp/t/lib.git"));
        let page = |meta: &str| format!("<html><head><meta charset=x><meta {meta}></head></html>");
        let of = |meta: &str| repository_of(&page(meta), "git.corp/team/lib/sub");
        let good = "name=\"go-import\" content=\"git.corp/team/lib git https://git.corp/team/lib.git\"";
        assert_eq!(of(good).as_deref(), Some("https://git.corp/team/lib.git"));
        for bad in [
            "name=\"go-import\" content=\"git.corp/other git https://git.corp/other.git\"",
            "name=\"go-import\" content=\"git.corp/team/lib git ssh://git.corp/team/lib.git\"",
            "name=\"go-import\" content=\"git.corp/team/lib mod https://git.corp/proxy\"",
            "name=\"go-import\" content=",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
