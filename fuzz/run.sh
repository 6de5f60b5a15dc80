#!/usr/bin/env bash
# Fuzzes everything that decodes, each target for so many seconds: `fuzz/run.sh [seconds] [target…]`.
#
# Does what `cargo fuzz run --sanitizer none` does, so that stable Rust is enough: the sanitizers want
# nightly, and look for what code without `unsafe` cannot do. What makes a target fail is left in
# `target/fuzz/artifacts`; to see why, run the target's program with that file.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-10}
shift || true
targets=("$@")
((${#targets[@]})) || targets=(json record replay reply settings spool)

host=$(rustc -vV | sed -n 's/^host: //p')
flags=(
  --cfg fuzzing -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
)
# With a --target, what runs while it is built is not watched.
RUSTFLAGS="${flags[*]}" cargo build --locked --release --target "$host" --target-dir target/fuzz \
  --manifest-path fuzz/Cargo.toml

for target in "${targets[@]}"; do
  # What was found is kept for the next run; what is sent and answered is where the first begins.
  found=target/fuzz/corpus/$target
  mkdir -p "$found" target/fuzz/artifacts
  "target/fuzz/$host/release/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -max_len=16384 -artifact_prefix="target/fuzz/artifacts/$target-" -print_final_stats=1 \
    "$found" "fuzz/seeds/$target" tests/golden/otlp 2>"$found.log" ||
    {
      cat "$found.log"
      exit 1
    }
  printf '%-10s %s\n' "$target" "$(grep -oE '^Done [0-9]+ runs' "$found.log"), $(find "$found" -type f | wc -l) inputs kept"
done
