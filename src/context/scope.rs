//! Scopes: where a `TraceContext` holds.
//!
//! A scope is a value of the OpenTelemetry context, so that it travels with the spans that start in
//! it and with whatever carries that context to another thread. A span that is entered brings its
//! own context, though, which may be older than the scope: so each thread also knows the scope that
//! it is in. Of the two the inner one holds.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::{Context, ContextGuard, KeyValue};

use crate::context::trace_context::TraceContext;
use crate::semconv::private;

/// What holds somewhere.
#[derive(Debug)]
struct Scope {
    /// What is said here; tells scopes apart.
    own: Arc<TraceContext>,
    /// With what is said around it.
    merged: TraceContext,
    outer: Option<Arc<Self>>,
}

/// How a scope is kept in the OpenTelemetry context.
struct Carried(Arc<Scope>);

/// Whether this program has scopes at all: without any, nothing is looked for.
static USED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The innermost scope that this thread is in.
    static ENTERED: RefCell<Option<Arc<Scope>>> = const { RefCell::new(None) };
}

impl Scope {
    fn is_within(&self, other: &Self) -> bool {
        let mut scope = Some(self);
        while let Some(this) = scope {
            if Arc::ptr_eq(&this.own, &other.own) {
                return true;
            }
            scope = this.outer.as_deref();
        }
        false
    }
}

/// What holds for a span that starts now and has this parent context.
fn at(parent: &Context) -> Option<Arc<Scope>> {
    if !USED.load(Ordering::Relaxed) {
        return None;
    }
    let carried = parent.get::<Carried>().map(|Carried(scope)| scope);
    let entered = ENTERED.try_with(|entered| entered.borrow().clone()).ok().flatten();
    match (entered, carried) {
        (Some(entered), Some(carried)) if carried.is_within(&entered) => Some(Arc::clone(carried)),
        (None, Some(carried)) => Some(Arc::clone(carried)),
        (entered, _) => entered,
    }
}

/// Whether a span that starts now is to be recorded, as far as scopes say.
#[inline]
pub(crate) fn is_enabled(parent: &Context) -> Option<bool> {
    USED.load(Ordering::Relaxed).then(|| at(parent)?.merged.is_enabled()).flatten()
}

/// What a root that starts now is to be told beside what it has: what the scope says, and else what
/// `usual` says.
pub(crate) fn said_of_root(
    has: &[KeyValue],
    usual: &TraceContext,
    parent: &Context,
) -> Vec<KeyValue> {
    if usual.attributes().is_empty() && !USED.load(Ordering::Relaxed) {
        return Vec::new();
    }
    let missing = |said: &&KeyValue| has.iter().all(|kv| kv.key != said.key);
    match at(parent) {
        Some(scope) => {
            scope.merged.within(usual).attributes().iter().filter(missing).cloned().collect()
        }
        None => usual.attributes().iter().filter(missing).cloned().collect(),
    }
}

/// What is to be noted of a span that is made without a parent, and so without a context, until it
/// starts.
pub(crate) fn said_of_explicit_root() -> Vec<KeyValue> {
    if !USED.load(Ordering::Relaxed) {
        return Vec::new();
    }
    let Some(scope) = Context::map_current(at) else { return Vec::new() };
    let mut said = scope.merged.attributes().to_vec();
    if scope.merged.is_enabled() == Some(false) {
        said.push(KeyValue::new(private::SAMPLING_RATIO, 0.0));
    }
    said
}

/// The context with the scope that holds here.
pub(crate) fn carry(context: Context) -> Context {
    let scope = USED.load(Ordering::Relaxed).then(|| Context::map_current(at)).flatten();
    match scope {
        Some(scope) => context.with_value(Carried(scope)),
        None => context,
    }
}

/// Leaves the scope when it is dropped.
struct Inside {
    before: Option<Arc<Scope>>,
    /// Goes first: its place is in front of what was current before.
    _context: ContextGuard,
}

impl Inside {
    fn enter(own: &Arc<TraceContext>, last: &mut Option<Arc<Scope>>) -> Self {
        USED.store(true, Ordering::Relaxed);
        let outer = Context::map_current(at);
        let scope = last.take().filter(|last| is_same(last.outer.as_ref(), outer.as_ref()));
        let scope = scope.unwrap_or_else(|| {
            let merged = outer
                .as_ref()
                .map_or_else(|| TraceContext::clone(own), |outer| own.within(&outer.merged));
            Arc::new(Scope { own: Arc::clone(own), merged, outer })
        });
        *last = Some(Arc::clone(&scope));
        let context = Context::current_with_value(Carried(Arc::clone(&scope))).attach();
        let entered = ENTERED.try_with(|entered| entered.replace(Some(scope)));
        Self { before: entered.ok().flatten(), _context: context }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let before = self.before.take();
        let _ = ENTERED.try_with(|entered| entered.replace(before));
    }
}

fn is_same(left: Option<&Arc<Scope>>, right: Option<&Arc<Scope>>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => Arc::ptr_eq(left, right),
        (None, None) => true,
        _ => false,
    }
}

impl TraceContext {
    /// Runs `action` in this scope.
    ///
    /// Threads and tasks that it starts are outside, unless they are given its context: a future by
    /// [`tracing::Instrument`] with a span that was made inside, by
    /// `opentelemetry::context::FutureExt::with_current_context`, or by
    /// [`scope`](Self::scope); a thread by `opentelemetry::Context::attach`.
    ///
    /// # Examples
    ///
    /// ```
    /// let answer = mlflow_tracing::context().user("ada").in_scope(|| 6 * 7);
    /// assert_eq!(answer, 42);
    /// ```
    pub fn in_scope<T>(self, action: impl FnOnce() -> T) -> T {
        let _inside = Inside::enter(&Arc::new(self), &mut None);
        action()
    }

    /// The future, whose every poll is in this scope, whichever thread polls it.
    ///
    /// What the future awaits is inside, and so are spans that were made for it before: it does not
    /// matter whether `.instrument(span)` comes inside or outside. What it spawns is outside, as
    /// with [`in_scope`](Self::in_scope).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// async fn answer() -> u32 {
    ///     6 * 7
    /// }
    /// assert_eq!(mlflow_tracing::context().session("chat-7").scope(answer()).await, 42);
    /// # }
    /// ```
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let own = Arc::new(self);
        async move {
            let mut future = pin!(future);
            // The scope of the last poll, which is mostly that of the next.
            let mut last = None;
            poll_fn(move |context| {
                let _inside = Inside::enter(&own, &mut last);
                future.as_mut().poll(context)
            })
            .await
        }
    }
}
