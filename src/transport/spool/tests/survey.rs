use super::*;
use crate::finding::Severity;

#[test]
fn what_waits_is_told_by_whether_anybody_takes_it_and_left_as_it_is() {
    let scratch = Scratch::new();
    let settings = scratch.settings(MAX_BYTES);
    let found = |destination: &str| {
        let findings = survey(&settings, &[destination.to_owned()]);
        findings.into_iter().map(|it| (it.severity, it.text)).collect::<Vec<_>>()
    };
    assert_eq!(found(DESTINATION), [(Severity::Ok, "can be written".to_owned())]);
    assert!(!settings.directory.exists(), "it is left as it was");

    let spool = scratch.spool();
    spool.append(&[NewRecord { spans: 1, payload: vec![1; 100] }], now());
    assert_eq!(found(DESTINATION).len(), 1, "its process lives");
    drop(spool);
    let known = found(DESTINATION).remove(1);
    assert!(known.0 == Severity::Ok && known.1.contains("the next start"), "{known:?}");
    let unknown = found("other").remove(1);
    assert!(unknown.0 == Severity::Warning && unknown.1.contains(DESTINATION), "{unknown:?}");
    assert_eq!(scratch.spool().adopt(now()).len(), 1, "nothing was taken");
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let scratch = Scratch::new();
    fs::write(&scratch.0, "a file").unwrap();
    let settings = SpoolSettings { directory: scratch.0.join("inside"), ..scratch.settings(1) };
    assert_eq!(survey(&settings, &[])[0].severity, Severity::Error);
    fs::remove_file(&scratch.0).unwrap();
}
