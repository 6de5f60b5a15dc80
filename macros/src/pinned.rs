//! Functions that return `Box::pin(async move { … })` and do nothing else, as `async_trait` makes
//! them: they are `async` functions by another name.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Block, Expr, ExprAsync, Ident, ItemFn, Local, Pat, Stmt, Type};

use crate::inputs;
use crate::shape;

/// Such a function, taken apart.
pub(crate) struct Pinned {
    pub(crate) body: Block,
    /// Statements by which `async_trait` gives arguments their names.
    pub(crate) prologue: Vec<Stmt>,
    pub(crate) names: Vec<Ident>,
    pub(crate) output: Type,
    /// What the block is given to, if anything.
    pin: Option<Expr>,
}

impl Pinned {
    pub(crate) fn of(function: &ItemFn, output: &Type) -> Option<Self> {
        let [Stmt::Expr(expr, None)] = function.block.stmts.as_slice() else { return None };
        let output = shape::future_output(output)?.clone();
        let (block, pin) = match expr {
            Expr::Async(block) => (block, None),
            Expr::Call(call) if is_box_pin(&call.func) => match call.args.first() {
                Some(Expr::Async(block)) => (block, Some((*call.func).clone())),
                _ => return None,
            },
            _ => return None,
        };
        let ExprAsync { capture: Some(_), block, attrs, .. } = block else { return None };
        if !attrs.is_empty() {
            return None;
        }
        let mut body = block.clone();
        let mut names = inputs::bindings(&function.sig.inputs);
        let prologue = take_prologue(&mut body, &mut names);
        Some(Self { body, prologue, names, output, pin })
    }

    /// The function's one expression again, with another block.
    pub(crate) fn around(&self, block: &TokenStream) -> TokenStream {
        let future = quote::quote!(async move { #block });
        match &self.pin {
            Some(pin) => quote::quote!(#pin(#future)),
            None => future,
        }
    }
}

/// An argument that is a pattern `async_trait` calls `__arg1`, and matches it in the block.
fn take_prologue(body: &mut Block, names: &mut Vec<Ident>) -> Vec<Stmt> {
    let is_made_up = |name: &Ident| name.to_string().starts_with("__arg");
    if !names.iter().any(is_made_up) {
        return Vec::new();
    }
    let gives_names = |stmt: &&Stmt| match stmt {
        Stmt::Local(local) => name_given(local).is_some(),
        Stmt::Expr(Expr::If(_), _) => true,
        _ => false,
    };
    let count = body.stmts.iter().take_while(gives_names).count();
    let rest = body.stmts.split_off(count);
    let prologue = std::mem::replace(&mut body.stmts, rest);
    let mut found = Vec::new();
    for name in std::mem::take(names) {
        if is_made_up(&name) {
            if let Some(pattern) = prologue.iter().find_map(|stmt| pattern_of(stmt, &name)) {
                inputs::bind(pattern, &mut found);
            }
        } else {
            found.push(name);
        }
    }
    // What was `_` keeps the name that was made up.
    found.retain(|name| !is_made_up(name));
    *names = found;
    prologue
}

/// `name`, in `let … = name` and `let … = { let name = name; name }`.
fn name_given(local: &Local) -> Option<&Ident> {
    let mut expr = &*local.init.as_ref()?.expr;
    if let Expr::Block(block) = expr {
        match block.block.stmts.last()? {
            Stmt::Expr(last, None) => expr = last,
            _ => return None,
        }
    }
    match expr {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

fn pattern_of<'a>(stmt: &'a Stmt, name: &Ident) -> Option<&'a Pat> {
    match stmt {
        Stmt::Local(local) if name_given(local) == Some(name) => Some(&local.pat),
        _ => None,
    }
}

fn is_box_pin(function: &Expr) -> bool {
    function.to_token_stream().to_string().replace(' ', "").ends_with("Box::pin")
}
