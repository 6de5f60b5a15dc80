#!/usr/bin/env bash
# Everything that must hold, by one command: formatting, lints, tests, documentation, generated
# code, the quickstart, and the live tests against real servers. Stops at the first failure and
# shows what was said.
#
# Needs Rust, Python 3.10 or newer with venv and pip, npm, and Debian's valgrind, nftables, nginx-light,
# openssl and postgresql, which root gets installed. The first run downloads the crates, MLflow, rotel and
# Elastic's receiver; the servers are on loopback only.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

# What the caller's shell has set would change what is tested.
for name in $(compgen -e); do
  case $name in MLFLOW_* | OTEL_*) unset "$name" ;; esac
done

# Most tests wait for a peer, or for a pause to end: more run at once than there are processors.
export RUST_TEST_THREADS=8

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step() {
  local name=$1 start=$SECONDS
  shift
  if ! "$@" >"$scratch/said" 2>&1; then
    cat "$scratch/said"
    echo "FAILED: $name" >&2
    exit 1
  fi
  printf '%-32s %4d s\n' "$name" $((SECONDS - start))
  # What this machine does not allow, so that nobody takes it for tested.
  grep '^not tested: ' "$scratch/said" || true
}

lint() { cargo clippy "$@" -- -D warnings; }

documentation() {
  RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --document-private-items
}

# What goes through an encoder, through the other one; local files are written by our own.
official_encoder() {
  local with=(cargo test --features opentelemetry-otlp)
  "${with[@]}" --lib export::official &&
    MLFLOW_TRACING_TEST_ENCODER=official "${with[@]}" --test it -- --skip local:: --skip setup::
}

# As a stranger runs it: no server, nothing set, in a directory of its own.
quickstart() (
  cd "$scratch" &&
    cargo run --manifest-path "$root/Cargo.toml" --example quickstart &&
    test -s mlflow-traces/traces.jsonl
)

# What a span and a build may cost, by counts that come out the same every time.
budget() {
  if ! command -v valgrind; then
    apt-get update &&
      DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends valgrind
  fi &&
    cargo run --release --target-dir target/benches --manifest-path benches/Cargo.toml -- --check
}

# Kills, full disks, networks that fail, load: the short form of `tests/lab/long.sh`.
laboratory() {
  # Who is not root does without, and is told what was not tested.
  if [ "$(id -u)" = 0 ] && ! command -v nft && command -v apt-get; then
    apt-get update &&
      DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends nftables
  fi &&
    cargo test --test lab -- --ignored --nocapture --test-threads=1
}

# With either encoder, one after the other: the tests count what the servers log. Servers that come and
# go are the same to both.
live() {
  python3 tests/live/servers.py bash -ec '
    cargo test --test live -- --ignored --test-threads=1
    cargo test --features opentelemetry-otlp --test live -- --ignored --test-threads=1 \
      --skip restart:: --skip plug:: --skip nginx::'
}

step 'format' cargo fmt --check --all
step 'lint' lint --all-targets --all-features
step 'lint, macros' lint --all-targets --package mlflow-tracing-macros
step 'lint, no features' lint --no-default-features
step 'lint, MLflow without TLS' lint --no-default-features --features mlflow
step 'lint, macros alone' lint --no-default-features --features macros
step 'lint, gRPC without TLS' lint --no-default-features --features grpc
step 'format, benches' cargo fmt --check --all --manifest-path benches/Cargo.toml
step 'lint, benches' lint --target-dir target/benches --manifest-path benches/Cargo.toml
step 'format, agent' cargo fmt --check --manifest-path examples/agent/Cargo.toml
step 'lint, agent' lint --all-targets --target-dir target/agent \
  --manifest-path examples/agent/Cargo.toml
step 'tests' cargo test
step 'tests, signals' cargo test --features signal,tower --test global_signal
step 'tests, tower' cargo test --features signal,tower --test it -- serverless
step 'tests, panic = abort' cargo test --test global_panic -- --ignored
step 'laboratory' laboratory
step 'tests, macros' cargo test --package mlflow-tracing-macros
step 'tests, light build' cargo test --no-default-features --features macros,mlflow --lib
step 'tests, official encoder' official_encoder
step 'tests, agent' cargo test --target-dir target/agent --manifest-path examples/agent/Cargo.toml
step 'format, models' cargo fmt --check --manifest-path tests/loom/Cargo.toml
step 'tests, models' cargo test --locked --target-dir target/loom \
  --manifest-path tests/loom/Cargo.toml
step 'format, fuzz targets' cargo fmt --check --manifest-path fuzz/Cargo.toml
step 'fuzz' fuzz/run.sh 10
step 'documentation' documentation
step 'generated code' cargo run --target-dir target/generate \
  --manifest-path proto/generate/Cargo.toml -- --check
step 'quickstart' quickstart
step 'budget' budget
step 'live tests' live
