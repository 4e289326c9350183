//! Values of options that go by name.

/// The value of an option that goes by name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OptionValue {
    /// True or false.
    Bool(bool),
    /// A whole number; also the number of an enum's value.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text; also the name of an enum's value, and the items of a list with commas between them.
    Text(String),
}

macro_rules! from {
    ($($type:ty => $case:ident),*) => {$(
        impl From<$type> for OptionValue {
            fn from(value: $type) -> Self {
                OptionValue::$case(value.into())
            }
        }
    )*};
}

from!(bool => Bool, i32 => Int, i64 => Int, u32 => Int, f32 => Float, f64 => Float, &str => Text, String => Text);
