<?php
/** Semantic MediaWiki's parser functions, for wikis without it. */

$magicWords = [];

/** English (English) */
$magicWords['en'] = [
	'openstackmanager-set' => [ 0, 'set' ],
	'openstackmanager-ask' => [ 0, 'ask' ],
	'openstackmanager-show' => [ 0, 'show' ],
];
