//! Decodes a [`Node`] tree as `serde_yaml` would, with errors that know the way to the node they are about.
//!
//! Used only after `serde_yaml` has refused a text, to find out all that is wrong with it. Errors never hold what the
//! file says, so that a secret in the wrong place is not repeated; whoever renders them looks at the node.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};

use super::node::{Entry, Kind, Node};

/// One step of the way from the root to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// What is wrong with a node.
#[derive(Debug)]
pub(super) enum Wrong {
    UnknownKey { key: String, known: &'static [&'static str] },
    Missing(&'static str),
    NotOneOf(&'static [&'static str]),
    Expected(String),
    BadKey(String),
    Said(String),
}

/// Something wrong, and the way to it, innermost step first.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) way_up: Vec<Step>,
    pub(super) wrong: Wrong,
}

impl Mistake {
    fn new(wrong: Wrong) -> Self {
        Self { way_up: Vec::new(), wrong }
    }

    fn under(mut self, step: Step) -> Self {
        self.way_up.push(step);
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.wrong)
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(Wrong::Said(text.to_string()))
    }

    fn invalid_type(_: Unexpected, expected: &dyn Expected) -> Self {
        Self::new(Wrong::Expected(expected.to_string()))
    }

    fn invalid_value(_: Unexpected, expected: &dyn Expected) -> Self {
        Self::new(Wrong::Expected(expected.to_string()))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(Wrong::Expected(expected.to_string()))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::new(Wrong::NotOneOf(known))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(Wrong::UnknownKey { key: key.to_owned(), known })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Wrong::Missing(key))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::new(Wrong::Said(format!("the key `{key}` is written twice")))
    }
}

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Like YAML's core schema: decimal, `0x`, `0o`, with a sign.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        Some("0b") => (&digits[2..], 2),
        _ => (digits, 10),
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit())
        || (radix == 10 && digits.len() > 1 && digits.starts_with('0'))
    {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

fn float(text: &str) -> Option<f64> {
    match text.trim_start_matches(['+', '-']) {
        ".inf" | ".Inf" | ".INF" => {
            Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY })
        }
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        rest if rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok(),
        _ => None,
    }
}

fn visit_integer<'de, V: Visitor<'de>>(value: i128, text: &'de str, visitor: V) -> Result<V::Value, Mistake> {
    if let Ok(value) = u64::try_from(value) {
        visitor.visit_u64(value)
    } else if let Ok(value) = i64::try_from(value) {
        visitor.visit_i64(value)
    } else {
        visitor.visit_borrowed_str(text)
    }
}

/// A node is of another kind than what is asked for.
fn unlike(expected: &dyn Expected) -> Mistake {
    de::Error::invalid_type(Unexpected::Other("another kind"), expected)
}

impl Node {
    fn number<'de, V: Visitor<'de>>(&'de self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.kind {
            Kind::Scalar { text, plain: true } => match integer(text) {
                Some(value) => visit_integer(value, text, visitor),
                None => visitor.visit_borrowed_str(text),
            },
            Kind::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            _ => Err(unlike(&visitor)),
        }
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            self.number(visitor)
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            match &self.kind {
                Kind::Scalar { text, .. } => visitor.visit_borrowed_str(text),
                _ => Err(unlike(&visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.kind {
            Kind::Scalar { text, plain: false } => visitor.visit_borrowed_str(text),
            Kind::Scalar { text, .. } if is_null(text) => visitor.visit_unit(),
            Kind::Scalar { text, .. } => {
                if let Some(value) = boolean(text) {
                    visitor.visit_bool(value)
                } else if let Some(value) = integer(text) {
                    visit_integer(value, text, visitor)
                } else if let Some(value) = float(text) {
                    visitor.visit_f64(value)
                } else {
                    visitor.visit_borrowed_str(text)
                }
            }
            Kind::List(list) => visitor.visit_seq(List { rest: list.iter().enumerate() }),
            Kind::Map(entries) => visitor.visit_map(Map { rest: entries.iter(), value: None }),
            Kind::Pruned | Kind::Gone => visitor.visit_unit(),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.kind {
            Kind::Scalar { text, plain: true } => match boolean(text) {
                Some(value) => visitor.visit_bool(value),
                None => visitor.visit_borrowed_str(text),
            },
            Kind::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            _ => Err(unlike(&visitor)),
        }
    }

    numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.kind {
            Kind::Scalar { text, plain: true } => match float(text) {
                Some(value) => visitor.visit_f64(value),
                None => visitor.visit_borrowed_str(text),
            },
            Kind::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            _ => Err(unlike(&visitor)),
        }
    }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier deserialize_bytes
    deserialize_byte_buf }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.kind {
            Kind::Scalar { text, plain: true } if is_null(text) && self.tag.is_none() => visitor.visit_none(),
            Kind::Pruned | Kind::Gone => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.kind {
            Kind::Scalar { text, plain: true } if text.is_empty() => {
                visitor.visit_seq(List { rest: [].iter().enumerate() })
            }
            Kind::List(_) => self.deserialize_any(visitor),
            _ => Err(unlike(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.kind {
            Kind::Scalar { text, plain: true } if text.is_empty() => {
                visitor.visit_map(Map { rest: [].iter(), value: None })
            }
            Kind::Map(_) => self.deserialize_any(visitor),
            _ => Err(unlike(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match (&self.tag, &self.kind) {
            (Some(tag), _) => visitor.visit_enum(Variant { name: tag, content: Some(self) }),
            (None, Kind::Scalar { text, .. }) => visitor.visit_enum(Variant { name: text, content: None }),
            _ => Err(Mistake::new(Wrong::NotOneOf(known))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }
}

struct List<'de> {
    rest: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> SeqAccess<'de> for List<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mistake> {
        let Some((index, node)) = self.rest.find(|(_, node)| !matches!(node.kind, Kind::Gone)) else {
            return Ok(None);
        };
        seed.deserialize(node).map(Some).map_err(|mistake| mistake.under(Step::Index(index)))
    }
}

struct Map<'de> {
    rest: std::slice::Iter<'de, Entry>,
    value: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Map<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mistake> {
        let present = |entry: &&Entry| !matches!(entry.value.kind, Kind::Pruned | Kind::Gone);
        let Some(entry) = self.rest.find(present) else { return Ok(None) };
        self.value = Some(entry);
        seed.deserialize(&entry.key_node).map(Some).map_err(|mut mistake| {
            mistake.wrong = match mistake.wrong {
                Wrong::Expected(what) => Wrong::BadKey(what),
                wrong => wrong,
            };
            mistake.under(Step::Key(entry.key.clone()))
        })
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Mistake> {
        let Some(entry) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(&entry.value).map_err(|mistake| mistake.under(Step::Key(entry.key.clone())))
    }
}

struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Mistake;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Mistake> {
        let name: StrDeserializer<'_, Mistake> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Mistake;

    fn unit_variant(self) -> Result<(), Mistake> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mistake> {
        match self.content {
            Some(node) => seed.deserialize(node),
            None => Err(Mistake::new(Wrong::Said(format!("needs a value: `!{} ...`", self.name)))),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mistake> {
        match self.content {
            Some(node) => node.deserialize_seq(visitor),
            None => Err(Mistake::new(Wrong::Said(format!("needs a list: `!{} [...]`", self.name)))),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match self.content {
            Some(node) => node.deserialize_map(visitor),
            None => Err(Mistake::new(Wrong::Said(format!("needs keys: `!{} {{...}}`", self.name)))),
        }
    }
}
