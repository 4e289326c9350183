//! What can go wrong when the bindings are made.

use std::fmt;

/// Why there are no bindings.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// libclang could not be loaded.
    Libclang(String),
    /// bindgen refused the rendered declarations.
    Bindgen(String),
    /// bindgen's own text is no Rust.
    Parse(String),
    /// Names that the facts have and the bindings lack.
    Missing(Vec<String>),
    /// Names, or things without one, that the bindings have and the facts lack.
    Unexpected(Vec<String>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Libclang(why) => write!(
                f,
                "expected to load libclang, got: {why}; set LIBCLANG_PATH to the folder of \
                 libclang.so, or install clang"
            ),
            Self::Bindgen(why) => write!(
                f,
                "expected bindgen to accept the declarations rendered from the facts, got: {why}; \
                 look at the type that it names in schema/"
            ),
            Self::Parse(why) => write!(
                f,
                "expected Rust from bindgen, got: {why}; check the version of bindgen"
            ),
            Self::Missing(names) => write!(
                f,
                "expected every declaration of the facts in the bindings, these are not there: \
                 {}; see what the C rendering makes of them",
                names.join(", ")
            ),
            Self::Unexpected(names) => write!(
                f,
                "expected nothing in the bindings that the facts lack, got: {}; see what the C \
                 rendering adds",
                names.join(", ")
            ),
        }
    }
}

impl std::error::Error for Error {}
