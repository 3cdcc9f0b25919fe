//! Facts become page text. Pure: the same facts give the same text, and what people wrote stays.

pub mod encode;
