#!/usr/bin/env bash
# The fault laboratory in its long form: an hour, most of it the soak. What is seen is printed, and
# kept in docs/RELIABILITY.md.
#
#     MLFLOW_TRACING_LAB_KILLS     processes that are killed, 1000
#     MLFLOW_TRACING_LAB_MINUTES   length of the soak, 30
#
# Arguments choose tests: `tests/lab/long.sh soak`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export MLFLOW_TRACING_LAB_KILLS=${MLFLOW_TRACING_LAB_KILLS:-1000}
export MLFLOW_TRACING_LAB_MINUTES=${MLFLOW_TRACING_LAB_MINUTES:-30}
exec cargo test --test lab -- --ignored --nocapture --test-threads=1 "$@"
