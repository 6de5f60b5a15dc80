//! Request headers, whose values may be secret: `Debug` and `Display` show names only.

use std::fmt;

use crate::transport::endpoint::MASK;

/// Headers in the order they were set; names do not tell case apart.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Sets a header; one of the same name gives way.
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.0.push((name, value.into()));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values, to be hidden in what a server answers.
    pub(crate) fn secrets(&self) -> Secrets {
        let values = self.iter().map(|(_, value)| value);
        // Of `Bearer token` the token is repeated more often than the whole.
        let words = self.iter().filter_map(|(_, value)| value.rsplit(' ').next());
        Secrets(values.chain(words).filter(Secrets::is_secret).map(str::to_owned).collect())
    }
}

/// Texts that may not be shown.
#[derive(Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Shorter values, and bare numbers, stand in too many harmless texts.
    const MIN_BYTES: usize = 4;

    fn is_secret(text: &&str) -> bool {
        text.len() >= Self::MIN_BYTES && !text.bytes().all(|byte| byte.is_ascii_digit())
    }

    pub(crate) fn mask(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.iter().map(|(name, _)| format!("{name}={MASK}")).collect();
        f.write_str(&shown.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_set_again_in_any_case_gives_way() {
        let mut headers = Headers::default();
        headers.set("X-Key", "one");
        headers.set("x-key", "two");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("x-key", "two")]);
    }

    #[test]
    fn values_are_shown_nowhere_and_hidden_in_what_others_say() {
        let mut headers = Headers::default();
        headers.set("Authorization", "Bearer secret-token");
        assert_eq!(format!("{headers:?} {headers}"), "Authorization=**** Authorization=****");
        assert_eq!(headers.secrets().mask("bad token secret-token"), "bad token ****");
    }
}
