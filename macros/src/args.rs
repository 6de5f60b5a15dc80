//! What stands in the parentheses of `#[trace(…)]`.

use std::collections::HashSet;

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::token::{Brace, Paren};
use syn::{Error, Expr, Ident, Lit, LitStr, Path, Result, Token, braced, parenthesized};

use crate::level::Level;
use crate::ratio;
use crate::span_type::SpanType;

/// Every option, in the order of the documentation.
const OPTIONS: &str = "`name`, `span_type`, `attributes(…)`, `skip(…)`, `skip_all`, `inputs`, `outputs`, \
                       `err(…)`, `sampling_ratio`, `parent`, `level`, `target`, `returns`, `crate`";

const ABOUT_ERR: &str = "`err(Debug)` tells an `Err` by its `Debug`, `err(ignore)` takes it for an \
                         output; without `err` it is an error, told by its `Display`";

#[derive(Default)]
pub(crate) struct Args {
    pub(crate) krate: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) span_type: Option<SpanType>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) skip: Skip,
    pub(crate) inputs: Option<Expr>,
    pub(crate) outputs: Option<Expr>,
    pub(crate) err: Failures,
    pub(crate) sampling_ratio: Option<Expr>,
    pub(crate) parent: Option<Expr>,
    pub(crate) level: Option<Level>,
    pub(crate) target: Option<Expr>,
    pub(crate) returns: Option<Returns>,
}

/// An attribute of the span.
pub(crate) struct Attribute {
    pub(crate) key: Key,
    pub(crate) value: Expr,
}

pub(crate) enum Key {
    Name(LitStr),
    Constant(Expr),
}

/// Which arguments are no inputs.
#[derive(Default)]
pub(crate) enum Skip {
    #[default]
    None,
    These(Vec<Ident>),
    All,
}

/// What becomes of an `Err`.
#[derive(Clone, Copy, Default)]
pub(crate) enum Failures {
    #[default]
    Told,
    /// Told by their `Debug`; where that was asked for.
    InDebug(Span),
    Ignored,
}

/// What the value is that a function returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returns {
    Value,
    Future,
    Stream,
    Iterator,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        let mut seen = HashSet::new();
        while !input.is_empty() {
            let option = input.call(Ident::parse_any).map_err(|error| {
                Error::new(error.span(), format!("an option is expected here: one of {OPTIONS}"))
            })?;
            let name = option.to_string();
            args.parse_option(&option, input)?;
            if !seen.insert(name) {
                return Err(Error::new(option.span(), format!("`{option}` is given twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        args.check()?;
        Ok(args)
    }
}

impl Args {
    fn parse_option(&mut self, option: &Ident, input: ParseStream<'_>) -> Result<()> {
        match option.to_string().as_str() {
            "crate" => self.krate = Some(value(option, input)?.call(Path::parse_mod_style)?),
            "name" => self.name = Some(parse_name(value(option, input)?)?),
            "span_type" => self.span_type = Some(value(option, input)?.parse()?),
            "attributes" => self.attributes = parse_attributes(&list(option, input)?)?,
            "skip" => {
                let names = list(option, input)?;
                let names = Punctuated::<Ident, Token![,]>::parse_terminated_with(
                    &names,
                    Ident::parse_any,
                )?;
                self.skip = Skip::These(names.into_iter().collect());
            }
            "skip_all" => self.skip = Skip::All,
            "inputs" => self.inputs = Some(value(option, input)?.parse()?),
            "outputs" => self.outputs = Some(value(option, input)?.parse()?),
            "err" if !input.peek(Paren) => return Err(Error::new(option.span(), ABOUT_ERR)),
            "err" => self.err = parse_failures(&list(option, input)?)?,
            "sampling_ratio" => self.sampling_ratio = Some(ratio::parse(value(option, input)?)?),
            "parent" => self.parent = Some(value(option, input)?.parse()?),
            "level" => self.level = Some(value(option, input)?.parse()?),
            "target" => self.target = Some(value(option, input)?.parse()?),
            "returns" => self.returns = Some(parse_returns(value(option, input)?)?),
            unknown => return Err(Error::new(option.span(), advice(unknown))),
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        match (&self.inputs, &self.skip) {
            (Some(inputs), Skip::These(_) | Skip::All) => Err(Error::new(
                inputs.span(),
                "`inputs` takes the place of the arguments: there is nothing to skip",
            )),
            _ => Ok(()),
        }
    }
}

/// The text about an option that does not exist.
fn advice(unknown: &str) -> String {
    let hint = match unknown {
        "ret" => "; return values are outputs without it",
        "fields" => "; use `attributes(key = value)`",
        "output_reducer" | "reducer" => "; use `outputs = |items| …`",
        "skip_self" | "self" => "; `self` is no input anyway",
        _ => "",
    };
    format!("no option `{unknown}`{hint}: the options are {OPTIONS}")
}

/// What follows `option =`.
fn value<'a>(option: &Ident, input: ParseStream<'a>) -> Result<ParseStream<'a>> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return Ok(input);
    }
    Err(Error::new(option.span(), format!("`{option}` needs a value: `{option} = …`")))
}

/// What stands in `option(…)`.
fn list<'a>(option: &Ident, input: ParseStream<'a>) -> Result<syn::parse::ParseBuffer<'a>> {
    if input.peek(Paren) {
        let content;
        parenthesized!(content in input);
        return Ok(content);
    }
    Err(Error::new(option.span(), format!("`{option}` needs parentheses: `{option}(…)`")))
}

fn parse_name(input: ParseStream<'_>) -> Result<LitStr> {
    let expected = "the span's name is a string literal that is not empty; a name made at run time \
                    needs `mlflow_tracing::span_builder`";
    let name = input.parse::<LitStr>().map_err(|error| Error::new(error.span(), expected))?;
    if name.value().is_empty() { Err(Error::new(name.span(), expected)) } else { Ok(name) }
}

fn parse_attributes(content: ParseStream<'_>) -> Result<Vec<Attribute>> {
    let attributes: Vec<Attribute> =
        Punctuated::<Attribute, Token![,]>::parse_terminated(content)?.into_iter().collect();
    let mut seen = HashSet::new();
    for attribute in &attributes {
        if let Key::Name(name) = &attribute.key
            && !seen.insert(name.value())
        {
            let text = format!("the attribute `{}` is given twice", name.value());
            return Err(Error::new(name.span(), text));
        }
    }
    Ok(attributes)
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key: Key = input.parse()?;
        if !input.peek(Token![=]) {
            let text = "an attribute needs a value: `key = value`";
            return Err(Error::new_spanned(key, text));
        }
        input.parse::<Token![=]>()?;
        Ok(Self { key, value: input.parse()? })
    }
}

impl Parse for Key {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            return input.parse().map(Self::Name);
        }
        if input.peek(Brace) {
            let content;
            braced!(content in input);
            return content.parse().map(Self::Constant);
        }
        let words = Punctuated::<Ident, Token![.]>::parse_separated_nonempty_with(
            input,
            Ident::parse_any,
        )
        .map_err(|error| {
            let text = "an attribute is `key = value`, `dotted.key = value`, `\"key\" = value` or \
                        `{CONSTANT} = value`";
            Error::new(error.span(), text)
        })?;
        let name: Vec<String> = words.iter().map(|word| word.unraw().to_string()).collect();
        let span = words.first().map_or_else(Span::call_site, Ident::span);
        Ok(Self::Name(LitStr::new(&name.join("."), span)))
    }
}

fn parse_failures(content: ParseStream<'_>) -> Result<Failures> {
    let word: Ident = content.parse().map_err(|error| Error::new(error.span(), ABOUT_ERR))?;
    match word.to_string().as_str() {
        "Debug" if content.is_empty() => Ok(Failures::InDebug(word.span())),
        "ignore" if content.is_empty() => Ok(Failures::Ignored),
        _ => Err(Error::new(word.span(), ABOUT_ERR)),
    }
}

fn parse_returns(input: ParseStream<'_>) -> Result<Returns> {
    let expected = "`returns` is `value`, `future`, `stream` or `iterator`";
    let word: Ident = input.parse().map_err(|error| Error::new(error.span(), expected))?;
    match word.to_string().as_str() {
        "value" => Ok(Returns::Value),
        "future" => Ok(Returns::Future),
        "stream" => Ok(Returns::Stream),
        "iterator" => Ok(Returns::Iterator),
        _ => Err(Error::new(word.span(), expected)),
    }
}

impl Attribute {
    /// The value, where it needs no serialising.
    pub(crate) fn literal(&self) -> Option<&Lit> {
        match &self.value {
            Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_) | Lit::Bool(_)) => {
                Some(&literal.lit)
            }
            _ => None,
        }
    }
}

impl ToTokens for Key {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        match self {
            Self::Name(name) => name.to_tokens(tokens),
            Self::Constant(constant) => constant.to_tokens(tokens),
        }
    }
}
