//! What the body of a function does, as far as its text tells.

use proc_macro2::TokenStream;
use std::collections::{BTreeMap, BTreeSet};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Expr, Member, Pat, Token};

/// The field under which bindgen puts an anonymous union.
const UNION: &str = "__bindgen_anon_1";

/// Names that a module gives to paths with `use`.
pub type Imports = BTreeMap<String, Vec<String>>;

/// What is passed for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Something.
    Given,
    /// A null pointer or `None`, spelt out.
    Null,
    /// The number 0, spelt out.
    Zero,
}

/// Everything of interest in a body.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// Paths of functions and other values, from the root of the crate where they could be resolved.
    pub paths: BTreeSet<Vec<String>>,
    /// Methods that are called, and whether on `self`.
    pub methods: BTreeSet<(String, bool)>,
    /// Every name in a path: types, functions, constants.
    pub names: BTreeSet<String>,
    /// Fields that are read or written of a value whose type the text does not tell.
    pub fields: BTreeSet<String>,
    /// Fields in literals and patterns: (name of the struct, field).
    pub literals: BTreeSet<(String, String)>,
    /// An anonymous union is used without naming a member.
    pub whole_union: bool,
    /// Fields of values that come from a checked call, or of its structs: (path of the function or
    /// struct, field). A setter counts as the field that it sets.
    pub accesses: BTreeSet<(String, String)>,
    /// Constructions: path of the struct and its arguments.
    pub constructions: Vec<(String, Vec<Argument>)>,
    /// Texts.
    pub texts: BTreeSet<String>,
}

/// Where a body stands.
pub struct Scope<'a> {
    /// Its module.
    pub module: &'a [String],
    /// What the module imports.
    pub imports: &'a Imports,
}

impl Scope<'_> {
    /// The segments of a path, from the root of the crate where that can be told.
    pub fn resolve(&self, path: &syn::Path) -> Vec<String> {
        let plain: Vec<String> = path.segments.iter().map(|s| segment(&s.ident)).collect();
        let Some((first, rest)) = plain.split_first() else {
            return plain;
        };
        let mut start: Vec<String> = match first.as_str() {
            "crate" | "pjrt" => Vec::new(),
            "self" if !rest.is_empty() => self.module.to_vec(),
            "super" => {
                let shorter = self.module.split_last().map(|(_, m)| m.to_vec());
                shorter.unwrap_or_default()
            }
            name => match self.imports.get(name) {
                Some(import) => import.clone(),
                None => vec![name.to_owned()],
            },
        };
        start.extend(rest.iter().cloned());
        start
    }
}

/// A segment as it is compared: the hidden module `__rt` is imported as `rt`.
pub fn segment(ident: &proc_macro2::Ident) -> String {
    let name = ident.to_string();
    let bare = name.trim_start_matches("r#").trim_start_matches('_');
    if bare.is_empty() || name.starts_with("__bindgen") {
        name
    } else {
        bare.to_owned()
    }
}

/// Looks through a function.
pub fn uses(scope: &Scope<'_>, signature: &syn::Signature, block: &syn::Block) -> Uses {
    let mut reader = Reader {
        scope,
        bound: BTreeMap::new(),
        uses: Uses::default(),
    };
    for input in &signature.inputs {
        if let syn::FnArg::Typed(typed) = input {
            let keys = reader.keys_of_type(&typed.ty);
            reader.bind(&typed.pat, &keys);
        }
    }
    reader.visit_signature(signature);
    reader.visit_block(block);
    reader.uses
}

/// The texts of a function, and nothing else.
pub fn texts(block: &syn::Block) -> Uses {
    struct Texts(BTreeSet<String>);
    impl Visit<'_> for Texts {
        fn visit_lit_str(&mut self, text: &syn::LitStr) {
            self.0.insert(text.value());
        }
    }
    let mut found = Texts(BTreeSet::new());
    found.visit_block(block);
    Uses {
        texts: found.0,
        ..Uses::default()
    }
}

type Keys = BTreeSet<String>;

struct Reader<'a> {
    scope: &'a Scope<'a>,
    /// Which checked calls or structs a variable comes from. Names are not told apart by block.
    bound: BTreeMap<String, Keys>,
    uses: Uses,
}

impl Reader<'_> {
    /// The call or struct of layer 2 that a path stands for.
    fn key(&self, path: &syn::Path) -> Option<String> {
        let mut segments = self.scope.resolve(path);
        if segments.first().map(String::as_str) != Some("raw") || segments.len() < 2 {
            return None;
        }
        let constructor = |s: &String| matches!(s.as_str(), "new" | "unset");
        if segments.len() > 2 && segments.last().is_some_and(constructor) {
            segments.pop();
        }
        Some(segments.join("::"))
    }

    fn keys_of_type(&self, ty: &syn::Type) -> Keys {
        struct Types<'a, 'b>(&'a Reader<'b>, Keys);
        impl Visit<'_> for Types<'_, '_> {
            fn visit_path(&mut self, path: &syn::Path) {
                self.1.extend(self.0.key(path));
                visit::visit_path(self, path);
            }
        }
        let mut types = Types(self, Keys::new());
        types.visit_type(ty);
        types.1
    }

    /// What an expression's value comes from.
    fn origin(&self, expr: &Expr) -> Keys {
        match expr {
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident()
                    && let Some(keys) = self.bound.get(&name.to_string())
                {
                    return keys.clone();
                }
                Keys::new()
            }
            Expr::Call(call) => {
                if let Expr::Path(path) = call.func.as_ref() {
                    if let Some(key) = self.key(&path.path) {
                        return Keys::from([key]);
                    }
                    let wraps = |s: &syn::PathSegment| s.ident == "Ok" || s.ident == "Some";
                    if path.path.segments.last().is_some_and(wraps) {
                        return call.args.iter().flat_map(|a| self.origin(a)).collect();
                    }
                }
                // A function that is given what to call hands on what that gives.
                let called = call.args.iter().filter_map(|a| match a {
                    Expr::Closure(closure) if closure.inputs.is_empty() => Some(&closure.body),
                    _ => None,
                });
                called.flat_map(|body| self.origin(body)).collect()
            }
            Expr::MethodCall(call) => self.origin(&call.receiver),
            Expr::Try(inner) => self.origin(&inner.expr),
            Expr::Paren(inner) => self.origin(&inner.expr),
            Expr::Group(inner) => self.origin(&inner.expr),
            Expr::Reference(inner) => self.origin(&inner.expr),
            Expr::Unary(inner) => self.origin(&inner.expr),
            Expr::Unsafe(inner) => self.tail(&inner.block),
            Expr::Block(inner) => self.tail(&inner.block),
            Expr::Match(inner) => {
                let arms = inner.arms.iter().flat_map(|a| self.origin(&a.body));
                arms.chain(self.origin(&inner.expr)).collect()
            }
            Expr::If(inner) => {
                let mut keys = self.tail(&inner.then_branch);
                if let Some((_, other)) = &inner.else_branch {
                    keys.extend(self.origin(other));
                }
                keys
            }
            Expr::Struct(literal) => self.key(&literal.path).into_iter().collect(),
            _ => Keys::new(),
        }
    }

    fn tail(&self, block: &syn::Block) -> Keys {
        match block.stmts.last() {
            Some(syn::Stmt::Expr(expr, _)) => self.origin(expr),
            _ => Keys::new(),
        }
    }

    /// Gives an origin to the variables of a pattern, and records the fields that it names.
    fn bind(&mut self, pattern: &Pat, keys: &Keys) {
        struct Names<'a>(&'a Keys, Vec<String>, Vec<(String, String)>);
        impl Visit<'_> for Names<'_> {
            fn visit_pat_ident(&mut self, pattern: &syn::PatIdent) {
                self.1.push(pattern.ident.to_string());
                visit::visit_pat_ident(self, pattern);
            }
            fn visit_pat_struct(&mut self, pattern: &syn::PatStruct) {
                for field in &pattern.fields {
                    if let Member::Named(name) = &field.member {
                        let read = |key: &String| (key.clone(), name.to_string());
                        self.2.extend(self.0.iter().map(read));
                    }
                }
            }
        }
        let mut names = Names(keys, Vec::new(), Vec::new());
        names.visit_pat(pattern);
        let Names(_, idents, accesses) = names;
        for name in idents {
            // A name that is bound anew may stand for both: the text is read without blocks.
            self.bound
                .entry(name)
                .or_default()
                .extend(keys.iter().cloned());
        }
        self.uses.accesses.extend(accesses);
    }

    fn literal(&mut self, path: &syn::Path, field: String) {
        if let Some(last) = path.segments.last() {
            let entry = (last.ident.to_string(), field);
            self.uses.literals.insert(entry);
        }
    }

    fn access(&mut self, keys: Keys, field: &str) {
        for key in keys {
            self.uses.accesses.insert((key, field.to_owned()));
        }
    }
}

/// Removes what does not change which value is meant.
fn peel(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Paren(inner) => &inner.expr,
            Expr::Group(inner) => &inner.expr,
            Expr::Unary(inner) => &inner.expr,
            Expr::Reference(inner) => &inner.expr,
            other => return other,
        };
    }
}

fn is_self(expr: &Expr) -> bool {
    matches!(peel(expr), Expr::Path(path) if path.path.is_ident("self"))
}

fn argument(expr: &Expr) -> Argument {
    match peel(expr) {
        Expr::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "None") => {
            Argument::Null
        }
        Expr::Call(call) if call.args.is_empty() => match call.func.as_ref() {
            Expr::Path(path) => match path.path.segments.last() {
                Some(s) if s.ident == "null" || s.ident == "null_mut" => Argument::Null,
                _ => Argument::Given,
            },
            _ => Argument::Given,
        },
        Expr::MethodCall(call) if call.method == "cast" => argument(&call.receiver),
        Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Int(number) if number.base10_digits() == "0" => Argument::Zero,
            _ => Argument::Given,
        },
        _ => Argument::Given,
    }
}

impl Visit<'_> for Reader<'_> {
    fn visit_path(&mut self, path: &syn::Path) {
        let names = path.segments.iter().map(|s| s.ident.to_string());
        self.uses.names.extend(names);
        visit::visit_path(self, path);
    }

    fn visit_expr_path(&mut self, path: &syn::ExprPath) {
        self.uses.paths.insert(self.scope.resolve(&path.path));
        visit::visit_expr_path(self, path);
    }

    fn visit_lit_str(&mut self, text: &syn::LitStr) {
        self.uses.texts.insert(text.value());
    }

    fn visit_local(&mut self, local: &syn::Local) {
        let mut keys = local
            .init
            .as_ref()
            .map(|init| self.origin(&init.expr))
            .unwrap_or_default();
        if let Pat::Type(typed) = &local.pat {
            keys.extend(self.keys_of_type(&typed.ty));
        }
        self.bind(&local.pat, &keys);
        visit::visit_local(self, local);
    }

    fn visit_expr_let(&mut self, expr: &syn::ExprLet) {
        let keys = self.origin(&expr.expr);
        self.bind(&expr.pat, &keys);
        visit::visit_expr_let(self, expr);
    }

    fn visit_expr_match(&mut self, expr: &syn::ExprMatch) {
        let keys = self.origin(&expr.expr);
        for arm in &expr.arms {
            self.bind(&arm.pat, &keys);
        }
        visit::visit_expr_match(self, expr);
    }

    fn visit_expr_method_call(&mut self, call: &syn::ExprMethodCall) {
        let name = segment(&call.method);
        let on_self = is_self(&call.receiver);
        let keys = self.origin(&call.receiver);
        if !keys.is_empty() {
            for closure in call.args.iter().filter_map(|a| match a {
                Expr::Closure(closure) => Some(closure),
                _ => None,
            }) {
                closure.inputs.iter().for_each(|p| self.bind(p, &keys));
            }
            if let Some(field) = name.strip_prefix("with_") {
                let given = call.args.iter().all(|a| argument(a) == Argument::Given);
                if given {
                    self.access(keys, field);
                }
            }
        }
        self.uses.methods.insert((name, on_self));
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &syn::ExprCall) {
        if let Expr::Path(path) = call.func.as_ref() {
            let constructs = path.path.segments.last().is_some_and(|s| s.ident == "new");
            if let (true, Some(key)) = (constructs, self.key(&path.path)) {
                let arguments = call.args.iter().map(argument).collect();
                self.uses.constructions.push((key, arguments));
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_struct(&mut self, literal: &syn::ExprStruct) {
        let key = self.key(&literal.path);
        for field in &literal.fields {
            if let Member::Named(name) = &field.member {
                let name = segment(name);
                if argument(&field.expr) == Argument::Given {
                    self.access(key.iter().cloned().collect(), &name);
                }
                self.literal(&literal.path, name);
            }
        }
        visit::visit_expr_struct(self, literal);
    }

    fn visit_pat_struct(&mut self, pattern: &syn::PatStruct) {
        for field in &pattern.fields {
            if let Member::Named(name) = &field.member {
                self.literal(&pattern.path, segment(name));
            }
        }
        visit::visit_pat_struct(self, pattern);
    }

    fn visit_expr_field(&mut self, field: &syn::ExprField) {
        if let Member::Named(name) = &field.member {
            let name = segment(name);
            self.uses.whole_union |= name == UNION;
            let keys = self.origin(&field.base);
            if keys.is_empty() && !is_self(&field.base) {
                self.uses.fields.insert(name);
            } else {
                self.access(keys, &name);
            }
        }
        if let Expr::Field(base) = peel(&field.base)
            && matches!(&base.member, Member::Named(name) if name == UNION)
        {
            // A member is named, so the union is not used as a whole here.
            self.uses.fields.insert(UNION.to_owned());
            self.visit_expr(&base.base);
            return;
        }
        visit::visit_expr_field(self, field);
    }

    fn visit_macro(&mut self, invoked: &syn::Macro) {
        let list = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(exprs) = invoked.parse_body_with(list) {
            exprs.iter().for_each(|e| self.visit_expr(e));
        } else if let Ok(statements) = invoked.parse_body_with(syn::Block::parse_within) {
            statements.iter().for_each(|s| self.visit_stmt(s));
        } else {
            self.names_in(invoked.tokens.clone());
        }
    }
}

impl Reader<'_> {
    /// Names in tokens that are neither expressions nor statements.
    fn names_in(&mut self, tokens: TokenStream) {
        for tree in tokens {
            match tree {
                proc_macro2::TokenTree::Ident(ident) => {
                    self.uses.names.insert(ident.to_string());
                }
                proc_macro2::TokenTree::Group(group) => self.names_in(group.stream()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
