use mlflow_tracing_macros::trace;

#[trace]
const fn constant() -> u8 {
    7
}

#[trace]
struct Tool;

#[trace]
impl Tool {
    fn method(&self) {}
}

trait Chat {
    #[trace]
    fn ask(&self);
}

fn main() {}
