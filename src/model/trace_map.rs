//! Maps by trace id.

use std::collections::HashMap;

use opentelemetry::trace::TraceId;

use crate::model::seeded::Seeded;

/// Trace ids are random, but for those that come in with a request.
pub(crate) type TraceMap<V> = HashMap<TraceId, V, Seeded>;
