//! A line of the trace.

use crate::ErrorCode;
use std::fmt::Write as _;

/// What is known of a call before it is made.
pub(super) struct Call<'a> {
    pub(super) began: u64,
    pub(super) thread: u64,
    pub(super) depth: u32,
    pub(super) function: &'static str,
    pub(super) size: usize,
    pub(super) plugin: &'a str,
}

/// How a code is spelt, where it is known.
pub(super) fn code_name(code: Option<ErrorCode>) -> String {
    code.map_or_else(|| "ERROR".to_owned(), |code| code.to_string())
}

impl Call<'_> {
    /// The line before the call.
    pub(super) fn begin(&self) -> String {
        let mut line = self.head("begin");
        self.tail(&mut line);
        line
    }

    /// The line after it.
    pub(super) fn end(&self, took: u64, code: Option<ErrorCode>) -> String {
        let mut line = self.head("call");
        // Writing to a string does not fail.
        let _ = write!(line, " ns={took} code={}", code_name(code));
        self.tail(&mut line);
        line
    }

    fn head(&self, what: &str) -> String {
        const SECOND: u64 = 1_000_000_000;
        let (seconds, rest) = (self.began / SECOND, self.began % SECOND);
        let size = match self.size {
            0 => "-".to_owned(),
            size => size.to_string(),
        };
        format!(
            "{what} {seconds}.{rest:09} thread={} depth={} {} size={size}",
            self.thread, self.depth, self.function
        )
    }

    fn tail(&self, line: &mut String) {
        line.push_str(" plugin=");
        for letter in self.plugin.chars() {
            if letter.is_control() {
                line.extend(letter.escape_default());
            } else {
                line.push(letter);
            }
        }
        line.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_the_plugin_is_called() {
        let call = Call {
            began: 1_000_000_002,
            thread: 3,
            depth: 1,
            function: "PJRT_Event_Await",
            size: 0,
            plugin: "a b\nc",
        };
        assert_eq!(
            call.begin(),
            "begin 1.000000002 thread=3 depth=1 PJRT_Event_Await size=- plugin=a b\\nc\n"
        );
        let line = Call { size: 24, ..call }.end(7, Some(ErrorCode::OK));
        assert_eq!(
            line,
            "call 1.000000002 thread=3 depth=1 PJRT_Event_Await size=24 ns=7 code=OK plugin=a b\\nc\n"
        );
        assert_eq!(code_name(None), "ERROR");
    }
}
