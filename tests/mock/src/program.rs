//! Programs. They are texts of lines, whatever format a caller says:
//!
//! ```text
//! mock NAME               the first line
//! replicas N              how many copies run; that of the compile options counts otherwise
//! partitions N
//! param f32[2,3]          a parameter
//! donate 0                the parameter may be donated
//! out 0                   an output: the parameter, unchanged
//! out add 0 1             an output: the sum of two parameters
//! out recv 7 f32[2]       an output: what comes over channel 7
//! out call NAME f32[2] 0  an output: what a custom call makes of parameters; attributes such as
//!                         `factor=0.5` may follow
//! out split NAME f32[2] 0 an output: the same, but whoever divides calls of that name is asked what
//!                         becomes of it when the program is compiled; `config=TEXT` may follow
//! spread param 0 TEXT     how the parameter is spread over devices
//! spread out 0 TEXT       how the output is; whoever divides a call is told that it is wanted
//! send 7 0                sends a parameter over channel 7
//! host 3 0 1              tells callback 3 the values of parameters
//! fail 13 MESSAGE         every run ends with this error
//! reject 3 MESSAGE        the program does not compile
//! ```

use crate::buffer::Shape;
use crate::element;
use crate::ext::attributes::Attribute;
use crate::failure::Failure;
use pjrt_sys as sys;
use std::collections::BTreeMap;

/// A program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) replicas: Option<usize>,
    pub(crate) partitions: Option<usize>,
    pub(crate) parameters: Vec<Shape>,
    pub(crate) donated: Vec<usize>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) sends: Vec<(i64, usize)>,
    /// Custom calls.
    pub(crate) calls: Vec<CustomCall>,
    /// Calls that may be divided, in the order of their lines.
    pub(crate) splits: Vec<Split>,
    /// How parameters are spread, by their numbers.
    pub(crate) spread_parameters: BTreeMap<usize, String>,
    /// The same of outputs.
    pub(crate) spread_outputs: BTreeMap<usize, String>,
    pub(crate) told: Vec<(i64, Vec<usize>)>,
    pub(crate) fails: Option<Failure>,
}

/// A custom call.
#[derive(Clone, Debug, Default)]
pub(crate) struct CustomCall {
    pub(crate) name: String,
    pub(crate) operands: Vec<usize>,
    pub(crate) attributes: Vec<Attribute>,
    /// What calls without frames are given for attributes: `opaque=TEXT`.
    pub(crate) opaque: String,
}

/// A custom call that may be divided.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    /// The output that it makes.
    pub(crate) output: usize,
    pub(crate) call: CustomCall,
    pub(crate) config: String,
}

impl Split {
    /// Whether a line has such a call.
    pub(crate) fn is(line: &str) -> bool {
        line.split_whitespace().take(2).eq(["out", "split"])
    }
}

/// An output.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) shape: Shape,
    pub(crate) made: Made,
}

/// How an output is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Made {
    Same(usize),
    Sum(usize, usize),
    Received(i64),
    /// By a custom call: its place among the program's.
    Called(usize),
}

fn wrong(line: &str, why: &str) -> Failure {
    Failure::invalid(format!("`{line}` is no line of a program: expected {why}"))
}

fn number<T: std::str::FromStr>(word: &str, line: &str) -> Result<T, Failure> {
    word.parse().map_err(|_| wrong(line, "a number"))
}

fn shape(word: &str, line: &str) -> Result<Shape, Failure> {
    let why = "a shape such as f32[2,3]";
    let (name, dims) = word.split_once('[').ok_or_else(|| wrong(line, why))?;
    let dims = dims.strip_suffix(']').ok_or_else(|| wrong(line, why))?;
    let ty = element::named(name).ok_or_else(|| wrong(line, "a type of elements"))?;
    let dims = dims.split(',').filter(|dim| !dim.is_empty());
    let dims = dims
        .map(|dim| number(dim, line))
        .collect::<Result<_, _>>()?;
    let shape = Shape { ty, dims };
    match shape.count() {
        Some(_) => Ok(shape),
        None => Err(wrong(line, why)),
    }
}

/// What follows a word's beginning.
fn valued(words: &[&str], beginning: &str) -> String {
    let mut found = words.iter().filter_map(|word| word.strip_prefix(beginning));
    found.next().unwrap_or_default().to_owned()
}

fn failure(words: &[&str], line: &str) -> Result<Failure, Failure> {
    let (code, message) = words.split_first().ok_or_else(|| wrong(line, "a code"))?;
    Ok(Failure::new(
        sys::PJRT_Error_Code(number(code, line)?),
        message.join(" "),
    ))
}

impl Program {
    /// Reads a program.
    pub(crate) fn parse(text: &str) -> Result<Program, Failure> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let name = first.strip_prefix("mock ");
        let name = name.ok_or_else(|| wrong(first, "`mock NAME` at the beginning"))?;
        let mut program = Program {
            name: name.trim().to_owned(),
            text: text.to_owned(),
            ..Program::default()
        };
        for line in lines {
            program.line(line)?;
        }
        Ok(program)
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["replicas", n] => self.replicas = Some(number(n, line)?),
            ["partitions", n] => self.partitions = Some(number(n, line)?),
            ["param", word] => self.parameters.push(shape(word, line)?),
            ["donate", n] => self.donated.push(self.parameter(n, line)?),
            ["out", "add", a, b] => {
                let (a, b) = (self.parameter(a, line)?, self.parameter(b, line)?);
                if self.parameters.get(a) != self.parameters.get(b) {
                    return Err(wrong(line, "parameters of one shape"));
                }
                self.output(a, Made::Sum(a, b));
            }
            ["out", "recv", channel, word] => self.outputs.push(Output {
                shape: shape(word, line)?,
                made: Made::Received(number(channel, line)?),
            }),
            ["out", "call", name, word, rest @ ..] => self.call(name, word, rest, line)?,
            ["out", "split", name, word, rest @ ..] => {
                let output = self.outputs.len();
                self.call(name, word, rest, line)?;
                let call = self.calls.last().cloned().unwrap_or_default();
                self.splits.push(Split {
                    output,
                    call,
                    config: valued(rest, "config="),
                });
            }
            ["spread", "param", n, rest @ ..] => {
                let n = self.parameter(n, line)?;
                self.spread_parameters.insert(n, rest.join(" "));
            }
            ["spread", "out", n, rest @ ..] => {
                self.spread_outputs.insert(number(n, line)?, rest.join(" "));
            }
            ["out", n] => {
                let n = self.parameter(n, line)?;
                self.output(n, Made::Same(n));
            }
            ["send", channel, n] => {
                let n = self.parameter(n, line)?;
                self.sends.push((number(channel, line)?, n));
            }
            ["host", id, rest @ ..] => {
                let told = rest.iter().map(|n| self.parameter(n, line));
                let told = told.collect::<Result<_, _>>()?;
                self.told.push((number(id, line)?, told));
            }
            ["fail", rest @ ..] => self.fails = Some(failure(rest, line)?),
            ["reject", rest @ ..] => return Err(failure(rest, line)?),
            _ => return Err(wrong(line, "one of the known words")),
        }
        Ok(())
    }

    fn call(&mut self, name: &str, word: &str, rest: &[&str], line: &str) -> Result<(), Failure> {
        let attributes = rest.iter().filter_map(|word| Attribute::parse(word));
        let operands = rest.iter().filter(|word| !word.contains('='));
        let operands = operands.map(|n| self.parameter(n, line));
        let call = CustomCall {
            name: name.to_owned(),
            operands: operands.collect::<Result<_, _>>()?,
            attributes: attributes.collect(),
            opaque: valued(rest, "opaque="),
        };
        let made = Made::Called(self.calls.len());
        let shape = shape(word, line)?;
        self.calls.push(call);
        self.outputs.push(Output { shape, made });
        Ok(())
    }

    fn parameter(&self, word: &str, line: &str) -> Result<usize, Failure> {
        let n = number(word, line)?;
        match n < self.parameters.len() {
            true => Ok(n),
            false => Err(wrong(line, "the number of a parameter above")),
        }
    }

    fn output(&mut self, like: usize, made: Made) {
        if let Some(shape) = self.parameters.get(like) {
            let shape = shape.clone();
            self.outputs.push(Output { shape, made });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_read_line_by_line() {
        let text = "mock sum\nparam f32[2]\nparam f32[2]\n\nout add 0 1\nout recv 7 s8[]\n";
        let program = Program::parse(text).unwrap();
        assert_eq!(
            (program.name.as_str(), program.parameters.len()),
            ("sum", 2)
        );
        let shapes: Vec<String> = program.outputs.iter().map(|o| o.shape.to_text()).collect();
        assert_eq!(shapes, ["f32[2]", "s8[]"]);
    }

    #[test]
    fn what_is_no_program_is_refused_with_its_line() {
        for text in [
            "",
            "module",
            "mock x\nout 0",
            "mock x\nparam f33[2]",
            "mock x\nwhat",
        ] {
            let failure = Program::parse(text).unwrap_err();
            assert!(failure.text().contains("expected"), "{}", failure.text());
        }
        let failure = Program::parse("mock x\nreject 8 too large").unwrap_err();
        assert_eq!((failure.code, failure.text().as_str()), (8, "too large"));
    }
}
