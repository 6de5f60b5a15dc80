//! Times as protobuf JSON and as attributes write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::Value;

/// RFC 3339 in UTC with milliseconds; a time before 1970 counts as 1970.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Seconds with milliseconds and an `s`.
pub(crate) fn duration(duration: Duration) -> String {
    format!("{}.{:03}s", duration.as_secs(), duration.subsec_millis())
}

/// The time that an attribute holds: nanoseconds since 1970.
pub(crate) fn of_value(value: &Value) -> Option<SystemTime> {
    match value {
        Value::I64(nanos) => {
            u64::try_from(*nanos).ok().map(|nanos| UNIX_EPOCH + Duration::from_nanos(nanos))
        }
        _ => None,
    }
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// Counts years from 1 March, so that the day a leap year adds is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days + DAYS_TO_1970;
    let era = days / DAYS_IN_400_YEARS;
    let day_of_era = days % DAYS_IN_400_YEARS;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_year_ends_are_on_the_calendar() {
        let at = |seconds| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(1_735_689_599), "2024-12-31T23:59:59.000Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000Z");
        let precise = UNIX_EPOCH + Duration::from_nanos(1_795_363_105_625_744_683);
        assert_eq!(timestamp(precise), "2026-11-22T15:58:25.625Z");
    }

    #[test]
    fn durations_keep_milliseconds() {
        assert_eq!(duration(Duration::from_micros(270_884)), "0.270s");
        assert_eq!(duration(Duration::from_secs(61)), "61.000s");
    }
}
