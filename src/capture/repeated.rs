//! Short texts that come again and again, such as kinds of spans and names of models: memory is asked
//! for once, and not for each span.

use std::cell::Cell;
use std::sync::Arc;

use opentelemetry::StringValue;

use crate::model::text::fingerprint;

/// Longer texts are not looked up: most of those do not come again.
const MAX_BYTES: usize = 32;
/// Texts that a thread keeps.
const PLACES: usize = 61;

/// One of them. A text takes the place of another when it comes there twice in a row: ids, of which each
/// is new, drive no names out.
struct Place {
    kept: Cell<Option<Arc<str>>>,
    /// The fingerprint of what came last, where that was another text.
    other: Cell<Option<u64>>,
}

thread_local! {
    static PLACE: [Place; PLACES] =
        const { [const { Place { kept: Cell::new(None), other: Cell::new(None) } }; PLACES] };
}

/// The text as a value of an attribute.
#[inline]
pub(crate) fn value(text: &str) -> StringValue {
    let kept = if text.len() > MAX_BYTES { None } else { kept(text) };
    kept.map_or_else(|| text.to_owned().into(), StringValue::from)
}

/// The text as it is kept, if it is.
fn kept(text: &str) -> Option<Arc<str>> {
    let print = fingerprint(text);
    let look = |places: &[Place; PLACES]| {
        let count = u64::try_from(places.len()).ok()?;
        let place = places.get(usize::try_from(print % count).ok()?)?;
        let kept = match place.kept.take() {
            Some(kept) if *kept == *text => kept,
            other if place.other.replace(Some(print)) != Some(print) => {
                place.kept.set(other);
                return None;
            }
            _ => Arc::from(text),
        };
        place.other.set(None);
        place.kept.set(Some(Arc::clone(&kept)));
        Some(kept)
    };
    PLACE.try_with(look).ok().flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::random::words;

    proptest! {
        #[test]
        fn a_value_says_what_the_text_says(texts in prop::collection::vec(words(), 1..200)) {
            for text in texts.iter().chain(&texts) {
                let value = value(text);
                prop_assert_eq!(value.as_str(), text);
            }
        }
    }

    #[test]
    fn a_text_that_comes_again_takes_memory_once() {
        let model = "a model that is asked for";
        assert!(kept(model).is_none());
        let first = kept(model).unwrap();
        for id in 0..10_000 {
            assert!(kept(&format!("id {id}")).is_none());
            assert!(Arc::ptr_eq(&first, &kept(model).unwrap()));
        }
    }
}
