//! `span_type = …`.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, Ident, Lit, LitStr, Result, Stmt};

/// The variants of `mlflow_tracing::SpanType`, but `Custom`, with the names that MLflow stores.
const VARIANTS: [(&str, &str); 15] = [
    ("Agent", "AGENT"),
    ("Chain", "CHAIN"),
    ("ChatModel", "CHAT_MODEL"),
    ("Embedding", "EMBEDDING"),
    ("Evaluator", "EVALUATOR"),
    ("Guardrail", "GUARDRAIL"),
    ("Llm", "LLM"),
    ("Memory", "MEMORY"),
    ("Parser", "PARSER"),
    ("Reranker", "RERANKER"),
    ("Retriever", "RETRIEVER"),
    ("Task", "TASK"),
    ("Tool", "TOOL"),
    ("Unknown", "UNKNOWN"),
    ("Workflow", "WORKFLOW"),
];

/// Characters that the server's column holds.
const MAX_LENGTH: usize = 500;

pub(crate) enum SpanType {
    /// Known now.
    Named(LitStr),
    /// Known when the function is called.
    Made(Expr),
}

impl Parse for SpanType {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let expr: Expr = input.parse()?;
        match &expr {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(word) => word_of_ones_own(word),
                other => Err(Error::new(other.span(), "a span type is a variant or a string")),
            },
            Expr::Path(path) => match path.path.get_ident() {
                Some(variant) => named(variant),
                None => Ok(Self::Made(expr)),
            },
            _ => Ok(Self::Made(unwrapped(expr))),
        }
    }
}

/// What stands in braces or parentheses, which have done their work and would be warned of.
fn unwrapped(expr: Expr) -> Expr {
    match expr {
        Expr::Paren(inner) => *inner.expr,
        Expr::Block(block) if block.label.is_none() && block.attrs.is_empty() => {
            match block.block.stmts.as_slice() {
                [Stmt::Expr(inner, None)] => inner.clone(),
                _ => Expr::Block(block),
            }
        }
        other => other,
    }
}

fn word_of_ones_own(word: &LitStr) -> Result<SpanType> {
    let length = word.value().chars().count();
    if (1..=MAX_LENGTH).contains(&length) {
        return Ok(SpanType::Named(word.clone()));
    }
    let text = format!("a span type has from 1 to {MAX_LENGTH} characters, not {length}");
    Err(Error::new(word.span(), text))
}

fn named(variant: &Ident) -> Result<SpanType> {
    if let Some((_, name)) = VARIANTS.iter().find(|(known, _)| variant == known) {
        return Ok(SpanType::Named(LitStr::new(name, variant.span())));
    }
    if let Some((known, _)) = VARIANTS.iter().find(|(_, name)| variant == name) {
        let text = format!("the variant of `SpanType` is `{known}`");
        return Err(Error::new(variant.span(), text));
    }
    let known: Vec<&str> = VARIANTS.iter().map(|(known, _)| *known).collect();
    let text = format!(
        "no variant `{variant}` of `SpanType`: there are {}; a word of your own is a string, and the \
         value of a variable stands in braces: `{{{variant}}}`",
        known.join(", ")
    );
    Err(Error::new(variant.span(), text))
}

impl SpanType {
    /// The statement that sets it.
    pub(crate) fn statement(&self, scope: &TokenStream) -> TokenStream {
        match self {
            Self::Named(name) => quote_spanned!(name.span()=> #scope.span_type_named(#name);),
            Self::Made(expr) => quote_spanned!(expr.span()=> #scope.span_type(#expr);),
        }
    }
}
