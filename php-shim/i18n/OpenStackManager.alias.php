<?php
/** Names of the special pages. */

$specialPageAliases = [];

/** English (English) */
$specialPageAliases['en'] = [
	'NovaInstance' => [ 'NovaInstance' ],
	'NovaLink' => [ 'NovaLink' ],
	'NovaOperations' => [ 'NovaOperations' ],
	'NovaProject' => [ 'NovaProject' ],
];
