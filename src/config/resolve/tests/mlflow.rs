//! The MLflow server's settings.

use super::*;

fn authorization(builder: Builder) -> Option<String> {
    let headers = mlflow(builder).headers;
    assert!(headers.iter().count() <= 1);
    headers.iter().next().map(|(name, value)| {
        assert_eq!(name, "Authorization");
        value.to_owned()
    })
}

#[test]
fn credentials_come_from_the_program_the_variables_or_the_address() {
    const USER: (&str, &str) = ("MLFLOW_TRACKING_USERNAME", "anna");
    const PASSWORD: (&str, &str) = ("MLFLOW_TRACKING_PASSWORD", "pw");
    const TOKEN: (&str, &str) = ("MLFLOW_TRACKING_TOKEN", "tok");
    const IN_ADDRESS: (&str, &str) = ("MLFLOW_TRACKING_URI", "http://ben:pw@mlflow:5000");
    let basic = |encoded: &str| Some(format!("Basic {encoded}"));
    let (anna, ben, built) = (basic("YW5uYTpwdw=="), basic("YmVuOnB3"), basic("Y2FybDpwdw=="));

    assert_eq!(authorization(env([MLFLOW])), None);
    assert_eq!(authorization(env([IN_ADDRESS])), ben);
    assert_eq!(authorization(env([IN_ADDRESS, TOKEN])).as_deref(), Some("Bearer tok"));
    assert_eq!(authorization(env([IN_ADDRESS, TOKEN, USER, PASSWORD])), anna);
    let all = || env([IN_ADDRESS, TOKEN, USER, PASSWORD]);
    assert_eq!(authorization(all().with_token("mine")).as_deref(), Some("Bearer mine"));
    assert_eq!(authorization(all().with_token("mine").with_basic_auth("carl", "pw")), built);
}

#[test]
fn half_of_user_and_password_is_told_and_not_used() {
    for half in ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"] {
        let builder = env([MLFLOW, (half, "x")]);
        assert_eq!(authorization(builder.clone()), None);
        let said = warnings(builder);
        assert!(said.len() == 1 && said[0].starts_with("only one of"), "{said:?}");
        // A token needs neither.
        let builder = env([MLFLOW, (half, "x"), ("MLFLOW_TRACKING_TOKEN", "tok")]);
        assert_eq!(authorization(builder.clone()).as_deref(), Some("Bearer tok"));
        assert!(warnings(builder).is_empty());
    }
}

#[test]
fn an_experiment_has_a_number_or_a_name() {
    let experiment = |builder| mlflow(builder).experiment;
    assert_eq!(experiment(env([MLFLOW])), Experiment::Id("0".to_owned()));
    let id = ("MLFLOW_EXPERIMENT_ID", "12");
    let name = ("MLFLOW_EXPERIMENT_NAME", "my rag");
    assert_eq!(experiment(env([MLFLOW, id])), Experiment::Id("12".to_owned()));
    assert_eq!(experiment(env([MLFLOW, name])), Experiment::Name("my rag".to_owned()));
    // An experiment may be called anything, a number too.
    let numeric = env([MLFLOW]).with_experiment("12");
    assert_eq!(experiment(numeric), Experiment::Name("12".to_owned()));
}

#[test]
fn a_name_that_an_id_wins_over_is_told() {
    let id = ("MLFLOW_EXPERIMENT_ID", "12");
    let name = ("MLFLOW_EXPERIMENT_NAME", "rag");
    for (builder, ignored, winner) in [
        (env([MLFLOW, id, name]), "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"),
        (
            env([MLFLOW, name]).with_experiment_id("3"),
            "MLFLOW_EXPERIMENT_NAME",
            "with_experiment_id",
        ),
        (
            env([MLFLOW]).with_experiment_id("3").with_experiment("x"),
            "with_experiment",
            "with_experiment_id",
        ),
    ] {
        assert!(matches!(mlflow(builder.clone()).experiment, Experiment::Id(_)));
        assert_eq!(warnings(builder), [format!("{ignored} is ignored: {winner} wins over it")]);
    }
    let program = env([MLFLOW, id]).with_experiment("x");
    assert_eq!(mlflow(program.clone()).experiment, Experiment::Name("x".to_owned()));
    assert!(warnings(program).is_empty());
}

#[test]
fn the_rest_reaches_the_mlflow() {
    let plain = mlflow(env([MLFLOW]));
    assert!(plain.print_url);
    assert_eq!((plain.user, plain.trace_info), (None, TraceInfoMode::Auto));
    let print = ("MLFLOW_TRACING_PRINT_URL", "false");
    assert!(!mlflow(env([MLFLOW, print])).print_url);
    assert!(mlflow(env([MLFLOW, print]).with_print_url(true)).print_url);
    let user = ("USER", "os-user");
    assert_eq!(mlflow(env([MLFLOW, user])).user.as_deref(), Some("os-user"));
    let tracking = ("MLFLOW_TRACKING_USERNAME", "anna");
    assert_eq!(mlflow(env([MLFLOW, user, tracking])).user.as_deref(), Some("anna"));
    assert!(plain.source_name.is_some_and(|name| !name.is_empty()));
}
