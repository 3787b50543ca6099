//! A user's name and password: from a URL, from .netrc, to a header.

use crate::formats::percent;
use base64::Engine as _;
use hyper::header::HeaderValue;

/// A user's name and password, for a Basic `Authorization` or a SOCKS greeting.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Vec<u8>,
    pub(super) password: Vec<u8>,
}

impl std::fmt::Debug for Login {
    /// Never the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

impl Login {
    /// The user information of a URL (`user:password`, percent escapes in both); `None` where net/url takes it for
    /// none, or an escape is malformed.
    pub(super) fn of_user_info(info: &str) -> Option<Login> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
        if !info.bytes().all(known) {
            return None;
        }
        let (user, password) = info.split_once(':').unwrap_or((info, ""));
        Some(Login { user: percent::decode(user)?, password: percent::decode(password)? })
    }

    /// As it stands in a URL.
    pub(super) fn user_info(&self) -> String {
        format!("{}:{}", percent::encode(&self.user), percent::encode(&self.password))
    }

    /// The value of a Basic `Authorization` header, which is never printed.
    pub(super) fn header(&self) -> HeaderValue {
        let pair = [&self.user[..], b":", &self.password].concat();
        let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        let mut value = HeaderValue::from_str(&text).expect("base64 is plain text");
        value.set_sensitive(true);
        value
    }
}
