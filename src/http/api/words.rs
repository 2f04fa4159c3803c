//! The words that stand for something in the answers, described as the lists that the rules have of them.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::mrr::{Cause, Class, Grade, Kind, Motion};
use crate::report::{Classes, Kinds};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident of $of:expr, $text:literal;)+) => { $(
        $(#[$doc])*
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = $of.iter().map(|word| word.as_str());
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($text))
                    .enum_values(Some(words))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )+ };
}

words! {
    /// What happened to the customer.
    ClassWord of Class::ALL, "What happened to the customer.";
    /// What happened to the item.
    KindWord of Kind::ALL, "What happened to the item.";
    /// A class, or classes that a figure puts together.
    ClassesWord of Classes::ALL, "What happened to the customer; `net_expansion` is expansion, contraction and churn.";
    /// A kind, or kinds that a figure puts together.
    KindsWord of Kinds::ALL, "What happened to the item; `core` is upsell, cross-sell, seat and usage.";
    /// Why.
    CauseWord of Cause::ALL, "Why.";
    /// Who moved.
    MotionWord of Motion::ALL, "Who moved: the customer on purpose, use, or nobody knows.";
    /// How good the evidence is.
    GradeWord of Grade::ALL, "How good the evidence is.";
}
