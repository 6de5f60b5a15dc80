//! See `lib.rs`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    hello::trace()
}
