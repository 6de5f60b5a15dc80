//! Errors of the scenario.

use std::error::Error;
use std::fmt;

use mlflow_tracing::MlflowSpanExt as _;
use tracing::Span;

use super::scenario;

/// One type for each name, because a type's name is what is recorded.
macro_rules! errors {
    ($($name:ident)*) => {
        $(
            #[derive(Debug)]
            pub(crate) struct $name {
                message: String,
                cause: Option<Failure>,
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.message)
                }
            }

            impl Error for $name {
                fn source(&self) -> Option<&(dyn Error + 'static)> {
                    self.cause.as_ref().map(Failure::error)
                }
            }
        )*

        $(
            impl From<$name> for Failure {
                fn from(error: $name) -> Self {
                    Self::$name(Box::new(error))
                }
            }

            /// Of functions whose errors are of this type.
            impl From<Failure> for $name {
                fn from(failure: Failure) -> Self {
                    match failure {
                        Failure::$name(error) => *error,
                        other => panic!("not of this type: {other:?}"),
                    }
                }
            }
        )*

        #[derive(Debug)]
        #[expect(clippy::enum_variant_names, reason = "called like their types")]
        pub(crate) enum Failure {
            $($name(Box<$name>),)*
        }

        impl Failure {
            pub(crate) fn of(told: &scenario::Error) -> Self {
                let message = told.message.clone();
                let cause = told.cause.as_deref().map(Self::of);
                match told.kind.as_str() {
                    $(stringify!($name) => Self::$name(Box::new($name { message, cause })),)*
                    unknown => panic!("no such error: {unknown}"),
                }
            }

            fn error(&self) -> &(dyn Error + 'static) {
                match self {
                    $(Self::$name(error) => &**error,)*
                }
            }

            pub(crate) fn record(&self, span: &Span) {
                match self {
                    $(Self::$name(error) => span.record_exception(&**error),)*
                };
            }
        }
    };
}

errors!(RuntimeError TimeoutError ValueError);
