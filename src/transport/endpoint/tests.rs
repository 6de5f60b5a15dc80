use proptest::prelude::*;

use super::*;
use crate::tests::cases;

const SET_BY: &str = "MLFLOW_TRACKING_URI";

#[test]
fn an_address_is_kept_without_what_does_not_belong_to_it() {
    for (value, url) in [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("  http://host/  ", "http://host"),
        ("http://host/mlflow///", "http://host/mlflow"),
        ("HTTP://Host:80/Path", "http://Host:80/Path"),
        ("http://[::1]:5000/pre", "http://[::1]:5000/pre"),
        ("http://user:secret@host:5000/pre/", "http://host:5000/pre"),
        // As copied from the browser.
        ("http://host:5000/#/experiments/1", "http://host:5000"),
    ] {
        let endpoint = Endpoint::parse(SET_BY, value).unwrap();
        assert_eq!(endpoint.url(), url, "{value}");
        assert_eq!(endpoint.join("/v1/traces"), format!("{url}/v1/traces"));
    }
}

#[test]
fn a_bad_address_is_an_error_with_the_variable_the_value_and_the_fix() {
    for (value, fix) in [
        ("", "write it like http://127.0.0.1:5000"),
        ("not a url", "write it like http://127.0.0.1:5000"),
        ("http://", "write it like http://127.0.0.1:5000"),
        ("http://ho st", "write it like http://127.0.0.1:5000"),
        ("127.0.0.1:5000", "write http:// or https:// before it"),
        ("/v1/traces", "write http:// or https:// before it"),
        ("ftp://host", "`ftp` is not supported; use http:// or https://"),
        ("http://:5000", "the host is missing"),
        ("http://host:port", "the port must be a number from 1 to 65535"),
        ("http://host:99999", "the port must be a number from 1 to 65535"),
        ("http://host:0/path", "the port must be a number from 1 to 65535"),
        ("http://host:", "the port must be a number from 1 to 65535"),
        ("http://host/?a=1", "remove everything from the `?` on"),
        ("http://anna:12/34@host", "in a password write / as %2F, ? as %3F, # as %23"),
    ] {
        let error = Endpoint::parse(SET_BY, value).unwrap_err();
        assert!(error.is_config());
        let text = error.to_string();
        assert!(text.starts_with(&format!("{SET_BY} is `{}`: ", masked(value))), "{text}");
        assert!(text.ends_with(fix), "{value}: {text}");
    }
}

#[test]
fn https_is_taken_where_tls_is_built_in() {
    let parsed = Endpoint::parse(SET_BY, "https://host:5000").map_err(|error| error.to_string());
    let url = parsed.as_ref().map(Endpoint::url);
    if tls::ENABLED {
        assert_eq!(url, Ok("https://host:5000"));
    } else {
        assert!(url.is_err_and(|text| text.contains("needs the feature `tls`")));
    }
}

#[test]
fn credentials_in_the_address_are_used_and_never_shown() {
    let endpoint = Endpoint::parse(SET_BY, "http://anna%40x:p%2Fw%20d@host").unwrap();
    let credentials = endpoint.credentials().unwrap();
    // anna@x:p/w d
    assert_eq!(credentials.header_value(), "Basic YW5uYUB4OnAvdyBk");
    assert_eq!(endpoint.url(), "http://host");
    for shown in [format!("{endpoint:?}"), format!("{credentials:?}"), credentials.to_string()] {
        assert!(shown.contains(MASK) && !shown.contains("p/w d"), "{shown}");
    }
    let token = Endpoint::parse(SET_BY, "http://token@host").unwrap();
    assert_eq!(token.credentials().unwrap().header_value(), "Basic dG9rZW46");
    assert!(!format!("{token:?}").contains("token"), "{token:?}");
    assert_eq!(Endpoint::parse(SET_BY, "http://host").unwrap().credentials(), None);

    let bearer = Credentials::Bearer("secret".to_owned());
    assert_eq!(bearer.header_value(), "Bearer secret");
    assert_eq!(format!("{bearer} {bearer:?}"), "Bearer **** Bearer ****");
}

#[test]
fn no_error_shows_credentials() {
    for value in [
        "ftp://anna:secret@host",
        "http://anna:secret@",
        "http://anna:secret@host?token=secret",
        "http://host/v1?api_key=secret",
        "https://anna:secret@ho st",
        // Characters that should be escaped, and end the part where credentials stand.
        "http://anna:secret/secret@host",
        "http://anna:secret#secret@host",
        "http://anna:secret?secret@host",
        "anna:secret@host:5000",
    ] {
        let text = format!("{:?}", Endpoint::parse(SET_BY, value).unwrap_err());
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn what_may_be_secret_is_masked_and_the_rest_stays() {
    for (value, shown) in [
        ("http://host:5000/path", "http://host:5000/path"),
        ("http://a:b@host/path", "http://****@host/path"),
        ("http://a:b@c@host/path", "http://****@host/path"),
        ("https://host/path?key=value", "https://host/path?****"),
        ("postgresql://a:b@db/mlflow", "postgresql://****@db/mlflow"),
        ("a:b@host", "****@host"),
        ("databricks", "databricks"),
    ] {
        assert_eq!(masked(value), shown);
    }
}

#[test]
fn a_header_that_http_does_not_allow_is_an_error_without_its_value() {
    assert!(check_header("X", "x-api-key", "any value \t é").is_ok());
    for name in ["", "two words", "käse", "a:b"] {
        let text = check_header("X", name, "secret").unwrap_err().to_string();
        assert_eq!(text, format!("X is `{name}`: not a header name; write key=value pairs"));
    }
    for value in ["line\nbreak-secret", "nul\0secret", "\u{7f}secret"] {
        let text = check_header("X", "key", value).unwrap_err().to_string();
        assert!(text.starts_with("X is `****`: the value of the header `key`"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn credentials_are_not_shown_however_they_are_written(
        scheme in "(http|https|ftp|x)?(://)?", before in "[a-z:/?#@]{0,12}", after in "[a-z:/]{0,8}"
    ) {
        let value = format!("{scheme}{before}SECRET@{after}");
        prop_assert!(!masked(&value).contains("SECRET"));
        let shown = match Endpoint::parse("X", &value) {
            Ok(endpoint) => format!("{endpoint:?}"),
            Err(error) => format!("{error:?}"),
        };
        prop_assert!(!shown.contains("SECRET"), "{}", shown);
    }
}
