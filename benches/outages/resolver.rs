//! A resolver of one's own, in a world of one's own, with weather.

use std::net::UdpSocket;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The one name that it knows: 127.0.0.1.
pub(crate) const NAME: &str = "proxy.example.test";

/// What becomes of a question while the weather is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// No answer.
    Silence,
    /// SERVFAIL.
    Failure,
    /// No such name, whichever is asked for.
    Unknown,
}

/// A command that runs `program` where nothing leads out and every name is asked of 127.0.0.1.
pub(crate) fn in_a_world_of_its_own(program: &std::path::Path, nowhere: bool) -> Command {
    // A device that leads nowhere, or there would be nothing but this machine on purpose.
    let device = if nowhere { "ip link add gox0 type dummy; " } else { "" };
    let script = "ip link set lo up && f=$(mktemp) && echo nameserver 127.0.0.1 >\"$f\" && \
                  mount --bind \"$f\" /etc/resolv.conf && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-Urnm", "sh", "-c", &format!("{device}{script}")]).arg(program);
    command
}

/// Answers until the process ends; there is trouble while `bad` says so.
pub(crate) fn serve(trouble: Trouble, bad: Arc<Mutex<Option<(Instant, Duration)>>>) {
    let socket = UdpSocket::bind(("127.0.0.1", 53)).expect("port 53 of this world");
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let span = *bad.lock().expect("no thread panics with it");
            let away = span.is_some_and(|(since, length)| since.elapsed() < length);
            let answer = match (away, trouble) {
                (true, Trouble::Silence) => continue,
                (true, Trouble::Failure) => answer(&question[..length], Some(2)),
                (true, Trouble::Unknown) => answer(&question[..length], Some(3)),
                (false, _) => answer(&question[..length], None),
            };
            let _ = socket.send_to(&answer, from);
        }
    });
}

/// An answer with this code; without one, what is known.
fn answer(question: &[u8], code: Option<u8>) -> Vec<u8> {
    // The name begins after the head of 12 bytes and ends with a zero, type and class follow.
    let end = question[12..].iter().position(|b| *b == 0).map_or(question.len(), |at| 12 + at + 5);
    let end = end.min(question.len());
    let asked = &question[12..end];
    let mut name = Vec::new();
    let mut rest = asked;
    while let Some((length, text)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let text = &text[..usize::from(*length).min(text.len())];
        name.push(String::from_utf8_lossy(text).into_owned());
        rest = &rest[(1 + usize::from(*length)).min(rest.len())..];
    }
    let known = name.join(".").eq_ignore_ascii_case(NAME);
    let of_ipv4 = asked.len() >= 4 && asked[asked.len() - 4..] == [0, 1, 0, 1];
    let code = code.unwrap_or(if known { 0 } else { 3 });
    let found = code == 0 && of_ipv4;
    let mut out = vec![question[0], question[1], 0x81, 0x80 | code, 0, 1, 0, u8::from(found), 0, 0, 0, 0];
    out.extend(asked);
    if found {
        out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    }
    out
}
