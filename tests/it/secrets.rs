//! The secret: the valid forms of its value, and how long the function may use it.

mod age;
mod outage;
mod value;
