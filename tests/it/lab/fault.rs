//! What may go wrong with one answer, and when.

use regex::Regex;
use std::ops::Range;
use std::time::Duration;

/// One way to spoil an answer.
///
/// Faults that only HTTP/2 knows ([`Fault::RstStream`], [`Fault::GoAway`]) become a reset or an early
/// end of the connection on HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection ends before the first byte of the answer.
    Eof,
    /// The connection ends in the middle of the header.
    EofInHeaders,
    /// The connection ends in the middle of the body, whose right length was announced.
    EofInBody,
    /// The connection is reset before the first byte of the answer.
    Reset,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// HTTP/2: RST_STREAM INTERNAL_ERROR instead of an answer.
    RstStream,
    /// HTTP/2: RST_STREAM INTERNAL_ERROR in the middle of the body.
    RstStreamInBody,
    /// HTTP/2: GOAWAY INTERNAL_ERROR, and the connection ends.
    GoAway,
    /// Another status, with a short plain text.
    Status(u16),
    /// Another status, with this plain text.
    Says(u16, &'static str),
    /// 429 with `Retry-After` in seconds.
    RateLimited(u32),
    /// 200 with the page of a login portal.
    Html,
    /// 200 with nothing.
    Empty,
    /// A zip whose first file has a wrong CRC; other files pass unchanged.
    AlterZipCrc,
    /// A well-formed zip with other content, different at each download.
    AlterZip,
    /// A well-formed zip with other content, the same at each download.
    AlterZipSame,
    /// A well-formed zip with other content, the same at each download, and packed anew for it.
    RepackedZip,
    /// A .mod with one more line, different at each download.
    AlterMod,
    /// A .mod with one more line, the same at each download.
    AlterModSame,
    /// [`Fault::AlterZip`] or [`Fault::AlterMod`], as the file asks for.
    Alter,
    /// Half the body, announced as the whole: no layer below notices.
    ShortWithRightLength,
    /// Half the body in chunks, and the connection ends without the last chunk.
    ShortChunked,
    /// Half the body in chunks, properly ended: no layer below notices.
    ShortChunkedEnded,
    /// Bytes that are no HTTP (HTTP/1.1 only; a reset stream on HTTP/2).
    Garbage,
    /// No answer, and the connection stays open.
    Silence,
    /// Half the body, and then nothing; the connection stays open.
    SilenceInBody,
    /// The right answer at so many bytes a second.
    Drip(u32),
    /// The right answer, so many milliseconds later.
    Late(u32),
    /// The right answer, once the lab is healed.
    Held,
    /// A redirect to the same place, for ever.
    RedirectLoop,
    /// Checksum database: the signature of the tree note is damaged.
    BadSignature,
    /// One bit of the body's byte at this place is another one: a machine on the way with bad memory.
    FlippedBit(usize),
    /// Whatever an enemy likes to say.
    Forged(&'static Forged),
}

/// An answer that is made up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forged {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Fault {
    /// An answer with these bytes; a test makes few of them, and they live as long as it.
    pub(crate) fn forged(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Fault {
        Fault::Forged(Box::leak(Box::new(Forged { status, kind, body: body.into() })))
    }

    /// A mixture that resembles a bad day: every kind of transient fault that ends by itself.
    pub(crate) const MIXED: &'static [Fault] = &[
        Fault::Eof,
        Fault::EofInBody,
        Fault::Reset,
        Fault::ResetInBody,
        Fault::RstStream,
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(504),
        Fault::RateLimited(1),
        Fault::Html,
        Fault::ShortChunked,
    ];

    /// Whether this fault can be applied to that file at all.
    pub(crate) fn fits(self, path: &str) -> bool {
        let zip = path.ends_with(".zip");
        let module = path.ends_with(".mod");
        match self {
            Fault::AlterZipCrc | Fault::AlterZip | Fault::AlterZipSame | Fault::RepackedZip => zip,
            Fault::AlterMod | Fault::AlterModSame => module,
            Fault::Alter => zip || module,
            Fault::BadSignature => path.contains("lookup/") || path.ends_with("latest"),
            _ => true,
        }
    }

    /// Whether the answer is right up to where it ends too early.
    pub(super) fn breaks_off(self) -> bool {
        matches!(
            self,
            Fault::EofInBody
                | Fault::ResetInBody
                | Fault::RstStreamInBody
                | Fault::ShortChunked
                | Fault::SilenceInBody
        )
    }
}

/// When a fault happens. The conditions add up; [`always`] has none.
#[derive(Clone, Debug)]
pub(crate) struct When {
    pub(super) rate: f64,
    pub(super) path: Option<Regex>,
    pub(super) place: Place,
    pub(super) nth: Nth,
    pub(super) during: Option<Range<Duration>>,
    pub(super) times: Option<usize>,
}

/// Which of the requests that fit otherwise.
#[derive(Clone, Debug)]
pub(super) enum Nth {
    /// All.
    Any,
    /// By its number among the requests of the same path at the same place, from 0.
    OfPath(Range<usize>),
    /// By its number among all requests at the same place, from 0.
    Overall(Range<usize>),
}

/// Which server of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Any module proxy (what a fault means if nothing else is said).
    AnyProxy,
    /// One entry of the GOPROXY list, from 0.
    Proxy(usize),
    /// The storage host that zips are redirected to.
    Storage,
    /// The checksum database at its own address.
    Sumdb,
    /// The discovery host (`?go-get=1`), or whatever else stands behind a name.
    Web,
    /// All of them.
    Anywhere,
}

impl Place {
    /// Whether a fault meant for `self` concerns the server `at`.
    pub(super) fn covers(self, at: Place) -> bool {
        match self {
            Place::Anywhere => true,
            Place::AnyProxy => matches!(at, Place::Proxy(_)),
            place => place == at,
        }
    }
}

/// At every request.
pub(crate) fn always() -> When {
    When { rate: 1.0, path: None, place: Place::AnyProxy, nth: Nth::Any, during: None, times: None }
}

/// At a share of the requests (0.05 is one in twenty), drawn from the lab's seed.
pub(crate) fn rate(share: f64) -> When {
    When { rate: share, ..always() }
}

/// At the first `n` requests of each path.
pub(crate) fn first_of_each(n: usize) -> When {
    When { nth: Nth::OfPath(0..n), ..always() }
}

/// At the `n`-th request of all, counted from 1.
pub(crate) fn nth(n: usize) -> When {
    When { nth: Nth::Overall(n.saturating_sub(1)..n), ..always() }
}

/// At the first `n` requests of all.
pub(crate) fn first(n: usize) -> When {
    When { nth: Nth::Overall(0..n), ..always() }
}

/// For so long after the first request that the lab sees.
pub(crate) fn outage(length: Duration) -> When {
    When { during: Some(Duration::ZERO..length), ..always() }
}

impl When {
    /// Only where the path (without the query) matches.
    pub(crate) fn path(mut self, regex: &str) -> When {
        self.path = Some(Regex::new(regex).expect("a regex written in a test"));
        self
    }

    /// Only at that server; without this, at every module proxy.
    pub(crate) fn at(mut self, place: Place) -> When {
        self.place = place;
        self
    }

    /// Only at that entry of the GOPROXY list, from 0.
    pub(crate) fn proxy(self, index: usize) -> When {
        self.at(Place::Proxy(index))
    }

    /// At most so many times in the life of the lab.
    pub(crate) fn times(mut self, n: usize) -> When {
        self.times = Some(n);
        self
    }

    /// Only in this span after the first request that the lab sees.
    pub(crate) fn during(mut self, span: Range<Duration>) -> When {
        self.during = Some(span);
        self
    }
}

/// One or several faults (one is drawn each time) under one condition.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) faults: Vec<Fault>,
    pub(super) when: When,
    pub(super) done: usize,
}

/// What a rule needs to know of a request.
pub(super) struct Moment<'a> {
    pub(super) seed: u64,
    pub(super) place: Place,
    pub(super) path: &'a str,
    /// Earlier requests of the same path at the same place.
    pub(super) of_path: usize,
    /// Earlier requests at the same place.
    pub(super) overall: usize,
    /// Since the first request that the lab saw.
    pub(super) since_first: Duration,
}

/// The fault of the first rule that fits. The draw depends on the seed, the rule, the place, the path
/// and the number of the request for that path alone, so the order in which parallel requests come does
/// not matter.
pub(super) fn choose(rules: &mut [Rule], moment: &Moment<'_>) -> Option<Fault> {
    for (number, rule) in rules.iter_mut().enumerate() {
        let when = &rule.when;
        let fits = when.place.covers(moment.place)
            && when.path.as_ref().is_none_or(|regex| regex.is_match(moment.path))
            && when.during.as_ref().is_none_or(|span| span.contains(&moment.since_first))
            && when.times.is_none_or(|times| rule.done < times)
            && match &when.nth {
                Nth::Any => true,
                Nth::OfPath(range) => range.contains(&moment.of_path),
                Nth::Overall(range) => range.contains(&moment.overall),
            };
        if !fits {
            continue;
        }
        let key = format!("{number} {:?} {} {}", moment.place, moment.path, moment.of_path);
        let mut draw = Draw::new(moment.seed, &key);
        if draw.unit() >= when.rate {
            continue;
        }
        let fitting: Vec<Fault> = rule.faults.iter().copied().filter(|f| f.fits(moment.path)).collect();
        if fitting.is_empty() {
            continue;
        }
        rule.done += 1;
        return Some(fitting[(draw.next() % fitting.len() as u64) as usize]);
    }
    None
}

/// A small generator of numbers that are the same everywhere and for ever (SplitMix64 over FNV-1a).
pub(crate) struct Draw(u64);

impl Draw {
    /// A generator for one purpose of one seed.
    pub(crate) fn new(seed: u64, purpose: &str) -> Draw {
        let hash = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Draw(hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
