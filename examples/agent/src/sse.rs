//! Server-sent events, as far as models use them.

/// Puts events together from bytes that come in any pieces.
#[derive(Debug, Default)]
pub struct Events {
    buffer: Vec<u8>,
}

impl Events {
    /// Adds what came; returns the data of the events that are complete.
    pub fn add(&mut self, bytes: &[u8]) -> Vec<String> {
        self.buffer.extend_from_slice(bytes);
        // Only whole lines are text: a character may be cut in two by the network.
        let whole = self.buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.buffer.drain(..whole).collect();
        let text = String::from_utf8_lossy(&lines);
        text.lines().filter_map(|line| line.strip_prefix("data:")).map(trimmed).collect()
    }
}

fn trimmed(data: &str) -> String {
    data.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let stream =
            "data: {\"a\":\"ä\"}\n\n: a comment\r\ndata:two\r\n\r\ndata: [DONE]\n\ndata: half";
        for size in 1..stream.len() {
            let mut events = Events::default();
            let data: Vec<String> =
                stream.as_bytes().chunks(size).flat_map(|bytes| events.add(bytes)).collect();
            assert_eq!(data, ["{\"a\":\"ä\"}", "two", "[DONE]"], "cut every {size} bytes");
        }
    }
}
