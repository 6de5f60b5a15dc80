//! JSON whose objects keep their order, which is what a reader of a trace sees.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Json {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// Of an object; nothing has none.
    pub(crate) fn fields(&self) -> &[(String, Self)] {
        match self {
            Self::Null => &[],
            Self::Object(fields) => fields,
            other => panic!("no object: {other:?}"),
        }
    }

    /// What the scenario abbreviates, written out.
    pub(crate) fn in_full(self) -> Self {
        let fields = match self {
            Self::Object(fields) => fields,
            Self::List(items) => return Self::List(items.into_iter().map(Self::in_full).collect()),
            other => return other,
        };
        if let [(how, Self::List(of))] = &*fields
            && let [Self::Text(text), Self::Number(count)] = &**of
        {
            let count = count.as_u64().unwrap();
            let numbered = (0..count).map(|i| (text.replace("{}", &i.to_string()), i));
            match how.as_str() {
                "$repeat" => return Self::Text(text.repeat(count.try_into().unwrap())),
                "$items" => {
                    return Self::List(numbered.map(|(it, _)| Self::Text(it)).collect());
                }
                "$fields" => {
                    let field = |(key, i): (String, u64)| (key, Self::Number(i.into()));
                    return Self::Object(numbered.map(field).collect());
                }
                _ => {}
            }
        }
        Self::Object(fields.into_iter().map(|(key, value)| (key, value.in_full())).collect())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(fields) => {
                serializer.collect_map(fields.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}

impl<'a> Deserialize<'a> for Json {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'a> Visitor<'a> for Reader {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
                Ok(Json::Bool(flag))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
                Ok(Json::Number(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
                Ok(Json::Number(Number::from_f64(number).unwrap()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'a>>(self, mut entries: A) -> Result<Json, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = entries.next_entry()? {
                    fields.push(field);
                }
                Ok(Json::Object(fields))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}
