//! How a try at an upstream ended that did not simply succeed.

use super::UpstreamId;
use crate::judgement::table;
use crate::vocabulary::Cause;
use std::time::Duration;

/// How one try ended, where it did not simply succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// 404 or 410.
    NotFound,
    /// Any other refusal that is the host's word on this request: 401, 403, 407, 4xx.
    Denied {
        /// The host refuses every module that go.sum pins, without a reason in words.
        blanket: bool,
    },
    /// A status of 4xx without a meaning of its own: once more from a host that serves others, then
    /// its word.
    Odd,
    /// Nothing, or nothing whole, arrived.
    Fault {
        /// What happened.
        cause: Cause,
        /// A piece arrived that the same upstream can continue, more than the try before had.
        gained: bool,
    },
    /// The upstream asked for a pause.
    Limited {
        /// How long from then on; `None` where it did not say.
        pause: Option<Duration>,
    },
    /// A whole answer that cannot be right.
    Wrong {
        /// Digest of its bytes, to tell damage (differs) from a fact (stays).
        digest: [u8; 32],
        /// What is wrong with it.
        flaw: Flaw,
    },
}

/// What is wrong with a whole answer: decides how often it must come before it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// go.sum knows another hash: believed after three fetches.
    Hash,
    /// It is no protocol data at all: every try is spent on it.
    Shape,
    /// The same bytes came for another file: a page on the way, whatever they should be.
    Page,
    /// It may well be what the upstreams hold (a fork's `module` line): a second equal copy settles it.
    Doubt,
}

impl Miss {
    /// True for a word about the request, as opposed to trouble with the host or the way.
    pub(crate) fn is_word(&self) -> bool {
        matches!(self, Miss::NotFound | Miss::Denied { .. } | Miss::Odd)
    }

    /// True for an answer that is no file of a module proxy's, or not that file, and for a name that nobody has: most
    /// likely the next is the same.
    pub(crate) fn is_nonsense(&self) -> bool {
        match self {
            Miss::Fault { cause, gained } => !gained && table::is_certain_to_stay(*cause),
            Miss::Wrong { flaw, .. } => *flaw != Flaw::Doubt,
            Miss::NotFound | Miss::Denied { .. } | Miss::Odd | Miss::Limited { .. } => false,
        }
    }

    /// Whether the try is one of those that are limited: not a body that moved on, nor a pause that
    /// was asked for in whole seconds and kept.
    pub(super) fn counts(&self) -> bool {
        match self {
            Miss::Fault { gained, .. } => !gained,
            Miss::Limited { pause } => pause.is_none_or(|p| p < Duration::from_secs(1)),
            Miss::NotFound | Miss::Denied { .. } | Miss::Odd | Miss::Wrong { .. } => true,
        }
    }
}

/// One try of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    /// Whom it asked.
    pub(crate) upstream: UpstreamId,
    /// How it ended.
    pub(crate) miss: Miss,
    /// The upstream answered nobody: it is waited for, and the try says nothing of this request.
    pub(crate) waited: bool,
    /// gox alone has met this: go may get through.
    pub(crate) alone: Option<Alone>,
}

impl Try {
    /// Whether the upstream told when it will answer, or is known to limit how many requests it takes: asked then,
    /// it is not asked once more than need be.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self.miss, Miss::Limited { pause } if self.waited || pause.is_some())
    }
}

/// What gox alone has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    /// An answer that cannot be read; another may be.
    Unread,
    /// An address, a handshake, a login: it would be the same again.
    Verdict,
    /// A certificate: go has the last word on it, once nobody else may be asked.
    Distrust,
}
