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
    /// The fingerprint of the last text that came and was not kept.
    other: Cell<u64>,
}

thread_local! {
    static PLACE: [Place; PLACES] =
        const { [const { Place { kept: Cell::new(None), other: Cell::new(0) } }; PLACES] };
}

/// The text as a value of an attribute.
#[inline]
pub(crate) fn value(text: &str) -> StringValue {
    let known = if text.len() > MAX_BYTES { None } else { known(text) };
    known.map_or_else(|| text.to_owned().into(), StringValue::from)
}

/// The text as it is kept, if it is.
fn known(text: &str) -> Option<Arc<str>> {
    let print = fingerprint(text);
    let look = |places: &[Place; PLACES]| {
        let count = u64::try_from(places.len()).ok()?;
        let place = places.get(usize::try_from(print % count).ok()?)?;
        let kept = place.kept.take();
        let known = match kept {
            Some(kept) if *kept == *text => kept,
            kept if place.other.replace(print) != print => {
                place.kept.set(kept);
                return None;
            }
            _ => Arc::from(text),
        };
        place.kept.set(Some(Arc::clone(&known)));
        Some(known)
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
        assert!(known(model).is_none());
        let kept = known(model).unwrap();
        for id in 0..10_000 {
            assert!(known(&format!("id {id}")).is_none());
            assert!(Arc::ptr_eq(&kept, &known(model).unwrap()));
        }
    }
}
