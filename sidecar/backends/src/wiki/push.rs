//! Templates, categories and schema pages that come with this program.
