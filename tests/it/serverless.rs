//! `FlushLayer`: what a call has traced is delivered before its response is given.

use std::future::{Future, Ready, pending, ready};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mlflow_tracing::{FlushLayer, MlflowFutureExt as _};
use tokio::runtime::Builder;
use tower_layer::Layer as _;
use tower_service::Service;
use tracing::dispatcher::set_default;
use tracing::info_span;

use crate::support::app::{Traced, to_collector};
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed, watched};

const SHORT: Duration = Duration::from_millis(200);

type Reply = Result<&'static str, io::Error>;
type Call = Pin<Box<dyn Future<Output = Reply>>>;

/// Does with a request what that says.
struct Handler;

impl Service<Call> for Handler {
    type Response = &'static str;
    type Error = io::Error;
    type Future = Call;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Call) -> Call {
        Box::pin(request.traced(info_span!("call")))
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().unwrap().block_on(future)
}

fn call(request: impl Future<Output = Reply> + 'static) -> Call {
    Box::pin(request)
}

#[test]
fn every_call_is_delivered_before_it_is_answered() {
    watched(|| {
        let traced = Traced::mlflow();
        let _default = set_default(&traced.dispatch);
        let mut service = FlushLayer::new(&traced.guard, PATIENCE).layer(Handler);
        block_on(async {
            for number in 1..=3 {
                assert_eq!(service.call(call(ready(Ok("Paris")))).await.unwrap(), "Paris");
                assert_eq!(traced.server.spans().0.len(), number);
            }
            let error = io::Error::other("no such city");
            assert!(service.call(call(ready(Err(error)))).await.is_err());
            assert_eq!(traced.server.spans().0.len(), 4);
        });
        traced.conserved();
    });
}

#[test]
fn a_receiver_that_is_silent_delays_the_answer_by_no_more_than_patience() {
    watched(|| {
        let server = Server::collector();
        server.always(Route::Spans, Act::Hold);
        let guard = to_collector(&server).with_drop_timeout(Duration::ZERO).build().unwrap();
        let traced = Traced::new(guard, server);
        let mut service = FlushLayer::new(&traced.guard, SHORT).layer(Handler);
        let response = traced.run(|| service.call(call(ready(Ok("Paris")))));
        let (time, reply) = timed(|| block_on(response));
        assert_eq!(reply.unwrap(), "Paris");
        assert!(time >= SHORT && time < SHORT + SLACK, "{time:?}");
        assert_eq!(traced.conserved().destinations[0].pending, 1);
        assert!(traced.server.told().iter().any(|line| line.contains("flushed after a call")));
    });
}

#[test]
fn a_call_that_is_given_up_or_panics_is_delivered_without_a_wait() {
    watched(|| {
        let traced = Traced::mlflow();
        let _default = set_default(&traced.dispatch);
        let mut service = FlushLayer::new(&traced.guard, PATIENCE).layer(Handler);
        let mut given_up = service.call(call(pending()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut given_up).poll(&mut context).is_pending());
        drop(given_up);
        traced.server.wait_for(Route::Spans, 1);
        let panics = service.call(call(async { panic!("as the test wants it") }));
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(panics))).is_err());
        traced.server.wait_for(Route::Spans, 2);
        assert_eq!(traced.delivered().names(), ["call", "call"]);
    });
}

#[test]
fn without_a_guard_there_is_nothing_to_wait_for() {
    let Traced { guard, server, dispatch } = Traced::mlflow();
    let mut service = FlushLayer::new(&guard, PATIENCE).layer(Handler);
    drop((guard, dispatch));
    let answer: Ready<Reply> = ready(Ok("Paris"));
    let (time, reply) = timed(|| block_on(service.call(call(answer))));
    assert!(reply.is_ok() && time < SLACK, "{time:?}");
    assert_eq!(server.spans().0.len(), 0);
}
