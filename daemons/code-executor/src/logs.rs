//! The log of one block: numbered lines, cut at the block's limit with a marker, without the secrets that the block was given.

use bulkhead_model::run::LogLevel;
use bulkhead_rpc::executor::LogLine;

/// A shorter secret would be found everywhere.
const HIDDEN_BYTES_MIN: usize = 4;
const HIDDEN: &str = "[secret]";

/// Numbers and limits lines.
pub(crate) struct Logs {
    block: String,
    next: u32,
    limit_bytes: u32,
    left_bytes: Option<usize>,
    secrets: Vec<String>,
}

impl Logs {
    pub(crate) fn new(block: &str, limit_bytes: u32) -> Self {
        Self {
            block: block.to_owned(),
            next: 0,
            limit_bytes,
            left_bytes: Some(limit_bytes as usize),
            secrets: Vec::new(),
        }
    }

    /// Keeps a secret, and each line of one that has several, out of what follows. A slip is prevented so; code that means to show
    /// a secret can spell it another way.
    pub(crate) fn hide(&mut self, secret: &str) {
        let parts = secret.lines().map(str::trim).filter(|part| part.len() >= HIDDEN_BYTES_MIN);
        self.secrets.extend(parts.map(str::to_owned));
    }

    /// The line to send, if one is to be sent. The first that passes the limit is cut, and the marker
    /// is its end; after it there is none.
    pub(crate) fn take(&mut self, level: LogLevel, time_ms: u64, mut text: String) -> Option<LogLine> {
        let left = self.left_bytes?;
        for secret in &self.secrets {
            if text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
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
    fn a_secret_does_not_appear() {
        let mut logs = Logs::new("block", 1000);
        logs.hide("hunter2-long");

        let line = logs.take(LogLevel::Info, 0, "the key is hunter2-long, again hunter2-long".to_owned());

        assert_eq!(line.map(|line| line.text).as_deref(), Some("the key is [secret], again [secret]"));
    }

    #[test]
    fn empty_lines_use_the_limit_up() {
        assert_eq!(texts(2, &["", "", "", "a", "b"]).len(), 4);
    }
}
