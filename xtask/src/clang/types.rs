//! Types in one canonical C spelling, and which headers and foreign types a spelling touched.

use std::collections::{BTreeMap, BTreeSet};

use clang_sys::*;
use pjrt_codegen::schema::{Param, Signature};

use super::index::{Cursor, Type};
use super::source::{Sources, tag_of};

/// Spells types of one header.
pub struct Speller<'s> {
    sources: &'s Sources<'s>,
    /// Module of the header that is read.
    module: &'s str,
    /// Other modules whose declarations were named.
    pub uses: BTreeSet<String>,
    /// C++ types of XLA that were named, with the integer that they wrap.
    pub foreign: BTreeMap<String, String>,
}

impl<'s> Speller<'s> {
    /// A speller for the header of a module.
    pub fn new(sources: &'s Sources<'s>, module: &'s str) -> Self {
        Self {
            sources,
            module,
            uses: BTreeSet::new(),
            foreign: BTreeMap::new(),
        }
    }

    /// `const char*`, `PJRT_Device* const*`, `int32_t[4]`, `void (*)(void*)`.
    pub fn spell(&mut self, ty: Type<'_>) -> String {
        let constant = ty.is_const();
        let base = match ty.kind() {
            CXType_Pointer => {
                let target = ty.pointee();
                let stars = if constant { "* const" } else { "*" };
                if is_function(target) {
                    let signature = self.signature(target, &[]);
                    let params: Vec<_> = signature.params.into_iter().map(|p| p.ty).collect();
                    return format!("{} ({stars})({})", signature.returns, params.join(", "));
                }
                let target = self.spell(target);
                // A pointer to a function pointer takes its star inside.
                return match target.split_once("(*") {
                    Some((head, tail)) => format!("{head}(*{stars}{tail}"),
                    None => format!("{target}{stars}"),
                };
            }
            CXType_ConstantArray => {
                let (element, count) = ty.array();
                return format!("{}[{count}]", self.spell(element));
            }
            CXType_IncompleteArray => {
                let (element, _) = ty.array();
                return format!("{}[]", self.spell(element));
            }
            CXType_Elaborated => {
                let named = self.spell(ty.named());
                return match constant && !named.starts_with("const ") {
                    true => format!("const {named}"),
                    false => named,
                };
            }
            CXType_Typedef => {
                let declaration = ty.declaration();
                self.note(declaration);
                declaration.name()
            }
            CXType_Record | CXType_Enum => self.declared(ty.declaration()),
            _ => {
                let name = ty.name();
                match name.strip_prefix("const ") {
                    Some(rest) => rest.to_string(),
                    None => name,
                }
            }
        };
        match constant {
            true => format!("const {base}"),
            false => base,
        }
    }

    /// Result and parameters of a function type. Names come from the parameters' declarations.
    pub fn signature(&mut self, function: Type<'_>, declarations: &[Cursor<'_>]) -> Signature {
        let names: Vec<String> = declarations
            .iter()
            .filter(|c| c.kind() == CXCursor_ParmDecl)
            .map(|c| c.name())
            .collect();
        let types = function.params();
        let named = names.len() == types.len();
        let params = types
            .into_iter()
            .enumerate()
            .map(|(index, ty)| Param {
                name: match (named, names.get(index)) {
                    (true, Some(name)) => name.clone(),
                    _ => String::new(),
                },
                ty: self.spell(ty),
            })
            .collect();
        Signature {
            returns: self.spell(function.result()),
            params,
        }
    }

    fn declared(&mut self, declaration: Cursor<'_>) -> String {
        let parent = declaration.parent();
        if parent.kind() == CXCursor_Namespace {
            let name = format!("{}::{}", parent.name(), declaration.name());
            let only = declaration
                .definition()
                .map(|definition| definition.children())
                .unwrap_or_default()
                .into_iter()
                .find(|c| c.kind() == CXCursor_FieldDecl);
            let inner = only.map(|field| self.spell(field.ty())).unwrap_or_default();
            self.foreign.insert(name.clone(), inner);
            return name;
        }
        self.note(declaration);
        match tag_of(self.sources, declaration) {
            Some(tag) => tag,
            None => declaration.name(),
        }
    }

    /// Remembers the module that declares this first.
    fn note(&mut self, declaration: Cursor<'_>) {
        let spot = declaration.canonical().spot();
        if let Some(module) = self.sources.module_of(&spot.file)
            && module != self.module
        {
            self.uses.insert(module.to_string());
        }
    }
}

/// Whether a type is a function's, written out: parentheses are looked through, names are not,
/// so that the types of its parameters keep theirs.
pub fn is_function(ty: Type<'_>) -> bool {
    let named = matches!(ty.kind(), CXType_Typedef | CXType_Elaborated);
    let kind = ty.canonical().kind();
    !named && matches!(kind, CXType_FunctionProto | CXType_FunctionNoProto)
}

/// The function type that a type leads to, directly or, then with `true`, behind one pointer.
pub fn function_of(ty: Type<'_>) -> Option<(Type<'_>, bool)> {
    let ty = match ty.kind() {
        CXType_Elaborated => ty.named(),
        _ => ty,
    };
    if ty.kind() == CXType_Pointer {
        let target = ty.pointee();
        return is_function(target).then_some((target, true));
    }
    is_function(ty).then_some((ty, false))
}
