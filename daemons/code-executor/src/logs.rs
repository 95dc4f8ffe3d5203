//! The log of one block: numbered lines, cut at the block's limit with a marker.

use bulkhead_model::run::LogLevel;
use bulkhead_rpc::executor::LogLine;

/// Numbers and limits lines.
pub(crate) struct Logs {
    block: String,
    next: u32,
    limit_bytes: u32,
    left_bytes: Option<usize>,
}

impl Logs {
    pub(crate) fn new(block: &str, limit_bytes: u32) -> Self {
        Self { block: block.to_owned(), next: 0, limit_bytes, left_bytes: Some(limit_bytes as usize) }
    }

    /// The line to send, if one is to be sent. The first that passes the limit is cut, and the marker
    /// is its end; after it there is none.
    pub(crate) fn take(&mut self, level: LogLevel, time_ms: u64, mut text: String) -> Option<LogLine> {
        let left = self.left_bytes?;
        if text.len() <= left {
            // An empty line is not free, or there could be endlessly many.
            self.left_bytes = Some(left.saturating_sub(text.len().max(1)));
        } else {
            self.left_bytes = None;
            let mut end = left;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push_str(&format!("[log cut at {} bytes]", self.limit_bytes));
        }
        let line = LogLine { block: self.block.clone(), seq: self.next, level, time_ms, text };
        self.next += 1;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(limit: u32, lines: &[&str]) -> Vec<String> {
        let mut logs = Logs::new("block", limit);
        lines.iter().filter_map(|line| logs.take(LogLevel::Info, 0, (*line).to_owned())).map(|line| line.text).collect()
    }

    #[test]
    fn the_line_that_passes_the_limit_is_the_last_and_says_so() {
        assert_eq!(texts(6, &["abc", "déf", "ghi"]), ["abc", "dé[log cut at 6 bytes]"]);
    }

    #[test]
    fn empty_lines_use_the_limit_up() {
        assert_eq!(texts(2, &["", "", "", "a", "b"]).len(), 4);
    }
}
