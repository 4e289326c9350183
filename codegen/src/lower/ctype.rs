//! C types, parsed from the canonical spelling of the facts.

use crate::schema::{Field, Signature};

/// A C type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CType {
    /// A named type: `int64_t`, `PJRT_Client`, `void`.
    Named(String),
    /// A pointer.
    Pointer {
        /// What it points to cannot be written through it.
        is_const: bool,
        /// What it points to.
        to: Box<CType>,
    },
    /// An array of fixed length.
    Array(Box<CType>, u64),
    /// A pointer to a function.
    Function(Box<CSignature>),
    /// An anonymous union.
    Union,
}

/// Result and parameters of a function pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSignature {
    /// Result; none for `void`.
    pub returns: Option<CType>,
    /// Parameters: names (may be empty) and types.
    pub params: Vec<(String, CType)>,
}

impl CType {
    /// The type of a field.
    pub fn of_field(field: &Field) -> Option<CType> {
        match &field.signature {
            Some(signature) => Some(CType::Function(Box::new(CSignature::of(signature)?))),
            None if field.ty == "union" => Some(CType::Union),
            None => CType::parse(&field.ty),
        }
    }

    /// Reads a spelling such as `PJRT_Device* const*`.
    pub fn parse(text: &str) -> Option<CType> {
        let mut rest = text.trim();
        let mut is_const = false;
        if let Some(tail) = rest.strip_prefix("const ") {
            is_const = true;
            rest = tail.trim_start();
        }
        let end = match LONG_NAMES.iter().find(|name| rest.starts_with(**name)) {
            Some(name) => name.len(),
            None => rest.find(['*', '[', ' ']).unwrap_or(rest.len()),
        };
        let (name, mut rest) = rest.split_at(end);
        if name.is_empty() || rest.contains('(') {
            return None;
        }
        let mut ty = CType::Named(name.to_owned());
        loop {
            rest = rest.trim_start();
            if let Some(tail) = rest.strip_prefix('*') {
                ty = CType::Pointer {
                    is_const,
                    to: Box::new(ty),
                };
                is_const = false;
                rest = tail;
            } else if let Some(tail) = rest.strip_prefix("const") {
                is_const = true;
                rest = tail;
            } else {
                break;
            }
        }
        // `T[2][3]` is an array of two arrays: the innermost comes last.
        let mut lengths = Vec::new();
        while let Some(tail) = rest.strip_prefix('[') {
            let (length, tail) = tail.split_once(']')?;
            lengths.push(length.trim().parse().ok()?);
            rest = tail.trim_start();
        }
        let ty = lengths
            .into_iter()
            .rev()
            .fold(ty, |ty, n| CType::Array(Box::new(ty), n));
        rest.is_empty().then_some(ty)
    }

    /// The type of a parameter, which may be a pointer to a function: `void (*)(PJRT_Error*, void*)`.
    pub fn spelt(text: &str) -> Option<CType> {
        let Some((returns, rest)) = text.split_once("(*)(") else {
            return CType::parse(text);
        };
        let params = rest.strip_suffix(')')?;
        // A function that takes a function is not spelt here.
        if params.contains('(') {
            return None;
        }
        let params = params
            .split(',')
            .map(|param| Some((String::new(), CType::parse(param.trim())?)));
        let returns = match returns.trim() {
            "void" => None,
            other => Some(CType::parse(other)?),
        };
        Some(CType::Function(Box::new(CSignature {
            returns,
            params: params.collect::<Option<_>>()?,
        })))
    }

    /// The name of a plain named type.
    pub fn name(&self) -> Option<&str> {
        match self {
            CType::Named(name) => Some(name),
            _ => None,
        }
    }

    /// What a pointer points to.
    pub fn pointee(&self) -> Option<&CType> {
        match self {
            CType::Pointer { to, .. } => Some(to),
            _ => None,
        }
    }

    /// The name of what a single pointer points to: `PJRT_Client*` -> `PJRT_Client`.
    pub fn pointer_to(&self) -> Option<&str> {
        self.pointee().and_then(CType::name)
    }
}

impl CSignature {
    /// Reads a signature of the facts.
    pub fn of(signature: &Signature) -> Option<CSignature> {
        let returns = match signature.returns.as_str() {
            "void" | "" => None,
            other => Some(CType::parse(other)?),
        };
        let params = signature
            .params
            .iter()
            .map(|p| Some((p.name.clone(), CType::spelt(&p.ty)?)))
            .collect::<Option<_>>()?;
        Some(CSignature { returns, params })
    }
}

/// Arithmetic types of several words, each before those that it begins with.
const LONG_NAMES: [&str; 7] = [
    "unsigned long long",
    "unsigned long",
    "unsigned int",
    "unsigned short",
    "unsigned char",
    "signed char",
    "long long",
];

/// The Rust spelling of a C arithmetic type.
pub fn primitive(name: &str) -> Option<&'static str> {
    Some(match name {
        "bool" => "bool",
        "char" => "::core::ffi::c_char",
        "double" => "f64",
        "float" => "f32",
        "int" => "i32",
        "int16_t" => "i16",
        "int32_t" => "i32",
        "int64_t" => "i64",
        "int8_t" => "i8",
        "intptr_t" => "isize",
        "size_t" => "usize",
        "uint16_t" => "u16",
        "uint32_t" => "u32",
        "uint64_t" => "u64",
        "uint8_t" => "u8",
        "uintptr_t" => "usize",
        "long" => "::core::ffi::c_long",
        "long long" => "i64",
        "ptrdiff_t" => "isize",
        "short" => "i16",
        "signed char" => "i8",
        "unsigned char" => "u8",
        "unsigned int" => "u32",
        "unsigned long" => "::core::ffi::c_ulong",
        "unsigned long long" => "u64",
        "unsigned short" => "u16",
        "void" => "::core::ffi::c_void",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(is_const: bool, to: CType) -> CType {
        CType::Pointer {
            is_const,
            to: Box::new(to),
        }
    }

    #[test]
    fn constness_belongs_to_what_is_pointed_to() {
        let device = CType::Named("PJRT_Device".into());
        assert_eq!(
            CType::parse("PJRT_Device* const*"),
            Some(pointer(true, pointer(false, device)))
        );
        assert_eq!(
            CType::parse("const char*"),
            Some(pointer(true, CType::Named("char".into())))
        );
    }

    #[test]
    fn arrays_keep_their_length() {
        assert_eq!(
            CType::parse("int32_t[4]"),
            Some(CType::Array(Box::new(CType::Named("int32_t".into())), 4))
        );
    }

    #[test]
    fn what_is_no_type_is_refused() {
        assert_eq!(CType::parse("void (*)(void*)"), None);
        assert_eq!(CType::parse(""), None);
        assert_eq!(CType::parse("int32_t[x]"), None);
    }

    #[test]
    fn a_parameter_may_be_a_function() {
        let Some(CType::Function(signature)) = CType::spelt("void (*)(PJRT_Error*, void*)") else {
            panic!("it is a function");
        };
        assert_eq!(signature.returns, None);
        assert_eq!(signature.params.len(), 2);
        assert_eq!(CType::spelt("int64_t"), CType::parse("int64_t"));
        assert_eq!(CType::spelt("void (*)(void (*)(void))"), None);
    }
}
