//! Times as protobuf JSON, attributes and HTTP write them.

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

/// The time that an HTTP header says, from 1970 on: `Sun, 06 Nov 1994 08:49:37 GMT`, or one of the two
/// forms that it had before.
///
/// Source: RFC 9110 §5.6.7.
pub(crate) fn of_http(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // That of 1970-01-01 first.
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let text = text.replace([',', '-'], " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let ([weekday, day, month, year, clock, "GMT"] | [weekday, month, day, clock, year]) =
        words[..]
    else {
        return None;
    };
    let month = 1 + MONTHS.iter().position(|name| *name == month)?;
    let year = match (year.len(), number(year)?) {
        (2, year @ 0..70) => 2000 + year,
        (2, year) => 1900 + year,
        (_, year) => year,
    };
    let days = days(year, u64::try_from(month).ok()?, number(day)?)?;
    let name = WEEKDAYS.get(usize::try_from(days % 7).ok()?)?;
    let [hour, minute, second] = clock.split(':').map(number).collect::<Vec<_>>()[..] else {
        return None;
    };
    let (hour, minute, second) = (hour?, minute?, second?);
    let is_right = weekday.starts_with(name) && hour < 24 && minute < 60 && second < 60;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    is_right.then(|| UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A number of a few digits.
fn number(digits: &str) -> Option<u64> {
    const MOST: usize = 4;
    let is_number = digits.len() <= MOST && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// The day, counted from 1970-01-01; none where the calendar has none, or before.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year_from_march = year.checked_sub(u64::from(month <= 2))?;
    let month_from_march = (month + 9) % 12;
    let (era, year_of_era) = (year_from_march / 400, year_from_march % 400);
    let day_of_year = (153 * month_from_march + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * DAYS_IN_400_YEARS + day_of_era).checked_sub(DAYS_TO_1970)?;
    (date(days) == (year, month, day)).then_some(days)
}

const DAYS_TO_1970: u64 = 719_468;
const DAYS_IN_400_YEARS: u64 = 146_097;

/// Year, month and day of a day counted from 1970-01-01.
///
/// Counts years from 1 March, so that the day a leap year adds is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
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
    use proptest::prelude::*;

    use super::*;
    use crate::tests::cases;

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

    proptest! {
        #![proptest_config(cases(2000))]

        #[test]
        fn http_says_times_as_its_library_reads_them(
            seconds in 0..253_402_300_800_u64,
            word in "(Sun|Mon|Thursday),? [0-9]{1,2}[ -](Jan|Feb|Apr)[ -][0-9]{2,4} [0-2][0-9]:[0-9]{2}:[0-5][0-9] GMT",
            any in "[ -~]{0,30}",
        ) {
            let then = UNIX_EPOCH + Duration::from_secs(seconds);
            prop_assert_eq!(of_http(&httpdate::fmt_http_date(then)), Some(then));
            if let Ok(read) = httpdate::parse_http_date(&word) {
                prop_assert_eq!(of_http(&word), Some(read));
            }
            let _ = of_http(&any);
        }
    }

    #[test]
    fn durations_keep_milliseconds() {
        assert_eq!(duration(Duration::from_micros(270_884)), "0.270s");
        assert_eq!(duration(Duration::from_secs(61)), "61.000s");
    }
}
