//! Lines of a trace, read back.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A line.
#[derive(Debug)]
pub struct Line {
    pub begins: bool,
    /// Nanoseconds.
    pub began: u64,
    pub thread: u64,
    pub depth: u32,
    pub function: String,
    pub size: String,
    pub ns: u64,
    pub code: String,
    pub plugin: String,
}

impl Line {
    /// Reads a line that must be whole.
    pub fn read(text: &str) -> Line {
        let mut words = text.splitn(9, ' ');
        let mut word = |name: &str| {
            let word = words.next().unwrap_or_else(|| panic!("no {name}: {text}"));
            let value = word.strip_prefix(name);
            value.unwrap_or_else(|| panic!("{name} expected at {word}: {text}"))
        };
        let begins = match word("") {
            "call" => false,
            "begin" => true,
            other => panic!("{other}: {text}"),
        };
        let (seconds, rest) = word("").split_once('.').unwrap();
        assert_eq!(rest.len(), 9, "{text}");
        let began = seconds.parse::<u64>().unwrap() * 1_000_000_000 + rest.parse::<u64>().unwrap();
        let (thread, depth) = (word("thread="), word("depth="));
        let (function, size) = (word(""), word("size="));
        let (ns, code) = match begins {
            true => ("0", ""),
            false => (word("ns="), word("code=")),
        };
        let plugin = words.collect::<Vec<_>>().join(" ");
        let plugin = plugin.strip_prefix("plugin=").unwrap();
        Line {
            begins,
            began,
            thread: thread.parse().unwrap(),
            depth: depth.parse().unwrap(),
            function: function.to_owned(),
            size: size.to_owned(),
            ns: ns.parse().unwrap(),
            code: code.to_owned(),
            plugin: plugin.to_owned(),
        }
    }

    /// Reads a whole trace.
    pub fn read_all(text: &str) -> Vec<Line> {
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
        text.lines().map(Line::read).collect()
    }
}

/// The only line of a function.
pub fn one<'a>(lines: &'a [Line], function: &str) -> &'a Line {
    let mut found = lines.iter().filter(|line| line.function == function);
    let line = found
        .next()
        .unwrap_or_else(|| panic!("no {function}: {lines:#?}"));
    assert!(found.next().is_none(), "two of {function}");
    line
}

/// How many lines a function has.
pub fn count(lines: &[Line], function: &str) -> usize {
    lines
        .iter()
        .filter(|line| line.function == function)
        .count()
}

/// A trace of what the test does: there is one of a process.
pub struct Traced {
    text: Text,
    _alone: MutexGuard<'static, ()>,
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The right to change what the process traces.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traced {
    pub fn start() -> Traced {
        let alone = alone();
        let text = Text::default();
        pjrt::trace::to_writer(text.clone());
        Traced {
            text,
            _alone: alone,
        }
    }

    /// What was written so far.
    pub fn all(&self) -> Vec<Line> {
        let text = String::from_utf8(self.text.0.lock().unwrap().clone()).unwrap();
        Line::read_all(&text)
    }

    /// Ends the trace.
    pub fn stop(self) -> Vec<Line> {
        pjrt::trace::stop();
        self.all()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        pjrt::trace::stop();
        pjrt::trace::begin_lines(false);
    }
}
