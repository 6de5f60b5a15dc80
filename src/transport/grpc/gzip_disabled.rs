//! No gzip on gRPC: the feature `gzip` is off, and asking for it is refused at set-up.

use tonic::client::Grpc;

/// Leaves `client` as it is.
pub(super) fn apply<T>(client: Grpc<T>) -> Grpc<T> {
    client
}
