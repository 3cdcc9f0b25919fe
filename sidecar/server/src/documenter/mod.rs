//! Keeps `page = compose(facts)` true.
