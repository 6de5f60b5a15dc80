//! What a function returns, by how the type is written: a macro knows no types.

use syn::visit_mut::VisitMut;
use syn::{
    AngleBracketedGenericArguments, GenericArgument, PathArguments, PathSegment, Token, Type,
    TypeInfer, TypeParamBound, visit_mut,
};

use crate::args::Returns;

/// What becomes of a returned value.
pub(crate) enum Shape {
    /// Told as it is.
    Value,
    /// `!`: nothing is ever told.
    Never,
    /// A `Result` with something in its `Ok` that goes on.
    Result(Box<Self>),
    /// With the type of its output, where that is written.
    Future(Wrapped, Box<Self>, Option<Type>),
    /// With the type of its items, where that is written.
    Stream(Wrapped, Option<Type>),
    Iterator(Wrapped, Option<Type>),
}

/// How something that goes on is returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrapped {
    /// As itself: `impl Stream`.
    Plain,
    /// `Box<dyn …>`.
    Boxed,
    /// `Pin<Box<dyn …>>`.
    Pinned,
}

impl Shape {
    pub(crate) fn of(output: &Type, returns: Option<Returns>) -> Self {
        let written = Self::written(output, returns == Some(Returns::Value));
        match returns {
            None | Some(Returns::Value) => written.simplified(),
            Some(returns) => written.with_innermost(returns).simplified(),
        }
    }

    /// A `Result` in which nothing goes on is a value, whose type says that it is one.
    fn simplified(self) -> Self {
        match self {
            Self::Result(inner) => match inner.simplified() {
                Self::Value | Self::Never => Self::Value,
                inner => Self::Result(Box::new(inner)),
            },
            Self::Future(wrapped, inner, output) => {
                Self::Future(wrapped, Box::new(inner.simplified()), output)
            }
            other => other,
        }
    }

    /// Whether the function is what Python calls a generator.
    pub(crate) fn is_generator(&self) -> bool {
        match self {
            Self::Stream(..) | Self::Iterator(..) => true,
            Self::Result(inner) | Self::Future(_, inner, _) => inner.is_generator(),
            Self::Value | Self::Never => false,
        }
    }

    fn written(output: &Type, only_results: bool) -> Self {
        match output {
            Type::Paren(paren) => return Self::written(&paren.elem, only_results),
            Type::Group(group) => return Self::written(&group.elem, only_results),
            Type::Never(_) => return Self::Never,
            Type::ImplTrait(_) if only_results => return Self::Value,
            Type::ImplTrait(opaque) => return Self::of_bounds(&opaque.bounds, Wrapped::Plain),
            _ => {}
        }
        let Some(segment) = last_segment(output) else { return Self::Value };
        match segment.ident.to_string().as_str() {
            "Result" => {
                let ok = first_type(segment).map(|ok| Self::written(ok, only_results));
                Self::Result(Box::new(ok.unwrap_or(Self::Value)))
            }
            _ if only_results => Self::Value,
            "BoxFuture" | "LocalBoxFuture" => Self::future(Wrapped::Pinned, first_type(segment)),
            "BoxStream" | "LocalBoxStream" => Self::Stream(Wrapped::Pinned, None),
            "Box" => first_type(segment).map_or(Self::Value, |it| Self::of_dyn(it, Wrapped::Boxed)),
            "Pin" => {
                let boxed = first_type(segment).and_then(last_segment);
                let boxed = boxed.filter(|it| it.ident == "Box").and_then(first_type);
                boxed.map_or(Self::Value, |it| Self::of_dyn(it, Wrapped::Pinned))
            }
            _ => Self::Value,
        }
    }

    fn of_dyn(object: &Type, wrapped: Wrapped) -> Self {
        match object {
            Type::TraitObject(object) => Self::of_bounds(&object.bounds, wrapped),
            Type::Paren(paren) => Self::of_dyn(&paren.elem, wrapped),
            _ => Self::Value,
        }
    }

    fn of_bounds<'a>(
        bounds: impl IntoIterator<Item = &'a TypeParamBound>,
        wrapped: Wrapped,
    ) -> Self {
        let traits = bounds.into_iter().filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) => bound.path.segments.last(),
            _ => None,
        });
        for segment in traits {
            match segment.ident.to_string().as_str() {
                "Future" => return Self::future(wrapped, assoc(segment, "Output")),
                "Stream" => return Self::Stream(wrapped, assoc(segment, "Item").map(nameable)),
                "Iterator" | "DoubleEndedIterator" | "ExactSizeIterator" | "FusedIterator" => {
                    return Self::Iterator(wrapped, assoc(segment, "Item").map(nameable));
                }
                _ => {}
            }
        }
        Self::Value
    }

    fn future(wrapped: Wrapped, output: Option<&Type>) -> Self {
        let inner = output.map_or(Self::Value, |output| Self::written(output, false));
        Self::Future(wrapped, Box::new(inner), output.map(nameable))
    }

    /// What `returns` says of the value that comes out in the end: an alias is of a box.
    fn with_innermost(self, returns: Returns) -> Self {
        match self {
            Self::Result(inner) => Self::Result(Box::new(inner.with_innermost(returns))),
            Self::Future(wrapped, inner, output) if returns != Returns::Future => {
                Self::Future(wrapped, Box::new(inner.with_innermost(returns)), output)
            }
            Self::Value => match returns {
                Returns::Value => Self::Value,
                Returns::Future => Self::future(Wrapped::Pinned, None),
                Returns::Stream => Self::Stream(Wrapped::Pinned, None),
                Returns::Iterator => Self::Iterator(Wrapped::Boxed, None),
            },
            written => written,
        }
    }
}

/// The type that a future has as its output, when it is written.
pub(crate) fn future_output(output: &Type) -> Option<&Type> {
    match output {
        Type::ImplTrait(opaque) => opaque.bounds.iter().find_map(output_of_bound),
        Type::TraitObject(object) => object.bounds.iter().find_map(output_of_bound),
        _ => {
            let segment = last_segment(output)?;
            let inner = first_type(segment)?;
            match segment.ident.to_string().as_str() {
                "BoxFuture" | "LocalBoxFuture" => Some(inner),
                "Pin" | "Box" => future_output(inner),
                _ => None,
            }
        }
    }
}

/// The type that is written, with `_` where it says `impl`.
pub(crate) fn nameable(written: &Type) -> Type {
    let mut written = written.clone();
    EraseImpl.visit_type_mut(&mut written);
    written
}

struct EraseImpl;

impl VisitMut for EraseImpl {
    fn visit_type_mut(&mut self, node: &mut Type) {
        if let Type::ImplTrait(opaque) = node {
            let underscore_token = Token![_](opaque.impl_token.span);
            *node = Type::Infer(TypeInfer { underscore_token });
        } else {
            visit_mut::visit_type_mut(self, node);
        }
    }
}

fn last_segment(path: &Type) -> Option<&PathSegment> {
    match path {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        Type::Paren(paren) => last_segment(&paren.elem),
        Type::Group(group) => last_segment(&group.elem),
        _ => None,
    }
}

fn arguments(segment: &PathSegment) -> Option<&AngleBracketedGenericArguments> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments),
        _ => None,
    }
}

fn first_type(segment: &PathSegment) -> Option<&Type> {
    arguments(segment)?.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(written) => Some(written),
        _ => None,
    })
}

fn output_of_bound(bound: &TypeParamBound) -> Option<&Type> {
    match bound {
        TypeParamBound::Trait(bound) => {
            let future = bound.path.segments.last().filter(|it| it.ident == "Future")?;
            assoc(future, "Output")
        }
        _ => None,
    }
}

fn assoc<'a>(segment: &'a PathSegment, name: &str) -> Option<&'a Type> {
    arguments(segment)?.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if assoc.ident == name => Some(&assoc.ty),
        _ => None,
    })
}
