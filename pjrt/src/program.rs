//! Programs as a compiler takes them.

use crate::rt::{Api, Lower, Lowered};
use crate::{Result, raw, sys};
use std::borrow::Cow;
use std::fmt;

/// A program in a form that plugins compile.
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
