//! What an HTTP status means, to the loop and to the fetcher alike.

use crate::vocabulary::{Cause, Detail};

/// What an HTTP status means where protocol data was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// 404, 410: there is no such thing here; go walks on.
    Absent,
    /// 401, 403: a refusal of this request.
    Refused,
    /// 407: an HTTP proxy between wants credentials.
    HttpProxy,
    /// 429: too many requests.
    TooMany,
    /// 408, 5xx: the server's own trouble.
    Trouble,
    /// Any other 4xx: whether it repeats decides.
    Odd,
    /// Anything else: not the protocol.
    Page,
}

/// The cause that an HTTP status stands for, and what it means; `None` for what is no status.
pub(crate) const fn of_status(status: u16) -> Option<(Cause, Meaning)> {
    Some(match status {
        401 => (Cause::PrivateAuth, Meaning::Refused),
        403 => (Cause::Http403, Meaning::Refused),
        404 | 410 => (Cause::Http404410, Meaning::Absent),
        407 => (Cause::Http403, Meaning::HttpProxy),
        408 => (Cause::Timeout, Meaning::Trouble),
        429 => (Cause::Http429, Meaning::TooMany),
        451 => (Cause::Http403, Meaning::Odd),
        400..=499 => (Cause::Other, Meaning::Odd),
        500..=599 => (Cause::Http5xx, Meaning::Trouble),
        100..=399 => (Cause::CaptiveOrHtml, Meaning::Page),
        _ => return None,
    })
}

/// The detail that an HTTP status brings with it.
pub(crate) const fn detail_of_status(status: u16) -> Detail {
    match of_status(status) {
        Some((_, Meaning::HttpProxy)) => Detail::HttpProxy,
        Some((_, Meaning::Odd)) => Detail::Odd,
        Some((
            _,
            Meaning::Absent | Meaning::Refused | Meaning::TooMany | Meaning::Trouble | Meaning::Page,
        ))
        | None => Detail::Plain,
    }
}
