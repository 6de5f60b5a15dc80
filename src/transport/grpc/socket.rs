//! A TCP connection to a name: the first of its addresses that answers.

use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;

/// How long an address may be silent before the next one is tried beside it.
///
/// Source: RFC 8305 §5.
const HEAD_START: Duration = Duration::from_millis(250);

pub(super) async fn open(host: &str, port: u16) -> io::Result<TcpStream> {
    // The brackets of an address of version 6 belong to the URL.
    let host = host.trim_matches(['[', ']']);
    let addresses = lookup_host((host, port)).await?;
    let socket = first(addresses.map(TcpStream::connect)).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// The first attempt that succeeds; each begins when one before it has failed, or the last was silent
/// for a while. When all fail, the first failure is told.
async fn first<T: Send + 'static>(
    attempts: impl Iterator<Item = impl Future<Output = io::Result<T>> + Send + 'static>,
) -> io::Result<T> {
    let mut attempts = attempts.fuse();
    let mut started = JoinSet::new();
    let mut failure = None;
    loop {
        if let Some(attempt) = attempts.next() {
            started.spawn(attempt);
        }
        tokio::select! {
            Some(ended) = started.join_next() => match ended.unwrap_or_else(|lost| Err(lost.into())) {
                Ok(connected) => return Ok(connected),
                Err(error) => failure = failure.or(Some(error)),
            },
            () = tokio::time::sleep(HEAD_START), if !started.is_empty() => {}
            else => {
                let nowhere = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                return Err(failure.unwrap_or_else(nowhere));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::Pin;

    use super::*;
    use crate::sync::now;

    type Attempt = Pin<Box<dyn Future<Output = io::Result<u8>> + Send>>;

    fn silent() -> Attempt {
        Box::pin(pending())
    }

    fn answers(number: u8) -> Attempt {
        Box::pin(ready(Ok(number)))
    }

    fn refuses(why: &'static str) -> Attempt {
        Box::pin(ready(Err(io::Error::other(why))))
    }

    /// What came of the attempts, and how long that took.
    fn race<const N: usize>(attempts: [Attempt; N]) -> (Result<u8, String>, Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let start = now();
        let result = runtime.block_on(first(attempts.into_iter()));
        (result.map_err(|error| error.to_string()), start.elapsed())
    }

    #[test]
    fn the_address_that_is_preferred_wins_when_it_answers() {
        assert_eq!(race([answers(1), answers(2)]).0, Ok(1));
    }

    #[test]
    fn an_address_that_refuses_costs_no_time() {
        let (result, time) = race([refuses("one"), refuses("two"), answers(3)]);
        assert_eq!(result, Ok(3));
        assert!(time < HEAD_START, "{time:?}");
    }

    #[test]
    fn an_address_that_is_silent_costs_no_more_than_its_head_start() {
        let (result, time) = race([silent(), answers(2)]);
        assert_eq!(result, Ok(2));
        assert!(time >= HEAD_START && time < 20 * HEAD_START, "{time:?}");
    }

    #[test]
    fn when_all_refuse_the_first_is_told() {
        assert_eq!(race([refuses("one"), refuses("two")]).0, Err("one".to_owned()));
        assert_eq!(race([]).0, Err("the name has no address".to_owned()));
    }
}
