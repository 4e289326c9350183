//! The crate as its text says: every function of its own and of what the macro makes in it.

use super::body::{self, Imports, Scope, Uses, segment};
use crate::derived::{Expansions, File};
use crate::expand::Invocation;
use crate::model::Model;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit;
use syn::{ImplItem, Item, TraitItem};

/// Who wrote a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person.
    Written,
    /// The generator.
    Generated,
    /// The generator, as part of the checked calls: it touches every field by itself and so shows
    /// nothing about the safe forms.
    Layer2,
}

/// A function or method.
#[derive(Clone, Debug)]
pub struct Body {
    /// Module, from the root of the crate.
    pub module: Vec<String>,
    /// The type that it is a method of.
    pub owner: Option<String>,
    /// The trait that it is of.
    pub of_trait: Option<String>,
    /// Its name.
    pub name: String,
    /// Who wrote it.
    pub origin: Origin,
    /// It is `pub`.
    pub public: bool,
    /// Names of its parameters but `self`.
    pub params: Vec<String>,
    /// Types of its parameters, and of its result: names of their paths.
    pub signature: BTreeSet<String>,
    /// What it does.
    pub uses: Uses,
}

impl Body {
    /// Type and name, or module and name.
    pub fn label(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{owner}::{}", self.name),
            None => self.full().join("::"),
        }
    }

    /// Module, type and name.
    pub fn full(&self) -> Vec<String> {
        let mut path = self.module.clone();
        path.extend(self.owner.clone());
        path.push(self.name.clone());
        path
    }
}

/// A struct, enum or trait.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// Its fields.
    pub fields: BTreeSet<String>,
    /// Names in the types of its fields.
    pub names: BTreeSet<String>,
    /// Numbers of its associated constants.
    pub numbers: BTreeSet<i64>,
    /// The generator wrote it.
    pub generated: bool,
}

/// Everything that the sources hold.
#[derive(Clone, Debug, Default)]
pub struct Crate {
    /// Functions.
    pub bodies: Vec<Body>,
    /// Types by module and name.
    pub types: BTreeMap<Vec<String>, Definition>,
    /// Names of traits that the crate declares.
    pub traits: BTreeSet<String>,
    /// Types and functions that a user can name.
    pub exported: BTreeSet<String>,
    /// Modules that a user can name.
    pub open: BTreeSet<Vec<String>>,
    /// What could not be expanded.
    pub faults: Vec<String>,
}

/// Reads the sources. Tests are left out.
pub fn read(
    model: &Model,
    files: &[File],
    expansions: &mut Expansions,
) -> Result<Crate, crate::diag::Diagnostics> {
    let mut found = crate::diag::Diagnostics::default();
    let mut parsed = Vec::new();
    for (path, text) in files {
        match expansions
            .tokens(path, text)
            .and_then(syn::parse2::<syn::File>)
        {
            Ok(file) => parsed.push((module_of(path), file)),
            Err(error) => found.push(
                crate::diag::Diagnostic::new("C001", path, error.to_string())
                    .help("the file must be Rust: build it to see where it is not"),
            ),
        }
    }
    // Parents first, so that what they say of their modules is known.
    parsed.sort_by_key(|(module, _)| module.len());
    let mut reader = Reader {
        model,
        expansions,
        out: Crate::default(),
        closed: BTreeSet::new(),
        tests: BTreeSet::new(),
    };
    reader.out.open.insert(Vec::new());
    for (module, file) in &parsed {
        // What no `mod` declares is not compiled.
        if !reader.is_test(module) && reader.is_declared(module) {
            reader.items(&file.items, module, false);
        }
    }
    found.into_result(reader.out)
}

/// `pjrt/src/rt/api.rs` -> `rt`, `api`
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("src/").map_or(path, |(_, rest)| rest);
    let bare = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut segments: Vec<String> = bare.split('/').map(str::to_owned).collect();
    if segments
        .last()
        .is_some_and(|s| s == "mod" || s == "lib" || s == "main")
    {
        segments.pop();
    }
    segments
}

struct Reader<'m> {
    model: &'m Model,
    expansions: &'m mut Expansions,
    out: Crate,
    /// Modules that a user cannot name.
    closed: BTreeSet<Vec<String>>,
    tests: BTreeSet<Vec<String>>,
}

impl Reader<'_> {
    fn is_test(&self, module: &[String]) -> bool {
        self.tests.iter().any(|t| module.starts_with(t))
    }

    fn is_declared(&self, module: &[String]) -> bool {
        self.is_open(module) || self.closed.contains(module)
    }

    fn is_open(&self, module: &[String]) -> bool {
        self.out.open.contains(module)
    }

    fn items(&mut self, items: &[Item], module: &[String], generated: bool) {
        let imports = imports(items, module);
        // Modules first: they say which files are tests.
        for item in items {
            if let Item::Mod(inner) = item {
                let mut path = module.to_vec();
                path.push(segment(&inner.ident));
                if is_test(&inner.attrs) {
                    self.tests.insert(path);
                    continue;
                }
                if self.is_open(module) && is_pub(&inner.vis) && !is_hidden(&inner.attrs) {
                    self.out.open.insert(path.clone());
                } else {
                    self.closed.insert(path.clone());
                }
                if let Some((_, items)) = &inner.content {
                    self.items(items, &path, generated);
                }
            }
        }
        let scope = Scope {
            module,
            imports: &imports,
        };
        for item in items {
            self.item(item, &scope, generated);
        }
    }

    fn item(&mut self, item: &Item, scope: &Scope<'_>, generated: bool) {
        match item {
            Item::Fn(function) if !is_test(&function.attrs) => {
                if is_pub(&function.vis) && self.is_open(scope.module) {
                    self.out.exported.insert(function.sig.ident.to_string());
                }
                let public = is_pub(&function.vis);
                let place = Place::default();
                self.body(
                    &function.sig,
                    &function.block,
                    scope,
                    generated,
                    public,
                    &place,
                );
            }
            Item::Impl(block) if !is_test(&block.attrs) => self.methods(block, scope, generated),
            Item::Trait(declared) => {
                let name = declared.ident.to_string();
                let place = Place {
                    owner: Some(name.clone()),
                    of_trait: Some(name.clone()),
                };
                self.out.traits.insert(name.clone());
                self.export(&declared.vis, &name, scope);
                for item in &declared.items {
                    if let TraitItem::Fn(method) = item
                        && let Some(block) = &method.default
                    {
                        self.body(&method.sig, block, scope, generated, false, &place);
                    }
                }
            }
            Item::Struct(declared) => {
                let name = declared.ident.to_string();
                self.export(&declared.vis, &name, scope);
                let mut definition = Definition {
                    generated,
                    ..Definition::default()
                };
                for field in &declared.fields {
                    let name = field.ident.as_ref().map(segment);
                    definition.fields.extend(name);
                    definition.names.extend(names_of_type(&field.ty));
                }
                self.define(scope, name, definition);
            }
            Item::Enum(declared) => {
                let name = declared.ident.to_string();
                self.export(&declared.vis, &name, scope);
                let fields = declared.variants.iter().flat_map(|v| &v.fields);
                let definition = Definition {
                    names: fields.flat_map(|f| names_of_type(&f.ty)).collect(),
                    generated,
                    ..Definition::default()
                };
                self.define(scope, name, definition);
            }
            Item::Use(used) if is_pub(&used.vis) && self.is_open(scope.module) => {
                let mut leaves = Vec::new();
                tree(&used.tree, &mut Vec::new(), &mut leaves);
                self.out
                    .exported
                    .extend(leaves.into_iter().map(|(name, _)| name));
            }
            Item::Macro(invoked) => self.expansion(&invoked.mac, scope),
            _ => {}
        }
    }

    fn export(&mut self, vis: &syn::Visibility, name: &str, scope: &Scope<'_>) {
        if is_pub(vis) && self.is_open(scope.module) {
            self.out.exported.insert(name.to_owned());
        }
    }

    fn define(&mut self, scope: &Scope<'_>, name: String, definition: Definition) {
        let mut path = scope.module.to_vec();
        path.push(name);
        let known = self.out.types.entry(path).or_default();
        known.fields.extend(definition.fields);
        known.names.extend(definition.names);
        known.numbers.extend(definition.numbers);
        known.generated |= definition.generated;
    }

    fn methods(&mut self, block: &syn::ItemImpl, scope: &Scope<'_>, generated: bool) {
        let Some(owner) = type_name(&block.self_ty) else {
            return;
        };
        let of_trait = block.trait_.as_ref().and_then(|(path, _)| last(path));
        let place = Place {
            owner: Some(owner.clone()),
            of_trait,
        };
        for item in &block.items {
            match item {
                ImplItem::Fn(method) if !is_test(&method.attrs) => {
                    let public = is_pub(&method.vis);
                    self.body(&method.sig, &method.block, scope, generated, public, &place);
                }
                // What an associated type names, the methods have to do with.
                ImplItem::Type(named) => {
                    let definition = Definition {
                        names: names_of_type(&named.ty),
                        ..Definition::default()
                    };
                    self.define(scope, owner.clone(), definition);
                }
                ImplItem::Const(constant) => {
                    if let Some(number) = number(&constant.expr) {
                        let definition = Definition {
                            numbers: BTreeSet::from([number]),
                            generated,
                            ..Definition::default()
                        };
                        self.define(scope, owner.clone(), definition);
                    }
                }
                _ => {}
            }
        }
    }

    fn body(
        &mut self,
        signature: &syn::Signature,
        block: &syn::Block,
        scope: &Scope<'_>,
        generated: bool,
        public: bool,
        place: &Place,
    ) {
        // What a trait asks of a table is no checked call: it makes some.
        let layer2 = place.of_trait.is_none()
            && generated
            && scope.module.first().is_some_and(|m| m == "raw");
        let mut params = Vec::new();
        let mut types = BTreeSet::new();
        for input in &signature.inputs {
            if let syn::FnArg::Typed(typed) = input {
                if let syn::Pat::Ident(pattern) = typed.pat.as_ref() {
                    params.push(segment(&pattern.ident));
                }
                types.extend(names_of_type(&typed.ty));
            }
        }
        if let syn::ReturnType::Type(_, ty) = &signature.output {
            types.extend(names_of_type(ty));
        }
        self.out.bodies.push(Body {
            module: scope.module.to_vec(),
            owner: place.owner.clone(),
            of_trait: place.of_trait.clone(),
            name: segment(&signature.ident),
            origin: match (generated, layer2) {
                (false, _) => Origin::Written,
                (true, false) => Origin::Generated,
                (true, true) => Origin::Layer2,
            },
            public,
            params,
            signature: types,
            // Of a checked call only its C name is asked.
            uses: if layer2 {
                body::texts(block)
            } else {
                body::uses(scope, signature, block)
            },
        });
    }

    /// Expands the generator's macro where it stands.
    fn expansion(&mut self, invoked: &syn::Macro, scope: &Scope<'_>) {
        if last(&invoked.path).as_deref() != Some("generate") {
            return;
        }
        let expanded = Invocation::parse(invoked.tokens.clone())
            .and_then(|invocation| self.expansions.file(&invocation, self.model));
        match expanded {
            Ok(file) => self.items(&file.items, scope.module, true),
            Err(fault) => self.out.faults.push(fault),
        }
    }
}

#[derive(Default)]
struct Place {
    owner: Option<String>,
    of_trait: Option<String>,
}

fn is_pub(vis: &syn::Visibility) -> bool {
    matches!(vis, syn::Visibility::Public(_))
}

fn has(attrs: &[syn::Attribute], name: &str, word: &str) -> bool {
    attrs.iter().any(|a| {
        a.path().is_ident(name)
            && matches!(&a.meta, syn::Meta::List(list) if list.tokens.to_string() == word)
    })
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    has(attrs, "cfg", "test") || attrs.iter().any(|a| a.path().is_ident("test"))
}

fn is_hidden(attrs: &[syn::Attribute]) -> bool {
    has(attrs, "doc", "hidden")
}

fn last(path: &syn::Path) -> Option<String> {
    path.segments.last().map(|s| s.ident.to_string())
}

fn type_name(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => last(&path.path),
        syn::Type::Reference(inner) => type_name(&inner.elem),
        _ => None,
    }
}

fn names_of_type(ty: &syn::Type) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl Visit<'_> for Names {
        fn visit_ident(&mut self, ident: &proc_macro2::Ident) {
            self.0.insert(ident.to_string());
        }
    }
    let mut names = Names(BTreeSet::new());
    names.visit_type(ty);
    names.0
}

/// The number in `Self(11)` or `11`.
fn number(expr: &syn::Expr) -> Option<i64> {
    match expr {
        syn::Expr::Call(call) => call.args.first().and_then(number),
        syn::Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
            number(&unary.expr)?.checked_neg()
        }
        syn::Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// What the `use` items of a module import.
fn imports(items: &[Item], module: &[String]) -> Imports {
    let mut imports = Imports::new();
    for item in items {
        let Item::Use(used) = item else { continue };
        let mut leaves = Vec::new();
        tree(&used.tree, &mut Vec::new(), &mut leaves);
        for (name, path) in leaves {
            let path = match path.split_first() {
                Some((first, rest)) if first == "crate" || first == "pjrt" => rest.to_vec(),
                Some((first, rest)) if first == "self" => [module, rest].concat(),
                Some((first, rest)) if first == "super" => {
                    let outer = module.split_last().map_or(&[][..], |(_, m)| m);
                    [outer, rest].concat()
                }
                _ => path,
            };
            imports.insert(name, path);
        }
    }
    imports
}

fn tree(part: &syn::UseTree, path: &mut Vec<String>, leaves: &mut Vec<(String, Vec<String>)>) {
    match part {
        syn::UseTree::Path(inner) => {
            path.push(segment(&inner.ident));
            tree(&inner.tree, path, leaves);
            path.pop();
        }
        syn::UseTree::Name(leaf) if leaf.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            leaves.push((name, path.clone()));
        }
        syn::UseTree::Name(leaf) => {
            let name = segment(&leaf.ident);
            leaves.push((name.clone(), [path.as_slice(), &[name]].concat()));
        }
        syn::UseTree::Rename(leaf) => {
            let full = [path.as_slice(), &[segment(&leaf.ident)]].concat();
            leaves.push((segment(&leaf.rename), full));
        }
        syn::UseTree::Group(group) => group.items.iter().for_each(|t| tree(t, path, leaves)),
        syn::UseTree::Glob(_) => {}
    }
}
