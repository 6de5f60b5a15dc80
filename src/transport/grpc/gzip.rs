//! gzip on gRPC, when the feature `gzip` is on.

use tonic::client::Grpc;
use tonic::codec::CompressionEncoding::Gzip;

/// Compresses what `client` sends, and lets the server do so.
pub(super) fn apply<T>(client: Grpc<T>) -> Grpc<T> {
    client.send_compressed(Gzip).accept_compressed(Gzip)
}
