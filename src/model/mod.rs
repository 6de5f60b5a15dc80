//! Values that mean the same on both sides of the pipe. No I/O, no clock.

pub(crate) mod base64;
pub(crate) mod budget;
pub(crate) mod cost;
pub(crate) mod id;
pub(crate) mod json;
pub(crate) mod json_text;
pub(crate) mod log_level;
pub(crate) mod otlp_encoder;
pub(crate) mod percent;
pub(crate) mod price_table;
pub(crate) mod protocol;
pub(crate) mod rates;
pub(crate) mod roll_up;
pub(crate) mod said;
pub(crate) mod seeded;
pub(crate) mod shorten;
pub(crate) mod span;
pub(crate) mod span_type;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod token_usage;
pub(crate) mod trace_info_mode;
pub(crate) mod trace_map;
pub(crate) mod weight;
