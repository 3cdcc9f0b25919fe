//! One encoder for each place in wikitext a value can go to.
