//! The last look at what is written: a number that is not finite is found and named, before JSON makes `null` of it.

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::{Error, Result};

/// The JSON text of `numbers` for the file `what`, with a line end.
///
/// # Errors
/// When a number is not finite: it would be `null`, which nobody can read back.
pub fn json_text(what: &str, numbers: &impl Serialize) -> Result<String> {
    refuse_non_finite(what, numbers)?;
    let text = serde_json::to_string_pretty(numbers);
    let text = text.map_err(|error| Error::Output { what: what.into(), reason: error.to_string() })?;
    Ok(text + "\n")
}

/// Refuses what holds a number that is not finite; `what` is the file it was to be written to.
///
/// # Errors
/// When there is one, with its place in the file.
pub fn refuse_non_finite(what: &str, numbers: &impl Serialize) -> Result<()> {
    numbers.serialize(&mut Finder { path: Vec::new() }).map_err(|Found(place)| Error::Output {
        what: what.to_owned(),
        reason: format!("{place}: no result holds such a number (a shorter run or more trajectories may have one)"),
    })
}

/// Goes through all that is serialised and keeps the way to where it is.
struct Finder {
    path: Vec<String>,
}

/// Where a number is not finite, and what it is.
#[derive(Debug)]
struct Found(String);

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Found {}

impl serde::ser::Error for Found {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl Finder {
    fn at(&mut self, name: impl Into<String>, value: &(impl Serialize + ?Sized)) -> std::result::Result<(), Found> {
        self.path.push(name.into());
        value.serialize(&mut *self)?;
        self.path.pop();
        Ok(())
    }
}

/// Inside a list or a table: where, and how many items there were.
struct Inside<'a> {
    finder: &'a mut Finder,
    index: usize,
    key: String,
}

impl<'a> Inside<'a> {
    fn of(finder: &'a mut Finder) -> std::result::Result<Self, Found> {
        Ok(Self { finder, index: 0, key: String::new() })
    }

    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> std::result::Result<(), Found> {
        self.index += 1;
        self.finder.at((self.index - 1).to_string(), value)
    }
}

macro_rules! nothing_to_find {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, _: $type) -> std::result::Result<(), Found> { Ok(()) })*
    };
}

impl<'a> Serializer for &'a mut Finder {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Inside<'a>;
    type SerializeTupleStruct = Inside<'a>;
    type SerializeTupleVariant = Inside<'a>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = Inside<'a>;

    nothing_to_find!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_u8: u8,
        serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char, serialize_str: &str,
        serialize_bytes: &[u8], serialize_unit_struct: &'static str
    );

    fn serialize_f32(self, value: f32) -> std::result::Result<(), Found> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> std::result::Result<(), Found> {
        if value.is_finite() { Ok(()) } else { Err(Found::custom(format!("{} is {value}", self.path.join(".")))) }
    }

    fn serialize_none(self) -> std::result::Result<(), Found> {
        Ok(())
    }

    fn serialize_unit(self) -> std::result::Result<(), Found> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> std::result::Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> std::result::Result<(), Found> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> std::result::Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> std::result::Result<(), Found> {
        self.at(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> std::result::Result<Inside<'a>, Found> {
        Inside::of(self)
    }

    fn serialize_tuple(self, _: usize) -> std::result::Result<Inside<'a>, Found> {
        Inside::of(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> std::result::Result<Inside<'a>, Found> {
        Inside::of(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> std::result::Result<Inside<'a>, Found> {
        Inside::of(self)
    }

    fn serialize_map(self, _: Option<usize>) -> std::result::Result<Inside<'a>, Found> {
        Inside::of(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> std::result::Result<Inside<'a>, Found> {
        Inside::of(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> std::result::Result<Inside<'a>, Found> {
        Inside::of(self)
    }
}

macro_rules! list {
    ($($list:ident: $method:ident),*) => {
        $(impl $list for Inside<'_> {
            type Ok = ();
            type Error = Found;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> std::result::Result<(), Found> {
                self.item(value)
            }

            fn end(self) -> std::result::Result<(), Found> {
                Ok(())
            }
        })*
    };
}

list!(
    SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

macro_rules! table {
    ($($table:ident),*) => {
        $(impl $table for Inside<'_> {
            type Ok = ();
            type Error = Found;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> std::result::Result<(), Found> {
                self.finder.at(name, value)
            }

            fn end(self) -> std::result::Result<(), Found> {
                Ok(())
            }
        })*
    };
}

table!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Found;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> std::result::Result<(), Found> {
        let shown = serde_json::to_value(key).unwrap_or_default();
        self.key = shown.as_str().map_or_else(|| shown.to_string(), str::to_owned);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> std::result::Result<(), Found> {
        let key = std::mem::take(&mut self.key);
        self.finder.at(key, value)
    }

    fn end(self) -> std::result::Result<(), Found> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(serde::Serialize)]
    struct Curve {
        mean: Vec<f64>,
        error: Option<f64>,
    }

    #[test]
    fn a_number_that_is_not_finite_is_named() {
        let refused = |mean: [f64; 3], error: Option<f64>| {
            let curves = BTreeMap::from([("number", Curve { mean: mean.to_vec(), error })]);
            refuse_non_finite("summary.json", &curves).err().map(|error| error.to_string())
        };
        assert_eq!(refused([0.0, -1e300, 5e-324], None), None);
        let named = |found: Option<String>, place: &str| found.is_some_and(|text| text.contains(place));
        assert!(named(refused([0.0, f64::NAN, 1.0], None), "cannot write summary.json: number.mean.1 is NaN"));
        assert!(named(refused([0.0; 3], Some(f64::NEG_INFINITY)), "number.error is -inf"));
    }
}
