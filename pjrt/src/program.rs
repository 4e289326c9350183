//! Programs as a compiler takes them.

use std::borrow::Cow;
use std::fmt;

/// A program in a form that plugins compile.
#[derive(Clone, PartialEq, Eq)]
pub struct Program<'a> {
    code: Cow<'a, [u8]>,
    format: &'static str,
}

impl<'a> Program<'a> {
    /// An MLIR module, usually in the StableHLO dialect, as text or as bytecode. Its function
    /// `main` is what runs. Format name: `mlir`.
    pub fn mlir(code: impl Into<MlirCode<'a>>) -> Program<'a> {
        Program {
            code: code.into().0,
            format: "mlir",
        }
    }

    /// A serialised `HloModuleProto`. Format name: `hlo`.
    pub fn hlo(code: impl Into<Cow<'a, [u8]>>) -> Program<'a> {
        Program {
            code: code.into(),
            format: "hlo",
        }
    }

    /// The program's bytes.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// The name that plugins know the format by.
    pub fn format(&self) -> &str {
        self.format
    }
}

impl fmt::Debug for Program<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("format", &self.format)
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
