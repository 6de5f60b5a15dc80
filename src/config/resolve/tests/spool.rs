use super::*;

#[test]
fn a_spool_that_nobody_needs_is_told() {
    let config = resolved(env([]).with_spool("/spool"));
    assert_eq!(config.pipeline.spool, None);
    let warnings: Vec<&str> = config.explanation.warnings().collect();
    assert!(warnings.iter().any(|it| it.starts_with("with_spool has no effect: ")), "{warnings:?}");
}
