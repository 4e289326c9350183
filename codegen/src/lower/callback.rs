//! Functions that a plugin keeps and calls: what its parameters are to a Rust closure.

use super::call;
use super::ctype::{CSignature, CType, primitive};
use super::names;
use crate::model::Model;
use crate::overlay::CallbackEntry;
use proc_macro2::{Ident, TokenStream};

/// A function that a plugin calls.
pub struct Callback<'m> {
    /// The judgements.
    pub entry: &'m CallbackEntry,
    /// All parameters of the C function: names and types in the bindings.
    pub params: Vec<(Ident, TokenStream)>,
    /// The parameter that brings the registered data back.
    pub user_data: Ident,
    /// What the closure gets.
    pub values: Vec<Value>,
}

/// A parameter of the closure.
pub struct Value {
    /// C name.
    pub name: String,
    /// Rust name.
    pub ident: Ident,
    /// What it is.
    pub kind: ValueKind,
}

/// What a parameter of a closure is.
pub enum ValueKind {
    /// A number, as it is.
    Plain(TokenStream),
    /// Text, or items of a type, with their number in another parameter.
    Slice {
        /// Item type; none for text.
        item: Option<TokenStream>,
        /// The number's parameter.
        length: Ident,
    },
}

/// Lowers a function pointer's type. An error names the first parameter that no rule fits.
pub fn callback<'m>(model: &'m Model, name: &str) -> Result<Callback<'m>, String> {
    let fact = model
        .callback(name)
        .ok_or_else(|| format!("`{name}` is not the name of a callback's type"))?;
    let entry = model
        .overlay
        .callbacks
        .get(name)
        .ok_or_else(|| format!("no [callback.{name}] in the overlay"))?;
    let signature = CSignature::of(&fact.signature)
        .ok_or_else(|| format!("no rule for the signature of `{name}`"))?;
    if signature.returns.is_some() {
        let returns = &fact.signature.returns;
        return Err(format!("no rule for a callback that returns `{returns}`"));
    }
    let params = &signature.params;
    let mut other = vec![entry.user_data.as_str()];
    other.extend(
        params
            .iter()
            .filter_map(|(name, ty)| length(entry, params, name, ty)),
    );
    let mut values = Vec::new();
    for (param, ty) in params
        .iter()
        .filter(|(name, _)| !other.contains(&name.as_str()))
    {
        let kind = kind(entry, params, param, ty)
            .ok_or_else(|| format!("no rule for the parameter `{param}` of `{name}`"))?;
        values.push(Value {
            name: param.clone(),
            ident: names::ident(param),
            kind,
        });
    }
    let params = params.iter().map(|(param, ty)| {
        let ty = call::rust_type(model, ty);
        Ok((
            names::ident(param),
            ty.ok_or_else(|| format!("no binding for the type of `{param}`"))?,
        ))
    });
    Ok(Callback {
        entry,
        params: params.collect::<Result<_, String>>()?,
        user_data: names::ident(&entry.user_data),
        values,
    })
}

type Params = [(String, CType)];

fn kind(entry: &CallbackEntry, params: &Params, name: &str, ty: &CType) -> Option<ValueKind> {
    if let Some(number) = ty.name() {
        // A truth value may be any byte, and an enum any number: neither has a rule yet.
        let number = primitive(number).filter(|p| *p != "bool")?;
        return Some(ValueKind::Plain(number.parse().ok()?));
    }
    let length = names::ident(length(entry, params, name, ty)?);
    let item = match ty.pointer_to()? {
        "char" if entry.params.get(name).is_some_and(|p| p.bytes) => Some(quote::quote!(u8)),
        "char" => None,
        other => Some(
            primitive(other)
                .filter(|p| other != "void" && *p != "bool")?
                .parse()
                .ok()?,
        ),
    };
    Some(ValueKind::Slice { item, length })
}

/// The parameter that holds the length of a pointer: what the overlay says, else by its spelling.
fn length<'a>(
    entry: &'a CallbackEntry,
    params: &'a Params,
    name: &str,
    ty: &CType,
) -> Option<&'a str> {
    ty.pointee()?;
    if let Some(said) = entry.params.get(name).and_then(|p| p.len.as_deref()) {
        return Some(said);
    }
    let candidates = [format!("{name}_size"), format!("num_{name}")];
    let found = params
        .iter()
        .find(|(other, ty)| candidates.contains(other) && ty.name() == Some("size_t"));
    found.map(|(name, _)| name.as_str())
}
