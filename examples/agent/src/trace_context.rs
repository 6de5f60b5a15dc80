//! W3C trace context: taken from the request that comes in, given to the one that goes out.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use mlflow_tracing::opentelemetry::global;
use mlflow_tracing::opentelemetry::trace::FutureExt as _;
use mlflow_tracing::tracing_opentelemetry::OpenTelemetrySpanExt as _;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use reqwest::header::HeaderMap;
use tracing::Span;

/// Middleware: the caller's span becomes the parent of the spans that the request starts.
pub async fn accept(request: Request, next: Next) -> Response {
    let caller = global::get_text_map_propagator(|propagator| {
        propagator.extract(&HeaderExtractor(request.headers()))
    });
    next.run(request).with_context(caller).await
}

/// The headers by which another service continues the current span.
pub fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&Span::current().context(), &mut HeaderInjector(&mut headers));
    });
    headers
}
