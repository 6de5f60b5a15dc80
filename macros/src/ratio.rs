//! `sampling_ratio = …`.

use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, LitFloat, Result, UnOp};

/// An expression; a literal must be from 0 to 1.
pub(crate) fn parse(input: ParseStream<'_>) -> Result<Expr> {
    let expr: Expr = input.parse()?;
    let Some(ratio) = literal(&expr) else { return Ok(expr) };
    if !(0.0..=1.0).contains(&ratio) {
        let text = format!("a sampling ratio is from 0 to 1, not {ratio}");
        return Err(Error::new_spanned(expr, text));
    }
    // An integer is as good as a float.
    let span = expr.to_token_stream().into_iter().next().map(|token| token.span());
    let span = span.unwrap_or_else(proc_macro2::Span::call_site);
    let lit = Lit::Float(LitFloat::new(&format!("{ratio:?}f64"), span));
    Ok(Expr::Lit(ExprLit { attrs: Vec::new(), lit }))
}

fn literal(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Float(float) => float.base10_parse().ok(),
            Lit::Int(integer) => integer.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => literal(expr).map(|it| -it),
        _ => None,
    }
}
