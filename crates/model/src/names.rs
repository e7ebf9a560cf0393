//! Values that have one name in flags and files.

/// Implements Display and `FromStr` by one table of names, the ones in flags and files.
macro_rules! names {
    ($type:ty, $what:literal, $($name:literal => $variant:expr),+) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $(if *self == $variant { return f.write_str($name); })+
                Ok(())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::Error;

            fn from_str(text: &str) -> $crate::Result<Self> {
                match text {
                    $($name => Ok($variant),)+
                    _ => Err($crate::Error::Spec(format!("unknown {} `{text}`: one of {}", $what, [$($name),+].join(", ")))),
                }
            }
        }
    };
}
pub(crate) use names;
