use super::*;

#[test]
fn what_is_well_written_is_read() {
    for (text, value) in
        [("true", true), ("True", true), ("1", true), ("FALSE", false), ("0", false)]
    {
        assert_eq!(boolean("X", text).unwrap(), value);
    }
    assert_eq!(milliseconds("X", "10000").unwrap(), Duration::from_secs(10));
    assert_eq!(word("X", "GZip", &[("none", 0), ("gzip", 1)]).unwrap(), 1);
}

#[test]
fn what_is_not_names_the_variable_the_value_and_the_fix() {
    let bad_words: [(Error, &str); 3] = [
        (boolean("X", "yes").unwrap_err(), "X is `yes`: write true or false"),
        (
            word("X", "zstd", &[("gzip", 1), ("none", 2)]).unwrap_err(),
            "X is `zstd`: write one of gzip, none",
        ),
        (
            milliseconds("X", "10s").unwrap_err(),
            "X is `10s`: write a whole number of milliseconds, such as 10000",
        ),
    ];
    for (error, text) in bad_words {
        assert!(error.is_config());
        assert_eq!(error.to_string(), text);
    }
    for number in ["0", "-5", "1.5", "99999999999999999999"] {
        assert!(milliseconds("X", number).is_err(), "{number}");
    }
}

#[test]
fn pairs_are_decoded_after_they_are_split() {
    let read = |text| pairs("X", text).unwrap();
    assert_eq!(read(""), []);
    assert_eq!(read(" , ,"), []);
    let expected = [("a", "1"), ("b", "x,y=z"), ("c", "é %"), ("d", ""), ("e", "f=g")];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(read(" a = 1 ,b=x%2Cy%3Dz,c=%C3%A9%20%,d=,,e=f=g"), expected);
}

#[test]
fn a_bad_pair_is_told_without_what_may_be_secret() {
    for (text, shown) in [
        ("secret", "X is `****`: write key=value pairs separated by commas"),
        ("a=1,secret", "X is `****`: write key=value pairs separated by commas"),
        ("=secret", "X is `****`: write key=value pairs separated by commas"),
        ("key=secret%FF", "X is `key=****`: the percent-decoded value is not UTF-8"),
    ] {
        let error = pairs("X", text).unwrap_err().to_string();
        assert!(error.starts_with(shown) && !error.contains("secret"), "{error}");
    }
}
