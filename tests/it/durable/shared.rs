use super::{program, when};
use crate::support::app::{conserved, end_span};
use crate::support::scratch::Scratch;
use crate::support::server::Server;
use crate::support::time::PATIENCE;

#[test]
fn two_programs_share_a_directory() {
    let spool = Scratch::new();
    let server = Server::mlflow();
    let guards = [(); 2].map(|()| program(&spool, &server.url()).build().unwrap());
    for (number, guard) in guards.iter().enumerate() {
        for span in 0..50 {
            end_span(guard, format!("{number}.{span}"));
        }
    }
    for guard in &guards {
        guard.flush(PATIENCE).unwrap();
        let stats = conserved(guard);
        assert_eq!((stats.destinations[0].delivered, stats.destinations[0].recovered), (50, 0));
    }
    let spans = server.spans();
    let mut names = spans.names();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), spans.0.len()), (100, 100));
}

#[test]
fn two_destinations_have_a_log_each() {
    let spool = Scratch::new();
    let (one, other) = (Server::mlflow(), Server::collector());
    let builder = program(&spool, &one.url());
    let builder = builder.with_otlp_endpoint(format!("{}/v1/traces", other.url()));
    let guard = builder.build().unwrap();
    end_span(&guard, "work");
    when(&guard, "both have it", |stats| stats.destinations.iter().all(|it| it.delivered == 1));
    assert_eq!((one.spans().0.len(), other.spans().0.len()), (1, 1));
    guard.shutdown(PATIENCE).unwrap();
}
