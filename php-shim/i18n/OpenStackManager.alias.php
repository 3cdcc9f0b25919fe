<?php
/** Names of the special pages. */

$specialPageAliases = [];

/** English (English) */
$specialPageAliases['en'] = [
	'NovaDrift' => [ 'NovaDrift' ],
	'NovaInstance' => [ 'NovaInstance' ],
	'NovaKey' => [ 'NovaKey' ],
	'NovaLink' => [ 'NovaLink' ],
	'NovaLog' => [ 'NovaLog' ],
	'NovaOperations' => [ 'NovaOperations' ],
	'NovaProject' => [ 'NovaProject' ],
	'NovaRequest' => [ 'NovaRequest' ],
	'NovaResources' => [ 'NovaResources' ],
	'NovaRole' => [ 'NovaRole' ],
	'NovaSudoer' => [ 'NovaSudoer' ],
	'NovaWhy' => [ 'NovaWhy' ],
];
