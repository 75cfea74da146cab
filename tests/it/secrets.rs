//! The secret: the forms of its value, and how long it is good for.

mod age;
mod outage;
mod value;
