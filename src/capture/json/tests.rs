use std::fmt;

use proptest::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::*;

fn written(write: impl FnOnce(&mut Json)) -> Value {
    let mut json = Json::default();
    write(&mut json);
    serde_json::from_str(&json.into_text()).unwrap()
}

proptest! {
    #[test]
    fn a_debug_form_is_a_string_whatever_is_in_it(text: String) {
        let said = written(|json| json.debug(&text));
        prop_assert_eq!(said, Value::String(format!("{text:?}")));
    }

    #[test]
    fn what_is_written_later_follows_what_was_written(first: Vec<i64>, second: String) {
        let mut json = Json::default();
        json.value(&first);
        let start = json.len();
        json.value(&second);
        prop_assert_eq!(serde_json::from_str::<String>(json.since(start)).unwrap(), second);
        json.truncate(start);
        prop_assert_eq!(json.into_text(), serde_json::to_string(&first).unwrap());
    }
}

struct Refuses;

impl Debug for Refuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        Err(fmt::Error)
    }
}

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("secret"))
    }
}

#[test]
fn a_debug_that_fails_is_kept_as_far_as_it_came() {
    assert_eq!(written(|json| json.debug(&Refuses)), "half");
}

#[test]
fn a_value_that_cannot_be_serialised_is_the_reason_and_no_half() {
    let said = written(|json| json.value(&(1, "two", Refuses)));
    assert_eq!(said, "<not serialisable: secret>");
}

#[test]
fn a_value_whose_code_panics_is_the_reason() {
    let said = written(|json| {
        json.guarded(|json| {
            json.raw("[1,");
            panic!("on purpose")
        });
    });
    assert_eq!(said, "<not serialisable: panicked: on purpose>");
}
