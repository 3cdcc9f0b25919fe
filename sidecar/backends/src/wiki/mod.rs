//! MediaWiki, through api.php.
