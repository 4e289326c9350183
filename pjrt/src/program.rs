//! Programs as a compiler takes them.

use crate::rt::{Api, Lower, Lowered};
use crate::{Error, Result, raw, sys};
use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// What MLIR bytecode begins with.
const BYTECODE: &[u8] = b"ML\xefR";

/// A program in a form that plugins compile.
///
/// ```
/// use pjrt::Program;
///
/// let program = Program::mlir(
///     "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }",
/// );
/// assert_eq!(program.format(), "mlir");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Program<'a> {
    code: Cow<'a, [u8]>,
    format: Cow<'static, str>,
}

impl<'a> Program<'a> {
    /// An MLIR module, usually in the StableHLO dialect, as text or as bytecode. Its function
    /// `main` is what runs. Format name: `mlir`.
    pub fn mlir(code: impl Into<MlirCode<'a>>) -> Program<'a> {
        Program {
            code: code.into().0,
            format: Cow::Borrowed("mlir"),
        }
    }

    /// A serialised `HloModuleProto`. Format name: `hlo`.
    pub fn hlo(code: impl Into<Cow<'a, [u8]>>) -> Program<'a> {
        Program {
            code: code.into(),
            format: Cow::Borrowed("hlo"),
        }
    }

    /// A program in a file: MLIR text or bytecode, or a serialised `HloModuleProto`.
    ///
    /// What it is, is seen from its contents: bytecode begins with its mark, and text is MLIR.
    /// Everything else is taken for a serialised message.
    ///
    /// # Errors
    ///
    /// [`crate::Error::File`] if the file cannot be read or is empty, and for HLO in text form, which
    /// no plugin takes.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Program<'static>> {
        let path = path.as_ref();
        let refuse = |problem: String| Error::File {
            path: path.to_owned(),
            problem,
        };
        let code = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        if code.is_empty() {
            return Err(refuse("it is empty, and a program was expected".to_owned()));
        }
        if code.starts_with(BYTECODE) {
            return Ok(Program::mlir(code));
        }
        // A message has bytes that no text has: field numbers and lengths below the space.
        let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
        if !code.iter().all(is_text) || std::str::from_utf8(&code).is_err() {
            return Ok(Program::hlo(code));
        }
        if code.trim_ascii_start().starts_with(b"HloModule") {
            let problem = "it is HLO as text, which no plugin takes: convert it to an `HloModuleProto` or to StableHLO";
            return Err(refuse(problem.to_owned()));
        }
        Ok(Program::mlir(code))
    }

    /// The program's bytes.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// The name that plugins know the format by.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// What a plugin gave.
    pub(crate) fn given(code: Vec<u8>, format: String) -> Program<'static> {
        Program {
            code: Cow::Owned(code),
            format: Cow::Owned(format),
        }
    }
}

impl Lower for Program<'_> {
    type Raw = sys::PJRT_Program;

    fn lower(&self, api: &Api) -> Result<Lowered<'_, sys::PJRT_Program>> {
        self.check()?;
        let lowered = raw::Program::new(
            self.code.as_ptr().cast_mut().cast(),
            self.code.len(),
            self.format.as_ptr().cast(),
            self.format.len(),
        );
        // SAFETY: code and format belong to the program, which is borrowed for as long.
        Ok(unsafe { Lowered::new(lowered.lower(api)?) })
    }
}

impl fmt::Debug for Program<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("format", &self.format())
            .field("bytes", &self.code.len())
            .finish()
    }
}

/// Text or bytecode of an MLIR module.
pub struct MlirCode<'a>(Cow<'a, [u8]>);

impl<'a> From<&'a str> for MlirCode<'a> {
    fn from(text: &'a str) -> Self {
        MlirCode(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<String> for MlirCode<'_> {
    fn from(text: String) -> Self {
        MlirCode(Cow::Owned(text.into_bytes()))
    }
}

impl<'a> From<&'a [u8]> for MlirCode<'a> {
    fn from(code: &'a [u8]) -> Self {
        MlirCode(Cow::Borrowed(code))
    }
}

impl From<Vec<u8>> for MlirCode<'_> {
    fn from(code: Vec<u8>) -> Self {
        MlirCode(Cow::Owned(code))
    }
}
