//! The only door to libclang: its cursors and types as values that cannot outlive their unit.

use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::os::raw::{c_int, c_uint, c_void};
use std::path::Path;
use std::ptr;

use clang_sys::*;

/// A libclang session. libclang must be loaded before one is made.
pub struct Index(CXIndex);

impl Index {
    /// A new session; `None` if libclang is not loaded.
    pub fn new() -> Option<Self> {
        if !is_loaded() {
            return None;
        }
        // SAFETY: the library is loaded (tested above), so the function pointer is present; the
        // arguments are plain flags.
        let raw = unsafe { clang_createIndex(0, 0) };
        (!raw.is_null()).then_some(Self(raw))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // SAFETY: `self.0` came from clang_createIndex and is disposed of once; units borrow the
        // index, so none is left.
        unsafe { clang_disposeIndex(self.0) }
    }
}

/// A parsed file.
pub struct Unit<'i> {
    raw: CXTranslationUnit,
    _index: PhantomData<&'i Index>,
}

/// A message of the compiler that is an error.
pub struct ParseError {
    /// Full path.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// Text.
    pub text: String,
}

/// A place in a file, after macro expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Full path; empty for what has no file.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Offset in bytes.
    pub offset: usize,
}

impl<'i> Unit<'i> {
    /// Parses a file; an error is a number of libclang's.
    pub fn parse(index: &'i Index, file: &Path, args: &[String]) -> Result<Self, String> {
        let path = CString::new(file.to_string_lossy().into_owned()).map_err(|e| e.to_string())?;
        let args: Vec<CString> = args
            .iter()
            .map(|arg| CString::new(arg.as_str()))
            .collect::<Result<_, _>>()
            .map_err(|e| e.to_string())?;
        let pointers: Vec<_> = args.iter().map(|arg| arg.as_ptr()).collect();
        let mut raw = ptr::null_mut();
        let flags =
            CXTranslationUnit_DetailedPreprocessingRecord | CXTranslationUnit_SkipFunctionBodies;
        let count = c_int::try_from(pointers.len()).map_err(|e| e.to_string())?;
        // SAFETY: the index is alive; path and arguments are NUL-terminated and outlive the call;
        // `count` is the length of the argument array; no unsaved files are passed; `raw` is a
        // valid place for the result.
        let code = unsafe {
            clang_parseTranslationUnit2(
                index.0,
                path.as_ptr(),
                pointers.as_ptr(),
                count,
                ptr::null_mut(),
                0,
                flags,
                &mut raw,
            )
        };
        if code != CXError_Success || raw.is_null() {
            return Err(format!("libclang gave up with code {code}"));
        }
        Ok(Self {
            raw,
            _index: PhantomData,
        })
    }

    /// The errors of the compiler; warnings are left out.
    pub fn errors(&self) -> Vec<ParseError> {
        // SAFETY: the unit is alive.
        let count = unsafe { clang_getNumDiagnostics(self.raw) };
        (0..count)
            .filter_map(|index| {
                // SAFETY: the unit is alive and `index` is below the number of diagnostics; each
                // diagnostic is disposed of once after its last use.
                unsafe {
                    let raw = clang_getDiagnostic(self.raw, index);
                    let severe = clang_getDiagnosticSeverity(raw) >= CXDiagnostic_Error;
                    let error = severe.then(|| {
                        let (spot, column) = spot(clang_getDiagnosticLocation(raw));
                        ParseError {
                            file: spot.file,
                            line: spot.line,
                            column,
                            text: text(clang_getDiagnosticSpelling(raw)),
                        }
                    });
                    clang_disposeDiagnostic(raw);
                    error
                }
            })
            .collect()
    }

    /// The root of the tree.
    pub fn root(&self) -> Cursor<'_> {
        // SAFETY: the unit is alive.
        Cursor::new(unsafe { clang_getTranslationUnitCursor(self.raw) })
    }
}

impl Drop for Unit<'_> {
    fn drop(&mut self) {
        // SAFETY: the unit came from a successful parse and is disposed of once; cursors and types
        // borrow it, so none is left.
        unsafe { clang_disposeTranslationUnit(self.raw) }
    }
}

/// A declaration.
#[derive(Clone, Copy)]
pub struct Cursor<'u> {
    raw: CXCursor,
    _unit: PhantomData<&'u ()>,
}

extern "C" fn collect(child: CXCursor, _: CXCursor, data: CXClientData) -> CXChildVisitResult {
    // SAFETY: `data` is the vector that `children` passes, which lives across the visit and is
    // borrowed by nobody else meanwhile.
    let out = unsafe { &mut *data.cast::<Vec<CXCursor>>() };
    out.push(child);
    CXChildVisit_Continue
}

impl<'u> Cursor<'u> {
    fn new(raw: CXCursor) -> Self {
        Self {
            raw,
            _unit: PhantomData,
        }
    }

    /// `CXCursor_*`.
    pub fn kind(self) -> CXCursorKind {
        self.raw.kind
    }

    /// Name.
    pub fn name(self) -> String {
        // SAFETY: the cursor belongs to a unit that is alive.
        text(unsafe { clang_getCursorSpelling(self.raw) })
    }

    /// Type of the declaration.
    pub fn ty(self) -> Type<'u> {
        // SAFETY: the cursor belongs to a unit that is alive.
        Type::new(unsafe { clang_getCursorType(self.raw) })
    }

    /// Direct children in order.
    pub fn children(self) -> Vec<Cursor<'u>> {
        let mut out: Vec<CXCursor> = Vec::new();
        // SAFETY: the cursor belongs to a unit that is alive; `collect` gets the pointer to `out`
        // back, only during this call.
        unsafe {
            clang_visitChildren(self.raw, collect, ptr::from_mut(&mut out).cast::<c_void>());
        }
        out.into_iter().map(Self::new).collect()
    }

    /// Where the name stands.
    pub fn spot(self) -> Spot {
        // SAFETY: the cursor belongs to a unit that is alive.
        spot(unsafe { clang_getCursorLocation(self.raw) }).0
    }

    /// Where the declaration begins.
    pub fn start(self) -> Spot {
        // SAFETY: as above.
        spot(unsafe { clang_getRangeStart(clang_getCursorExtent(self.raw)) }).0
    }

    /// Where the declaration ends.
    pub fn end(self) -> Spot {
        // SAFETY: as above.
        spot(unsafe { clang_getRangeEnd(clang_getCursorExtent(self.raw)) }).0
    }

    /// The first declaration of the same thing.
    pub fn canonical(self) -> Cursor<'u> {
        // SAFETY: as above.
        Self::new(unsafe { clang_getCanonicalCursor(self.raw) })
    }

    /// The definition, if the unit has one.
    pub fn definition(self) -> Option<Cursor<'u>> {
        // SAFETY: as above; a null cursor is recognised.
        unsafe {
            let raw = clang_getCursorDefinition(self.raw);
            (clang_Cursor_isNull(raw) == 0).then_some(Self::new(raw))
        }
    }

    /// Whether this is the definition.
    pub fn is_definition(self) -> bool {
        // SAFETY: as above.
        unsafe { clang_isCursorDefinition(self.raw) != 0 }
    }

    /// The declaration around this one.
    pub fn parent(self) -> Cursor<'u> {
        // SAFETY: as above.
        Self::new(unsafe { clang_getCursorSemanticParent(self.raw) })
    }

    /// Value of an enumerator.
    pub fn enum_value(self) -> i64 {
        // SAFETY: as above; libclang answers a minimum for what is no enumerator.
        unsafe { clang_getEnumConstantDeclValue(self.raw) }
    }

    /// Integer type behind an enumeration.
    pub fn enum_type(self) -> Type<'u> {
        // SAFETY: as above.
        Type::new(unsafe { clang_getEnumDeclIntegerType(self.raw) })
    }

    /// What a typedef stands for.
    pub fn underlying(self) -> Type<'u> {
        // SAFETY: as above.
        Type::new(unsafe { clang_getTypedefDeclUnderlyingType(self.raw) })
    }

    /// Value of a constant, if it is an integer.
    pub fn integer(self) -> Option<i64> {
        // SAFETY: as above; a result that is not null is disposed of once.
        unsafe {
            let result = clang_Cursor_Evaluate(self.raw);
            if result.is_null() {
                return None;
            }
            let value = (clang_EvalResult_getKind(result) == CXEval_Int)
                .then(|| clang_EvalResult_getAsLongLong(result));
            clang_EvalResult_dispose(result);
            value
        }
    }

    /// Whether a function is inline, or seen in its own file alone.
    pub fn is_inline(self) -> bool {
        // SAFETY: as above.
        unsafe {
            clang_Cursor_isFunctionInlined(self.raw) != 0
                || clang_Cursor_getStorageClass(self.raw) == CX_SC_Static
        }
    }

    /// Whether a macro takes parameters.
    pub fn is_function_like(self) -> bool {
        // SAFETY: as above.
        unsafe { clang_Cursor_isMacroFunctionLike(self.raw) != 0 }
    }
}

/// A type.
#[derive(Clone, Copy)]
pub struct Type<'u> {
    raw: CXType,
    _unit: PhantomData<&'u ()>,
}

impl<'u> Type<'u> {
    fn new(raw: CXType) -> Self {
        Self {
            raw,
            _unit: PhantomData,
        }
    }

    /// `CXType_*`.
    pub fn kind(self) -> CXTypeKind {
        self.raw.kind
    }

    /// The compiler's own spelling.
    pub fn name(self) -> String {
        // SAFETY: the type belongs to a unit that is alive.
        text(unsafe { clang_getTypeSpelling(self.raw) })
    }

    /// Whether `const` stands on this level.
    pub fn is_const(self) -> bool {
        // SAFETY: as above.
        unsafe { clang_isConstQualifiedType(self.raw) != 0 }
    }

    /// What a pointer points to.
    pub fn pointee(self) -> Type<'u> {
        // SAFETY: as above; other types give an invalid type.
        Type::new(unsafe { clang_getPointeeType(self.raw) })
    }

    /// Without typedefs.
    pub fn canonical(self) -> Type<'u> {
        // SAFETY: as above.
        Type::new(unsafe { clang_getCanonicalType(self.raw) })
    }

    /// What `struct X` names.
    pub fn named(self) -> Type<'u> {
        // SAFETY: as above.
        Type::new(unsafe { clang_Type_getNamedType(self.raw) })
    }

    /// Where the type is declared.
    pub fn declaration(self) -> Cursor<'u> {
        // SAFETY: as above.
        Cursor::new(unsafe { clang_getTypeDeclaration(self.raw) })
    }

    /// `sizeof`, if it has one.
    pub fn size(self) -> Option<u64> {
        // SAFETY: as above; errors are negative numbers.
        u64::try_from(unsafe { clang_Type_getSizeOf(self.raw) }).ok()
    }

    /// `alignof`, if it has one.
    pub fn align(self) -> Option<u64> {
        // SAFETY: as above; errors are negative numbers.
        u64::try_from(unsafe { clang_Type_getAlignOf(self.raw) }).ok()
    }

    /// Offset of a field, anonymous unions looked through, in bytes.
    pub fn offset_of(self, field: &str) -> Option<u64> {
        let field = CString::new(field).ok()?;
        // SAFETY: as above; the name is NUL-terminated; errors are negative numbers.
        let bits = unsafe { clang_Type_getOffsetOf(self.raw, field.as_ptr()) };
        let bits = u64::try_from(bits).ok()?;
        (bits % 8 == 0).then_some(bits / 8)
    }

    /// Result of a function type.
    pub fn result(self) -> Type<'u> {
        // SAFETY: as above.
        Type::new(unsafe { clang_getResultType(self.raw) })
    }

    /// Parameters of a function type.
    pub fn params(self) -> Vec<Type<'u>> {
        // SAFETY: as above; a type that is no function answers -1, an empty range; `index` stays
        // below the count.
        unsafe {
            (0..clang_getNumArgTypes(self.raw))
                .map(|index| {
                    Type::new(clang_getArgType(
                        self.raw,
                        c_uint::try_from(index).unwrap_or(0),
                    ))
                })
                .collect()
        }
    }

    /// Element type and length of an array.
    pub fn array(self) -> (Type<'u>, i64) {
        // SAFETY: as above; other types give an invalid type and -1.
        unsafe {
            (
                Type::new(clang_getArrayElementType(self.raw)),
                clang_getArraySize(self.raw),
            )
        }
    }
}

fn spot(location: CXSourceLocation) -> (Spot, u32) {
    let mut file = ptr::null_mut();
    let (mut line, mut column, mut offset) = (0, 0, 0);
    // SAFETY: the location came from a cursor or diagnostic of a unit that is alive; the four
    // places are valid for writes. A null file gives a null string.
    let name = unsafe {
        clang_getExpansionLocation(location, &mut file, &mut line, &mut column, &mut offset);
        text(clang_getFileName(file))
    };
    let spot = Spot {
        file: name,
        line,
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
    };
    (spot, column)
}

fn text(raw: CXString) -> String {
    // SAFETY: `raw` is a string that libclang has just handed out and is disposed of once, after
    // its text has been copied; a null text is recognised.
    unsafe {
        let pointer = clang_getCString(raw);
        let out = if pointer.is_null() {
            String::new()
        } else {
            CStr::from_ptr(pointer).to_string_lossy().into_owned()
        };
        clang_disposeString(raw);
        out
    }
}
