//! What is said of a span, borrowed from it wherever it is the same.

use std::borrow::Cow;

use opentelemetry::{Key, KeyValue, Value};

/// An attribute's value in the words of a dialect.
#[derive(Clone, Debug)]
pub(crate) enum Said<'a> {
    /// The span's own.
    As(&'a Value),
    Text(Cow<'a, str>),
    Made(Value),
}

impl Said<'_> {
    pub(crate) fn into_owned(self) -> Said<'static> {
        match self {
            Self::As(value) => Said::Made(value.clone()),
            Self::Text(text) => Said::Text(Cow::Owned(text.into_owned())),
            Self::Made(value) => Said::Made(value),
        }
    }

    /// The same as an attribute of the SDK.
    pub(crate) fn to_key_value(&self, key: &str) -> KeyValue {
        KeyValue::new(Key::from(key.to_owned()), Value::from(self.clone()))
    }
}

impl<'a> From<&'a str> for Said<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Said<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Said<'_> {
    fn from(value: i64) -> Self {
        Self::Made(Value::I64(value))
    }
}

impl From<Said<'_>> for Value {
    fn from(said: Said<'_>) -> Self {
        match said {
            Said::As(value) => value.clone(),
            Said::Text(text) => Self::from(text.into_owned()),
            Said::Made(value) => value,
        }
    }
}
